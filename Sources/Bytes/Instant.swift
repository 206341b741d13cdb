// SPDX-License-Identifier: Apache-2.0

/// A moment on the monotonic clock of this process.
///
/// A value, not a clock: whoever decides something is told `now`, so its test runs in zero time.
public struct Instant: Comparable, Hashable, Sendable {
  /// Nanoseconds since an arbitrary origin that does not move while the process lives.
  public var nanoseconds: Int64

  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// Later than every moment that a clock can show; a deadline that never comes.
  public static let distantFuture = Instant(nanoseconds: .max)

  @inlinable public static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

  /// Saturates at ``distantFuture``.
  @inlinable public static func + (left: Instant, right: Duration) -> Instant {
    let (sum, overflow) = left.nanoseconds.addingReportingOverflow(right.wholeNanoseconds)
    return overflow ? .distantFuture : Instant(nanoseconds: sum)
  }

  @inlinable public static func - (left: Instant, right: Instant) -> Duration {
    .nanoseconds(left.nanoseconds - right.nanoseconds)
  }
}

extension Duration {
  /// The whole nanoseconds of this duration, saturating at about 292 years.
  @inlinable public var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    if overflow { return seconds < 0 ? .min : .max }
    let (sum, overflowed) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
    return overflowed ? (seconds < 0 ? .min : .max) : sum
  }

  /// The whole milliseconds of this duration, the unit of every time on the Bayeux wire.
  @inlinable public var wholeMilliseconds: Int64 { wholeNanoseconds / 1_000_000 }
}
