// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import LoadTest

@Suite struct LedgerTests {
  @Test func inOrderNothingIsWrong() {
    var ledger = StreamLedger()
    for number in 0..<100 {
      let arrival = ledger.arrived(UInt32(number))
      #expect(arrival == .fresh(outOfOrder: false))
    }
    #expect(ledger.received(of: 100) == 100)
    #expect(ledger.received(of: 60) == 60)
    #expect(ledger.received(of: 120) == 100)
  }

  @Test func whatComesTwiceIsADuplicateBeforeAndBehindAGap() {
    var ledger = StreamLedger()
    _ = ledger.arrived(0)
    _ = ledger.arrived(5)
    let again = [ledger.arrived(0), ledger.arrived(5)]
    #expect(again == [.duplicate, .duplicate])
    #expect(ledger.received(of: 6) == 2)
  }

  @Test func whatFillsAGapIsOutOfOrder() {
    var ledger = StreamLedger()
    var arrivals: [Arrival] = []
    for number in [0, 3, 1, 2, 4] as [UInt32] { arrivals.append(ledger.arrived(number)) }
    #expect(
      arrivals == [
        .fresh(outOfOrder: false), .fresh(outOfOrder: false), .fresh(outOfOrder: true), .fresh(outOfOrder: true),
        .fresh(outOfOrder: false),
      ])
    #expect(ledger.contiguous == 5)
  }

  /// Against sets, which cannot be wrong about it.
  @Test(arguments: 0..<50) func anyOrderIsCountedAsByASet(seed: Int) {
    var random = SplitMix(state: UInt64(seed))
    var ledger = StreamLedger()
    var seen: Set<UInt32> = []
    for _ in 0..<400 {
      let number = UInt32.random(in: 0..<150, using: &random)
      let isFresh = seen.insert(number).inserted
      let isLate = isFresh && seen.contains { $0 > number }
      let expected: Arrival = isFresh ? .fresh(outOfOrder: isLate) : .duplicate
      let arrival = ledger.arrived(number)
      #expect(arrival == expected)
    }
    for published in [0, 1, 75, 149, 150, 400] as [UInt32] {
      #expect(ledger.received(of: published) == seen.count { $0 < published })
    }
  }

  @Test func aMessageForSomebodyElseIsMisdelivered() {
    var ledger = ClientLedger(destinations: [3, 8], publishers: 2)
    func marker(_ destination: UInt32, _ publisher: UInt16) -> Marker {
      Marker(run: 1, publisher: publisher, destination: destination, sequence: 0, intended: Instant(nanoseconds: 0))
    }
    let arrivals = [(8, 1), (8, 0), (8, 1), (4, 1), (3, 2)].map { ledger.arrived(marker(UInt32($0.0), UInt16($0.1))) }
    #expect(arrivals == [.fresh(outOfOrder: false), .fresh(outOfOrder: false), .duplicate, nil, nil])
    #expect(ledger.lost { publisher, destination in destination == 3 ? 4 : 1 } == 8)
  }
}

/// A small generator of repeatable numbers.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}
