// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import Testing
import Wire

/// Bayeux over WebSocket, frame by frame.
@Suite(.timeLimit(.minutes(2))) struct WebSocketTests {
  private func connect(_ id: String, _ more: [JSONValue.Member] = []) -> JSONValue {
    .object([.init("channel", "/meta/connect"), .init("clientId", .string(id))] + more)
  }
  private func subscribe(_ id: String, _ channel: JSONValue) -> JSONValue {
    ["channel": "/meta/subscribe", "clientId": .string(id), "subscription": channel]
  }

  @Test func theHandshakeOffersWebSocketFirst() async throws {
    try await withBroker { broker in
      let reply = try SocketClient(broker).call(["channel": "/meta/handshake", "id": "7"])[0]
      #expect(reply.isSuccessful)
      #expect(reply["id"] == "7")
      #expect(reply["supportedConnectionTypes"] == ["websocket", "callback-polling", "long-polling"])
    }
  }

  @Test(arguments: [1, 3]) func eventsArePushedWhileTheConnectStaysHeld(shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      let socket = try SocketClient(broker, user: "alice")
      let id = try socket.shake()
      let replies = try socket.call(connect(id, [.init("id", "2")]), subscribe(id, ["/_genesys", "/news"]))
      #expect(replies.count == 1 && replies[0]["channel"] == "/meta/subscribe", "the others are answered at once")
      #expect(try broker.publish(to: "alice", ["n": 1]) == 1)
      #expect(try socket.messages().map { $0["data"]?["message"] } == [["n": 1]])
      #expect(try broker.publish(on: "/news", "hello") == 1)
      #expect(try socket.messages().map { $0["data"] } == ["hello"])
      try broker.expect("connects_held", 1)
      #expect(try socket.call(["channel": "/meta/disconnect", "clientId": .string(id)]).map(\.isSuccessful) == [true])
      let farewell = try socket.messages()
      #expect(farewell.map { $0["id"] } == ["2"])
      #expect(farewell[0]["advice"]?["reconnect"] == "none")
    }
  }

  @Test func severalEventsOfOneTurnShareAFrame() async throws {
    try await withBroker { broker in
      let socket = try SocketClient(broker)
      let id = try socket.shake()
      _ = try socket.call(subscribe(id, "/a"))
      let publisher = try BayeuxClient(broker)
      let response = try publisher.post((0..<50).map { publisher.message("/a", ["data": .number("\($0)")]) })
      #expect(response.messages.map(\.isSuccessful) == Array(repeating: true, count: 50))
      var data: [JSONValue?] = []
      var frames = 0
      while data.count < 50 {
        data += try socket.messages().map { $0["data"] }
        frames += 1
      }
      #expect(data == (0..<50).map { .number("\($0)") })
      #expect(frames < 50)
    }
  }

  @Test(arguments: [1, 20]) func aFrameHoldsNoMoreEventsThanItMay(most: Int) async throws {
    try await withBroker({ $0.bayeux.options.messagesPerFrame = most }) { broker in
      let socket = try SocketClient(broker)
      let id = try socket.shake()
      _ = try socket.call(subscribe(id, "/a"))
      let publisher = try BayeuxClient(broker)
      _ = try publisher.post((0..<50).map { publisher.message("/a", ["data": .number("\($0)")]) })
      var sizes: [Int] = []
      while sizes.reduce(0, +) < 50 { sizes.append(try socket.messages().count) }
      #expect(sizes.reduce(0, +) == 50 && sizes.max() == most)
    }
  }

  @Test func anEmptyArrayIsFayesPing() async throws {
    try await withBroker { broker in
      let socket = try SocketClient(broker)
      try socket.send(.text, Array("[]".utf8))
      #expect(try socket.receive() == .messages([]))
      try socket.send(.ping, [1, 2, 3])
      #expect(try socket.receive() == .pong([1, 2, 3]))
    }
  }

  @Test(arguments: [1, 2]) func aSessionResumesOnANewSocketWithWhatItMissed(shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      let first = try SocketClient(broker, user: "alice")
      let id = try first.shake()
      _ = try first.call(subscribe(id, "/_genesys"))
      try first.send(connect(id))
      try broker.expect("connects_held", 1)
      first.line.hangUp()
      try broker.expect("connects_held", 0)
      #expect(try broker.publish(to: "alice", 5) == 1)
      let second = try SocketClient(broker, user: "alice")
      let answer = try second.call(connect(id))
      #expect(answer.map { $0["data"]?["message"] } == [5, nil])
      #expect(answer.last?.isSuccessful == true)
    }
  }

  @Test(arguments: [1, 2]) func aSessionGoesFromSocketToLongPollingAndBack(shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      let socket = try SocketClient(broker)
      let id = try socket.shake()
      _ = try socket.call(subscribe(id, "/a"))
      let line = try broker.client()
      let poll = JSONValue.array([connect(id)]).text
      try line.send(line.text("POST", BayeuxClient.path, poll))
      try broker.expect("connects_held", 1)
      #expect(try broker.publish(on: "/a", 1) == 1)
      #expect(try line.response().messages.map { $0["data"] } == [1, nil])
      #expect(try socket.call(connect(id, [.init("advice", ["timeout": 0])])).last?.isSuccessful == true)
      #expect(try broker.publish(on: "/a", 2) == 1)
      #expect(try socket.messages().map { $0["data"] } == [2])
    }
  }

  @Test func anOlderConnectOnTheSocketIsDroppedInSilence() async throws {
    try await withBroker { broker in
      let socket = try SocketClient(broker)
      let id = try socket.shake()
      try socket.send(connect(id, [.init("id", "old")]))
      try broker.expect("connects_held", 1)
      let reply = try socket.call(connect(id, [.init("id", "new"), .init("advice", ["timeout": 0])]))
      #expect(reply.map { $0["id"] } == ["new"])
    }
  }

  @Test func anotherUsersSessionIsOutOfReach() async throws {
    try await withBroker { broker in
      let alice = try SocketClient(broker, user: "alice")
      let id = try alice.shake()
      _ = try alice.call(subscribe(id, "/_genesys"))
      let mallory = try SocketClient(broker, user: "mallory")
      let theft: [JSONValue] = [
        connect(id), subscribe(id, "/x"), ["channel": "/x", "clientId": .string(id), "data": 1],
        ["channel": "/meta/disconnect", "clientId": .string(id)],
      ]
      for message in theft {
        let reply = try mallory.call(message)
        #expect(reply.map(\.error) == ["403::gms_user mismatch"])
      }
      #expect(try broker.publish(to: "alice", "still here") == 1)
      #expect(try alice.messages().map { $0["data"]?["message"] } == ["still here"])
    }
  }

  @Test(arguments: [
    ("http://evil.example", false), ("null", false), ("https://shop.example", true), ("https://a.shop.example", false),
  ])
  func pagesOfForeignOriginsAreRefused(origin: String, isAllowed: Bool) async throws {
    try await withBroker({ $0.http.allowedOrigins = ["https://shop.example"] }) { broker in
      if isAllowed {
        _ = try SocketClient(broker, fields: ["Origin: \(origin)"]).shake()
      } else {
        let line = try broker.client()
        try line.send(SocketClient.request(line, ["Origin: \(origin)"]))
        #expect(try line.response().status == 403)
      }
      let line = try broker.client()
      _ = try SocketClient(broker, fields: ["Origin: http://\(line.authority)"]).shake()
    }
  }

  @Test func whatIsNoMessageEndsTheSocketWithAReason() async throws {
    try await withBroker { broker in
      let cases: [(Opcode, [UInt8], UInt16)] = [
        (.text, Array("{".utf8), 1011), (.text, Array("7".utf8), 1011), (.binary, [1], 1003),
        (.text, [0xFF], 1007), (.continuation, [1], 1002), (.text, Array(repeating: 0x20, count: 600_000), 1009),
      ]
      for (opcode, payload, code) in cases {
        let socket = try SocketClient(broker)
        try socket.send(opcode, payload)
        #expect(try socket.receive() == .close(code))
      }
      let socket = try SocketClient(broker)
      try socket.send(.close, [0x03, 0xE8])
      #expect(try socket.receive() == .close(1000))
      _ = try SocketClient(broker).shake()
    }
  }

  @Test func aSilentSocketIsProbedAndThenGivenUp() async throws {
    try await withBroker({
      $0.http.idleTimeout = .milliseconds(80)
      $0.webSocket.limits.closeTimeout = .milliseconds(80)
      $0.webSocket.limits.firstMessageTimeout = .seconds(5)
    }) { broker in
      let socket = try SocketClient(broker)
      _ = try socket.shake()
      #expect(try socket.receive() == .ping([]))
      try socket.send(.pong, [])
      #expect(try socket.receive() == .ping([]), "an answered probe keeps it alive")
      #expect(throws: ClientError.self) { _ = try socket.receive() }
    }
  }

  @Test func aSocketThatSaysNothingIsClosed() async throws {
    try await withBroker({ $0.webSocket.limits.firstMessageTimeout = .milliseconds(80) }) { broker in
      let frame = try SocketClient(broker).receive()
      #expect(frame == .close(1008))
    }
  }

  @Test func aStoppingBrokerAnswersHeldConnectsAndSaysGoodbye() async throws {
    try await withBroker { broker in
      let socket = try SocketClient(broker)
      let id = try socket.shake()
      try socket.send(connect(id, [.init("id", "9")]))
      try broker.expect("connects_held", 1)
      try await broker.shutdown()
      #expect(try socket.messages().map { $0["id"] } == ["9"])
      #expect(try socket.receive() == .close(1012))
    }
  }

  @Test func itCanBeSwitchedOff() async throws {
    try await withBroker({ $0.webSocket.isEnabled = false }) { broker in
      let line = try broker.client()
      try line.send(SocketClient.request(line, []))
      #expect(try line.response().status == 405)
      let poller = try broker.client()
      let shake = try poller.post(BayeuxClient.path, #"[{"channel":"/meta/handshake"}]"#)
      #expect(shake.messages[0]["supportedConnectionTypes"] == ["callback-polling", "long-polling"])
    }
  }
}

