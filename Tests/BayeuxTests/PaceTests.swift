// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

struct PaceTests {
  private let start = Instant(nanoseconds: 1_000_000_000_000)

  @Test(arguments: [1, 2, 3, 1000]) func oneSecondsWorthIsThereAtOnceAndThenItComesBackSteadily(_ rate: Int) {
    var pace = Pace()
    func take(perSecond rate: Int, at now: Instant) -> Bool { pace.take(perSecond: rate, at: now) }
    for _ in 0..<rate { #expect(take(perSecond: rate, at: start)) }
    let share = Duration.nanoseconds(1_000_000_000 / rate)
    #expect(!take(perSecond: rate, at: start))
    #expect(!take(perSecond: rate, at: start + (share - .nanoseconds(1))))
    #expect(take(perSecond: rate, at: start + share))
    #expect(!take(perSecond: rate, at: start + share))
  }

  @Test func itNeverHoldsMoreThanOneSecondsWorth() {
    var pace = Pace()
    func take(perSecond rate: Int, at now: Instant) -> Bool { pace.take(perSecond: rate, at: now) }
    let later = start + .seconds(3600)
    for _ in 0..<3 { #expect(take(perSecond: 3, at: later)) }
    #expect(!take(perSecond: 3, at: later) && !pace.isFull(at: later))
    #expect(pace.isFull(at: later + .seconds(1)))
  }
}
