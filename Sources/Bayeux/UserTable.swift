// SPDX-License-Identifier: Apache-2.0
import Bytes

/// One `gms_user`: the sessions that receive its events, and the events that none of them has been handed yet.
final class UserRecord: Deadlined {
  let name: [UInt8]
  /// Sessions bound to the user, whether or not they subscribed to `/_genesys`.
  var sessionCount = 0
  /// Sessions that subscribed to `/_genesys`.
  var subscribers: [Session] = []
  fileprivate var backlog: [PersonalMessage] = []
  fileprivate var head = 0
  fileprivate(set) var backlogBytes = 0
  /// When the oldest message kept gets too old.
  fileprivate(set) var deadline = Instant.distantFuture
  var queuedDeadline = Instant.distantFuture

  init(_ name: [UInt8]) { self.name = name }

  var text: String { String(decoding: name, as: UTF8.self) }
  var backlogCount: Int { backlog.count - head }
  var hasBacklog: Bool { backlog.count > head }

  /// What waits for a session to subscribe, oldest first.
  var waiting: ArraySlice<PersonalMessage> { backlog[head...] }

  fileprivate func removeFirst() -> PersonalMessage {
    let message = backlog[head]
    head += 1
    backlogBytes -= message.payload.count
    if head == backlog.count {
      backlog = []
      head = 0
    } else if head >= 64, head * 2 > backlog.count {
      backlog.removeFirst(head)
      head = 0
    }
    return message
  }
}

/// The users of a shard. The backlog outlives the session: it belongs to the user.
struct UserTable {
  private var users: [[UInt8]: UserRecord] = [:]
  private var ages = Deadlines<UserRecord>()
  private(set) var withBacklog = 0
  /// Sequences of messages that nobody will be handed any more, and of those that were.
  var settled: [Int64] = []

  var count: Int { users.count }
  var nextDeadline: Instant? { ages.next }

  func find(_ name: [UInt8]) -> UserRecord? { users[name] }

  mutating func findOrAdd(_ name: [UInt8]) -> UserRecord {
    if let user = users[name] { return user }
    let user = UserRecord(name)
    users[name] = user
    return user
  }

  /// Forgets a user of whom nothing is left to know.
  mutating func release(_ user: UserRecord) {
    if user.sessionCount == 0, !user.hasBacklog { users[user.name] = nil }
  }

  /// Keeps `message` until a session has been handed it.
  mutating func keep(
    _ message: PersonalMessage, for user: UserRecord, limits: BayeuxLimits, counters: inout BrokerCounters
  ) {
    counters.personalAccepted += 1
    settle(user, counters: &counters)
    if !user.hasBacklog {
      guard withBacklog < limits.maxBacklogUsers || !user.subscribers.isEmpty else {
        counters.personalDroppedUsers += 1
        report(message)
        return
      }
      withBacklog += 1
    }
    user.backlog.append(message)
    user.backlogBytes += message.payload.count
    counters.personalWaiting += 1
    if user.subscribers.isEmpty { bound(user, limits: limits, counters: &counters) }
  }

  /// Applies the bounds to the backlog of a user without subscribed session; one with a session is bounded by its queue.
  /// What has to give way is counted.
  mutating func bound(_ user: UserRecord, limits: BayeuxLimits, counters: inout BrokerCounters) {
    settle(user, counters: &counters)
    while user.backlogCount > limits.maxBacklogMessages || user.backlogBytes > limits.maxBacklogBytes {
      let isTooMany = user.backlogCount > limits.maxBacklogMessages
      let message = user.removeFirst()
      if message.isHandedOver {
        counters.personalDelivered += 1
      } else if isTooMany {
        counters.personalDroppedFull += 1
      } else {
        counters.personalDroppedBytes += 1
      }
      report(message)
      counters.personalWaiting -= 1
      settleEmpty(user)
    }
    guard user.hasBacklog else { return }
    user.deadline = user.backlog[user.head].arrival + limits.maxBacklogAge
    ages.note(user)
    ages.compact(live: withBacklog)
  }

  /// Takes what has been handed over off the front.
  mutating func settle(_ user: UserRecord, counters: inout BrokerCounters) {
    guard user.hasBacklog else { return }
    while user.hasBacklog, user.backlog[user.head].isHandedOver {
      report(user.removeFirst())
      counters.personalWaiting -= 1
      counters.personalDelivered += 1
    }
    settleEmpty(user)
  }

  /// Has the journal forget a message that is handed over or given up.
  mutating func report(_ message: PersonalMessage) {
    guard message.origin.sequence != 0, !message.isReported else { return }
    message.isReported = true
    settled.append(message.origin.sequence)
  }

  private mutating func settleEmpty(_ user: UserRecord) {
    guard !user.hasBacklog else { return }
    withBacklog -= 1
    user.deadline = .distantFuture
  }

  /// Drops what is older than `limits` allow at `now`, of every user who is due.
  mutating func expire(at now: Instant, limits: BayeuxLimits, counters: inout BrokerCounters) {
    while let user = ages.popDue(at: now) {
      settle(user, counters: &counters)
      while user.subscribers.isEmpty, user.hasBacklog,
        user.backlog[user.head].arrival + limits.maxBacklogAge <= now
      {
        let message = user.removeFirst()
        counters.personalWaiting -= 1
        counters.personalDelivered += message.isHandedOver ? 1 : 0
        counters.personalExpired += message.isHandedOver ? 0 : 1
        report(message)
        settleEmpty(user)
      }
      user.deadline = .distantFuture
      if user.subscribers.isEmpty { bound(user, limits: limits, counters: &counters) }
      release(user)
    }
  }
}
