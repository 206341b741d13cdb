// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// Answers what clients publish to `/service/<name>`, which no other client sees.
///
///     struct Echo: ServiceHandler {
///       func handle(_ call: ServiceCall, answers: ServiceAnswers) -> [ServiceMessage] {
///         [ServiceMessage(channel: call.channel, data: call.data)].compactMap { $0 }
///       }
///     }
public protocol ServiceHandler: Sendable {
  /// Called on a loop, several loops at once: it must not block.
  ///
  /// - Parameter answers: for what is known later; to be kept as long as it is of use, and used from any thread.
  /// - Returns: messages to the caller; they go out in front of the reply to this publish, in the same answer.
  func handle(_ call: ServiceCall, answers: ServiceAnswers) -> [ServiceMessage]
}

/// One publish to a service channel.
public struct ServiceCall: Sendable, Hashable {
  public let clientID: String
  /// The `gms_user` of the session; nil for an anonymous one.
  public let user: String?
  /// `/service/<name>`.
  public let channel: String
  /// JSON, as it came; `null` where the message has none.
  public let data: Payload
}

/// A message of a service to one session, which need not be subscribed to its channel.
public struct ServiceMessage: Sendable, Hashable {
  public let channel: Channel
  let payload: Payload

  /// - Parameters:
  ///   - channel: nil is returned for what is no channel name, a wildcard or a meta channel.
  ///   - data: JSON; nil is returned for anything else.
  public init?(channel: String, data: Payload) {
    guard let channel = Channel(channel), channel.reach == .exact, channel.kind != .meta else { return nil }
    var scanner = JSONScanner()
    guard (try? scanner.value(data.bytes.span)) != nil, (try? scanner.expectEnd(data.bytes.span)) != nil else {
      return nil
    }
    self.channel = channel
    payload = Payload(event: channel, data: data.bytes.span, ext: Span())
  }

  public init?(channel: String, data: JSONValue) {
    self.init(channel: channel, data: Payload(data.encoded))
  }
}

/// The way back to the session that called a service.
public struct ServiceAnswers: Sendable {
  private let clientID: ClientID
  private let post: @Sendable (ClientID, [ServiceMessage]) -> Void

  init(_ clientID: ClientID, _ post: @escaping @Sendable (ClientID, [ServiceMessage]) -> Void) {
    self.clientID = clientID
    self.post = post
  }

  /// Sends `messages` to the session, in order; they are lost where it has ended, also where a new handshake took it over.
  public func send(_ messages: [ServiceMessage]) {
    if !messages.isEmpty { post(clientID, messages) }
  }
}

/// What an embedder adds to a broker.
public struct BrokerAdditions: Sendable {
  public var extensions = ExtensionChain()
  /// By the name behind `/service/`.
  public var services: [String: any ServiceHandler] = [:]
  /// Carries messages of services to the shard of a session, from any thread; see ``Broker/deliver(_:to:now:)-(_,ClientID,_)``.
  public var post: @Sendable (ClientID, [ServiceMessage]) -> Void = { _, _ in }

  public init() {}
}

extension Broker {
  static let servicePrefix = "/service/"

  /// A publish to a service channel. Nobody there is no error: CometD's clients publish to services that only listen.
  mutating func call(_ channel: Channel, _ message: Message, _ text: Span<UInt8>, _ session: Session) {
    guard let handler = additions.services[String(channel.name.dropFirst(Self.servicePrefix.utf8.count))] else {
      return
    }
    counters.serviceCalls += 1
    let data = message.data.map { Payload(Array(text.extracting($0.outerRange))) } ?? Payload("null")
    let call = ServiceCall(clientID: session.id.text, user: session.user?.text, channel: channel.name, data: data)
    let messages = handler.handle(call, answers: ServiceAnswers(session.id, additions.post))
    if !messages.isEmpty { send(messages, to: session) }
  }

  /// Puts messages of a service into the queue of one session of this shard.
  ///
  /// - Returns: whether the session still lives.
  @discardableResult
  public mutating func deliver(_ messages: [ServiceMessage], to id: ClientID, now: Instant) -> Bool {
    guard let session = find(id), !session.hasEnded else { return false }
    latest = now
    send(messages, to: session)
    return true
  }

  private mutating func send(_ messages: [ServiceMessage], to session: Session) {
    let chain = additions.extensions
    for message in messages {
      guard let payload = chain.isEmpty ? message.payload : chain.outgoing(event: message.payload, context(session))
      else { continue }
      enqueue(DeliveryQueue.Entry(payload: payload, personal: nil), for: session, isToFew: true)
    }
  }
}
