// SPDX-License-Identifier: Apache-2.0
public import Bytes
internal import CLibevent
import Glibc

/// Waits for sockets, timers, signals and mailboxes and calls whoever asked, all on one thread.
///
/// Not `Sendable`: the loop and everything registered on it belong to the thread that calls ``run(afterEachTurn:)``, and
/// the only thing that another thread may touch is a ``Mailbox``. What is registered holds the loop, so a loop outlives
/// its connections.
///
/// A turn is: wait, call back all that is due, then `afterEachTurn`. Callbacks change state; the end of the turn is the
/// one place that writes.
public final class EventLoop {
  /// What the end of a turn wants next: to wait, or, with work left over, to look for events without waiting.
  public enum TurnEnd: Sendable { case wait, again }

  /// What every connection of this loop reads into: valid until the next read, so nobody keeps a pointer to it.
  public let readScratch: UnsafeMutableRawBufferPointer

  let base: OpaquePointer
  private var attachments: [Attachment] = []
  /// Listeners that wait for a descriptor. Unretained: a listener takes itself out before it goes.
  private var starved: [Unmanaged<Listener>] = []
  private var timeOfTurn: Instant?
  private var isRunning = false
  private var isStopping = false

  /// libevent writes to standard error unless it is told otherwise. All that it can say there comes back as a failed
  /// call too, and is thrown.
  private static let silence: Void = event_set_log_callback { _, _ in }

  /// - Throws: ``ReactorError/noEventLoop(_:)``, where the process has no descriptor left for epoll.
  public init() throws(ReactorError) {
    _ = Self.silence
    // No lock: one thread alone touches the base. No precise timer: it would cost a timerfd_settime per turn.
    guard let config = event_config_new() else { throw .noEventLoop(ENOMEM) }
    defer { event_config_free(config) }
    event_config_set_flag(config, Int32(EVENT_BASE_FLAG_NOLOCK.rawValue))
    guard let base = event_base_new_with_config(config) else { throw .noEventLoop(errno) }
    self.base = base
    readScratch = .allocate(byteCount: ReactorLimits.readScratchBytes, alignment: 64)
  }

  deinit {
    for attachment in attachments { attachment.free() }
    event_base_free(base)
    readScratch.deallocate()
  }

  /// The monotonic time of this turn: sampled at its first use after the wake-up and the same until the turn ends.
  /// Outside of ``run(afterEachTurn:)`` it is ``clock()``.
  public var now: Instant {
    if let timeOfTurn { return timeOfTurn }
    let moment = Self.clock()
    if isRunning { timeOfTurn = moment }
    return moment
  }

  /// CLOCK_MONOTONIC, asked now.
  public static func clock() -> Instant {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }

  /// Runs turns until ``stop()``; blocks the thread. Returns at once where `stop()` was called before.
  ///
  /// - Parameter afterEachTurn: called when all callbacks of a turn have returned.
  public func run(afterEachTurn: () -> TurnEnd) {
    precondition(!isRunning, "the loop is running already")
    isRunning = true
    var end = TurnEnd.wait
    while !isStopping {
      timeOfTurn = nil
      let waiting = end == .wait ? EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY : EVLOOP_NONBLOCK
      // Fails only where the epoll descriptor was closed behind our back; going on would spin.
      let result = event_base_loop(base, waiting)
      precondition(result >= 0, "the event loop cannot wait any more")
      end = afterEachTurn()
    }
    timeOfTurn = nil
    isRunning = false
    isStopping = false
  }

  /// Makes ``run(afterEachTurn:)`` return when the current turn has ended. For the loop's own thread.
  public func stop() { isStopping = true }

  func own(_ attachment: Attachment) { attachments.append(attachment) }

  func disown(_ attachment: Attachment) {
    attachments.removeAll { $0 === attachment }
    attachment.free()
  }

  func wait(for listener: Listener) { starved.append(.passUnretained(listener)) }

  func stopWaiting(for listener: Listener) {
    let leaving = Unmanaged.passUnretained(listener).toOpaque()
    starved.removeAll { $0.toOpaque() == leaving }
  }

  /// A connection closed its descriptor: whoever could not accept for want of one may try again.
  func descriptorFreed() {
    if starved.isEmpty { return }
    for listener in starved { listener.takeUnretainedValue().descriptorFreed() }
  }
}
