// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// SIGTERM and SIGINT as events of one thread, so that nothing runs inside of a signal handler.
enum Signals {
  /// How long a graceful end may take, from the first signal to the exit, before it is cut short.
  static let endWithin: Duration = .seconds(5)

  /// Blocks the signals that end a process in this thread and all it will create, and ignores SIGPIPE: a peer that is
  /// gone is an error of one write.
  static func block() {
    var signals = endingSignals()
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    _ = signal(SIGPIPE, SIG_IGN)
  }

  /// Starts the thread that waits for a signal; its number is the one element of the stream. A second signal, or
  /// ``endWithin`` without an end, ends the process at once.
  static func first() -> AsyncStream<Int32> {
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
    if failure == 0 { pthread_detach(thread) } else { context.release() }
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
    var limit = timespec(tv_sec: Int(endWithin.components.seconds), tv_nsec: 0)
    var second: Int32
    repeat { second = sigtimedwait(&signals, nil, &limit) } while second < 0 && errno == EINTR
    if second > 0 { _exit(128 + second) }
    StandardStream.error.write(line: "error: did not end within \(endWithin.components.seconds) s of the signal")
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
