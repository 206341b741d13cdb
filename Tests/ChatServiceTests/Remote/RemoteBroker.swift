// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService
import Testing

@testable import BrokerServer

/// A whole broker whose chat backend is a stand-in in this process, over real sockets.
struct RemoteBroker {
  let broker: BrokerServer
  let client: HTTPClient
  let publicURL: String
  let adminURL: String

  init(
    backend url: String, directory: String? = nil, _ change: (inout ServerConfiguration) -> Void = { _ in }
  ) async throws {
    var configuration = ServerConfiguration()
    configuration.server.port = 0
    configuration.server.shards = 1
    configuration.admin.port = 0
    configuration.chat.backend = .remote
    configuration.chat.remote.url = url
    configuration.chat.remote.secret = StandInBackend.secret
    configuration.chat.remote.backoff = .milliseconds(1)
    configuration.data.directory = directory
    change(&configuration)
    broker = try BrokerServer(configuration: configuration, logger: .silent)
    let addresses = try await broker.start()
    (publicURL, adminURL) = ("http://\(addresses.publicAddress)", "http://\(addresses.adminAddress)")
    client = try HTTPClient(name: "test", HTTPClientOptions(maxPending: 100, maxConnections: 8, keepsAlive: true))
  }

  func stop() async {
    await broker.shutdown(within: .zero)
    client.stop()
  }

  func call(
    _ url: String, _ body: JSONValue?, _ fields: [(name: String, value: String)] = [], method: String = "POST"
  ) async throws -> (status: Int, body: JSONValue, text: String) {
    let request = OutgoingRequest(
      method: method, url: try #require(WebURL(url)), fields: fields, body: body?.encoded, timeout: .seconds(20))
    let answer = try await client.send(request).get()
    let json = (try? JSONValue(parsing: answer.body.span)) ?? .null
    return (answer.status, json, String(decoding: answer.body, as: UTF8.self))
  }

  func chat(_ path: String, _ body: JSONValue = [:]) async throws -> (status: Int, body: JSONValue, text: String) {
    try await call("\(publicURL)/genesys/1/service/\(path)", body)
  }

  func tell(
    _ events: JSONValue, secret: String? = StandInBackend.secret
  ) async throws -> (status: Int, body: JSONValue, text: String) {
    try await call("\(adminURL)/backend/events", events, secret.map { [("X-Backend-Secret", $0)] } ?? [])
  }

  /// A chat that is polled: the ids of its service and its session.
  func opened() async throws -> (service: String, session: String) {
    let service = try #require(try await chat("request-chat").body["_id"]?.string)
    let session = try #require(
      try await chat("\(service)/ixn/chat", ["firstName": "Buzz"]).body["chatSessionId"]?.string)
    return (service, session)
  }

  func transcript(_ service: String) async throws -> [String] {
    let reply = try await chat("\(service)/ixn/chat/refresh", ["transcriptPosition": "1"])
    return reply.body["transcriptToShow"]?.elements?.compactMap { $0[2]?.string } ?? []
  }
}

/// One text of an agent, as an event.
func entries(_ id: String, _ service: String, _ session: String, _ text: String) -> JSONValue {
  [
    "type": "entries", "id": .string(id), "serviceId": .string(service), "chatSessionId": .string(session),
    "entries": [["type": "Message.Text", "nickname": "Ada", "text": .string(text), "party": "AGENT"]],
  ]
}

/// Runs `body` with a broker and its backend, which tells the broker what happens.
func withRemoteBroker(
  directory: String? = nil, _ change: (inout ServerConfiguration) -> Void = { _ in },
  _ body: (RemoteBroker, StandInBackend, StandInServer) async throws -> Void
) async throws {
  let standIn = StandInBackend(clock: TestClock())
  let server = try StandInServer { await standIn.answer($0) }
  let broker = try await RemoteBroker(backend: server.url, directory: directory, change)
  let (client, url) = (broker.client, broker.adminURL)
  let telling = standIn.run { batch in
    guard let url = WebURL("\(url)/backend/events") else { return nil }
    let request = OutgoingRequest(
      method: "POST", url: url, fields: [("X-Backend-Secret", StandInBackend.secret)], body: batch.encoded,
      timeout: .seconds(20))
    guard let answer = try? await client.send(request).get() else { return nil }
    return try? JSONValue(parsing: answer.body.span)
  }
  let result: Result<Void, any Error>
  do { result = .success(try await body(broker, standIn, server)) } catch { result = .failure(error) }
  telling.cancel()
  await broker.stop()
  server.stop()
  try result.get()
}
