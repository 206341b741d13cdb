// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A value under a lock, with a condition to wait for.
///
/// `@unchecked Sendable` because the value is only touched between lock and unlock; `Mutex` has nothing to wait on.
final class Monitor<Value>: @unchecked Sendable {
  private let condition = NSCondition()
  private var value: Value

  init(_ value: sending Value) { self.value = value }

  func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    condition.lock()
    defer { condition.unlock() }
    return try body(&value)
  }

  /// The same, and then wakes whoever waits.
  func change<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    condition.lock()
    defer {
      condition.broadcast()
      condition.unlock()
    }
    return try body(&value)
  }

  /// Waits until `take` yields something.
  ///
  /// - Parameter deadline: when to ask `take` again at the latest although nobody changed anything; nil for never.
  func wait<Result>(_ take: (inout Value) -> Result?, until deadline: (Value) -> Date?) -> Result {
    condition.lock()
    defer { condition.unlock() }
    while true {
      if let result = take(&value) { return result }
      if let deadline = deadline(value) { _ = condition.wait(until: deadline) } else { condition.wait() }
    }
  }
}
