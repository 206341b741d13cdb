// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import ChatService
import Testing

/// Advanced chat over real HTTP (`genesys.md` 1.1 rows 2 to 4, A20 to A22).
@Suite(.timeLimit(.minutes(2))) struct AdvancedChatTests {
  @Test(
    "1.1 row 2, A20: request-chat-poll and its two other names",
    arguments: ["request-chat-poll", "advanced-chat-poll", "advance-chat-pool"])
  func row2AnAdvancedServiceIsCreatedUnderEachOfItsNames(name: String) async throws {
    try await withBroker { broker in
      let line = try ServiceLine(broker)
      let plain = try line.post("service/" + name, "_verbose=false")
      #expect(plain.status == 200 && plain.json.names == ["_id"])
      let verbose = try line.post("service/" + name, "_verbose=true")
      let id = try #require(verbose.json["_id"]?.string)
      #expect(id.wholeMatch(of: /[0-9A-Z]{32}/) != nil)
      #expect(verbose.text == #"{"_id":"\#(id)","_session_comand_STATUS_URL":"/genesys/1/service/\#(id)/status"}"#)
    }
  }

  /// The dialogue of the seed: waiting, available, the chat, with every body as it stands there.
  @Test("1.1 row 3: the status goes from waiting to available and opens the chat")
  func row3TheStatusGoesFromWaitingToAvailableAndOpensTheChat() async throws {
    try await withBroker { broker in
      let line = try ServiceLine(broker)
      let id = try line.create("request-chat-poll")
      let waiting = try line.post("service/\(id)/status")
      #expect(
        waiting.text
          == #"{"message":{"_id":"\#(id)","_status":"waiting","_dialog":"waiting_for_agent.html"},"#
          + #""tag":"a2c.advanced.service.statuschanged.\#(id)"}"#)
      #expect(waiting.body.count == 185, "as long as the captured one")
      for operation in ["", "/refresh", "/send", "/startTyping", "/stopTyping", "/disconnect"] {
        let refused = try line.post("service/\(id)/ixn/chat\(operation)", "message=x")
        #expect(refused.status == 503 && refused.body.isEmpty && refused["Retry-After"] != nil)
      }
      try broker.agent("Monique")
      let available = try line.post("service/\(id)/status")
      #expect(
        available.text
          == #"{"message":{"_id":"\#(id)","_status":"available","_dialog":"agent_available.html"},"#
          + #""tag":"a2c.advanced.service.agentavailable.\#(id)"}"#)
      #expect(available.body.count == 186, "as long as the captured one")
      let verbose = try line.post("service/\(id)/status", "_verbose=true")
      #expect(verbose.body.count == 364, "as long as the captured one")
      #expect(verbose.json["message"]?["_chatIxnAPI_CREATE_URL"] == .string("/genesys/1/service/\(id)/ixn/chat"))
      let create = try line.post("service/\(id)/ixn/chat", "firstName=Vasya&lastName=Pupkin&subject=test")
      #expect(create.json["chatIxnState"] == "CONNECTED" && create.json["transcriptPosition"] == "1")
      #expect(try broker.join(id, "Monique").status == 200)
      let refresh = try line.post("service/\(id)/ixn/chat/refresh", "message=hello+agent")
      #expect(refresh.json["transcriptPosition"] == "3")
      #expect(refresh.json["transcriptToShow"]?[1]?[2] == "hello agent")
      #expect(try line.post("service/\(id)/ixn/chat/disconnect").json["chatIxnState"] == "DISCONNECTED")
    }
  }

  @Test func anAnnouncedAgentKeepsTheChatOpenThoughHeIsNoLongerReady() async throws {
    try await withBroker { broker in
      let line = try ServiceLine(broker)
      let id = try line.create("request-chat-poll")
      try broker.agent("Monique")
      #expect(try line.post("service/\(id)/status").json["message"]?["_status"] == "available")
      try broker.agent("Monique", ["ready": false])
      #expect(try line.post("service/\(id)/status").json["message"]?["_status"] == "waiting")
      #expect(try line.post("service/\(id)/ixn/chat").status == 200)
    }
  }

  @Test func theAvailabilityNoticeIsPushedToCometUsers() async throws {
    try await withBroker(shards: 2) { broker in
      let listener = try broker.listener("BuzzBrain")
      let line = try ServiceLine(broker, user: "BuzzBrain")
      let id = try line.create("request-chat-poll")
      try broker.agent("Monique")
      let event = try #require(try listener.events(1).first)
      #expect(event["data"]?["tag"] == .string("a2c.advanced.service.agentavailable.\(id)"))
      #expect(
        event["data"]?["message"]?.text
          == #"{"_id":"\#(id)","_status":"available","_dialog":"agent_available.html"}"#)
    }
  }

  @Test("A21: only a service that waits for its agent is 503 before he is there")
  func a21OnlyAServiceThatWaitsForItsAgentIs503BeforeHeIsThere() async throws {
    try await withBroker({ $0.define("no-wait", ["_type": "ors"]) }) { broker in
      let line = try ServiceLine(broker)
      let id = try line.create("no-wait")
      #expect(try line.post("service/\(id)/status").json["message"]?["_status"] == "waiting")
      #expect(try line.post("service/\(id)/ixn/chat").status == 200)
    }
  }

  @Test("1.1 row 4, A22: internal-poke has its conditions and answers OK as text")
  func row4InternalPokeHasItsConditionsAndAnswersOK() async throws {
    try await withBroker { broker in
      let line = try ServiceLine(broker)
      let bare = try line.create("request-chat-poll")
      #expect(try line.post("service/\(bare)/internal-poke").status == 400, "no device was given")
      let basic = try line.create("request-chat", "_device_os=ios&_device_notification_id=b1")
      #expect(try line.post("service/\(basic)/internal-poke").status == 403, "not configured")
      let id = try line.create("request-chat-poll", "_device_notification_id=b1&device_os=ios")
      let early = try line.post("service/\(id)/internal-poke")
      #expect(early.status == 503 && early.body.isEmpty, "not routed")
      try broker.agent("Monique")
      _ = try line.post("service/\(id)/ixn/chat")
      _ = try broker.join(id, "Monique")
      let detail = try broker.admin().get("/agent/chats/\(id)").json
      #expect(
        detail["userData"]?["poke_url"]
          == .string("http://\(line.line.authority)/genesys/1/service/\(id)/internal-poke"))
      let poke = try line.post("service/\(id)/internal-poke", "_verbose=true")
      #expect(poke.status == 200 && poke.text == "OK")
      #expect(poke["Content-Type"]?.hasPrefix("text/plain") == true, "A22")
      #expect(try broker.metrics()["pushes_total{result=\"no_provider\"}"] == 1, "counted, and no error")
    }
  }

  @Test("1.5 queue position: where a service stands, and with how many others")
  func checkQueuePositionTellsWhereAServiceStands() async throws {
    try await withBroker { broker in
      let line = try ServiceLine(broker)
      _ = try line.create("request-chat-poll")
      let second = try line.create("request-chat-poll")
      for method in ["GET", "POST"] {
        let place = try line.call(method, "service/\(second)/check-queue-position", method == "GET" ? nil : "")
        #expect(place.json.names == ["_position", "_eta", "_total_waiting", "_agent_ready_threshold_passed"])
        #expect(place.json["_position"] == 2 && place.json["_total_waiting"] == 2)
        #expect(place.json["_agent_ready_threshold_passed"] == false)
      }
      try broker.agent("Monique")
      let place = try line.call("GET", "service/\(second)/check-queue-position")
      #expect(place.json["_agent_ready_threshold_passed"] == true && place.json["_eta"] == 0)
    }
  }

  @Test func anOfferedChatBelongsToOneAgentUntilHeDeclines() async throws {
    try await withBroker({ $0.define("loans", ["_type": "ors", "_target": "?:Loans>1@StatServer.GA"]) }) { broker in
      let line = try ServiceLine(broker)
      try broker.agent("Ada", ["ready": true, "skills": ["Loans": 2], "capacity": 3, "groups": ["G"]])
      try broker.agent("Bob", ["ready": true, "skills": ["Loans": 5]])
      try broker.agent("Cid")
      let listed = try broker.admin().get("/agent/agents").json[0]
      #expect(
        listed?.text == #"{"name":"Ada","ready":true,"chats":0,"skills":{"Loans":2},"groups":["G"],"capacity":3}"#)
      let id = try line.create("loans")
      _ = try line.post("service/\(id)/ixn/chat")
      let offers = try broker.admin().get("/agent/agents/Ada/offers").json
      #expect(offers[0]?["serviceId"] == .string(id) && offers[0]?["offeredTo"] == "Ada")
      #expect(try broker.join(id, "Cid").json["exception"] == "agent.OfferedToAnother")
      let decline = JSONValue.object([.init("nickname", "Ada")]).text
      #expect(try broker.admin().post("/agent/chats/\(id)/decline", decline).json["offeredTo"] == "Bob")
      #expect(try broker.join(id, "Bob").json["agents"] == ["Bob"])
    }
  }

  @Test(arguments: [#"{"skills":[]}"#, #"{"skills":{"A":"x"}}"#, #"{"groups":"A"}"#, #"{"capacity":"x"}"#, "{}"])
  func aBadUpdateOfAnAgentIs400(body: String) async throws {
    try await withBroker { broker in
      let refused = try broker.admin().call("PUT", "/agent/agents/Ada", body)
      #expect(refused.status == 400)
    }
  }
}
