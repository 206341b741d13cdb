// SPDX-License-Identifier: Apache-2.0

/// How a broker behaves towards its clients. CometD's names where CometD has the option.
public struct BayeuxOptions: Sendable, Hashable {
  /// What `advice.timeout` says. A held connect is answered ``earlyAnswer`` before it, because some clients use the
  /// advised time as their HTTP timeout to the millisecond.
  public var timeout: Duration = .seconds(60)
  /// How long a client is told to wait before it connects again.
  public var interval: Duration = .zero
  /// How long a session outlives its last answer, on top of ``interval``; also one that never connects.
  public var maxInterval: Duration = .seconds(30)
  /// Status of the older of two connects of one session; 200 answers it as a connect that met no event.
  public var duplicateMetaConnectHttpResponseCode = 500
  /// Whether clients may subscribe and publish to broadcast channels, wildcards included.
  public var opensBroadcastChannels = true
  /// Whether a handshake without `gms_user` is refused.
  public var requiresUser = false
  /// Whether every later request has to repeat the `gms_user` of its handshake; otherwise it may be absent.
  public var requiresUserOnEveryRequest = false
  /// Whether events go out with replies to connects only, on every transport: slower, but in one order.
  public var metaConnectDeliverOnly = false
  /// Events in one WebSocket frame at the most.
  public var messagesPerFrame = 128
  /// Channels whose events are kept, so that a subscriber can ask for those it missed; the first pattern that fits.
  public var durableChannels: [DurableChannels] = []
  public var replayOutOfWindow = ReplayPolicy.earliest
  /// Offered in a handshake reply, in this order.
  public var connectionTypes = ["callback-polling", "long-polling"]

  public var limits = BayeuxLimits()

  public init() {}

  /// Whether there is anything to replay.
  public var hasDurableChannels: Bool { !durableChannels.isEmpty }

  /// How long before ``timeout`` a held connect is answered: a twelfth of it, 5 s at the most.
  public var earlyAnswer: Duration { min(.seconds(5), timeout / 12) }
}

/// Channels whose events are kept.
public struct DurableChannels: Sendable, Hashable {
  public var pattern: Channel
  public var limits: HistoryLimits

  public init(_ pattern: Channel, _ limits: HistoryLimits = HistoryLimits()) {
    self.pattern = pattern
    self.limits = limits
  }
}

/// Every bound of the broker core: what it counts, its default, and why there is one.
///
/// Reaching one is an error to that client alone, and is counted.
public struct BayeuxLimits: Sendable, Hashable {
  /// Messages in one request; more is HTTP 413. Bounds the replies that one request can ask for.
  public var maxMessagesPerBatch = 1000
  /// Nesting of the JSON of a request; more is HTTP 400. The scanner keeps one bit a level.
  public var maxDepth = 60
  /// Bytes of a channel name; more is `405::channel_invalid`. A name is kept as long as somebody is subscribed.
  public var maxChannelBytes = 256
  /// Bytes of a message id; more is `405::message_id_invalid`. The id of a held connect is kept while it is held.
  public var maxIDBytes = 128
  /// Bytes of a `gms_user`; more is HTTP 400.
  public var maxUserBytes = 256
  /// The longest hold that a connect may ask for by its own `advice.timeout`; a longer one is cut to it.
  public var maxRequestedTimeout: Duration = .seconds(600)
  /// The longest pause that a connect may announce by its own `advice.interval`, which prolongs the session; cut to it.
  public var maxRequestedInterval: Duration = .seconds(3600)
  /// Subscriptions of one session; more is `403:…:subscribe_denied`.
  public var maxSubscriptionsPerSession = 1000
  /// Messages that wait for one session; reaching it ends the session, since one message lost in silence is worse.
  public var maxQueueMessages = 10_000
  /// Bytes that wait for one session; reaching it ends the session.
  public var maxQueueBytes = 8 << 20
  /// Bytes of events after which a response is closed; what is left waits for the next connect, which returns at once.
  public var maxResponseBytes = 1 << 20
  /// Sessions of one shard; more is `403::handshake_failed` with advice to try again. The slot in a clientId has 24 bits.
  public var maxSessions = 1 << 20
  /// Messages kept for one user who has no subscribed session; beyond it the oldest goes, counted as dropped.
  public var maxBacklogMessages = 1000
  /// Bytes kept for one user who has no subscribed session; beyond it the oldest goes, counted as dropped.
  public var maxBacklogBytes = 1 << 20
  /// How long a message is kept for a user who has no subscribed session; then it is counted as expired.
  public var maxBacklogAge: Duration = .seconds(86_400)
  /// Users of one shard for whom messages are kept; beyond it a message for a further absent user is dropped, counted.
  public var maxBacklogUsers = 100_000
  /// Bytes of events kept for replay, of all durable channels together; beyond it the oldest goes.
  public var maxHistoryBytes = 256 << 20
  /// Durable channels that something is kept of; for a further one that which was silent longest is forgotten.
  public var maxHistoryChannels = 10_000
  /// Events moved at a time from the history into the queue of a session; the next ones follow when they are taken.
  public var maxReplaySlice = 500
  /// Publishes of one shard that wait to be written; more is `507::not_stored`, so that a slow disk does not fill memory.
  public var maxUnkeptPublishes = 10_000

  public init() {}
}
