// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes

/// A Bayeux client over long-polling: one connection for connects and one for everything else, as stock clients have.
final class BayeuxClient: Sendable {
  static let path = "/genesys/cometd"

  let id: String
  let user: String?
  /// For everything but connects.
  let main: RawClient
  /// For connects.
  let polls: RawClient
  private let fields: [String]

  /// Shakes hands and, unless told otherwise, has its first connect answered.
  init(_ broker: RunningBroker, user: String? = nil, fields: [String] = [], connects: Bool = true) throws {
    self.user = user
    main = try broker.client()
    polls = try broker.client()
    self.fields = fields + (user.map { ["gms_user: \($0)"] } ?? [])
    id = try Self.handshake(main, self.fields)
    if connects { _ = try connect() }
  }

  /// An anonymous client whose session, and both of whose connections, are on that shard.
  init(_ broker: RunningBroker, on shard: Int) throws {
    fields = []
    user = nil
    var candidate: (RawClient, String)
    repeat {
      let line = try broker.client()
      candidate = (line, try Self.handshake(line, []))
    } while Self.shard(of: candidate.1) != shard
    (main, id) = candidate
    polls = try broker.client()
    _ = try connect()
  }

  private static func handshake(_ line: RawClient, _ fields: [String]) throws -> String {
    let message: JSONValue = ["channel": "/meta/handshake", "version": "1.0"]
    let response = try line.call("POST", path, message.text, fields)
    guard let id = response.messages.first?["clientId"]?.string else { throw ClientError.malformed("\(response)") }
    return id
  }

  /// The shard on which a session lives: a broker that has many writes it at the front of the id.
  static func shard(of id: String) -> Int? { ClientID(id)?.shard }

  /// A message of this client.
  func message(_ channel: String, _ more: JSONValue = .object([])) -> JSONValue {
    .object(
      [.init("channel", .string(channel)), .init("clientId", .string(id))] + (more.members ?? []))
  }

  func post(_ messages: [JSONValue]) throws -> Response {
    try main.call("POST", Self.path, JSONValue.array(messages).text, fields)
  }

  /// The single reply to one message.
  func call(_ channel: String, _ more: JSONValue = .object([])) throws -> JSONValue {
    let response = try post([message(channel, more)])
    guard let reply = response.messages.last, response.status == 200 else { throw ClientError.malformed("\(response)") }
    return reply
  }

  @discardableResult
  func subscribe(_ channel: String) throws -> JSONValue {
    try call("/meta/subscribe", ["subscription": .string(channel)])
  }

  func publish(_ channel: String, _ data: JSONValue) throws -> JSONValue { try call(channel, ["data": data]) }

  // MARK: connects

  /// Sends a connect and does not wait for its answer.
  func hold(_ more: JSONValue = .object([])) throws {
    let connect = message("/meta/connect", .object([.init("connectionType", "long-polling")] + (more.members ?? [])))
    try polls.send(polls.text("POST", Self.path, connect.text, fields))
  }

  /// The answer to the connect that was sent.
  func held() throws -> Response { try polls.response() }

  /// The events and the connect's reply behind them.
  @discardableResult
  func connect(_ more: JSONValue = .object([])) throws -> [JSONValue] {
    try hold(more)
    return try held().messages
  }

  /// Connects until `count` events have come; more if more came with the last of them.
  func events(_ count: Int) throws -> [JSONValue] {
    var events: [JSONValue] = []
    while events.count < count {
      let messages = try connect()
      guard messages.last?["channel"] == "/meta/connect", messages.last?["successful"] == true else {
        throw ClientError.malformed("a connect was answered with \(JSONValue.array(messages).text)")
      }
      events += messages.dropLast()
    }
    return events
  }
}

extension JSONValue {
  var isSuccessful: Bool { self["successful"] == true }
  var error: String? { self["error"]?.string }
}

extension RunningBroker {
  /// A client of `user` that is subscribed to its events.
  func listener(_ user: String) throws -> BayeuxClient {
    let client = try BayeuxClient(self, user: user)
    try client.subscribe("/_genesys")
    return client
  }
}
