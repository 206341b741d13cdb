// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Glibc
import Reactor

/// Runs the bodies of tests on threads of their own: they wait on sockets, and would otherwise block the pool on which
/// the chat service of the broker under test has to run.
final class TestThreads: TaskExecutor {
  static let shared = TestThreads()

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    Self.run { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }

  /// Runs `body` on a thread of its own, where it may block.
  static func run(_ body: @escaping @Sendable () -> Void) {
    do {
      _ = try LoopThread.start(name: "test", body)
    } catch {
      preconditionFailure("no thread for a test: \(error)")
    }
  }
}

/// Lets a few tests in at a time. All of them at once would measure the machine and not the broker.
actor Turnstile {
  static let brokers = Turnstile(width: 4)

  private var free: Int
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(width: Int) { free = width }

  func enter() async {
    if free > 0 {
      free -= 1
    } else {
      await withCheckedContinuation { waiting.append($0) }
    }
  }

  func leave() {
    if waiting.isEmpty {
      free += 1
    } else {
      waiting.removeFirst().resume()
    }
  }
}

/// A door that one thread waits at and another opens; for closures that the broker calls on its loop.
final class Gate: Sendable {
  private let semaphore = DispatchSemaphore(value: 0)

  /// Lets everybody through from now on.
  func open() { semaphore.signal() }

  /// Returns once the gate is open; false where that takes longer than a test may.
  @discardableResult
  func wait() -> Bool {
    let isOpen = semaphore.wait(timeout: .now() + .milliseconds(Patience.milliseconds)) == .success
    if isOpen { semaphore.signal() }
    return isOpen
  }
}

/// How long a test waits for what must come. Only a failing test waits that long.
enum Patience {
  static let milliseconds = 20_000
  static let duration = Duration.milliseconds(milliseconds)
}

/// Asks until `condition` holds.
///
/// - Returns: false where that takes longer than a test may.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
  let deadline = ContinuousClock.now + Patience.duration
  while ContinuousClock.now < deadline {
    if try condition() { return true }
    sched_yield()
  }
  return try condition()
}
