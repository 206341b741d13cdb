// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// The Bayeux core of one shard: its sessions, who is subscribed to what, and what waits for whom.
///
/// Decides and never does. A request goes in by ``receive(_:user:origin:on:now:into:)``; a message from elsewhere by
/// ``publish(_:now:)`` and ``deliver(_:to:now:)``. Nothing of it answers a held connect at once: sessions are marked, and at
/// the end of the loop's turn ``nextDelivery(now:into:)`` yields what to write, each session once with all that waits.
/// So one publish never stalls the loop, and several messages ride in one response.
///
/// Nothing crosses shards but values: the shell passes on what clients of this shard published, and which channels came
/// and went where a rule asks who may create one, see ``takePublications()`` and ``takeChannelChanges()``.
public struct Broker: ~Copyable {
  public let shard: Int
  public let shardCount: Int
  public let options: BayeuxOptions
  public internal(set) var counters = BrokerCounters()
  let additions: BrokerAdditions
  /// The time of day, for extensions; the shell sets it anew now and then.
  public var wallClock = WallClock()

  var sessions: [Session?] = []
  var freeSlots: [Int] = []
  var subscriptions = SubscriptionTable()
  var users = UserTable()
  var deadlines = Deadlines<Session>()
  var messages: [Message] = []
  var replies = ByteWriter(capacity: 4096)
  /// Events that go out with the reply of a connect in a batch.
  var resent = ByteWriter(capacity: 256)
  var generator: any RandomNumberGenerator & Sendable

  /// Sessions that got something.
  var lookout = Lookout()
  /// Held connects that end without waiting for an event: overtaken ones, and those of sessions that ended.
  var farewells: [Farewell] = []
  var publications: [Publication] = []
  var presence: [PresenceChange] = []
  var publicationSerial: UInt64 = 0

  let authorizers: [any Authorizer]
  var policies = PolicyCache()
  /// Channels that somebody on another shard is subscribed to, by how many shards; kept where a rule asks for it.
  var channelsElsewhere: [String: Int] = [:]
  var addresses = AddressTable()
  /// Bytes that wait for sessions and do not go out at the end of this turn.
  public internal(set) var queueBytes = 0
  /// Sessions with messages in answers that the journal has not been told of.
  var takers: [Session] = []
  var lastTaker: Session?
  var readPositions: [ReadPosition] = []
  /// The messages of the current request as the extensions left them.
  var requests: [ExtensionMessage] = []
  /// Channels that the subscribes and unsubscribes of the request at hand have named.
  var subscriptionsOfRequest = 0
  /// The last moment that the broker was told.
  var latest = Instant(nanoseconds: 0)
  /// Connects held over HTTP by the browser they come from; kept only where ``BayeuxOptions/limitsBrowsers``.
  var heldByBrowser: [UInt64: Int] = [:]
  /// The session of the handshake that was answered last, until the shell said which browser it is.
  var lastHandshake: Session?

  var replay: ReplayState

  /// What is written to every session, as differences of time in whole nanoseconds.
  let holdTime: Duration

  public init(
    shard: Int = 0, of shardCount: Int = 1, options: BayeuxOptions = BayeuxOptions(),
    authorizers: [any Authorizer] = [], additions: BrokerAdditions = BrokerAdditions(),
    generator: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
  ) {
    precondition(shard >= 0 && shard < shardCount && shardCount <= 255)
    self.shard = shard
    self.shardCount = shardCount
    self.options = options
    self.additions = additions
    self.generator = generator
    self.authorizers = authorizers
    subscriptions.notesChanges = shardCount > 1 && (options.rules.restrictsCreation || !authorizers.isEmpty)
    replay = ReplayState(options.limits)
    holdTime = options.timeout - options.earlyAnswer
  }

  public var sessionCount: Int { sessions.count - freeSlots.count }
  public var channelCount: Int { subscriptions.channelCount }
  public var userCount: Int { users.count }
  /// Connects held at this moment.
  public internal(set) var heldCount = 0
  /// Whether the node takes no new sessions: a handshake is refused with advice to retry later.
  public var isOffline = false

  /// The shard on which the sessions of `user` live; the same on every shard of this process.
  public static func home(of user: Span<UInt8>, shards: Int) -> Int {
    guard shards > 1 else { return 0 }
    var hasher = Hasher()
    user.withUnsafeBytes { hasher.combine(bytes: $0) }
    return Int(UInt(bitPattern: hasher.finalize()) % UInt(shards))
  }
}

/// Where a request came from, as far as the protocol cares.
public struct RequestOrigin: Sendable {
  /// Whether events may ride on any reply; on callback-polling only on that of a connect.
  public var carriesEventsOnAnyReply: Bool
  /// Whether broadcast channels that no rule speaks of, wildcards too, are open: where the listener is on a loopback
  /// address. Otherwise they are closed.
  public var opensChannels: Bool
  /// The network address of the peer as a key for limits, equal for what counts as one address; zero for a peer that is
  /// not counted, because many clients share it.
  public var address: UInt64
  /// Tells browsers apart, see ``Broker/noteBrowser(_:)``; 0 where the request carries no cookie of ours.
  public var browser: UInt64
  /// Whether the peer is believed when it says in a handshake who it is, see ``BayeuxOptions/takesUserFromHandshake``.
  public var mayNameUser: Bool

  public init(
    carriesEventsOnAnyReply: Bool = true, opensChannels: Bool = true, address: UInt64 = 0, browser: UInt64 = 0,
    mayNameUser: Bool = true
  ) {
    self.carriesEventsOnAnyReply = carriesEventsOnAnyReply
    self.opensChannels = opensChannels
    self.address = address
    self.browser = browser
    self.mayNameUser = mayNameUser
  }
}

/// What became of a request.
public enum Reception: Equatable, Sendable {
  /// The writer holds the answer, a JSON array.
  case answered
  /// The same, and it is the reply to a handshake that made a session.
  case shookHands
  /// Its connect is held, or what it publishes has to be kept first; the conduit comes back from
  /// ``Broker/nextDelivery(now:into:)``.
  case held
  /// Its session lives on that shard: nothing was done, the connection has to go there.
  case elsewhere(shard: Int)
  case refused(RequestFault)
}

/// A message on its way to the subscribers of a channel, on every shard.
public struct Publication: Sendable, Hashable {
  public let channel: Channel
  public let payload: Payload

  public init(channel: Channel, payload: Payload) {
    self.channel = channel
    self.payload = payload
  }
}

/// The first subscriber of a channel came, or the last one went, on one shard.
public struct ChannelChange: Sendable, Hashable {
  public let name: String
  public let exists: Bool
}

/// A user's first session subscribed to `/_genesys`, or the last one went.
public struct PresenceChange: Sendable, Hashable {
  public let user: String
  public let isOnline: Bool
}

/// A held connect that is to be answered for another reason than an event or its deadline.
struct Farewell {
  enum Kind {
    /// A newer connect of the same session came.
    case overtaken
    /// The session is over: no reconnect.
    case disconnected
    /// The session is over and the client should start again, or the peer may be gone: events are not entrusted to it.
    case dropped
    /// The broker stops: what waits goes along, there is no later connect.
    case stopping

    init(_ reason: Broker.SessionEnd) {
      switch reason {
      case .disconnected, .inactive: self = .disconnected
      case .expired, .overflowed, .shed, .restored: self = .dropped
      }
    }
  }
  let connect: HeldConnect
  let session: Session
  let kind: Kind
}
