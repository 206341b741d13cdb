// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import Testing

/// Section 5.10: what live clients insist on. The rules that are not here are held by `CometChatTests` and
/// `ChatRequestTests`.
@Suite("Rules 5.10: what live clients insist on", .timeLimit(.minutes(2))) struct ClientRuleTests {
  private static let kinds = [
    "Message.Text", "Notice.Joined", "Notice.Left", "Notice.TypingStarted", "Notice.TypingStopped", "Notice.PushUrl",
    "Notice.Custom",
  ]

  /// A comet chat in which everything happened once, and its events after the first.
  private func eventful(_ body: ([JSONValue]) throws -> Void) async throws {
    try await withBroker { broker in
      let buzz = try broker.listener("buzz")
      let customer = try Customer(broker, user: "buzz", ["notify_by": "comet"])
      let agent = Agent(broker, customer.service, "Monique")
      var said = 1
      for verb in ["join", "typing", "push-url", "send", "notice", "notice", "leave"] {
        let more: JSONValue = ["typing": true, "text": "hi", "url": "https://x.example/"]
        #expect(try agent.act(verb, more).status == 200)
        said += 1
      }
      #expect(try customer.call("send", "message=hello").status == 200)
      #expect(try agent.act("join").status == 200)
      #expect(try agent.act("end").status == 200)
      try body(try buzz.events(said + 3).map { $0["data"]?["message"] ?? .null })
    }
  }

  @Test("5.10 rule 4: entries are five texts, of known kind, whole seconds, known party")
  func entries() async throws {
    try await eventful { messages in
      let entries = messages.flatMap { $0["transcriptToShow"]?.elements ?? [] }
      #expect(entries.count == 10)
      for entry in entries {
        let texts = entry.elements?.compactMap(\.string) ?? []
        #expect(texts.count == 5 && entry.elements?.count == 5)
        #expect(Self.kinds.contains(texts[0]) && ["AGENT", "CLIENT", "SUPERVISOR", "EXTERNAL"].contains(texts[4]))
        #expect(texts[3].wholeMatch(of: /\d+/) != nil)
      }
    }
  }

  @Test("5.10 rule 5: Notice.PushUrl and Notice.Custom are alone in their event")
  func isolation() async throws {
    try await eventful { messages in
      let lonely = messages.filter { message in
        message["transcriptToShow"]?.elements?.contains {
          $0[0] == "Notice.PushUrl" || $0[0] == "Notice.Custom"
        } == true
      }
      #expect(lonely.count == 3)
      #expect(lonely.allSatisfy { $0["transcriptToShow"]?.elements?.count == 1 })
    }
  }

  @Test("5.10 rule 7: positions never decrease, and the entries of one event are consecutive")
  func positions() async throws {
    try await eventful { messages in
      var last = 0
      var shown = 1
      for message in messages {
        let position = try #require(message["transcriptPosition"]?.string.flatMap { Int($0) })
        #expect(position >= last)
        last = position
        shown += message["transcriptToShow"]?.elements?.count ?? 0
        #expect(shown == position, "no entry is left out, and the position is that of the last")
      }
    }
  }

  @Test("5.10 rule 8: the first connect is answered at once, and timeout 0 is honoured")
  func firstConnect() async throws {
    try await withBroker { broker in
      let start = ContinuousClock.now
      let client = try BayeuxClient(broker, user: "buzz")
      for _ in 0..<3 {
        let reply = try client.connect(["advice": ["timeout": 0]])
        #expect(reply.count == 1 && reply[0].isSuccessful)
      }
      // A connect that were held would take a minute.
      #expect(ContinuousClock.now - start < .seconds(10))
    }
  }

  @Test("5.10 rule 10: chunked bodies, missing ids, single objects and suffix paths are taken")
  func spellings() async throws {
    try await withBroker { broker in
      let line = try broker.client()
      let body = #"{"channel":"/meta/handshake","version":"1.0"}"#
      let size = String(body.utf8.count, radix: 16)
      try line.send(
        "POST /genesys/cometd/handshake HTTP/1.1\r\nHost: x\r\ngms_user: buzz\r\nTransfer-Encoding: chunked\r\n\r\n"
          + "\(size)\r\n\(body)\r\n0\r\n\r\n")
      let shaken = try line.response().messages[0]
      #expect(shaken["id"] == nil && shaken.isSuccessful)
      let id = try #require(shaken["clientId"]?.string)
      let connect = #"{"channel":"/meta/connect","clientId":"\#(id)","connectionType":"long-polling"}"#
      let first = try line.post("/genesys/cometd/connect", connect, "gms_user: buzz").messages
      #expect(first.count == 1 && first[0]["id"] == nil && first[0].isSuccessful)
    }
  }

  @Test("5.10 rule 12 across a restart of the app: three messages of an agent, after ext 4, exactly once")
  func returning() async throws {
    try await withBroker(shards: 2) { broker in
      let id = try broker.cometChat(of: "anna")
      let anna = try broker.listener("anna")
      #expect(try broker.agent("join", id).status == 200)
      for text in ["a", "b"] {
        #expect(try broker.agent("send", id, ["nickname": "Ada", "text": .string(text)]).status == 200)
      }
      #expect(try anna.call("/meta/disconnect", ["ext": ["transcriptPosition": "4"]]).isSuccessful)
      for text in ["c", "d", "e"] {
        #expect(try broker.agent("send", id, ["nickname": "Ada", "text": .string(text)]).status == 200)
      }
      let again = try BayeuxClient(broker, user: "anna")
      let reply = try again.post([again.message("/meta/subscribe", ["subscription": "/_genesys"])]).messages
      #expect(reply.positions == [5, 6, 7] && reply.last?.isSuccessful == true)
      #expect(try again.post([again.message("/service/x")]).messages.count == 1, "and no more of it")
      #expect(try again.connect(["advice": ["timeout": 0]]).count == 1)
    }
  }
}
