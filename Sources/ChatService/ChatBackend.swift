// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// The name of one call, minted by the service. A backend that sees it twice does the thing once.
public struct CallID: Sendable, Hashable {
  public let text: String

  public init(_ text: String) { self.text = text }
}

/// Why a backend did not do what it was asked.
public enum ChatBackendError: Error, Hashable, Sendable, CaseIterable {
  /// It knows no such service or chat (the client sees 404).
  case notFound
  /// The service waits for an agent (503).
  case notReady
  /// The chat is over; its ``ChatBackendEvent/Content/ended(_:)`` was or will be among the events (200 `DISCONNECTED`).
  case ended
  /// It cannot be reached, or is shutting down (500).
  case unavailable
  /// It does not accept a parameter (400).
  case badInput
}

/// Whether a chat of a service would find an agent now.
public enum ChatAvailability: Sendable, Hashable {
  case waiting, available
}

/// A service for which an agent became available, or is no longer.
public struct AvailabilityChange: Sendable, Hashable {
  public let serviceID: String
  public let availability: ChatAvailability

  public init(serviceID: String, availability: ChatAvailability) {
    self.serviceID = serviceID
    self.availability = availability
  }
}

/// A service as the backend gets to know it.
public struct ChatServiceRequest: Sendable, Hashable {
  /// Minted by the service, unguessable.
  public let serviceID: String
  /// The name under which it was created.
  public let name: String
  /// Business data, in the order of the request.
  public let data: [ChatFields.Field]
  public let ttl: Duration
  /// Who is to take its chat, and from when on it waits for him.
  public let routing: RoutingRequest

  public init(
    serviceID: String, name: String, data: [ChatFields.Field], ttl: Duration,
    routing: RoutingRequest = RoutingRequest()
  ) {
    self.serviceID = serviceID
    self.name = name
    self.data = data
    self.ttl = ttl
    self.routing = routing
  }
}

/// A chat to be opened.
public struct ChatRequest: Sendable, Hashable {
  public let serviceID: String
  /// `tenant:endpoint`, where the chat enters routing.
  public let endpoint: String
  /// How the customer is called in the transcript.
  public let nickname: String
  public let subject: String
  /// Business data of the service and of the create; names are given as `fldnFirstName`, `fldnLastName` and
  /// `fldnEmailAddress`.
  public let userData: [ChatFields.Field]
  /// What the customer says at once: to be the first entry of the chat.
  public let firstMessage: String?
  /// Minutes from UTC.
  public let timeZoneOffset: Int

  public init(
    serviceID: String, endpoint: String, nickname: String, subject: String, userData: [ChatFields.Field] = [],
    firstMessage: String? = nil, timeZoneOffset: Int = 0
  ) {
    self.serviceID = serviceID
    self.endpoint = endpoint
    self.nickname = nickname
    self.subject = subject
    self.userData = userData
    self.firstMessage = firstMessage
    self.timeZoneOffset = timeZoneOffset
  }
}

/// The chat server that has a chat; shown in verbose replies.
public struct ChatServerAddress: Sendable, Hashable {
  public let host: String
  public let webAPIPort: Int
  public let requiresTLS: Bool
  /// A decimal number, as text.
  public let loadBalancerAlias: String

  public init(host: String, webAPIPort: Int, requiresTLS: Bool = false, loadBalancerAlias: String) {
    self.host = host
    self.webAPIPort = webAPIPort
    self.requiresTLS = requiresTLS
    self.loadBalancerAlias = loadBalancerAlias
  }
}

/// A chat that was opened. Its transcript stands at 1, the customer's own join.
public struct ChatOpened: Sendable, Hashable {
  /// 16 characters, such as `000C2a7VVQRB001U`.
  public let chatSessionID: String
  /// 16 hexadecimal digits, upper case.
  public let userID: String
  /// 16 hexadecimal digits, lower case.
  public let secureKey: String
  public let startedAtSecondsSince1970: Int64
  public let server: ChatServerAddress

  public init(
    chatSessionID: String, userID: String, secureKey: String, startedAtSecondsSince1970: Int64,
    server: ChatServerAddress
  ) {
    self.chatSessionID = chatSessionID
    self.userID = userID
    self.secureKey = secureKey
    self.startedAtSecondsSince1970 = startedAtSecondsSince1970
    self.server = server
  }
}

/// Something that happened in a chat.
public struct ChatBackendEvent: Sendable, Hashable {
  public enum Content: Sendable, Hashable {
    /// One entry or, when they belong together (an agent replaces another), several at once.
    case entries([ChatEntry])
    /// The chat is over; the entries are its last ones. Nothing follows.
    case ended([ChatEntry])
    /// Another server has the chat now.
    case relocated(ChatServerAddress)
  }

  /// Unique within its chat; an event that comes again under the same id counts once.
  public let id: String
  public let serviceID: String
  public let chatSessionID: String
  public let secondsSince1970: Int64
  /// The customer's call that made it happen; nil for what others did.
  public let cause: CallID?
  public let content: Content

  public init(
    id: String, serviceID: String, chatSessionID: String, secondsSince1970: Int64, cause: CallID? = nil,
    content: Content
  ) {
    self.id = id
    self.serviceID = serviceID
    self.chatSessionID = chatSessionID
    self.secondsSince1970 = secondsSince1970
    self.cause = cause
    self.content = content
  }
}

