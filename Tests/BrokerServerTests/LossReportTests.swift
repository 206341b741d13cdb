// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes
import Testing

@testable import BrokerServer

struct LossReportTests {
  @Test func lossesAreToldAtMostOnceAMinute() {
    var report = LossReport()
    var counters = BrokerCounters()
    let start = Instant(nanoseconds: 1)
    func line(after time: Duration) -> String? { report.line(for: counters, at: start + time) }
    #expect(line(after: .zero) == nil)
    counters.droppedOldest = 3
    #expect(line(after: .zero) == "3 messages, 0 sessions")
    counters.droppedNewest = 2
    counters.sessionsOverflowed = 1
    counters.discardedOverflow = 10
    #expect(line(after: .seconds(60) - .nanoseconds(1)) == nil)
    counters.sessionsShed = 1
    counters.discardedShed = 5
    #expect(line(after: .seconds(60)) == "17 messages, 2 sessions")
    #expect(line(after: .seconds(600)) == nil)
  }
}
