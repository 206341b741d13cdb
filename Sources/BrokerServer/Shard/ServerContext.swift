// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes
import ChatService
import Logging
import Reactor
import Synchronization
import Wire

/// What all shards share and nobody changes after the start.
final class ServerContext: Sendable {
  let configuration: ServerConfiguration
  let bayeux: BayeuxOptions
  /// Whether channels that no rule speaks of are open to clients of the public listener.
  let opensChannels: Bool
  /// Extensions and services.
  let additions: BrokerAdditions
  let browserCookie: BrowserCookie
  let limits: HTTPLimits
  /// The same on the admin listener, where a remote backend tells its events.
  let adminLimits: HTTPLimits
  let idleTimeout: Duration
  let writeTimeout: Duration
  let maxPipelinedBytes: Int
  /// Of one shard. By default the descriptor limit alone decides, which pauses accepting instead of refusing.
  let maxConnections: Int
  let descriptorLimit: Int
  let identity: UserIdentity
  let crossOrigin: CrossOrigin
  let mount: MountPath
  let mailboxes: [Mailbox<ShardCommand>]
  let logger: Logger
  let started: Instant
  let chat: ChatService
  let embedded: EmbeddedChatBackend?
  let remote: RemoteChatBackend?
  let publisher: Publisher
  let store: StoreBridge
  /// What the admin listener answers to; set once when it listens.
  let adminAuthority = Mutex<[String]>([])
  let isStopping = Atomic(false)
  /// Public connections of all shards.
  let openConnections = Atomic(0)
  /// So many public connections leave descriptors for the admin listener and the process itself.
  let connectionsBeforePause: Int
  /// Whether an operator took the node out: see ``NodeRoutes``.
  let isOffline = Atomic(false)

  /// Output that a client has not read, above which its further requests wait.
  let maxUnreadBytes = 256 << 10
  /// Descriptors that are never given to connections: listeners, epoll, mailboxes, logs.
  private static let reservedDescriptors = 64
  /// How long a connection that was said goodbye to may go on sending.
  let lingerTime = Duration.seconds(2)

  init(
    configuration: ServerConfiguration, bayeux: BayeuxOptions, additions: BrokerAdditions, opensChannels: Bool,
    identity: UserIdentity, crossOrigin: CrossOrigin, mailboxes: [Mailbox<ShardCommand>], chat: ChatService,
    embedded: EmbeddedChatBackend?, remote: RemoteChatBackend?, publisher: Publisher, store: StoreBridge,
    descriptorLimit: Int, logger: Logger
  ) {
    self.configuration = configuration
    self.bayeux = bayeux
    self.opensChannels = opensChannels
    self.additions = additions
    browserCookie = BrowserCookie(configuration.bayeux.browserCookie, bayeux)
    self.identity = identity
    self.crossOrigin = crossOrigin
    self.mailboxes = mailboxes
    self.chat = chat
    self.embedded = embedded
    self.remote = remote
    self.publisher = publisher
    self.store = store
    self.descriptorLimit = descriptorLimit
    connectionsBeforePause = max(1, descriptorLimit - Self.reservedDescriptors)
    maxConnections = configuration.http.maxConnections ?? .max
    self.logger = logger
    limits = configuration.http.limits
    var adminLimits = configuration.http.limits
    if configuration.chat.backend == .remote {
      adminLimits.maxBodyBytes = max(adminLimits.maxBodyBytes, RemoteLimits.maxBodyBytes)
    }
    self.adminLimits = adminLimits
    idleTimeout = configuration.http.idleTimeout
    writeTimeout = configuration.http.writeTimeout
    maxPipelinedBytes = configuration.http.maxPipelinedBytes
    mount = MountPath(configuration.bayeux.path)
    started = EventLoop.clock()
  }

  var shardCount: Int { mailboxes.count }

  func makeBroker(shard: Int) -> Broker {
    Broker(
      shard: shard, of: shardCount, options: bayeux, authorizers: configuration.bayeux.authorizers,
      additions: additions)
  }

  /// How the broker core sees a request that came over `connection`.
  func origin(of connection: HTTPConnection, isScript: Bool, browser: UInt64) -> RequestOrigin {
    RequestOrigin(
      carriesEventsOnAnyReply: !isScript, opensChannels: opensChannels, address: connection.address, browser: browser,
      mayNameUser: connection.trustsUserHeader)
  }

  /// Hands an answer to the shard that has the request; lost where that shard has ended, and its connection with it.
  func respond(to exchange: ExchangeID, _ reply: HTTPReply) {
    mailboxes[exchange.shard].post(.respond(exchange, reply))
  }
}

/// Where the Bayeux endpoint is mounted: that path itself and everything below it.
struct MountPath: Sendable {
  private let bytes: [UInt8]

  init(_ path: String) {
    bytes = Array(path.hasSuffix("/") && path != "/" ? String(path.dropLast()).utf8 : path.utf8)
  }

  func covers(_ path: Span<UInt8>) -> Bool {
    guard path.count >= bytes.count else { return false }
    for index in bytes.indices where path[index] != bytes[index] { return false }
    return path.count == bytes.count || bytes == [UInt8(ascii: "/")] || path[bytes.count] == UInt8(ascii: "/")
  }
}
