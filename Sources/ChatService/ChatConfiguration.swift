// SPDX-License-Identifier: Apache-2.0
import Bytes

/// What a chat call answers in comet mode, where a client gets its events on `/_genesys`.
///
/// GMS itself is documented with three shapes; real clients need the keys of the full one.
public enum CometReply: String, Sendable, Hashable, CaseIterable {
  /// The chat object with an empty `transcriptToShow`, and the sentence of ``message`` as its `message`.
  case full
  /// `{"message":"Messages will sent over CometD service channel /_genesys"}`
  case message
  /// `{"_id":"<service>","comet_channel":"/_genesys"}`
  case channel
}

/// How `transcriptPosition` is written; both forms are read.
public enum PositionStyle: String, Sendable, Hashable, CaseIterable {
  case string
  /// For clients that assign the value to an integer without converting it.
  case number
}

/// Every option of the chat service, with its default and the reason for it.
public struct ChatConfiguration: Sendable {
  /// Services by name; at first those that are shipped.
  public var services = ShippedServices.definitions
  /// Other names of services.
  public var aliases = ShippedServices.aliases
  /// What HTTP Basic asks of every call below `/genesys/1/service`, unless the service has its own (GMS `[server]`).
  public var credentials = BasicCredentials()
  /// Mount path of the Bayeux endpoint, for the `_comet_url` of dialogs.
  public var cometPath = "/genesys/cometd"
  public var storageLimits = StorageLimits()

  /// `full`: one client family needs `chatSessionId` and `transcriptPosition`, another all six URLs.
  public var cometReply = CometReply.full
  /// `string`: what GMS writes.
  public var transcriptPosition = PositionStyle.string
  /// The two-space indented bodies of GMS 8.1.1, byte for byte. Off: clients do not care, and they are longer.
  public var prettyJSON = false
  /// Whether a create after the end of a chat opens a new one. Off: one service is one chat session.
  public var allowRechat = false
  /// Whether the router lets a GET with query parameters create a service. On: live clients do so.
  public var allowGetCreate = true
  /// Whether a call whose `gms_user` differs from the user of its service is refused (403).
  /// On: the service id alone should not open somebody else's chat.
  public var strictUser = true
  /// GMS `_chat_400_response_on_disconnected`: calls on an ended chat are 400 instead of 200 `DISCONNECTED`.
  public var chat400OnDisconnected = false

  /// GMS `_ttl`: how long a service is kept after it was last used; then its id is unknown (404).
  /// Counted from the last use, so that no chat vanishes while people talk in it.
  public var serviceTTL: Duration = .seconds(86_400)
  /// The same for a service whose chat has ended, where that is shorter.
  public var endedChatRetention: Duration = .seconds(86_400)
  /// GMS `[chat] default_chat_endpoint`.
  public var defaultEndpoint = "Environment:default"
  /// GMS `app_selected_agent_group`: the agents who are asked first for chats of services without a `_target`; nil for
  /// none, so that any ready agent is asked at once.
  public var selectedAgentGroup: String?
  /// GMS `app_find_agent_timeout`: how long only they are asked; then any ready agent. Half a minute, as long as an
  /// offered chat belongs to one agent.
  public var findAgentTimeout: Duration = .seconds(30)
  /// GMS `chat_load_balancer_url_path`, a member of every verbose reply; nothing is served there.
  public var loadBalancerPath = "/WebAPI812/SimpleSamples812/ChatHA/ChatLBServerInfo.jsp"
  /// What `clientTimeZoneOffset` shows when the client gave none, in minutes.
  public var timeZoneOffsetMinutes = 0

  public var limits = ChatLimits()

  public init() {}

  /// Where chats of services without a `_target` go; nil is to any ready agent.
  var fallbackPlan: RoutingPlan? {
    guard let selectedAgentGroup, !selectedAgentGroup.isEmpty else { return nil }
    let seconds = Int(findAgentTimeout.components.seconds)
    return try? RoutingPlan([
      ["target": .string(selectedAgentGroup + "@StatServer.GA"), "timeout": JSONValue(seconds), "clear": false],
      ["target": "?:@StatServer.GA"],
    ])
  }

  /// What a name, or another name for the same, stands for.
  public func definition(named name: String) -> ChatServiceDefinition? {
    services[name] ?? aliases[name].flatMap { services[$0] }
  }
}

/// Every bound of the chat service, and what the client sees when it is reached.
public struct ChatLimits: Sendable, Hashable {
  /// Services kept at once; the next creation is 503. Some kilobytes each, so this many fit any machine.
  public var maxServices = 200_000
  /// UTF-8 bytes of one customer's message; a longer one is 400. Twice what GMS' own Chat Server takes.
  public var maxMessageBytes = 8_192
  /// UTF-8 bytes of a customer's nickname; a longer name is cut. What every backend takes of a nickname.
  public var maxNicknameBytes = 128
  /// Fields of one request; more are 400. The largest form seen has 24.
  public var maxFields = 128
  /// UTF-8 bytes of one field's name and value; more are 400.
  public var maxFieldBytes = 16_384
  /// UTF-8 bytes of all fields that are kept with one service; more are 400.
  public var maxDataBytes = 65_536
  /// Callbacks that one query shows; further ones are left out. A customer has a handful.
  public var maxListedCallbacks = 100
  /// Notification subscriptions at once; the next one is 503. As many as services.
  public var maxSubscriptions = 200_000
  /// GMS `defaultSubscriptionExpiration`: how long a subscription lives that asks for nothing, or for less.
  public var subscriptionExpiration: Duration = .seconds(30)
  /// The longest a subscription lives; a longer time is cut to it. A week, as what is stored.
  public var maxSubscriptionExpiration: Duration = .seconds(604_800)
  /// Entries kept of one transcript. Beyond it the oldest are forgotten, and a refresh from the start begins later.
  public var maxTranscriptEntries = 10_000
  /// UTF-8 bytes of the texts and nicknames kept of one transcript; beyond it as ``maxTranscriptEntries``.
  public var maxTranscriptBytes = 4 * 1024 * 1024
  /// Event ids remembered per chat, so that a backend may send an event again without doubling it.
  public var maxRememberedEvents = 64
  /// Events of a chat that are held before its opening has been answered; the backend is to send later ones again.
  public var maxEventsWhileOpening = 1_000
  /// How long a call waits for the backend, and for its own entry; then it is 500. Below common HTTP timeouts of 30 s.
  public var callTimeout: Duration = .seconds(10)
  /// How long an opening that was not answered may be repeated and its events are held; then the chat is given up, at
  /// the backend as well. Longer than a person waits before trying again.
  public var unknownOpening: Duration = .seconds(60)
  /// How long events of a new chat wait for the reply of its create to be written; then they are sent anyway.
  public var holdBack: Duration = .seconds(5)
  /// Until the backend is told again of services that were taken up after a restart, while it cannot be reached; doubled
  /// up to thirty times as long.
  public var announcePause: Duration = .seconds(1)
  /// How often ``ChatService/run()`` looks for deadlines that passed.
  public var sweepInterval: Duration = .milliseconds(250)

  public init() {}
}
