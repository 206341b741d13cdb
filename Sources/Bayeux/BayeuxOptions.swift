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
  /// Who may do what on which channel; what no rule says depends on the listener, see ``RequestOrigin/opensChannels``.
  public var rules = ChannelRules()
  /// What gives way when the queue of a session is full.
  public var queuePolicy = QueuePolicy.endSession
  /// Whether a handshake without `gms_user` is refused.
  public var requiresUser = false
  /// Whether every later request has to repeat the `gms_user` of its handshake; to one that does not, the session is
  /// unknown. Otherwise whoever has learned a clientId can use its session by leaving the header away.
  public var requiresUserOnEveryRequest = true
  /// Whether events go out with replies to connects only, on every transport: slower, but in one order.
  public var metaConnectDeliverOnly = false
  /// Events in one WebSocket frame at the most.
  public var messagesPerFrame = 128
  /// What a subscribe gets that asks for events of a durable channel which are not kept any more.
  public var replayOutOfWindow = ReplayPolicy.earliest
  /// Connects of one browser that are held over HTTP; a browser opens few connections to one host, and held ones keep
  /// the others from it. Below 0 is any number; 0 never holds one.
  public var maxSessionsPerBrowser = -1
  /// The interval for clients beyond ``maxSessionsPerBrowser``; zero turns them away for good.
  public var multiSessionInterval: Duration = .seconds(2)
  /// Whether advice carries `maxInterval`, so that a client knows when its session is gone and shakes hands by itself.
  public var handshakeReconnect = false
  /// Whether messages that wait for a session go out behind the reply to its handshake, counted there as `x-messages`.
  public var allowMessageDeliveryDuringHandshake = false
  /// Whether a handshake may take over the subscriptions and the queue of an earlier session, `ext.restore`.
  public var restoresSessions = true
  /// Whether `ext.gms_user` of a handshake names the user of a WebSocket whose upgrade request named none.
  public var takesUserFromHandshake = false
  /// How long a session may do nothing but connect before its next connect ends it; zero is for ever.
  public var maxInactivity: Duration = .zero
  /// What counts as doing something.
  public var activity = SessionActivity.client
  /// Offered in a handshake reply, in this order.
  public var connectionTypes = ["callback-polling", "long-polling"]

  public var limits = BayeuxLimits()

  public init() {}

  /// Whether there is anything to replay.
  var hasDurableChannels: Bool { rules.hasDurableChannels }

  var limitsBrowsers: Bool { maxSessionsPerBrowser >= 0 }

  /// How long before ``timeout`` a held connect is answered: a twelfth of it, 5 s at the most.
  public var earlyAnswer: Duration { min(.seconds(5), timeout / 12) }
}

/// Whose messages keep a session from being idle, see ``BayeuxOptions/maxInactivity``; CometD's names.
public enum SessionActivity: String, Sendable, Hashable, CaseIterable {
  /// Those that the client sends, connects excepted.
  case client
  /// The same, and those that are sent to it.
  case clientServer
}

/// Every bound of the broker core: what it counts, its default, and why there is one.
///
/// Reaching one is an error to that client alone, and is counted.
public struct BayeuxLimits: Sendable, Hashable {
  /// Messages in one request; more is HTTP 413. Bounds the replies that one request can ask for.
  public var maxMessagesPerBatch = 1000
  /// Bytes of a connect that are kept for the extensions while it is held; a member that does not fit is not among them.
  public static let rememberedRequestBytes = 2048
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
  /// Subscriptions of one session, and channels in the subscribes and unsubscribes of one request; more is
  /// `403:…:subscribe_denied`.
  public var maxSubscriptionsPerSession = 1000
  /// Messages that wait for one session; beyond it ``BayeuxOptions/queuePolicy`` says what gives way.
  public var maxQueueMessages = 10_000
  /// Bytes that wait for one session; beyond it ``BayeuxOptions/queuePolicy`` says what gives way.
  public var maxQueueBytes = 8 << 20
  /// Bytes that wait for all sessions of one shard together; beyond it the sessions with the longest queues end. A
  /// message counts once in each queue that holds it, and not at all where it goes out in the same turn.
  public var maxShardQueueBytes = 512 << 20
  /// Bytes of events after which a response is closed; what is left waits for the next connect, which returns at once.
  public var maxResponseBytes = 1 << 20
  /// Sessions of one shard; more is `403::handshake_failed` with advice to try again. The slot in a clientId has 24 bits.
  public var maxSessions = 1 << 20
  /// Sessions of one user; more is refused with advice to try again. Sessions without user are not counted.
  public var maxSessionsPerUser = 1000
  /// Sessions on one shard of one IPv4 address or IPv6 /64; more is refused with advice to try again. Not counted are
  /// peers that many clients share: this machine and trusted proxies, see ``RequestOrigin/address``.
  public var maxSessionsPerAddress = 1000
  /// Handshakes on one shard of one such address in a second; more is refused with advice to try again later.
  public var maxHandshakesPerSecond = 100
  /// The least pause advised to a client whose handshake was refused for a limit; up to as much again is added at random,
  /// so that clients refused together do not come back together.
  public var handshakePause: Duration = .seconds(2)
  /// Messages that one session may publish in a second, that many at once; more is `429:…:publish_denied`. Nil is no
  /// bound: who may publish at all is the first question.
  public var maxPublishesPerSecond: Int?
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

/// What gives way when the queue of a session is full. Messages for a user never do: where nothing else is left, the
/// session ends, and they wait for the user's next one.
public enum QueuePolicy: String, CaseIterable, Hashable, Sendable {
  /// The session: its client notices, shakes hands again and knows that something is missing.
  case endSession
  /// The oldest message of a channel, in silence but counted: for channels where only the latest counts.
  case dropOldest
  /// The message that comes, in silence but counted.
  case dropNewest
}
