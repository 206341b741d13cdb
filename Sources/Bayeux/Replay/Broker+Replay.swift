// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// What a broker knows of durable channels.
struct ReplayState {
  var log: ReplayLog
  /// The newest id that was given anywhere; told by the shell before each request.
  var newestID: Int64 = 0
  /// Sessions with a feed.
  var fed: [Session] = []
  /// Those of them that want more, from `nextFed` on.
  var hungry: [Session] = []
  var nextFed = 0
  /// What the store has not been told of.
  var drops = HistoryDrops()

  /// What the reply to the subscribe at hand says of its replays.
  var reply = ""
  /// The publish that was just taken, until its message is answered for.
  var draft: EventDraft?
  var publishes: [DurablePublish] = []
  var nextTicket: UInt64 = 1
  /// Answers that wait for a publish to be kept, and which of their gaps it is, by its ticket.
  var waiting: [UInt64: (answer: WaitingAnswer, gap: Int)] = [:]
  /// Those that can be written.
  var answers = Line<WaitingAnswer>()
  /// Answers to publishes and deliveries take turns, so that neither holds the other up.
  var isAnswersTurn = false

  init(_ limits: BayeuxLimits) {
    log = ReplayLog(maxBytes: limits.maxHistoryBytes, maxChannels: limits.maxHistoryChannels)
  }
}

/// What the store need not keep any longer.
public struct HistoryDrops: Sendable, Hashable {
  /// The last event that was dropped, by channel.
  public var droppedThrough: [Channel: Int64] = [:]
  /// Channels that were forgotten altogether, and up to which event something may be missing of any such channel.
  public var forgotten: [Channel] = []
  public var forgottenThrough: Int64 = 0
  /// Whether something is gone because of its age: it should not lie about until the next event comes.
  public var isDue = false

  public var isEmpty: Bool { droppedThrough.isEmpty && forgotten.isEmpty }

  public init() {}
}

/// What the history of durable channels holds.
public struct HistoryStatistics: Sendable, Hashable {
  public var events = 0
  public var bytes = 0
  public var channels = 0

  public init() {}
}

extension Broker {
  public var historyStatistics: HistoryStatistics {
    var statistics = HistoryStatistics()
    (statistics.events, statistics.bytes) = (replay.log.count, replay.log.byteCount)
    statistics.channels = replay.log.channelCount
    return statistics
  }

  /// The newest id that was given to an event, on whatever shard. A client cannot know a later one.
  public mutating func noteNewestEvent(_ id: Int64) { replay.newestID = id }

  // MARK: events

  /// Puts back what was kept when the broker ended. Before anybody connects.
  public mutating func restore(_ kept: KeptHistory, now: Instant) {
    replay.log.restore(kept)
    for event in kept.events {
      if let limits = history(of: event.channel) {
        replay.log.append(event, limits: limits)
      } else {
        replay.log.note(gone: event.channel, id: event.id)
      }
    }
    replay.log.advance(to: kept.lastID)
    replay.newestID = max(replay.newestID, kept.lastID)
    replay.log.expire(at: now)
    noteDrops(isDue: true)
  }

  /// Takes an event that is kept: to be called on every shard, in the order of the ids.
  ///
  /// - Parameter ticket: of the publish, on the shard of its client, which is answered with it.
  /// - Returns: how many sessions are subscribed.
  public mutating func publish(_ event: DurableEvent, answering ticket: UInt64? = nil, now: Instant) -> Int {
    replay.log.append(event, limits: history(of: event.channel) ?? ChannelRule.History())
    replay.newestID = max(replay.newestID, event.id)
    noteDrops()
    let publisher = ticket.flatMap { replay.waiting[$0]?.answer.session }
    let publication = Publication(channel: event.channel, payload: event.plain)
    let reached = publish(publication, withID: event.payload, by: publisher, now: now)
    if let ticket { settle(ticket, isKept: true) }
    return reached
  }

  mutating func expireHistory(at now: Instant) {
    replay.log.expire(at: now)
    noteDrops(isDue: true)
  }

  /// What was dropped since the last call; the same on every shard, sooner or later.
  public mutating func takeHistoryDrops() -> HistoryDrops {
    guard !replay.drops.isEmpty else { return HistoryDrops() }
    defer { replay.drops = HistoryDrops() }
    return replay.drops
  }

  private mutating func noteDrops(isDue: Bool = false) {
    for drop in replay.log.takeDrops() {
      replay.drops.droppedThrough[drop.channel] = drop.id
      if isDue { replay.drops.isDue = true }
      for session in replay.fed {
        guard let feed = session.feed, feed.position < drop.id, feed.wants(drop.id, of: drop.channel) else { continue }
        feed.hasLost = true
        lookout.note(session, isToFew: false)
      }
    }
    replay.drops.forgotten += replay.log.takeForgotten()
    replay.drops.forgottenThrough = replay.log.forgottenThrough
  }

  // MARK: subscribing

  /// After which event a subscription to `channel` begins; nil for one that does not ask.
  ///
  /// - Throws: ``BayeuxError/replayIDInvalid``, ``BayeuxError/replayOutOfWindow``
  mutating func place(
    _ request: ReplayRequest?, of channel: Channel
  ) throws(BayeuxError) -> ReplayPlace? {
    guard let start = try request?.start(of: channel) else { return nil }
    // Patterns may cover durable channels, whatever rule is for the pattern itself.
    if channel.reach == .exact, history(of: channel) == nil { return .notDurable }
    switch start {
    case .tip: return .after(replay.log.lastID, isComplete: true)
    case .earliest: return .after(0, isComplete: true)
    case .after(let id):
      if id <= max(replay.newestID, replay.log.lastID), replay.log.isComplete(after: id, channel) {
        return .after(id, isComplete: true)
      }
      switch options.replayOutOfWindow {
      case .error: throw .replayOutOfWindow
      case .earliest: return .after(0, isComplete: false)
      case .latest: return .after(replay.log.lastID, isComplete: false)
      }
    }
  }

