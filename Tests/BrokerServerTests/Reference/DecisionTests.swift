// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import ChatService
import Testing

/// Section 7: where the documents of GMS disagree, and what was decided. The decisions that are not here are held by
/// other suites, under their numbers.
@Suite("Section 7: decisions", .timeLimit(.minutes(2))) struct DecisionTests {
  @Test(
    "A1: a position is written as text, or as number by option; both are read",
    arguments: [PositionStyle.string, .number])
  func a1(_ style: PositionStyle) async throws {
    try await withBroker({ $0.gms.chat.transcriptPosition = style }) { broker in
      let customer = try Customer(broker)
      let sent = try customer.call("send", "message=x").json["transcriptPosition"]
      #expect(sent == (style == .string ? "2" : 2 as JSONValue))
      for body in [#"{"transcriptPosition":1}"#, #"{"transcriptPosition":"1"}"#] {
        let reply = try customer.line.post(customer.path + "/refresh", body, ChatRequestTests.json)
        #expect(reply.json["transcriptToShow"]?.elements?.count == 1)
      }
    }
  }

  @Test("A2: in comet mode replies are the chat object with a sentence, and show nothing twice")
  func a2() async throws {
    try await withBroker { broker in
      let customer = try Customer(broker, user: "buzz", ["notify_by": "comet"])
      for operation in ["refresh", "send", "startTyping", "stopTyping"] {
        let reply = try customer.call(operation, "message=x").json
        #expect(reply["message"] == "Messages will sent over CometD service channel /_genesys")
        #expect(reply["transcriptToShow"] == [] && reply["chatSessionId"] != nil)
      }
    }
  }

  @Test("A3: the notices of typing are TypingStarted and TypingStopped")
  func a3() async throws {
    try await withBroker { broker in
      let customer = try Customer(broker)
      _ = try customer.call("startTyping")
      _ = try customer.call("stopTyping")
      let entries = try customer.call("refresh", "transcriptPosition=0").json["transcriptToShow"]?.elements
      #expect(entries?.map { $0[0] } == ["Notice.TypingStarted", "Notice.TypingStopped"])
    }
  }

  @Test("A4: hyphens in the key of request-chat, underscores in that of status, never both")
  func a4() async throws {
    try await withBroker { broker in
      let line = try ServiceLine(broker)
      let basic = try line.post("service/request-chat", "_verbose=true").text
      #expect(basic.contains("_chatIxnAPI-CREATE-URL") && !basic.contains("_chatIxnAPI_CREATE_URL"))
      try broker.agent("Monique")
      let id = try line.create("request-chat-poll")
      let status = try line.post("service/\(id)/status", "_verbose=true").text
      #expect(status.contains("_chatIxnAPI_CREATE_URL") && !status.contains("_chatIxnAPI-CREATE-URL"))
    }
  }

  @Test("A6: a missing value is 400 with a JSON body, and never 415")
  func a6() async throws {
    try await withBroker { broker in
      let customer = try Customer(broker)
      let missing = try customer.call("send")
      #expect(missing.status == 400 && missing.json.names == ["exception", "message"])
      let callback = try ServiceLine(broker).post("service/callback/chat-immediate")
      #expect(callback.status == 400 && callback.json.names == ["exception", "message"])
    }
  }

  @Test("A8: the subject is optional; None without one")
  func a8() async throws {
    try await withBroker { broker in
      let customer = try Customer(broker)
      #expect(try broker.admin().get("/agent/chats/\(customer.service)").json["subject"] == "None")
    }
  }

  @Test("A10: bodies are compact; by option they are indented as GMS 8.1.1 wrote them", arguments: [false, true])
  func a10(_ isPretty: Bool) async throws {
    try await withBroker({ $0.gms.chat.prettyJSON = isPretty }) { broker in
      let customer = try Customer(broker)
      let text = try customer.call("send", "message=hi").text
      let chat = try #require(try customer.call("refresh").json["chatSessionId"]?.string)
      let start = isPretty ? "{\n  \"chatIxnState\" : \"TRANSCRIPT\",\n" : #"{"chatIxnState":"TRANSCRIPT",""#
      #expect(text.hasPrefix(start) && text.hasSuffix(isPretty ? "\n}\n" : "}"))
      #expect(text.contains(isPretty ? "\"chatSessionId\" : \"\(chat)\"" : "\"chatSessionId\":\"\(chat)\""))
    }
  }

  @Test("A11: a live event has one entry, but for an end, which takes along who leaves by it")
  func a11() async throws {
    try await withBroker { broker in
      let buzz = try broker.listener("buzz")
      let customer = try Customer(broker, user: "buzz", ["notify_by": "comet"])
      let agents = ["Ada", "Bob"].map { Agent(broker, customer.service, $0) }
      for agent in agents { #expect(try agent.act("join").status == 200) }
      #expect(try agents[0].act("end").status == 200)
      let counts = try buzz.events(4).map { $0["data"]?["message"]?["transcriptToShow"]?.elements?.count }
      #expect(counts == [0, 1, 1, 2])
    }
  }

  @Test("A13: a refresh after the end is 200 DISCONNECTED with the rest, then with nothing; 400 by option")
  func a13() async throws {
    try await withBroker { broker in
      let customer = try Customer(broker)
      let agent = Agent(broker, customer.service, "Monique")
      #expect(try agent.act("join").status == 200)
      #expect(try agent.act("end").status == 200)
      let first = try customer.call("refresh").json
      #expect(first["chatIxnState"] == "DISCONNECTED" && first["transcriptToShow"]?.elements?.count == 2)
      let second = try customer.call("refresh").json
      #expect(second["chatIxnState"] == "DISCONNECTED" && second["transcriptToShow"] == [])
    }
    try await withBroker({ $0.gms.chat.chat400OnDisconnected = true }) { broker in
      let customer = try Customer(broker)
      _ = try customer.call("disconnect")
      let refused = try customer.call("refresh")
      #expect(refused.status == 400 && refused.json.names == ["exception", "message"])
    }
  }

  @Test("A15: the own join is position 1 and is not shown; the first entry that is seen is 2")
  func a15() async throws {
    try await withBroker { broker in
      let customer = try Customer(broker)
      let empty = try customer.call("refresh", "transcriptPosition=0").json
      #expect(empty["transcriptPosition"] == "1" && empty["transcriptToShow"] == [])
      #expect(try Agent(broker, customer.service, "Monique").act("join").json["transcriptPosition"] == "2")
    }
  }

  @Test("A16: without gms_user the handshake is fine, the subscription 403, a comet create 400; strictly nothing is")
  func a16() async throws {
    try await withBroker { broker in
      let anonymous = try BayeuxClient(broker)
      #expect(try anonymous.subscribe("/_genesys").error == "403:/_genesys:gms_user required")
      let customer = try Customer(broker, nil)
      let create = try customer.call("", "notify_by=comet")
      #expect(create.status == 400 && create.json["message"] == "gms_user header required for notify_by=comet")
      #expect(try customer.call("", "").status == 200, "who polls needs none")
    }
    try await withBroker({ $0.bayeux.options.requiresUser = true }) { broker in
      let refused = try broker.client().post(BayeuxClient.path, #"{"channel":"/meta/handshake","version":"1.0"}"#)
      #expect(refused.messages[0]["successful"] == false && refused.messages[0]["advice"]?["reconnect"] == "none")
    }
  }

  @Test("A17: what waited goes to the first who returns; later sessions get what is live, and the rest by a position")
  func a17() async throws {
    try await withBroker { broker in
      let customer = try Customer(broker, user: "buzz", ["notify_by": "comet"])
      let agent = Agent(broker, customer.service, "Monique")
      #expect(try agent.act("join").status == 200)
      let sessions = try (0..<2).map { _ in try BayeuxClient(broker, user: "buzz") }
      let replies = try sessions.map {
        try $0.post([$0.message("/meta/subscribe", ["subscription": "/_genesys"])]).messages
      }
      #expect(replies.map(\.positions) == [[1, 2], []])
      #expect(try agent.act("send", ["text": "hi"]).status == 200)
      for session in sessions { #expect(try session.events(1).positions == [3]) }
      let rest = try customer.call("refresh", "transcriptPosition=1").json["transcriptToShow"]?.elements
      #expect(rest?.map { $0[0] } == ["Notice.Joined", "Message.Text"])
    }
  }

  @Test("A18: the user of a service is the header of the create, else that of its creation, else its comet device")
  func a18() async throws {
    try await withBroker { broker in
      func create(_ creator: String?, _ form: String, _ opener: String?) throws {
        let id = try ServiceLine(broker, user: creator).create("request-chat", form)
        #expect(try ServiceLine(broker, user: opener).post("service/\(id)/ixn/chat", "notify_by=comet").status == 200)
      }
      let device = "_device_os=comet&_device_notification_id=carl"
      let users = ["ann", "bob", "carl"]
      let listeners = try users.map { try broker.listener($0) }
      try create("bob", device, "ann")
      try create("bob", device, nil)
      try create(nil, device, nil)
      for listener in listeners {
        #expect(try listener.events(1).positions == [1])
        #expect(try listener.connect(["advice": ["timeout": 0]]).count == 1, "one chat each")
      }
    }
  }

  @Test("A19: device_os and _device_os mean the same, and so do the ids", arguments: ["", "_"])
  func a19(_ prefix: String) async throws {
    try await withBroker { broker in
      let listener = try broker.listener("carl")
      let line = try ServiceLine(broker)
      let id = try line.create("request-chat", "\(prefix)device_os=comet&\(prefix)device_notification_id=carl")
      #expect(try line.post("service/\(id)/ixn/chat", "notify_by=comet").status == 200)
      #expect(try listener.events(1).positions == [1])
    }
  }

  @Test("A24: a held connect is answered a little before the time that was advised")
  func a24() async throws {
    try await withBroker({ $0.bayeux.options.timeout = .milliseconds(240) }) { broker in
      let client = try BayeuxClient(broker, connects: false)
      #expect(try client.connect()[0]["advice"]?["timeout"] == 240)
      let start = ContinuousClock.now
      #expect(try client.connect()[0].isSuccessful)
      #expect(ContinuousClock.now - start >= .milliseconds(210))
    }
    try await withBroker { broker in
      let client = try BayeuxClient(broker, connects: false)
      #expect(try client.connect()[0]["advice"]?["timeout"] == 60_000)
    }
    let options = ServerConfiguration().bayeux.options
    #expect(options.timeout - options.earlyAnswer == .seconds(55))
  }

  @Test(
    "A25: a second create says how the chat stands; after the end it opens a new one only by option",
    arguments: [false, true])
  func a25(_ allows: Bool) async throws {
    try await withBroker({ $0.gms.chat.allowRechat = allows }) { broker in
      let customer = try Customer(broker, nil)
      let first = try customer.call("").json
      #expect(try customer.call("").json["chatSessionId"] == first["chatSessionId"])
      _ = try customer.call("disconnect")
      let again = try customer.call("")
      #expect(again.status == 200 && again.json["chatIxnState"] == (allows ? "CONNECTED" : "DISCONNECTED"))
      #expect((again.json["chatSessionId"] == first["chatSessionId"]) == !allows)
    }
  }

  @Test("A26: both kinds of polling are offered, and websocket before them where it is on", arguments: [true, false])
  func a26(_ isOn: Bool) async throws {
    try await withBroker({ $0.webSocket.isEnabled = isOn }) { broker in
      let reply = try broker.client().post(BayeuxClient.path, #"{"channel":"/meta/handshake","version":"1.0"}"#)
      let polling = ["callback-polling", "long-polling"]
      let types = reply.messages[0]["supportedConnectionTypes"]?.elements?.compactMap(\.string)
      #expect(types == (isOn ? ["websocket"] + polling : polling))
    }
  }
}
