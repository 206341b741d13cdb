// SPDX-License-Identifier: Apache-2.0
import Bytes

/// Bounds on what comes in.
extension Broker {
  /// Why there can be no further session; nil if there can.
  ///
  /// - Parameter old: the session that the new one takes the place of, which does not count.
  mutating func admit(
    user: Span<UInt8>, origin: RequestOrigin, replacing old: Session?, now: Instant
  ) -> BayeuxError? {
    let limits = options.limits
    let address = origin.address
    if address != 0, !addresses.take(address, perSecond: limits.maxHandshakesPerSecond, at: now) {
      return .handshakesTooFast
    }
    // Both live for a moment, so a slot is needed.
    if sessionCount >= min(limits.maxSessions, 1 << 24) {
      counters.limitSessions += 1
      return .handshakeFailed
    }
    let ownOfAddress = old?.address == address ? 1 : 0
    if address != 0, addresses.sessions(of: address) - ownOfAddress >= limits.maxSessionsPerAddress {
      return .tooManySessionsOfAddress
    }
    let ownOfUser = old == nil ? 0 : 1
    if !user.isEmpty, (users.find(Array(user))?.sessionCount ?? 0) - ownOfUser >= limits.maxSessionsPerUser {
      return .tooManySessionsOfUser
    }
    return deny(handshakeBy: user)
  }

  /// When a client that a limit refused should come again: not at once, and not all at the same moment.
  mutating func pause() -> Advice {
    let least = options.limits.handshakePause.wholeMilliseconds
    let more = Int64.random(in: 0...max(0, least), using: &generator)
    return Advice(reconnect: .retry, interval: .milliseconds(least + more), timeout: nil)
  }

  /// What is wrong with the size or the pace of a publish; the session goes on.
  mutating func bound(_ message: Message, to channel: Channel, by session: Session, now: Instant) -> BayeuxError? {
    if let rate = options.limits.maxPublishesPerSecond, !session.pace.take(perSecond: rate, at: now) {
      return .publishesTooFast
    }
    if options.rules.isEmpty { return nil }
    let entry = policies.entry(for: channel, rules: options.rules)
    if let most = entry.policy.maxMessageBytes, message.data?.outerRange.count ?? 0 > most { return .messageTooLarge }
    if let rate = entry.policy.maxMessagesPerSecond, !policies.take(entry, perSecond: rate, at: now) {
      return .channelTooFast
    }
    return nil
  }
}

extension BayeuxError {
  /// Whether the same handshake may succeed a little later.
  var isPassing: Bool {
    switch self {
    case .tooManySessionsOfUser, .tooManySessionsOfAddress, .handshakesTooFast: true
    default: false
    }
  }
}

/// What the clients of each network address have on this shard.
struct AddressTable {
  private struct Record {
    var sessions = 0
    var pace = Pace()
  }

  private var records: [UInt64: Record] = [:]
  /// With so many records those are forgotten that say nothing any more.
  private var sweepCount = 1024

  var count: Int { records.count }

  func sessions(of address: UInt64) -> Int { records[address]?.sessions ?? 0 }

  /// One handshake; false where the address shakes hands too fast.
  mutating func take(_ address: UInt64, perSecond rate: Int, at now: Instant) -> Bool {
    if records.count >= sweepCount, records[address] == nil {
      records = records.filter { $0.value.sessions > 0 || !$0.value.pace.isFull(at: now) }
      sweepCount = max(1024, 2 * records.count)
    }
    return records[address, default: Record()].pace.take(perSecond: rate, at: now)
  }

  mutating func joined(_ address: UInt64) {
    if address != 0 { records[address, default: Record()].sessions += 1 }
  }

  mutating func left(_ address: UInt64) {
    if address != 0 { records[address]?.sessions -= 1 }
  }
}
