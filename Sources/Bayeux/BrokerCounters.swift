// SPDX-License-Identifier: Apache-2.0

/// What a broker core has done, for `/metrics` and for tests that balance the books.
///
/// Two ledgers hold at every moment between two calls:
/// `queued = delivered + waiting + discarded… + dropped…` for the queues of sessions, and
/// `personalAccepted = personalDelivered + personalWaiting + personalExpired + personalDropped…` for the users.
public struct BrokerCounters: Sendable, Hashable {
  public var handshakes = 0
  public var handshakesRefused = 0
  public var handshakesWithoutUser = 0
  public var connects = 0
  public var connectsHeld = 0
  public var connectsOvertaken = 0
  public var connectsAbandoned = 0
  public var subscribes = 0
  public var unsubscribes = 0
  public var disconnects = 0
  public var publishes = 0
  public var unknownSessions = 0
  public var userMismatches = 0
  public var refusals = 0
  public var sessionsExpired = 0
  public var sessionsOverflowed = 0
  /// Sessions that ended because all queues of the shard together held too much.
  public var sessionsShed = 0

  /// How often a limit was reached, one counter each; those of queues are among the sessions ended and messages dropped.
  public var limitBatch = 0
  public var limitSessions = 0
  public var limitUserSessions = 0
  public var limitAddressSessions = 0
  public var limitHandshakeRate = 0
  public var limitSubscriptions = 0
  public var limitMessageBytes = 0
  public var limitPublishRate = 0
  public var limitChannelRate = 0
  public var sessionsInactive = 0
  public var sessionsRestored = 0
  public var connectsCrowded = 0
  public var serviceCalls = 0

  /// Publishes that could not be written.
  public var publishesNotKept = 0
  /// Subscriptions that asked for the past, those of them that could not have all of it, and the events they got.
  public var replays = 0
  public var replaysIncomplete = 0
  public var replayed = 0

  public var queued = 0
  public var delivered = 0
  public var waiting = 0
  public var discardedExpired = 0
  public var discardedDisconnected = 0
  public var discardedOverflow = 0
  public var discardedShed = 0
  public var droppedOldest = 0
  public var droppedNewest = 0

  public var personalAccepted = 0
  public var personalDelivered = 0
  public var personalWaiting = 0
  public var personalExpired = 0
  public var personalDroppedFull = 0
  public var personalDroppedBytes = 0
  public var personalDroppedUsers = 0

  public init() {}

  /// What the two ledgers are out of balance by; zero.
  public var imbalance: Int {
    let discarded = discardedExpired + discardedDisconnected + discardedOverflow + discardedShed
    let sessions = queued - delivered - waiting - discarded - droppedOldest - droppedNewest
    let users =
      personalAccepted - personalDelivered - personalWaiting - personalExpired - personalDroppedFull
      - personalDroppedBytes - personalDroppedUsers
    return abs(sessions) + abs(users)
  }

  /// Messages that a full queue cost somebody, with their session or without.
  public var lostToFullQueues: Int { discardedOverflow + discardedShed + droppedOldest + droppedNewest }

  mutating func note(_ error: BayeuxError) {
    switch error {
    case .sessionUnknown: unknownSessions += 1
    case .userMismatch: userMismatches += 1
    case .tooManySessionsOfUser: limitUserSessions += 1
    case .tooManySessionsOfAddress: limitAddressSessions += 1
    case .handshakesTooFast: limitHandshakeRate += 1
    case .tooManySubscriptions: limitSubscriptions += 1
    case .messageTooLarge: limitMessageBytes += 1
    case .publishesTooFast: limitPublishRate += 1
    case .channelTooFast: limitChannelRate += 1
    default: break
    }
  }

  /// Adds the figures of another shard.
  public static func + (left: BrokerCounters, right: BrokerCounters) -> BrokerCounters {
    var sum = left
    for path in all { sum[keyPath: path] += right[keyPath: path] }
    return sum
  }

  private static var all: [WritableKeyPath<BrokerCounters, Int>] {
    [
      \.handshakes, \.handshakesRefused, \.handshakesWithoutUser, \.connects, \.connectsHeld, \.connectsOvertaken,
      \.connectsAbandoned, \.subscribes, \.unsubscribes, \.disconnects, \.publishes, \.unknownSessions,
      \.userMismatches, \.refusals, \.sessionsExpired, \.sessionsOverflowed,
      \.sessionsInactive, \.sessionsRestored, \.connectsCrowded, \.serviceCalls, \.queued, \.delivered, \.waiting,
      \.discardedExpired, \.discardedDisconnected, \.discardedOverflow, \.personalAccepted, \.personalDelivered,
      \.personalWaiting, \.personalExpired, \.personalDroppedFull, \.personalDroppedBytes, \.personalDroppedUsers,
      \.sessionsShed, \.limitBatch, \.limitSessions, \.limitUserSessions, \.limitAddressSessions, \.limitHandshakeRate,
      \.limitSubscriptions, \.limitMessageBytes, \.limitPublishRate, \.limitChannelRate, \.discardedShed,
      \.droppedOldest, \.droppedNewest, \.publishesNotKept, \.replays, \.replaysIncomplete, \.replayed,
    ]
  }
}
