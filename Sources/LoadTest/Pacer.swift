// SPDX-License-Identifier: Apache-2.0
import Bytes
import Glibc
import Reactor
import Synchronization

/// Wakes a loop at the moments of a schedule, to some ten microseconds.
///
/// The loop's own timers have the resolution of the kernel's coarse clock, milliseconds, which would be taken for the
/// server's latency. A thread that sleeps on the precise clock costs a few microseconds for each wake-up instead.
final class Pacer: Sendable {
  private let state: State
  private let thread: LoopThread

  /// - Parameters:
  ///   - interval: between two ticks; those which the loop misses come as one.
  ///   - mailbox: gets the ticks; already attached to the loop.
  init(from start: Instant, every interval: Duration, to mailbox: Mailbox<Void>) throws(ReactorError) {
    let state = State(mailbox)
    self.state = state
    thread = try LoopThread.start(name: "pacer") {
      var next = start
      while state.isRunning.load(ordering: .relaxed) {
        var time = timespec(
          tv_sec: Int(next.nanoseconds / 1_000_000_000), tv_nsec: Int(next.nanoseconds % 1_000_000_000))
        while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
        guard state.mailbox.post(()) else { return }
        next = max(next + interval, EventLoop.clock())
      }
    }
  }

  private final class State: Sendable {
    let isRunning = Atomic(true)
    let mailbox: Mailbox<Void>
    init(_ mailbox: Mailbox<Void>) { self.mailbox = mailbox }
  }

  /// The thread ends after its current sleep.
  func stop() { state.isRunning.store(false, ordering: .relaxed) }
}
