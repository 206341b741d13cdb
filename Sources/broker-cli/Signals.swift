// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// SIGTERM and SIGINT as events of one thread, so that nothing runs inside of a signal handler.
enum Signals {
  /// How long a graceful end may take, from the first signal to the exit, before it is cut short.
  /// Just under 5 s, so that whoever waits that long before SIGKILL never needs it.
  static let endWithin: Duration = .milliseconds(4_800)

  /// Blocks the signals that end a process in this thread and all it will create, and ignores SIGPIPE: a peer that is
  /// gone is an error of one write.
  static func block() {
    var signals = endingSignals()
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    _ = signal(SIGPIPE, SIG_IGN)
  }

  /// Starts the thread that waits for a signal; its number is the one element of the stream. A second signal, or
  /// ``endWithin`` without an end, ends the process at once.
  ///
  /// - Throws: ``CommandFailure`` where the system has no thread left; nothing could end the process then but SIGKILL.
  static func first() throws(CommandFailure) -> AsyncStream<Int32> {
    let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
    let context = Unmanaged.passRetained(Context(continuation))
    var thread = pthread_t()
    let failure = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Signals.wait(reportingTo: Unmanaged<Context>.fromOpaque(argument).takeRetainedValue().continuation)
        return nil
      }, context.toOpaque())
    guard failure == 0 else {
      context.release()
      throw CommandFailure(status: .failed, message: "no thread for signals: \(String(cString: strerror(failure)))")
    }
    pthread_detach(thread)
    return stream
  }

  private final class Context {
    let continuation: AsyncStream<Int32>.Continuation
    init(_ continuation: AsyncStream<Int32>.Continuation) { self.continuation = continuation }
  }

  private static func wait(reportingTo continuation: AsyncStream<Int32>.Continuation) {
    var signals = endingSignals()
    var number: Int32 = 0
    guard sigwait(&signals, &number) == 0 else { return }
    continuation.yield(number)
    continuation.finish()
    var limit = timespec(
      tv_sec: Int(endWithin.components.seconds), tv_nsec: Int(endWithin.components.attoseconds / 1_000_000_000))
    var second: Int32
    repeat { second = sigtimedwait(&signals, nil, &limit) } while second < 0 && errno == EINTR
    if second > 0 { _exit(128 + second) }
    StandardStream.error.write(line: "error: the server did not end in time after the signal")
    _exit(EndingStatus.failed.rawValue)
  }

  private static func endingSignals() -> sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGTERM)
    sigaddset(&signals, SIGINT)
    return signals
  }
}
