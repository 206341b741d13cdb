// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes

/// What full queues cost, told at most once a minute: it happens most when there is no time for logging.
struct LossReport {
  static let pause = Duration.seconds(60)

  private var reported = BrokerCounters()
  private var nextLine = Instant(nanoseconds: .min)

  /// What to log now; nil for nothing. The first loss is told at once, later ones together.
  mutating func line(for counters: BrokerCounters, at now: Instant) -> String? {
    let messages = counters.lostToFullQueues - reported.lostToFullQueues
    guard messages > 0, now >= nextLine else { return nil }
    let sessions =
      counters.sessionsOverflowed + counters.sessionsShed - reported.sessionsOverflowed - reported.sessionsShed
    reported = counters
    nextLine = now + Self.pause
    return "\(messages) messages, \(sessions) sessions"
  }
}
