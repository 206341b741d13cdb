// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

/// Whatever comes, it is answered once and rightly, and a client that held a poll all the time is served as before.
@Suite(.timeLimit(.minutes(2))) struct HostileInputTests {
  /// Pipelined behind everything: whether it is answered shows whether the end of the input was found.
  static func canary(_ client: RawClient) -> String { client.text("GET", "/canary") }

  /// A client that has nothing to do with any of it.
  private struct Bystander {
    let broker: RunningBroker
    let client: BayeuxClient
    private var count = 0

    init(_ broker: RunningBroker) throws {
      self.broker = broker
      client = try broker.listener("bystander")
      try client.hold()
    }

    /// Its poll is answered with its event and nothing else.
    mutating func check() throws -> Bool {
      count += 1
      let sessions = try broker.publish(to: "bystander", JSONValue(count))
      let messages = try client.held().messages
      try client.hold()
      return sessions == 1 && messages.count == 2 && messages[0]["data"]?["message"]?.int == count
    }
  }

  @Test func thereAreEnoughOfThem() {
    #expect(HostileRequest.all.count >= 400)
    #expect(HostileMessage.all.count >= 180)
  }

  @Test(arguments: [1, 2])
  func aRequestWhoseEndIsUnknownIsTheLastOfItsConnection(_ shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      var bystander = try Bystander(broker)
      for (index, request) in HostileRequest.all.enumerated() {
        let client = try broker.client()
        // Sometimes behind a sound request, as on a connection that a proxy shares.
        if index.isMultiple(of: 3) { try client.send(client.text("POST", BayeuxClient.path, "[]")) }
        try client.send(request.bytes + Array(Self.canary(client).utf8))
        if index.isMultiple(of: 3) { #expect(try client.response().text == "[]") }
        let text = String(decoding: request.bytes.prefix(200), as: UTF8.self).debugDescription
        let response = try client.response()
        #expect(response.status == request.status, "\(index): \(text) was answered with \(response)")
        #expect(response.closes, "\(text)")
        #expect(response["Content-Type"] == "text/plain;charset=UTF-8")
        #expect(response.text.hasSuffix(".\n") && response.text.utf8.count > 10, "\(text)")
        let rest = try client.readToEnd()
        #expect(rest == "", "\(index): \(text) let its canary through")
        #expect(try bystander.check(), "\(text) disturbed another client")
      }
      let page = try broker.metrics()
      #expect(page.samples[#"broker_http_rejects_total{cause="malformed"}"#] == HostileRequest.all.count)
    }
  }

  @Test(arguments: [1, 2])
  func aBodyThatMakesNoSenseIsAnsweredAndTheConnectionGoesOn(_ shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      var bystander = try Bystander(broker)
      let session = try BayeuxClient(broker, on: 0)
      for message in HostileMessage.all {
        let client = try broker.client()
        let body = message.body.flatMap { $0 == UInt8(ascii: "@") ? Array(session.id.utf8) : [$0] }
        let head = "POST /genesys/cometd HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.count)\r\n\r\n"
        try client.send(Array(head.utf8) + body + Array(Self.canary(client).utf8))
        let text = String(decoding: message.body.prefix(200), as: UTF8.self).debugDescription
        let response = try client.response()
        #expect(Self.answer(response) == message.answer, "\(text) was answered with \(response)")
        #expect(try client.response().status == 404, "\(text) swallowed its canary")
        #expect(try bystander.check(), "\(text) disturbed another client")
      }
    }
  }

  private static func answer(_ response: Response) -> HostileMessage.Answer {
    guard response.status == 200 else { return .status(response.status) }
    guard let reply = response.messages.last, reply["successful"] != nil else { return .status(0) }
    return reply.isSuccessful ? .success : .error(reply.error ?? "none")
  }

  @Test func strangeButSoundRequestsAreServed() async throws {
    let requests = StrangeRequests.all
    try await withBroker { broker in
      let client = try broker.client()
      for request in requests {
        try client.send(request + Self.canary(client))
        #expect(try client.response().text == "[]", "\(request.debugDescription)")
        #expect(try client.response().status == 404)
      }
    }
  }

  /// Torn down at any point of a request, by clients that hold sessions and by such that do not.
  @Test(arguments: [1, 2])
  func connectionsMayBreakAnywhere(_ shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      var bystander = try Bystander(broker)
      for index in 0..<60 {
        let client = try BayeuxClient(broker, user: "user\(index % 7)")
        let text = client.main.text("POST", BayeuxClient.path, client.message("/a", ["data": "x"]).text)
        try client.main.send(String(text.prefix(index * 4)))
        try client.hold()
        if index.isMultiple(of: 2) { client.main.reset() } else { client.main.hangUp() }
        if index.isMultiple(of: 3) { client.polls.reset() } else { client.polls.hangUp() }
        #expect(try bystander.check())
      }
      try broker.expect("connects_held", 1)
    }
  }
}
