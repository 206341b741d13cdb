// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import ChatService
import Testing

/// Chats whose events come over `/_genesys`: what live clients insist on.
@Suite(.timeLimit(.minutes(2))) struct CometChatTests {
  /// The `message` of each event.
  private static func messages(_ client: BayeuxClient, _ count: Int) throws -> [JSONValue] {
    try client.events(count).map { $0["data"]?["message"] ?? .null }
  }

  private static func entries(_ messages: [JSONValue]) -> [[String?]] {
    messages.flatMap { $0["transcriptToShow"]?.elements ?? [] }.map { $0.elements?.map(\.string) ?? [] }
  }

  @Test("5.10 rule 1: a verbose create names six relative URLs, a plain one session and position")
  func aVerboseCreateNamesSixRelativeURLs() async throws {
    try await withBroker { broker in
      let customer = try Customer(broker, user: "buzz", nil)
      let reply = try customer.call("", "notify_by=comet&_verbose=true").json
      let names = ["SEND", "REFRESH", "START_TYPING", "STOP_TYPING", "DISCONNECT", "REFRESH_FROM_START"]
      for name in names {
        let url = try #require(reply["_chatIxnAPI_\(name)_URL"]?.string)
        #expect(url.hasPrefix(customer.path + "/"))
        // What it names is there.
        if name != "DISCONNECT" {
          #expect(try customer.line.post(url, "message=x", ChatRequestTests.form).status == 200)
        }
      }
      #expect(reply["chatIxnState"] == "CONNECTED")
      let plain = try Customer(broker, user: "vasya", nil).call("", "notify_by=comet").json
      #expect(plain["chatSessionId"]?.string?.utf8.count == 16 && plain["transcriptPosition"] == "1")
    }
  }

  @Test("5.10 rule 2, A7: every reply is an object with session and position", arguments: [false, true])
  func everyReplyIsAnObjectWithSessionAndPosition(_ isComet: Bool) async throws {
    try await withBroker { broker in
      let customer = try Customer(broker, user: "buzz", nil)
      let operations = [
        "", "refresh", "send", "startTyping", "stopTyping", "refresh", "disconnect", "refresh", "disconnect", "",
      ]
      var last = 0
      for operation in operations {
        let response = try customer.call(operation, "message=x" + (isComet ? "&notify_by=comet" : ""))
        #expect(response.status == 200)
        #expect(response.json["chatSessionId"]?.string?.utf8.count == 16)
        let position = try #require(response.json["transcriptPosition"]?.string.flatMap { Int($0) })
        #expect(position >= last)
        last = position
      }
    }
  }

  @Test("5.10 rule 3: every event has these members, its entries these five strings")
  func everyEventHasTheseMembersAndItsEntriesTheseFiveStrings() async throws {
    try await withBroker { broker in
      let buzz = try broker.listener("buzz")
      let customer = try Customer(
        broker, user: "buzz", ["notify_by": "comet", "firstName": "Buzz", "lastName": "Brain"])
      let agent = Agent(broker, customer.service, "Monique")
      for verb in ["join", "typing", "send", "push-url", "notice", "typing", "leave"] {
        #expect(
          try agent.act(verb, ["typing": .bool(verb == "typing"), "text": "hi", "url": "https://x.example/"]).status
            == 200)
      }
      for operation in ["send", "startTyping", "stopTyping", "refresh"] {
        #expect(try customer.call(operation, "message=hello").status == 200)
      }
      #expect(try agent.act("join").status == 200)
      #expect(try agent.act("end").status == 200)
      let events = try buzz.events(14)
      var next = 2
      for (index, event) in events.enumerated() {
        #expect(event.names.sorted() == ["channel", "data"])
        #expect(event["data"]?.names.sorted() == ["id", "message", "tag"])
        #expect(event["data"]?["tag"]?.string == "service.chat.refresh.\(customer.service)")
        let message = try #require(event["data"]?["message"])
        #expect(
          message.names.sorted() == [
            "chatIxnState", "chatServiceMessage", "chatSessionId", "startedAt", "transcriptPosition",
            "transcriptToShow",
          ])
        #expect(message["chatIxnState"]?.string == (index == events.count - 1 ? "DISCONNECTED" : "TRANSCRIPT"))
        for entry in message["transcriptToShow"]?.elements ?? [] {
          let texts = try entry.elements.map { try $0.map { try #require($0.string) } }
          #expect(texts?.count == 5)
          #expect(["AGENT", "CLIENT"].contains(texts?[4] ?? ""))
          #expect(Int(texts?[3] ?? "") ?? -1 >= 0)
          next += 1
        }
        #expect(message["transcriptPosition"]?.string == "\(next - 1)")
      }
      let kinds = Self.entries(events.map { $0["data"]?["message"] ?? .null }).map { $0.first ?? nil }
      #expect(
        kinds == [
          "Notice.Joined", "Notice.TypingStarted", "Message.Text", "Notice.PushUrl", "Notice.Custom",
          "Notice.TypingStarted", "Notice.Left", "Message.Text", "Notice.TypingStarted", "Notice.TypingStopped",
          "Message.Text", "Notice.Joined", "Notice.Left",
        ])
    }
  }

  @Test("A9: an event that a request caused is as verbose as the request")
  func anEventThatARequestCausedIsAsVerboseAsTheRequest() async throws {
    try await withBroker { broker in
      let buzz = try broker.listener("buzz")
      let customer = try Customer(broker, user: "buzz", ["notify_by": "comet", "_verbose": "true"])
      _ = try customer.call("send", "message=a")
      _ = try customer.call("send", "message=b&_verbose=true")
      _ = try customer.call("disconnect", "_verbose=true")
      let isVerbose = try Self.messages(buzz, 4).map { $0["userId"] != nil }
      #expect(isVerbose == [false, false, true, false])
    }
  }

  @Test("5.10 rule 6, A12: the end of a chat is an event") func theEndOfAChatIsAnEvent() async throws {
    try await withBroker { broker in
      let buzz = try broker.listener("buzz")
      let first = try Customer(broker, user: "buzz", ["notify_by": "comet"])
      let reply = try first.call("disconnect").json
      #expect(reply.names == ["chatIxnState", "transcriptPosition", "chatServiceMessage", "chatSessionId"])
      #expect(reply["chatServiceMessage"] == "Chat was finished")
      let end = try Self.messages(buzz, 2)[1]
      #expect(end["chatIxnState"] == "DISCONNECTED")
      #expect(end["transcriptToShow"] == [])
      let later = try first.call("send", "message=late").json
      #expect(later["chatIxnState"] == "DISCONNECTED")
      #expect(later["transcriptToShow"] == [])
    }
  }

  @Test("5.10 rule 11: a chat may begin before its user is connected") func aChatMayBeginBeforeItsUserIsConnected()
    async throws
  {
    try await withBroker { broker in
      let customer = try Customer(broker, user: "buzz", ["notify_by": "comet"])
      let agent = Agent(broker, customer.service, "Monique")
      #expect(try agent.act("join").json["customerOnline"] == .null)
      let buzz = try broker.listener("buzz")
      // What waited came with the reply of the subscribe; nothing of it comes again.
      #expect(try agent.act("send", ["text": "hi"]).status == 200)
      var entries: [[String?]] = []
      // What was still on its way when he subscribed comes first.
      repeat { entries += Self.entries(try Self.messages(buzz, 1)) } while entries.last?[2] != "hi"
      #expect(entries.count { $0[2] == "hi" } == 1 && entries.count <= 2)
    }
    try await withBroker { broker in
      let customer = try Customer(broker, user: "buzz", ["notify_by": "comet"])
      #expect(try Agent(broker, customer.service, "Monique").act("join").status == 200)
      let buzz = try BayeuxClient(broker, user: "buzz")
      let reply = try buzz.post([buzz.message("/meta/subscribe", ["subscription": "/_genesys"])]).messages
      var messages = reply.dropLast().map { $0["data"]?["message"] ?? .null }
      while messages.count < 2 { messages += try Self.messages(buzz, 1) }
      #expect(messages.map { $0["transcriptPosition"]?.string } == ["1", "2"])
      #expect(Self.entries(messages).map { $0[0] } == ["Notice.Joined"])
    }
  }

  /// The app was paused: it disconnects and names what it has seen; it comes back, and gets what it has not.
  @Test("5.10 rule 12: a client that came back gets what it missed once") func aClientThatCameBackGetsWhatItMissedOnce()
    async throws
  {
    try await withBroker { broker in
      let before = try broker.listener("buzz")
      let customer = try Customer(broker, user: "buzz", ["notify_by": "comet"])
      let agent = Agent(broker, customer.service, "Monique")
      #expect(try agent.act("join").status == 200)
      for text in ["a", "b"] { #expect(try agent.act("send", ["text": .string(text)]).status == 200) }
      #expect(try Self.messages(before, 4).last?["transcriptPosition"] == "4")
      _ = try before.call("/meta/disconnect", ["ext": ["transcriptPosition": "4"]])
      for text in ["c", "d", "e"] { #expect(try agent.act("send", ["text": .string(text)]).status == 200) }
      let after = try BayeuxClient(broker, user: "buzz")
      let reply = try after.post([after.message("/meta/subscribe", ["subscription": "/_genesys"])]).messages
      let messages = reply.dropLast().map { $0["data"]?["message"] ?? .null }
      #expect(Self.entries(messages).map { $0[2] } == ["c", "d", "e"])
      #expect(messages.map { $0["transcriptPosition"]?.string } == ["5", "6", "7"])
      #expect(try agent.act("send", ["text": "f"]).status == 200)
      #expect(Self.entries(try Self.messages(after, 1)).map { $0[2] } == ["f"])
    }
  }

  @Test("3.5: agents see whether the customer is there") func agentsSeeWhetherTheCustomerIsThere() async throws {
    try await withBroker { broker in
      func online() throws -> JSONValue? { try broker.admin().get("/agent/chats").json[0]?["customerOnline"] }
      let first = try broker.listener("buzz")
      let customer = try Customer(broker, user: "buzz", ["notify_by": "comet"])
      #expect(try eventually { try online() == true })
      let second = try broker.listener("buzz")
      _ = try first.call("/meta/disconnect")
      _ = try second.call("/meta/disconnect")
      #expect(try eventually { try online() == false })
      _ = try broker.listener("buzz")
      #expect(try eventually { try online() == true })
      #expect(try customer.call("disconnect").status == 200)
    }
  }

  @Test("5.10 rule 13: two users never see each other's chat, two sessions of one both do", arguments: [1, 4])
  func twoUsersNeverSeeEachOthersChatAndTwoSessionsOfOneBothDo(_ shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      let users = ["buzz", "vasya", "anna"]
      let sessions = try users.map { user in try (0..<2).map { _ in try broker.listener(user) } }
      let customers = try users.map { try Customer(broker, user: $0, ["notify_by": "comet", "userDisplayName": $0]) }
      for round in 0..<10 {
        for customer in customers { #expect(try customer.call("send", "message=\(round)").status == 200) }
      }
      for (user, pair) in zip(users, sessions) {
        for session in pair {
          let entries = Self.entries(try Self.messages(session, 11))
          #expect(entries.map { $0[2] } == (0..<10).map { "\($0)" })
          #expect(Set(entries.map { $0[1] }) == [user])
        }
      }
    }
  }

  @Test("5.10 rule 14: a second create says how the chat stands") func aSecondCreateSaysHowTheChatStands() async throws
  {
    try await withBroker { broker in
      let buzz = try broker.listener("buzz")
      let customer = try Customer(broker, user: "buzz", ["notify_by": "comet"])
      _ = try customer.call("send", "message=x")
      #expect(try Self.messages(buzz, 2).count == 2)
      let again = try customer.call("", "notify_by=comet").json
      #expect(again["chatIxnState"] == "CONNECTED")
      #expect(again["transcriptPosition"] == "2")
      #expect(try broker.admin().get("/agent/chats").json.elements?.count == 1)
      #expect(try buzz.post([buzz.message("/service/x")]).messages.count == 1)
    }
  }

  @Test("5.10 rule 15, A14: a refresh without a position never repeats") func aRefreshWithoutAPositionNeverRepeats()
    async throws
  {
    try await withBroker { broker in
      let customer = try Customer(broker)
      let agent = Agent(broker, customer.service, "Monique")
      #expect(try agent.act("join").status == 200)
      var seen: [String?] = []
      for index in 0..<5 {
        #expect(try agent.act("send", ["text": .string("a\(index)")]).status == 200)
        seen += Self.entries([try customer.call("refresh").json]).map { $0[2] }
        seen += Self.entries([try customer.call("send", "message=c\(index)").json]).map { $0[2] }
        seen += Self.entries([try customer.call("refresh").json]).map { $0[2] }
      }
      #expect(seen == ["has joined the session"] + (0..<5).flatMap { ["a\($0)", "c\($0)"] })
      #expect(Self.entries([try customer.call("refresh", "transcriptPosition=1").json]).count == 11)
      #expect(Self.entries([try customer.call("refresh", "transcriptPosition=10").json]).map { $0[2] } == ["a4", "c4"])
    }
  }

  @Test(
    "5.10 rule 9: subscribing is free in place and time", arguments: ["/genesys/cometd", "before", "with", "other"])
  func subscribingIsFreeInPlaceAndTime(_ order: String) async throws {
    try await withBroker { broker in
      let client = try BayeuxClient(broker, user: "buzz", connects: false)
      let subscribe = client.message("/meta/subscribe", ["subscription": "/_genesys"])
      let connect = client.message("/meta/connect")
      switch order {
      case "before":
        #expect(try client.post([subscribe]).messages.last?.isSuccessful == true)
        try client.connect()
      case "with": #expect(try client.post([connect, subscribe]).messages.map(\.isSuccessful) == [true, true])
      case "other":
        try client.connect()
        try client.hold()
        let line = try broker.client()
        #expect(try line.post(BayeuxClient.path, subscribe.text, "gms_user: buzz").messages.last?.isSuccessful == true)
      default:
        try client.connect()
        #expect(try client.post([subscribe]).messages.last?.isSuccessful == true)
      }
      #expect(try broker.publish(to: "buzz", "x") == 1)
      let events = order == "other" ? try client.held().messages.dropLast() : try client.events(1)[...]
      #expect(events.first?["data"]?["message"] == "x")
    }
  }

  /// Clients learn from the reply of a create which chat is theirs, and pass over events of others.
  @Test func theReplyOfACreateIsWrittenBeforeTheFirstEvent() async throws {
    let loop = LoopStopper()
    let backend = GatedBackend()
    try await withBroker(
      shards: 2, { $0.gms.chat.limits.holdBack = .seconds(600) }, backend: backend, verifier: loop
    ) { broker in
      let users = (0..<64).map { "buzz\($0)" }
      let user = try #require(
        try users.first { BayeuxClient.shard(of: try BayeuxClient(broker, user: $0).id) == 0 })
      let buzz = try broker.listener(user)
      let line = try BayeuxClient(broker, on: 1).main
      let stopper = try BayeuxClient(broker, on: 1).main
      let service = try #require(try line.post("/genesys/1/service/request-chat", "").json["_id"]?.string)
      try line.send(
        line.text(
          "POST", "/genesys/1/service/\(service)/ixn/chat", "notify_by=comet&subject=\(GatedBackend.slowToOpen)",
          [ChatRequestTests.form, "gms_user: \(user)"]))
      #expect(backend.isAsked.wait())
      try loop.stop(by: stopper)
      backend.mayAnswer.open()
      while await backend.embedded.chats().isEmpty { await Task.yield() }
      // Returns when it stands in the transcript: the chat lives, and its reply waits for the loop.
      _ = try await backend.embedded.join(service, nickname: "Monique")
      #expect(try broker.publish(to: user, "marker") == 1)
      #expect(try buzz.events(1).map { $0["data"]?["message"] } == ["marker"])
      loop.goOn()
      #expect(try line.response().json["transcriptPosition"] == "1")
      #expect(try Self.messages(buzz, 2).map { $0["transcriptPosition"]?.string } == ["1", "2"])
    }
  }
}
