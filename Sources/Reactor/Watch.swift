// SPDX-License-Identifier: Apache-2.0
import Bytes
internal import CLibevent
import Glibc

/// One libevent event: what the kernel is asked to tell, and whom. The owner frees it exactly once.
///
/// libevent lets a callback stop or free any event, its own and those which are due in the same turn: a freed event is
/// taken out of the queue of due ones and its callback does not come. All of this layer's "may close in a callback"
/// stands on that.
struct Watch {
  private let raw: UnsafeMutablePointer<event>

  /// - Parameters:
  ///   - descriptor: a descriptor; a signal number with `EV_SIGNAL`; -1 for time alone.
  ///   - context: handed to `callback`, unretained; the owner sees to it that it lives as long as the watch.
  init(
    _ loop: EventLoop, _ descriptor: Int32, _ kinds: Int32, context: AnyObject, _ callback: @escaping event_callback_fn
  ) {
    let opaque = Unmanaged.passUnretained(context).toOpaque()
    // Fails only where memory is out, and there the runtime ends the process at the next allocation anyway.
    guard let raw = event_new(loop.base, descriptor, Int16(kinds), callback, opaque) else {
      preconditionFailure("out of memory")
    }
    self.raw = raw
  }

  /// Adds the event, or says why the kernel did not take it.
  func start() throws(ReactorError) {
    if event_add(raw, nil) != 0 { throw .cannotWatch(errno) }
  }

  /// Arms the event to come once after `wait`, in place of an earlier time.
  func start(after wait: Duration) {
    let microseconds = max(0, wait.wholeNanoseconds / 1000)
    var time = timeval(tv_sec: Int(microseconds / 1_000_000), tv_usec: Int(microseconds % 1_000_000))
    // Fails only where memory is out: no system call stands behind it.
    event_add(raw, &time)
  }

  func stop() { event_del(raw) }

  /// Lets the callback come in this turn or the next, whether the event is added or not.
  func activate() { event_active(raw, Int32(EV_TIMEOUT), 1) }

  func free() { event_free(raw) }

  /// The object behind a callback's context, kept alive while the callback runs.
  static func target<Target: AnyObject>(_ context: UnsafeMutableRawPointer?, _: Target.Type = Target.self) -> Target {
    Unmanaged<Target>.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
  }
}
