// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

/// The agent side of the embedded chat backend, over the admin listener.
@Suite(.timeLimit(.minutes(2))) struct AgentRouteTests {
  @Test func anAgentServesAChatFromTheListToTheEnd() async throws {
    try await withBroker { broker in
      let chat = try Customer(broker, ["firstName": "Vasya", "lastName": "Pupkin", "subject": "billing"])
      let admin = try broker.admin()
      let list = try admin.get("/agent/chats").json
      #expect(list.elements?.count == 1)
      let entry = try #require(list[0])
      #expect(
        entry.names == [
          "serviceId", "chatSessionId", "state", "customer", "subject", "startedAt", "transcriptPosition", "agents",
          "customerOnline",
        ])
      #expect(entry["serviceId"]?.string == chat.service)
      #expect(entry["state"] == "CONNECTED")
      #expect(entry["customer"] == "VasyaP")
      #expect(entry["subject"] == "billing")
      #expect(entry["transcriptPosition"] == "1")
      #expect(entry["agents"] == [])

      let agent = Agent(broker, chat.service, "Monique")
      #expect(try agent.act("join").json["agents"] == ["Monique"])
      #expect(try agent.act("typing", ["typing": true]).json["transcriptPosition"] == "3")
      #expect(try agent.act("typing", ["typing": false]).status == 200)
      #expect(try agent.act("send", ["text": "hello"]).json["transcriptPosition"] == "5")
      #expect(try agent.act("push-url", ["url": "https://example.com/a?b"]).status == 200)
      #expect(try agent.act("notice", ["text": "x||y"]).status == 200)
      #expect(try agent.act("leave").json["agents"] == [])
      #expect(try admin.get("/agent/chats/\(chat.service)").json["transcriptPosition"] == "8")
      #expect(try agent.act("end").json["state"] == "DISCONNECTED")
      let entries = try chat.call("refresh").json["transcriptToShow"]?.elements ?? []
      #expect(
        entries.map { $0[0]?.string } == [
          "Notice.Joined", "Notice.TypingStarted", "Notice.TypingStopped", "Message.Text", "Notice.PushUrl",
          "Notice.Custom", "Notice.Left",
        ])
      #expect(try admin.get("/agent/chats").json[0]?["state"] == "DISCONNECTED")
    }
  }

  @Test func agentsSayWhetherTheyAreReady() async throws {
    try await withBroker { broker in
      let admin = try broker.admin()
      #expect(try admin.get("/agent/agents").json == [])
      let put = try admin.call("PUT", "/agent/agents/J%C3%BCrgen", #"{"ready":true}"#)
      #expect(put.status == 200)
      #expect(put.json == ["name": "Jürgen", "ready": true, "chats": 0])
      _ = try admin.call("PUT", "/agent/agents/Anna", #"{"ready":false}"#)
      #expect(
        try admin.get("/agent/agents").json == [
          ["name": "Anna", "ready": false, "chats": 0], ["name": "Jürgen", "ready": true, "chats": 0],
        ])
      for body in ["", "{}", #"{"ready":"yes"}"#, #"{"ready":null}"#, "[]", "nonsense"] {
        let response = try admin.call("PUT", "/agent/agents/Anna", body)
        #expect(response.status == 400)
        #expect(response.json.names == ["exception", "message"])
      }
      let long = String(repeating: "a", count: 129)
      #expect(
        try admin.call("PUT", "/agent/agents/\(long)", #"{"ready":true}"#).json["exception"] == "agent.BadNickname")
    }
  }

  @Test func everyErrorOfAnAgentHasItsStatusAndItsName() async throws {
    try await withBroker { broker in
      let chat = try Customer(broker, ["firstName": "Vasya", "lastName": "Pupkin"])
      let agent = Agent(broker, chat.service, "Monique")
      func expect(
        _ response: Response, _ status: Int, _ name: String, sourceLocation: SourceLocation = #_sourceLocation
      ) {
        #expect(response.status == status, sourceLocation: sourceLocation)
        #expect(response.json["exception"]?.string == "agent.\(name)", sourceLocation: sourceLocation)
        #expect(response.json["message"]?.string?.isEmpty == false, sourceLocation: sourceLocation)
      }
      expect(try Agent(broker, "nobody", "Monique").act("join"), 404, "NoSuchChat")
      expect(try broker.admin().get("/agent/chats/nobody"), 404, "NoSuchChat")
      for (verb, more) in [
        ("send", ["text": "x"]), ("typing", ["typing": true]), ("push-url", ["url": "http://x"]),
        ("notice", ["text": "x"]),
        ("leave", .object([])),
      ] as [(String, JSONValue)] {
        expect(try agent.act(verb, more), 409, "NotJoined")
      }
      expect(try Agent(broker, chat.service, "VasyaP").act("join"), 409, "NicknameTaken")
      expect(try Agent(broker, chat.service, "").act("join"), 400, "BadNickname")
      expect(try Agent(broker, chat.service, String(repeating: "a", count: 129)).act("join"), 400, "BadNickname")
      #expect(try agent.act("join").status == 200)
      expect(try agent.act("join"), 409, "AlreadyJoined")
      expect(try agent.act("send", ["text": ""]), 400, "EmptyText")
      expect(try agent.act("notice", ["text": ""]), 400, "EmptyText")
      expect(try agent.act("send", ["text": .string(String(repeating: "x", count: 16_385))]), 400, "TextTooLong")
      for url in ["javascript:alert(1)", "ftp://x", "", "http:/x", "https://" + String(repeating: "x", count: 2048)] {
        expect(try agent.act("push-url", ["url": .string(url)]), 400, "BadURL")
      }
      for index in 1..<16 { #expect(try Agent(broker, chat.service, "a\(index)").act("join").status == 200) }
      expect(try Agent(broker, chat.service, "a16").act("join"), 409, "TooManyInChat")
      #expect(try agent.act("end").status == 200)
      for verb in ["end", "join", "leave"] { expect(try agent.act(verb), 409, "ChatEnded") }
    }
  }

  @Test(arguments: [
    ("send", #"{"nickname":"M"}"#), ("send", #"{"nickname":"M","text":5}"#), ("send", "{}"), ("send", ""),
    ("send", "nonsense"),
    ("send", "[]"), ("join", #"{"nickname":null}"#), ("typing", #"{"nickname":"M"}"#),
    ("typing", #"{"nickname":"M","typing":"true"}"#), ("push-url", #"{"nickname":"M"}"#), ("notice", #"{"text":"x"}"#),
    ("leave", "{}"), ("join", #"{"nickname":"M","nickname":"N"}"#),
  ])
  func aBodyThatLacksSomethingIsRefused(_ verb: String, _ body: String) async throws {
    try await withBroker { broker in
      let response = try broker.admin().post("/agent/chats/any/\(verb)", body)
      #expect(response.status == 400)
      #expect(response.json["exception"] == "com.genesyslab.gsg.services.BadParameterException")
      #expect(response.json["message"]?.string?.isEmpty == false)
    }
  }

  @Test(arguments: [
    ("POST", "/agent/chats", "GET"), ("DELETE", "/agent/chats/x", "GET"), ("GET", "/agent/chats/x/join", "POST"),
    ("PUT", "/agent/chats/x/send", "POST"), ("POST", "/agent/agents", "GET"), ("GET", "/agent/agents/x", "PUT"),
    ("POST", "/agent/agents/x", "PUT"),
  ])
  func anotherMethodIsToldWhichIsTaken(_ method: String, _ path: String, _ allowed: String) async throws {
    try await withBroker { broker in
      let response = try broker.admin().call(method, path, method == "GET" ? nil : "{}")
      #expect(response.status == 405)
      #expect(response["Allow"] == allowed)
    }
  }

  @Test(arguments: [
    "/agent", "/agent/", "/agent/x", "/agent/chats/x/dance", "/agent/chats/x/join/y", "/agent/agents/x/y", "/agents",
  ])
  func whatIsNothingIsNotFound(_ path: String) async throws {
    try await withBroker { broker in
      let response = try broker.admin().post(path, "{}")
      #expect(response.status == 404)
      #expect(response.json["exception"] == "com.genesyslab.gsg.services.ResourceNotFoundException")
    }
  }

  @Test func aBackendOfTheHostHasNoAgentSideHere() async throws {
    try await withBroker(backend: GatedBackend()) { broker in
      let response = try broker.admin().get("/agent/chats")
      #expect(response.status == 404)
      #expect(response.json["message"] == "The chat backend of this broker has no agent side here")
    }
  }
}