  /// Begins what was asked for. To be called with every subscription, once it is there. The first slice is read at the end
  /// of the request, so that what overlaps in one request is given once.
  mutating func follow(_ channel: Channel, _ place: ReplayPlace?, _ session: Session) {
    let last = replay.log.lastID
    guard case .after(let id, let isComplete) = place else {
      if let feed = session.feed, !feed.follows(channel) { feed.follow(channel, after: last) }
      return
    }
    session.receivesReplayIDs = true
    counters.replays += 1
    if !isComplete { counters.replaysIncomplete += 1 }
    if session.feed == nil {
      if id == last { return }
      let feed = ReplayFeed(after: last)
      for subscription in session.subscriptions {
        if let other = Channel(subscription.node.name, maxBytes: .max) { feed.follow(other, after: last) }
      }
      session.feed = feed
      replay.fed.append(session)
    }
    session.feed?.follow(channel, after: id)
  }

  mutating func unfollow(_ channel: Channel, _ session: Session) {
    guard let feed = session.feed else { return }
    feed.remove(channel)
    if feed.isEmpty { endFeed(of: session) }
  }

  mutating func endFeed(of session: Session) {
    guard session.feed != nil else { return }
    session.feed = nil
    replay.fed.removeAll { $0 === session }
  }

  /// Has `heir` go on behind durable channels where `old` was.
  mutating func passOnFeed(from old: Session, to heir: Session) {
    guard let feed = old.feed, let place = replay.fed.firstIndex(where: { $0 === old }) else { return }
    replay.fed[place] = heir
    heir.feed = feed
    old.feed = nil
    // It was queued for the other one.
    feed.isQueued = false
    wantMore(heir)
  }

  // MARK: feeding

  /// Events looked at in one slice, wanted or not.
  private static let placesPerSlice = 2048

  /// Puts the next slice into the queue of `session`, as far as there is room: so much that its bound is never reached by
  /// the past alone.
  mutating func feed(_ session: Session) {
    guard let feed = session.feed, !feed.hasLost, !session.hasEnded else { return }
    let limits = options.limits
    var room =
      min(limits.maxReplaySlice, max(1, limits.maxQueueMessages / 2))
      - session.queue.count - (session.ack?.count ?? 0)
    var bytes =
      min(limits.maxResponseBytes, limits.maxQueueBytes / 2)
      - session.queue.byteCount - (session.ack?.byteCount ?? 0)
    guard room > 0, bytes > 0 else { return }
    var slice: [(channel: Channel, payload: Payload)] = []
    let position = replay.log.read(after: feed.position, for: feed, lookingAt: Self.placesPerSlice) {
      channel, payload in
      guard room > 0, bytes > 0 else { return false }
      slice.append((channel, payload))
      room -= 1
      bytes -= payload.count
      return true
    }
    feed.advance(to: position)
    for event in slice where feed.follows(event.channel) || mayRead(event.channel, session) {
      counters.replayed += 1
      enqueue(DeliveryQueue.Entry(payload: event.payload, personal: nil), for: session, isToFew: false)
    }
    if feed.isDone(at: replay.log.lastID) {
      endFeed(of: session)
    } else if session.queue.isEmpty, feed.position < replay.log.lastID {
      wantMore(session)
    }
  }

  /// Who subscribed to a pattern was asked about the pattern, not about each channel below it.
  private mutating func mayRead(_ channel: Channel, _ session: Session) -> Bool {
    policy(of: channel)?.subscribe?.includes(session.user) ?? true
  }

  /// Has the feed of `session` go on in this turn or the next. Does nothing for a session without one.
  mutating func wantMore(_ session: Session) {
    guard let feed = session.feed, !feed.isQueued else { return }
    feed.isQueued = true
    replay.hungry.append(session)
  }

  /// Goes on with one feed.
  mutating func feedNext() {
    guard replay.nextFed < replay.hungry.count else { return }
    let session = replay.hungry[replay.nextFed]
    replay.nextFed += 1
    if replay.nextFed == replay.hungry.count {
      replay.hungry.removeAll(keepingCapacity: replay.hungry.count <= 1 << 12)
      replay.nextFed = 0
    }
    session.feed?.isQueued = false
    feed(session)
  }

  /// Whether a feed can go on, or an answer be written.
  var hasReplayOutput: Bool { replay.nextFed < replay.hungry.count || replay.answers.count > 0 }

  /// Whether the past of `session` has a hole that it has not come to: to go on would be to lose something in silence.
  func hasLostReplay(_ session: Session) -> Bool { session.feed?.hasLost ?? false }
}

/// Where a subscription begins.
enum ReplayPlace {
  /// The events after `id`; without all of those that were asked for, unless it is complete.
  case after(Int64, isComplete: Bool)
  /// The channel keeps nothing.
  case notDurable
}

extension Broker {
  /// A member of `ext.replay` in the reply to a subscribe: `"/channel":{"after":5,"complete":true}`, or `"/channel":null`
  /// for a channel that keeps nothing.
  mutating func note(_ place: ReplayPlace, of channel: Channel) {
    let comma = replay.reply.isEmpty ? "" : ","
    switch place {
    case .after(let id, let isComplete):
      replay.reply += "\(comma)\"\(channel.name)\":{\"after\":\(id),\"complete\":\(isComplete)}"
    case .notDurable: replay.reply += "\(comma)\"\(channel.name)\":null"
    }
  }
}
