// SPDX-License-Identifier: Apache-2.0

/// A service that clients may create by name: what ``ServiceOption`` says of it, read.
///
/// nil means: as ``ChatConfiguration`` says.
public struct ChatServiceDefinition: Sendable, Hashable {
  /// GMS `_type`.
  public enum Kind: Sendable, Hashable {
    /// `builtin`: a chat without waiting.
    case basic
    /// `ors`: has a status, may wait for an agent.
    case advanced
  }

  public var type = Kind.basic
  /// Whether it is created below `/genesys/1/service/callback/` and answers with dialogs.
  public var isCallback = false
  /// GMS `_ttl`.
  public var ttl: Duration?
  /// GMS `_chat_endpoint`, `tenant:endpoint`.
  public var endpoint: String?
  /// GMS `_chat_400_response_on_disconnected`.
  public var chat400OnDisconnected: Bool?
  /// GMS `_wait_for_agent`.
  public var waitsForAgent = false
  /// GMS `_wait_for_user_confirm`.
  public var waitsForConfirmation = false
  /// GMS `_target`; nil lets any ready agent match.
  public var plan: RoutingPlan?
  /// GMS `_urs_virtual_queue`; nil is the name of the service.
  public var virtualQueue: String?
  /// GMS `_urs_prioritization_strategy`: told to the agent's side, not run.
  public var prioritizationStrategy = "WaitForTarget"
  /// GMS `_urs_strategy_update_sub_routine`: told to the agent's side, not run.
  public var updateSubroutine = "SetRouteDelay"
  /// GMS `_urs_queued_ttl`.
  public var queuedTTL: Duration = .seconds(660)
  /// GMS `_client_timeout`: silence after which a customer who polls has left; nil for never.
  public var clientTimeout: Duration?
  /// GMS `_user_confirm_timeout`.
  public var confirmTimeout: Duration = .seconds(30)
  /// GMS `_on_user_confirm_timeout`: `CONNECT-ANYWAY`, or else the service is cancelled.
  public var connectsAnyway = true
  /// GMS `_agent_reserve_timeout`.
  public var reserveTimeout: Duration = .seconds(30)
  /// GMS `_agent_availability_notification_delay`.
  public var notificationDelay: Duration = .seconds(30)
  /// GMS `_max_notify_delivery_attempts`.
  public var maxNotifyAttempts = 3
  /// GMS `_agent_timeout_notification_message`.
  public var agentTimeoutMessage: String?
  /// GMS `_client_timeout_notification`.
  public var clientTimeoutNotification: Duration = .seconds(90)
  /// GMS `_mandatory_customer_lookup_keys`.
  public var lookupKeys: [String] = []
  /// GMS `_provider_name`.
  public var pushProvider: String?
  /// GMS `_notification_message_file`: handed to the push provider.
  public var messageFile: String?
  /// The telephone number of the dialog `DialNumber`; nil offers none.
  public var dialNumber: String?
  /// GMS `_use_debug_push_certificate`.
  public var usesDebugPush = false
  /// What `internal-poke` pushes by default; nil switches it off.
  public var pokeMessage: String?
  /// Of this service alone; what it leaves open is the server's.
  public var credentials = BasicCredentials()

  /// A basic service.
  public init(ttl: Duration? = nil, endpoint: String? = nil, chat400OnDisconnected: Bool? = nil) {
    self.ttl = ttl
    self.endpoint = endpoint
    self.chat400OnDisconnected = chat400OnDisconnected
  }
}

/// The services that are there without any configuration, and the other names they go by.
public enum ShippedServices {
  /// What a file says about one of them comes on top of this.
  public static let options: [String: [ServiceOption: String]] = [
    "request-chat": [.type: "builtin"],
    "request-chat-poll": [.type: "ors", .waitForAgent: "true", .poke: "true"],
    // Every agent matches the empty expression.
    "chat-immediate": [.type: "ors", .service: "callback", .target: "?:@StatServer.GA"],
    "chat-delayed": [
      .type: "ors", .service: "callback", .target: "?:@StatServer.GA", .waitForAgent: "true",
      .waitForUserConfirm: "true",
    ],
  ]

  /// The GMS documents use three names for one service.
  public static let aliases = ["advanced-chat-poll": "request-chat-poll", "advance-chat-pool": "request-chat-poll"]

  public static let definitions: [String: ChatServiceDefinition] = Dictionary(
    uniqueKeysWithValues: options.map { name, options in
      var reader = ServiceOptionReader(service: name, over: options)
      return (name, reader.finish())
    })
}
