// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// What is known of a message for a user besides its bytes.
public struct MessageOrigin: Sendable, Hashable {
  /// Its place in the journal; zero for a message that is in memory alone.
  public var sequence: Int64
  /// The service whose chat it tells of; nil for any other message.
  public var service: String?
  /// The transcript position it carries.
  public var position: Int

  public init(sequence: Int64 = 0, service: String? = nil, position: Int = 0) {
    self.sequence = sequence
    self.service = service
    self.position = position
  }
}

/// A client said up to where it has read, and its user lives on another shard.
public struct ReadPosition: Sendable, Hashable {
  public let user: [UInt8]
  public let position: Int
}

extension Broker {
  /// Puts back a message that was kept when the broker ended. Before anybody connects, in order.
  public mutating func restore(_ payload: Payload, to user: [UInt8], as origin: MessageOrigin, arrival: Instant) {
    let record = users.findOrAdd(user)
    users.keep(
      PersonalMessage(payload, at: arrival, origin), for: record, limits: options.limits, counters: &counters)
    users.release(record)
  }

  /// Sequences of messages that were handed over, dropped or expired since the last call: the journal may forget them.
  ///
  /// Those in an answer that its reader has not taken yet are not among them.
  public mutating func takeSettled() -> [Int64] {
    guard !users.settled.isEmpty || !takers.isEmpty else { return [] }
    var settled = users.settled
    users.settled.removeAll(keepingCapacity: true)
    for session in takers where !session.isWriting {
      settled += session.taken
      session.taken = []
    }
    takers.removeAll { $0.taken.isEmpty }
    return settled
  }

  /// The session whose events went into the answer to the last request, if any did.
  public var eventsTakenBy: Session? { lastTaker }

  func note(_ message: PersonalMessage, takenBy session: Session) {
    guard message.origin.sequence != 0, !message.isReported else { return }
    message.isReported = true
    session.taken.append(message.origin.sequence)
  }

  /// Messages of the user's chats up to that position count as handed over: the client has seen them.
  public mutating func markRead(_ read: ReadPosition) {
    guard let user = users.find(read.user) else { return }
    users.markRead(user, through: read.position, counters: &counters)
    users.release(user)
  }

  /// Read positions of clients whose users live on other shards, since the last call.
  public mutating func takeReadPositions() -> [ReadPosition] {
    guard !readPositions.isEmpty else { return [] }
    defer { readPositions.removeAll() }
    return readPositions
  }

  /// Takes `ext.transcriptPosition` of a disconnect (`genesys.md` 3.5): a number, or a string that holds one.
  ///
  /// - Parameter user: of the session or, where that is gone, of the request.
  mutating func takeReadPosition(_ message: Message, _ text: Span<UInt8>, user: [UInt8]) {
    guard !user.isEmpty, let ext = message.ext,
      let value = ExtMember("transcriptPosition", of: ext, in: text)?.value,
      value.kind == .number || value.kind == .string, let position = ASCII.decimal(text.extracting(value.range))
    else { return }
    let read = ReadPosition(user: user, position: position)
    if Self.home(of: user.span, shards: shardCount) == shard { markRead(read) } else { readPositions.append(read) }
  }
}

extension UserTable {
  /// Of the service of the latest chat event alone: positions of different chats do not compare.
  mutating func markRead(_ user: UserRecord, through position: Int, counters: inout BrokerCounters) {
    guard let service = user.waiting.last(where: { $0.origin.service != nil })?.origin.service else { return }
    for message in user.waiting where message.origin.service == service && message.origin.position <= position {
      guard !message.isHandedOver else { continue }
      message.isHandedOver = true
      report(message)
    }
    settle(user, counters: &counters)
  }
}