/// The acknowledge extension: what an answer carried that got lost comes again.
@Suite(.timeLimit(.minutes(2))) struct AcknowledgeTests {
  private func ack(_ number: Int, _ more: [JSONValue.Member] = []) -> JSONValue {
    .object([.init("ext", ["ack": JSONValue(number)])] + more)
  }

  @Test(arguments: [true, false]) func anAnswerThatGotLostIsSentAgain(overSocket: Bool) async throws {
    try await withBroker { broker in
      let socket = overSocket ? try SocketClient(broker) : nil
      let line = try broker.client()
      func call(_ message: JSONValue) throws -> [JSONValue] {
        try socket?.call(message) ?? line.post(BayeuxClient.path, JSONValue.array([message]).text).messages
      }
      let shake = try call(["channel": "/meta/handshake", "ext": ["ack": true]])[0]
      #expect(shake["ext"] == ["ack": true])
      let id = shake["clientId"] ?? .null
      func connect(_ number: Int, timeout: Int? = nil) throws -> [JSONValue] {
        var members: [JSONValue.Member] = [
          .init("channel", "/meta/connect"), .init("clientId", id), .init("ext", ["ack": JSONValue(number)]),
        ]
        if let timeout { members.append(.init("advice", ["timeout": JSONValue(timeout)])) }
        return try call(.object(members))
      }
      #expect(try connect(0, timeout: 0).last?["ext"] == ["ack": 1])
      let subscribed = try call(["channel": "/meta/subscribe", "clientId": id, "subscription": "/c"])
      #expect(subscribed.last?["ext"] == .object([]))
      #expect(try broker.publish(on: "/c", "e1") == 1)
      for batch in 2...3 {
        let answer = try connect(1)
        #expect(answer.map { $0["data"] } == ["e1", nil])
        #expect(answer.last?["ext"] == ["ack": JSONValue(batch)])
      }
      #expect(try broker.publish(on: "/c", "e2") == 1)
      #expect(try connect(3).map { $0["data"] } == ["e2", nil], "what is confirmed does not come again")
      #expect(try connect(4, timeout: 0).count == 1)
    }
  }

  @Test func eventsWaitForTheConnect() async throws {
    try await withBroker { broker in
      let line = try broker.client()
      func post(_ message: JSONValue) throws -> [JSONValue] {
        try line.post(BayeuxClient.path, JSONValue.array([message]).text).messages
      }
      let id = try post(["channel": "/meta/handshake", "ext": ["ack": true]])[0]["clientId"] ?? .null
      _ = try post(["channel": "/meta/connect", "clientId": id, "ext": ["ack": 0]])
      _ = try post(["channel": "/meta/subscribe", "clientId": id, "subscription": "/c"])
      let own = try post(["channel": "/c", "clientId": id, "data": 1])
      #expect(own.count == 1, "no event rides on the reply to a publish")
      let answer = try post(["channel": "/meta/connect", "clientId": id, "ext": ["ack": 1]])
      #expect(answer.map { $0["data"] } == [1, nil])
    }
  }

  @Test func whoDidNotAskIsNotNumbered() async throws {
    try await withBroker { broker in
      let client = try BayeuxClient(broker)
      #expect(try client.connect(["advice": ["timeout": 0], "ext": ["ack": 0]]).last?["ext"] == nil)
    }
  }

  @Test func whatASessionDidNotConfirmGoesToTheUsersNextOne() async throws {
    try await withBroker({ $0.bayeux.options.maxInterval = .milliseconds(100) }) { broker in
      let line = try broker.client()
      func post(_ message: JSONValue) throws -> [JSONValue] {
        try line.post(BayeuxClient.path, JSONValue.array([message]).text, "gms_user: alice").messages
      }
      let id = try post(["channel": "/meta/handshake", "ext": ["ack": true]])[0]["clientId"] ?? .null
      _ = try post(["channel": "/meta/connect", "clientId": id, "ext": ["ack": 0]])
      _ = try post(["channel": "/meta/subscribe", "clientId": id, "subscription": "/_genesys"])
      #expect(try broker.publish(to: "alice", 1) == 1)
      #expect(try post(["channel": "/meta/connect", "clientId": id, "ext": ["ack": 1]]).count == 2)
      try broker.expect("sessions", 0)
      let next = try BayeuxClient(broker, user: "alice")
      let answer = try next.post([next.message("/meta/subscribe", ["subscription": "/_genesys"])])
      #expect(answer.messages.map { $0["data"]?["message"] } == [1, nil])
    }
  }
}