/// What stands behind the chat API: a chat server, a bot, or ``EmbeddedChatBackend``. The extension point for
/// embedders.
///
/// The customer's calls come in as methods; *everything* that appears in a chat goes out through ``events()``, what the
/// customer said included. So the order of a transcript has one source. An event that a call caused carries the call's
/// id, and the call's HTTP reply waits for it. A call repeated under the same id must not happen twice.
///
/// The customer's own join is not an event: it is position 1 of every transcript.
public protocol ChatBackend: Sendable {
  /// How often ``keepAlive(_:)`` must be called for each live chat; nil for never.
  var keepAliveInterval: Duration? { get }

  /// Everything that happens, in order, until the backend shuts down. Has one consumer at a time.
  func events() async -> AsyncStream<ChatBackendEvent>
  /// The event has its place, and need not be kept any longer.
  ///
  /// - Parameter position: of its last entry in the transcript, or of the last entry before it where it has none; nil
  ///   when the event was not taken because the service has no such live chat.
  func acknowledge(_ event: ChatBackendEvent, position: Int?) async
  /// The event has its place, but it could not be kept yet: whoever waits for it is to be told so. It is acknowledged
  /// only if it comes again; a backend that may be restarted keeps it.
  func postpone(_ event: ChatBackendEvent) async

  func createService(_ service: ChatServiceRequest) async throws(ChatBackendError)
  /// Services of before a restart: each will be told by ``createService(_:)``, but what is asked of one may come first.
  func remember(_ services: [ChatServiceRequest]) async
  func availability(_ serviceID: String) async throws(ChatBackendError) -> ChatAvailability
  /// Opens the chat of a service, or returns the one it has while that is live.
  func openChat(_ request: ChatRequest, call: CallID) async throws(ChatBackendError) -> ChatOpened
  /// The events behind `position` that may have been lost when another server took the chat over.
  func refresh(_ serviceID: String, after position: Int) async throws(ChatBackendError) -> [ChatBackendEvent]
  /// Finds the server that has the chat after a call failed with ``ChatBackendError/unavailable``.
  func relocate(_ serviceID: String) async throws(ChatBackendError) -> ChatServerAddress

  func send(_ text: String, in serviceID: String, call: CallID) async throws(ChatBackendError)
  func typing(_ isTyping: Bool, in serviceID: String, call: CallID) async throws(ChatBackendError)
  func pushURL(_ url: String, in serviceID: String, call: CallID) async throws(ChatBackendError)
  func notice(_ text: String, in serviceID: String, call: CallID) async throws(ChatBackendError)
  /// Ends the chat for the customer; causes ``ChatBackendEvent/Content/ended(_:)``.
  func disconnect(_ serviceID: String, call: CallID) async throws(ChatBackendError)

  /// Whether the customer can be reached now, so that agents see it.
  func clientPresence(_ serviceID: String, isOnline: Bool) async
  /// Tells the chat server that the customer is still there though silent.
  func keepAlive(_ serviceID: String) async throws(ChatBackendError)

  /// Services without a chat whose availability changed, as it happens. Has one consumer at a time.
  func availabilityChanges() async -> AsyncStream<AvailabilityChange>
  /// What a change led to is kept, or could not be: then it is to come again. Called for each change, in order.
  func acknowledge(_ change: AvailabilityChange, isKept: Bool) async
  /// Where a service stands in its queue; nil where this backend queues nothing.
  func queuePosition(_ serviceID: String) async throws(ChatBackendError) -> QueuePosition?
  /// The service is gone for good.
  func removeService(_ serviceID: String) async
  /// Does what is due at `now`; called a few times a second.
  func advance(to now: Instant) async
}

/// For a backend that queues nothing, is never somewhere else, loses no events, forgets no silent customer, and takes
/// texts alone.
extension ChatBackend {
  public func acknowledge(_ event: ChatBackendEvent, position: Int?) async {}
  public func createService(_ service: ChatServiceRequest) async throws(ChatBackendError) {}
  public func availability(_ serviceID: String) async throws(ChatBackendError) -> ChatAvailability { .available }
  public func clientPresence(_ serviceID: String, isOnline: Bool) async {}
  public func pushURL(_ url: String, in serviceID: String, call: CallID) async throws(ChatBackendError) {
    throw .badInput
  }
  public func notice(_ text: String, in serviceID: String, call: CallID) async throws(ChatBackendError) {
    throw .badInput
  }
  public var keepAliveInterval: Duration? { nil }
  public func availabilityChanges() async -> AsyncStream<AvailabilityChange> { AsyncStream { $0.finish() } }
  public func acknowledge(_ change: AvailabilityChange, isKept: Bool) async {}
  public func queuePosition(_ serviceID: String) async throws(ChatBackendError) -> QueuePosition? { nil }
  public func removeService(_ serviceID: String) async {}
  public func advance(to now: Instant) async {}
  public func keepAlive(_ serviceID: String) async throws(ChatBackendError) {}
  public func postpone(_ event: ChatBackendEvent) async {}
  public func remember(_ services: [ChatServiceRequest]) async {}
  public func relocate(_ serviceID: String) async throws(ChatBackendError) -> ChatServerAddress { throw .unavailable }
  public func refresh(_ serviceID: String, after position: Int) async throws(ChatBackendError) -> [ChatBackendEvent] {
    []
  }
}
