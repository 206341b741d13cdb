// SPDX-License-Identifier: Apache-2.0
public import Bayeux
public import ChatService
public import Store
public import Wire

/// The chat backends that a broker brings with it.
public enum ChatBackendKind: String, Sendable, Hashable, CaseIterable {
  /// In this process; agents come through the admin listener.
  case embedded
  /// In another process, by HTTP and JSON.
  case remote
}

/// Everything a broker can be told, with its defaults. A file, the environment and flags are three ways to fill it in.
public struct ServerConfiguration: Sendable {
  public var server = Endpoint()
  public var admin = Admin()
  public var data = DataDirectory()
  public var bayeux = Bayeux()
  public var webSocket = WebSocket()
  public var http = HTTP()
  public var gms = GMS()
  public var chat = Chat()
  public var push = Push()
  public var demo = Demo()

  public init() {}

  /// The public listener.
  public struct Endpoint: Sendable {
    /// Address or name to listen on.
    public var host = "127.0.0.1"
    /// 0 lets the system choose.
    public var port = 8080
    /// Loop threads, each with its own listening socket; nil is one per core.
    public var shards: Int?
    /// What HTTP Basic asks of calls below `/genesys/1` (GMS `[server] username` and `password`); nil asks for nothing.
    public var username: String?
    public var password: String?
  }

  /// The listener for publishing, agents and operation; never reachable through the public one.
  public struct Admin: Sendable {
    public var host = "127.0.0.1"
    public var port = 8081
    /// What `Authorization: Bearer` must carry; required when ``host`` is not a loopback address. Empty is none.
    public var token: String?
    /// Names besides the listening address and `localhost` that a `Host` header may give.
    public var allowedHosts: [String] = []
  }

  /// Where state is kept.
  public struct DataDirectory: Sendable {
    /// Nil keeps everything in memory.
    public var directory: String?
    /// What an accepted message outlives: the end of the process, or a loss of power too.
    public var durability = Durability.process
    /// Most bytes of the data file; beyond it what has to be kept is refused (507). Nil leaves it to the disk.
    public var maxBytes: Int?
  }

  /// The Bayeux endpoint.
  public struct Bayeux: Sendable {
    /// Mount path; every path below it is the same endpoint.
    public var path = "/genesys/cometd"
    /// Whether callback-polling (JSONP) is served.
    public var jsonp = true
    /// Whether broadcast channels and wildcards that no rule speaks of are open to clients; nil opens them on a loopback
    /// listener only.
    public var openChannels: Bool?
    /// Who may do what on which channel.
    public var rules: [ChannelRule] = []
    /// Asked after the rules.
    public var authorizers: [any Authorizer] = []
    public var options = BayeuxOptions()
    public var browserCookie = BrowserCookie()
    /// Whether clients are told how far their clocks are off, ``TimesyncExtension``.
    public var timesync = false
    /// Whether messages carry the time of day, ``TimestampExtension``.
    public var timestamp = false
    /// Behind the built-in ones, in this order.
    public var extensions: [any Extension] = []
    /// Who answers what clients publish to `/service/<name>`, by that name.
    public var services: [String: any ServiceHandler] = [:]
  }

  /// The cookie that a handshake sets, for load balancers, for ``BayeuxOptions/maxSessionsPerBrowser``, and to restore
  /// anonymous sessions. CometD's options `browserCookie…`.
  public struct BrowserCookie: Sendable {
    public enum SameSite: String, Sendable, CaseIterable {
      /// The attribute is left out, and the browser decides.
      case notSet
      case strict = "Strict"
      case lax = "Lax"
      case none = "None"
    }
    public var name = "BAYEUX_BROWSER"
    /// Nil leaves it out: then the host alone gets the cookie.
    public var domain: String?
    public var path = "/"
    /// Below 0 it goes with the browser's session.
    public var maxAgeSeconds = -1
    public var httpOnly = true
    /// For brokers whose clients come by TLS, through a proxy.
    public var secure = false
    public var sameSite = SameSite.notSet
  }

