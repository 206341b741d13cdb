// SPDX-License-Identifier: Apache-2.0
import Bytes

/// What rules and authorizers say: the rules first, then, where they allow, the authorizers.
extension Broker {
  /// Why `session` may not subscribe to `channel`; nil if it may.
  mutating func deny(subscribe channel: Channel, by session: Session, origin: RequestOrigin) -> BayeuxError? {
    let policy = policy(of: channel)
    guard allows(policy?.subscribe, session, origin) else { return .subscribeDenied }
    if isGuarded(policy), !exists(channel) {
      if let create = policy?.create, !create.includes(session.user) { return .createDenied }
      if let denial = ask(.createBySubscribing, channel, session) { return denial }
    }
    return ask(.subscribe, channel, session)
  }

  /// Why `session` may not publish to `channel`; nil if it may.
  mutating func deny(publish channel: Channel, by session: Session, origin: RequestOrigin) -> BayeuxError? {
    let policy = policy(of: channel)
    let isService = channel.kind == .service
    // To a service channel a client speaks to the server alone, so the listener does not matter.
    guard allows(policy?.publish ?? (isService ? .anyone : nil), session, origin) else { return .publishDenied }
    if !isService, isGuarded(policy), !exists(channel) {
      if let create = policy?.create, !create.includes(session.user) { return .channelCreateDenied }
      if let denial = ask(.createByPublishing, channel, session) { return denial }
    }
    return ask(.publish, channel, session)
  }

  /// Why a client may not shake hands; nil if it may.
  func deny(handshakeBy user: Span<UInt8>) -> BayeuxError? {
    if authorizers.isEmpty { return nil }
    let client = ClientIdentity(user: user.isEmpty ? nil : String(user))
    for authorizer in authorizers {
      if case .deny(let reason) = authorizer.canHandshake(client) { return .denied(.handshake, DenialReason(reason)) }
    }
    return nil
  }

  private func allows(_ audience: ChannelRule.Audience?, _ session: Session, _ origin: RequestOrigin) -> Bool {
    audience.map { $0.includes(session.user) } ?? origin.opensChannels
  }

  private func isGuarded(_ policy: ChannelPolicy?) -> Bool {
    !authorizers.isEmpty || policy?.create?.isRestricted ?? false
  }

  private func ask(_ operation: ClientOperation, _ channel: Channel, _ session: Session) -> BayeuxError? {
    if authorizers.isEmpty { return nil }
    let client = ClientIdentity(user: session.user?.text, clientID: session.id)
    var isAsked = false
    var isGranted = false
    for authorizer in authorizers where authorizer.applies(to: channel) {
      isAsked = true
      let verdict =
        switch operation {
        case .createBySubscribing, .createByPublishing: authorizer.canCreate(channel, client)
        case .subscribe: authorizer.canSubscribe(to: channel, client)
        case .publish: authorizer.canPublish(to: channel, client)
        case .handshake: authorizer.canHandshake(client)
        }
      switch verdict {
      case .grant: isGranted = true
      case .deny(let reason): return .denied(operation, DenialReason(reason))
      case .ignore: break
      }
    }
    return isAsked && !isGranted ? .denied(operation, .notGranted) : nil
  }

  // MARK: which channels there are

  /// Whether somebody is subscribed to exactly `channel`, on any shard.
  private func exists(_ channel: Channel) -> Bool {
    subscriptions.exists(channel.name) || channelsElsewhere[channel.name] != nil
  }

  /// Channels of this shard that came or went since the last call, for the other shards. None unless it matters.
  public mutating func takeChannelChanges() -> [ChannelChange] {
    guard !subscriptions.changes.isEmpty else { return [] }
    defer { subscriptions.changes.removeAll(keepingCapacity: true) }
    return subscriptions.changes
  }

  /// Takes note of what another shard said of its channels.
  public mutating func note(_ change: ChannelChange) {
    let count = channelsElsewhere[change.name, default: 0] + (change.exists ? 1 : -1)
    channelsElsewhere[change.name] = count > 0 ? count : nil
  }

  // MARK: policies

  /// What the rules say about `channel`; nil where there are none at all.
  mutating func policy(of channel: Channel) -> ChannelPolicy? {
    options.rules.isEmpty ? nil : policies.entry(for: channel, rules: options.rules).policy
  }
}

/// What the rules come to, by channel: found once, since it takes a look-up for each level of the name.
struct PolicyCache {
  final class Entry {
    let policy: ChannelPolicy
    /// How fast clients of this shard publish to the channel, where that is limited.
    var pace = Pace()

    init(_ policy: ChannelPolicy) { self.policy = policy }
  }

  /// Channels that are remembered. Names are the clients' choice, so there has to be an end.
  static let maxEntries = 4096
  private var entries: [String: Entry] = [:]
  private var lastTake = Instant(nanoseconds: .min)

  var count: Int { entries.count }

  mutating func entry(for channel: Channel, rules: ChannelRules) -> Entry {
    if let entry = entries[channel.name] { return entry }
    if entries.count >= Self.maxEntries { makeRoom() }
    let entry = Entry(rules.resolve(channel))
    entries[channel.name] = entry
    return entry
  }

  /// Forgets all but the channels whose pace is not what it was at the beginning: else a client could be rid of a limit
  /// by naming many other channels.
  private mutating func makeRoom() {
    entries = entries.filter { !$0.value.pace.isFull(at: lastTake) }
    if entries.count > Self.maxEntries / 2 { entries = [:] }
  }

  /// Counts one message to the channel of `entry`; false where it comes too fast.
  mutating func take(_ entry: Entry, perSecond rate: Int, at now: Instant) -> Bool {
    lastTake = now
    return entry.pace.take(perSecond: rate, at: now)
  }
}
