// SPDX-License-Identifier: Apache-2.0
public import Bytes
internal import CLibevent

/// Calls back once, at or after a moment; can be scheduled again, also by its own callback.
///
/// It fires in the first turn whose ``EventLoop/now`` has reached the deadline, never before. The kernel wakes the loop
/// with the resolution of its coarse clock, some milliseconds; two deadlines closer than that may fire in either order.
/// It is dead once cancelled or released: it does not keep itself alive, and its callback may release it.
public final class Timer {
  /// When it will fire; nil where it is not scheduled.
  public private(set) var deadline: Instant?

  private let loop: EventLoop
  private var watch: Watch!
  private let fire: () -> Void
  /// When the kernel wakes us, which may be earlier than the deadline: moving a deadline back, the common case for a
  /// queue of deadlines, then costs nothing.
  private var armed: Instant?

  /// - Parameter fire: called on the loop's thread. It must not hold the timer's owner strongly, or neither ever goes.
  public init(on loop: EventLoop, _ fire: @escaping () -> Void) {
    self.loop = loop
    self.fire = fire
    watch = Watch(loop, -1, 0, context: self) { _, _, context in Watch.target(context, Timer.self).wake() }
  }

  deinit { watch.free() }

  /// Sets the moment, in place of an earlier one. A moment that has passed means the next turn;
  /// ``Bytes/Instant/distantFuture`` means never, as ``cancel()`` does.
  public func schedule(at moment: Instant) {
    guard moment < .distantFuture else { return cancel() }
    deadline = moment
    if let armed, armed <= moment { return }
    arm(for: moment)
  }

  public func cancel() {
    deadline = nil
    guard armed != nil else { return }
    armed = nil
    watch.stop()
  }

  private func arm(for moment: Instant) {
    armed = moment
    watch.start(after: min(moment - loop.now, ReactorLimits.longestWait))
  }

  private func wake() {
    armed = nil
    guard let deadline else { return }
    if loop.now < deadline { return arm(for: deadline) }
    self.deadline = nil
    fire()
  }
}