  /// Bayeux over WebSocket.
  public struct WebSocket: Sendable {
    /// Whether upgrades are accepted and `websocket` is offered in handshake replies.
    public var isEnabled = true
    /// The subprotocol that a client has to offer; nil asks for none.
    public var subprotocol: String?
    /// Whether permessage-deflate without context takeover is agreed to (RFC 7692).
    public var allowsCompression = false
    public var limits = WebSocketLimits()
  }

  /// What holds for every request of both listeners.
  public struct HTTP: Sendable {
    public var limits = HTTPLimits()
    /// Origins whose pages may read answers: `https://host[:port]`, `https://*.host`, or `*` alone for any.
    /// Empty is same-origin only.
    public var allowedOrigins: [String] = []
    /// How long a connection may be idle between two requests; a held connect is not idle.
    public var idleTimeout: Duration = .seconds(75)
    /// How long a client may take to read what was sent before it is cut off.
    public var writeTimeout: Duration = .seconds(60)
    /// Bytes of pipelined requests that are kept while an earlier one is unanswered; then reading pauses.
    public var maxPipelinedBytes = 64 << 10
    /// Connections of one shard; beyond it new ones are closed at once. Nil is what the descriptor limit allows.
    public var maxConnections: Int?
  }

  /// How a user is known, and the chat API.
  public struct GMS: Sendable {
    /// Headers that carry the user; names with underscores are dropped by some proxies, hence the aliases.
    public var userHeaders = ["gms_user", "gms-user", "x-gms-user"]
    /// Whether a query parameter `gms_user` counts where no header can be set (script tags).
    public var userFromQuery = false
    /// Whether a cookie `gms_user` counts where no header can be set (script tags).
    public var userFromCookie = false
    /// Networks (`10.0.0.0/8`, `::1/128`) whose user header is believed; empty believes every peer.
    public var trustedProxies: [String] = []
    /// Base of the absolute URLs in answers; nil takes them from the request.
    public var externalUrlBase: String?
    public var chat = ChatConfiguration()
  }

  /// What stands behind the chat API.
  public struct Chat: Sendable {
    public var backend = ChatBackendKind.embedded
    public var remote = Remote()

    /// A chat backend in another process; see `Docs/Backend.md`.
    public struct Remote: Sendable {
      /// Base of the addresses that are called; `http://` alone.
      public var url: String?
      /// What both sides show one another.
      public var secret: String?
      /// How long one attempt of a call may take. Three of them fit into the 10 s that a client's call waits.
      public var timeout: Duration = .seconds(3)
      /// Attempts after the first: enough for a backend that is just being started again.
      public var retries = 2
      /// Before the second attempt; doubled before each further one.
      public var backoff: Duration = .milliseconds(100)
      /// Connections at once: calls a second are connections through latency, so that a backend that takes 2 s for its
      /// slow calls is still asked 16 times a second.
      public var maxConnections = 32
      /// Calls that wait or are under way; a further one fails at once, which is better than an answer nobody waits for.
      public var maxWaiting = 1_000
      /// Between two keep-alives of one chat: below the 45 s after which a Genesys Chat Server gives a silent customer
      /// up. Zero sends none.
      public var keepAlive: Duration = .seconds(30)
    }
  }

  /// Native pushes.
  public struct Push: Sendable {
    /// `comet`, `customhttp`, `httpcb`; `comet` has to be among them (GMS `[push] pushEnabled`).
    public var enabled = ["comet"]
    /// Where `customhttp` posts to (GMS `customhttp.url`); `http://` alone.
    public var customHttpUrl: String?
    /// Hosts that `httpcb` may call. Clients choose the URL, so none is allowed by itself.
    public var httpCallbackHosts: [String] = []
    /// How long a provider may take to answer.
    public var timeout: Duration = .seconds(10)
    /// Pushes under way at once; a further one fails. As many sockets, far below every limit of descriptors.
    public var maxPending = 256
  }

  /// The scripted agent of `--demo`.
  public struct Demo: Sendable {
    /// Whether a scripted agent joins and answers every chat of the embedded backend.
    public var agent = false
  }
}
