// SPDX-License-Identifier: Apache-2.0
import Bytes

/// A token bucket that holds one moment: how far ahead of time its user has come (the generic cell rate algorithm,
/// ITU-T I.371 annex A). It fills at a steady rate and holds one second's worth.
struct Pace: Equatable {
  private var paidUntil = Instant(nanoseconds: .min)

  /// Takes one token; false, and nothing is taken, where there is none at `now`.
  mutating func take(perSecond rate: Int, at now: Instant) -> Bool {
    let share = Self.share(of: rate)
    let start = max(paidUntil, now)
    guard start + share - now <= share * rate else { return false }
    paidUntil = start + share
    return true
  }

  /// Whether it is as full as a new one.
  func isFull(at now: Instant) -> Bool { paidUntil <= now }

  private static func share(of rate: Int) -> Duration { .nanoseconds(1_000_000_000 / max(1, rate)) }
}
