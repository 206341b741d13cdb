// SPDX-License-Identifier: Apache-2.0
internal import CLibevent
import Glibc
import Synchronization

/// A thread with a name, for a loop to run on.
public final class LoopThread: Sendable {
  /// nil once it was joined.
  private let handle: Mutex<pthread_t?>

  private init(_ handle: pthread_t) { self.handle = Mutex(handle) }

  deinit {
    if let handle = handle.withLock({ $0 }) { pthread_detach(handle) }
  }

  /// Starts a thread that runs `body` and ends with it.
  ///
  /// - Parameter name: shown by ps and top, cut to ``ReactorLimits/threadNameBytes``.
  /// - Throws: ``ReactorError/noThread(_:_:)``.
  public static func start(
    name: String, _ body: @escaping @Sendable () -> Void
  ) throws(ReactorError) -> LoopThread {
    try launch(Launch(name: name, body: body))
  }

  /// Starts a thread with an event loop of its own; `body` registers what it needs and runs the loop.
  ///
  /// The loop is made before the thread starts, so that the caller learns of a failure, and goes to the thread whole.
  ///
  /// - Throws: ``ReactorError/noEventLoop(_:)``, ``ReactorError/noThread(_:_:)``.
  public static func start(
    name: String, _ body: @escaping @Sendable (EventLoop) -> Void
  ) throws(ReactorError) -> LoopThread {
    let loop = try EventLoop()
    return try launch(Launch(name: name) { body(loop) })
  }

  /// Waits until the thread has ended. From any other thread; a second call returns at once.
  public func join() {
    let joined = handle.withLock { handle in
      defer { handle = nil }
      return handle
    }
    if let joined { pthread_join(joined, nil) }
  }

  /// What the new thread is given. It passes as a bare pointer, so nothing in it needs to be `Sendable`.
  private final class Launch {
    let name: String
    let body: () -> Void
    init(name: String, body: @escaping () -> Void) {
      self.name = name
      self.body = body
    }
  }

  private static func launch(_ launch: Launch) throws(ReactorError) -> LoopThread {
    var handle = pthread_t()
    let argument = Unmanaged.passRetained(launch)
    let code = pthread_create(
      &handle, nil,
      { argument in
        let launch = Unmanaged<Launch>.fromOpaque(argument.unsafelyUnwrapped).takeRetainedValue()
        pthread_setname_np(pthread_self(), LoopThread.kernelName(launch.name))
        launch.body()
        return nil
      }, argument.toOpaque())
    guard code == 0 else {
      argument.release()
      throw .noThread(launch.name, code)
    }
    return LoopThread(handle)
  }

  /// `name` as long as the kernel takes it, without half a character at its end.
  static func kernelName(_ name: String) -> String {
    var name = name
    while name.utf8.count > ReactorLimits.threadNameBytes { name.removeLast() }
    return name
  }
}
