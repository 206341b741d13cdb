// SPDX-License-Identifier: Apache-2.0
internal import CLibevent
import Synchronization

/// Calls back on the loop when the process gets one of some signals, in place of what they would do.
///
/// libevent can give signals to one loop of a process at a time, so a second one is refused. It stops when released.
public final class SignalSource {
  private struct Owner {
    var loop: ObjectIdentifier
    var sources = 1
  }
  private static let owner = Mutex<Owner?>(nil)

  private let loop: EventLoop
  private var watches: [Watch] = []
  private let receive: (Int32) -> Void

  /// - Parameters:
  ///   - signals: SIGTERM, SIGINT, SIGHUP and the like.
  ///   - receive: gets the signal's number, on the thread of the loop.
  /// - Throws: ``ReactorError/signalsTaken``; ``ReactorError/cannotWatch(_:)`` for what cannot be caught (SIGKILL).
  public init(on loop: EventLoop, signals: [Int32], _ receive: @escaping (Int32) -> Void) throws(ReactorError) {
    try Self.claim(for: loop)
    self.loop = loop
    self.receive = receive
    // Where it throws, deinit frees what there is by then.
    for signal in signals {
      let watch = Watch(loop, signal, EV_SIGNAL | EV_PERSIST, context: self) { signal, _, context in
        Watch.target(context, SignalSource.self).receive(signal)
      }
      watches.append(watch)
      try watch.start()
    }
  }

  deinit {
    for watch in watches { watch.free() }
    Self.owner.withLock { owner in
      owner?.sources -= 1
      if owner?.sources == 0 { owner = nil }
    }
  }

  private static func claim(for loop: EventLoop) throws(ReactorError) {
    try owner.withLock { owner throws(ReactorError) in
      guard let current = owner else {
        owner = Owner(loop: ObjectIdentifier(loop))
        return
      }
      guard current.loop == ObjectIdentifier(loop) else { throw .signalsTaken }
      owner?.sources += 1
    }
  }
}
