// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import Testing
import Wire

/// Extensions, services, restored sessions and browsers over real sockets.
@Suite(.timeLimit(.minutes(2))) struct AdditionTests {
  @Test func builtInExtensionsTellTheTime() async throws {
    try await withBroker({
      $0.bayeux.timesync = true
      $0.bayeux.timestamp = true
    }) { broker in
      let line = try broker.client()
      let handshake: JSONValue = ["channel": "/meta/handshake", "ext": ["timesync": ["tc": 1000, "l": 0, "o": 0]]]
      let reply = try line.post(BayeuxClient.path, handshake.text).messages[0]
      let sync = try #require(reply["ext"]?["timesync"])
      #expect(sync["tc"] == 1000 && sync["p"] != nil)
      let server = try #require(sync["ts"]?.int)
      #expect(server > 1_700_000_000_000 && sync["a"]?.int == 1000 - server)
      #expect(reply["timestamp"]?.string?.split(separator: " ").count == 6)
      let client = try broker.listener("alice")
      #expect(try broker.publish(to: "alice", 1) == 1)
      let answer = try client.connect()
      #expect(answer.count == 2 && answer.allSatisfy { $0["timestamp"] != nil })
    }
  }

  /// The binary extension is the clients' own: its `ext` and its Z85 text pass, byte by byte, also beside extensions.
  @Test(arguments: [true, false]) func binaryDataPassesUntouched(overSocket: Bool) async throws {
    let data = #"{"data":"HelloWorld%nm[]{}@%$#","last":true,"meta":{"name":"a.bin", "size":1.0e1}}"#
    try await withBroker({ $0.bayeux.timestamp = true }) { broker in
      let publisher = try BayeuxClient(broker)
      let text = #"{"channel":"/files","clientId":"\#(publisher.id)","data":\#(data),"ext":{"binary":{}}}"#
      let expected = #"{"data":\#(data),"channel":"/files","ext":{"binary":{}},"timestamp":"#
      if overSocket {
        let socket = try SocketClient(broker)
        let id = try socket.shake()
        _ = try socket.call(["channel": "/meta/subscribe", "clientId": .string(id), "subscription": "/files"])
        #expect(try publisher.main.post(BayeuxClient.path, text).messages[0].isSuccessful)
        let event = try socket.messages()[0]
        #expect(event["data"] == (try JSONValue(parsing: data)) && event["ext"] == ["binary": .object([])])
      } else {
        let client = try BayeuxClient(broker)
        try client.subscribe("/files")
        try client.hold()
        try broker.expect("connects_held", 1)
        #expect(try publisher.main.post(BayeuxClient.path, text).messages[0].isSuccessful)
        #expect(try client.held().text.hasPrefix("[" + expected))
      }
    }
  }

  private struct Censor: Extension {
    func outgoing(_ message: inout ExtensionMessage, _ context: ExtensionContext) -> Bool {
      if message["data"]?["message"] == "secret" || message["data"] == "secret" { return false }
      if message["data"] == "mark me" { message["ext"] = ["marked": true] }
      return true
    }
  }

  @Test(arguments: [1, 2]) func anEmbeddersExtensionSeesEventsOfTheHost(shards: Int) async throws {
    try await withBroker(shards: shards, { $0.bayeux.extensions = [Censor()] }) { broker in
      let client = try broker.listener("alice")
      try client.subscribe("/a")
      #expect(try broker.publish(to: "alice", "secret") == 0)
      #expect(try broker.publish(on: "/a", "secret") == 0)
      #expect(try broker.publish(on: "/a", "mark me") == 1)
      #expect(try client.connect().map { $0["ext"] } == [["marked": true], nil])
      #expect(try await broker.server.publish("secret", tag: "t", to: "alice").sessions == 0)
      #expect(try await broker.server.publish("secret", on: "/a") == 0)
      #expect(try await broker.server.publish("mark me", on: "/a") == 1)
      #expect(try client.connect().map { $0["ext"] } == [["marked": true], nil])
    }
  }

  /// Answers from another thread, in two parts.
  private struct Oracle: ServiceHandler {
    func handle(_ call: ServiceCall, answers: ServiceAnswers) -> [ServiceMessage] {
      Task.detached {
        for part in 1...2 {
          answers.send([ServiceMessage(channel: call.channel, data: JSONValue(part))].compactMap { $0 })
        }
      }
      return [ServiceMessage(channel: call.channel, data: call.data)].compactMap { $0 }
    }
  }

  @Test(arguments: [(1, false), (3, false), (1, true), (3, true)])
  func aServiceAnswersAtOnceAndLater(shards: Int, overSocket: Bool) async throws {
    try await withBroker(shards: shards, { $0.bayeux.services["oracle"] = Oracle() }) { broker in
      let question: JSONValue = ["why": .number("1.0")]
      var data: [JSONValue] = []
      if overSocket {
        let socket = try SocketClient(broker, user: "alice")
        let id = try socket.shake()
        try socket.send(["channel": "/service/oracle", "clientId": .string(id), "data": question])
        while data.count < 3 { data += try socket.messages().compactMap { $0["data"] } }
      } else {
        let client = try BayeuxClient(broker, user: "alice")
        let answer = try client.post([client.message("/service/oracle", ["data": question])]).messages
        data += answer.compactMap { $0["data"] }
        #expect(answer.last?.isSuccessful == true && data.first == question)
        data += try client.events(3 - data.count).compactMap { $0["data"] }
      }
      #expect(data == [question, 1, 2])
      #expect(try broker.metrics()["service_calls_total"] == 1)
    }
  }

  // MARK: restore

  private func handshake(restoring id: String) -> JSONValue {
    ["channel": "/meta/handshake", "ext": ["restore": ["clientId": .string(id)]]]
  }

  @Test(arguments: [(1, false), (3, false), (1, true), (3, true)])
  func aSessionIsRestoredWithItsHeldConnectAnswered(shards: Int, overSocket: Bool) async throws {
    try await withBroker(shards: shards) { broker in
      let old = try broker.listener("alice")
      try old.subscribe("/a")
      try old.hold()
      try broker.expect("connects_held", 1)
      if overSocket {
        let socket = try SocketClient(broker, user: "alice")
        #expect(try socket.call(handshake(restoring: old.id))[0]["ext"]?["restore"] == true)
        #expect(try old.held().messages.map { $0["advice"]?["reconnect"] } == ["retry"])
        #expect(try broker.publish(to: "alice", 1) == 1)
        #expect(try socket.messages().map { $0["data"]?["message"] } == [1])
        #expect(try broker.publish(on: "/a", 2) == 1)
        #expect(try socket.messages().map { $0["data"] } == [2])
      } else {
        let line = try broker.client()
        let reply = try line.post(BayeuxClient.path, handshake(restoring: old.id).text, "gms_user: alice").messages[0]
        #expect(reply["ext"]?["restore"] == true)
        #expect(try old.held().messages.map { $0["advice"]?["reconnect"] } == ["retry"])
        #expect(try broker.publish(to: "alice", 1) == 1)
        let connect: JSONValue = ["channel": "/meta/connect", "clientId": reply["clientId"] ?? .null]
        let answer = try line.post(BayeuxClient.path, connect.text, "gms_user: alice")
        #expect(answer.messages.map { $0["data"]?["message"] } == [1, nil])
      }
      #expect(try old.connect().map(\.error) == ["402::session_unknown"])
      #expect(try broker.metrics()["sessions_restored_total"] == 1)
    }
  }

  @Test(arguments: [1, 3]) func anAnonymousSessionIsRestoredByItsCookieAlone(shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      let first = try broker.client().post(BayeuxClient.path, #"{"channel":"/meta/handshake"}"#)
      let cookie = try #require(first["Set-Cookie"]?.split(separator: ";").first)
      let id = try #require(first.messages[0]["clientId"]?.string)
      let subscribe: JSONValue = ["channel": "/meta/subscribe", "clientId": .string(id), "subscription": "/a"]
      #expect(try broker.client().post(BayeuxClient.path, subscribe.text).messages[0].isSuccessful)
      let restore = handshake(restoring: id).text
      for fields in [[], ["Cookie: BAYEUX_BROWSER=other"], ["gms_user: mallory", "Cookie: \(cookie)"]] {
        let reply = try broker.client().call("POST", BayeuxClient.path, restore, fields).messages[0]
        #expect(reply.isSuccessful && reply["ext"]?["restore"] == false)
      }
      let strange = try SocketClient(broker, fields: ["Cookie: BAYEUX_BROWSER=other"])
      #expect(try strange.call(handshake(restoring: id))[0]["ext"]?["restore"] == false)
      let reply = try broker.client().post(BayeuxClient.path, restore, "Cookie: \(cookie)").messages[0]
      #expect(reply["ext"]?["restore"] == true)
      // And on, by the cookie of an upgrade request.
      let heir = try #require(reply["clientId"]?.string)
      let socket = try SocketClient(broker, fields: ["Cookie: \(cookie)"])
      #expect(try socket.call(handshake(restoring: heir))[0]["ext"]?["restore"] == true)
      #expect(try broker.publish(on: "/a", 1) == 1)
      #expect(try socket.messages().map { $0["data"] } == [1])
    }
  }

  /// What was pushed to a socket is pushed to the new one, and to the old one no more.
  @Test(arguments: [1, 2]) func aSessionLeavesItsSocket(shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      let old = try SocketClient(broker, user: "alice")
      let id = try old.shake()
      let subscribe: JSONValue = [
        "channel": "/meta/subscribe", "clientId": .string(id), "subscription": ["/_genesys", "/a"],
      ]
      #expect(try old.call(subscribe)[0].isSuccessful)
      try old.send(["channel": "/meta/connect", "clientId": .string(id), "id": "held"])
      try broker.expect("connects_held", 1)
      let socket = try SocketClient(broker, user: "alice")
      #expect(try socket.call(handshake(restoring: id))[0]["ext"]?["restore"] == true)
      #expect(try old.messages().map { $0["id"] } == ["held"])
      #expect(try broker.publish(to: "alice", 1) == 1)
      #expect(try broker.publish(on: "/a", 2) == 1)
      #expect(try socket.messages().map { $0["data"]?["message"] } == [1])
      #expect(try socket.messages().map { $0["data"] } == [2])
      let ping: [JSONValue] = []
      try old.send(.text, JSONValue.array(ping).encoded)
      #expect(try old.receive() == .messages([]), "nothing but the answer to the ping")
      #expect(try old.call(subscribe)[0].error == "402::session_unknown")
    }
  }

  // MARK: browsers

  @Test func theCookieHasTheAttributesThatAreConfigured() async throws {
    try await withBroker({
      $0.bayeux.browserCookie.name = "PUSH"
      $0.bayeux.browserCookie.domain = "shop.example"
      $0.bayeux.browserCookie.path = "/genesys"
      $0.bayeux.browserCookie.maxAgeSeconds = 60
      $0.bayeux.browserCookie.httpOnly = false
      $0.bayeux.browserCookie.secure = true
      $0.bayeux.browserCookie.sameSite = .none
    }) { broker in
      let client = try broker.client()
      let cookie = try #require(try client.post(BayeuxClient.path, handshake(restoring: "x").text)["Set-Cookie"])
      #expect(cookie.hasPrefix("PUSH="))
      let attributes = cookie.components(separatedBy: "; ").dropFirst()
      #expect(attributes == ["Path=/genesys", "Domain=shop.example", "Secure", "Max-Age=60", "SameSite=None"])
      let again = try client.post(BayeuxClient.path, handshake(restoring: "x").text, "Cookie: PUSH=abc")
      #expect(again["Set-Cookie"] == nil)
    }
  }

  @Test(arguments: ["a b", "a;b", "", "a\r\nX: y"]) func whatNoCookieCanHoldIsRefused(text: String) {
    for isName in [true, false] {
      var configuration = ServerConfiguration.forTests()
      if isName {
        configuration.bayeux.browserCookie.name = text
      } else {
        configuration.bayeux.browserCookie.path = text
      }
      #expect(throws: ConfigurationError.badCookie(text)) {
        try BrokerServer(configuration: configuration, logger: .silent)
      }
    }
  }

  @Test(arguments: [1, 3]) func oneConnectOfABrowserIsHeldAndTheOthersPoll(shards: Int) async throws {
    try await withBroker(
      shards: shards,
      {
        $0.bayeux.options.maxSessionsPerBrowser = 1
        $0.bayeux.options.multiSessionInterval = .milliseconds(300)
      }
    ) { broker in
      let first = try broker.client().post(BayeuxClient.path, #"{"channel":"/meta/handshake"}"#)
      let cookie = "Cookie: \(try #require(first["Set-Cookie"]?.split(separator: ";").first))"
      let id = try #require(first.messages[0]["clientId"]?.string)
      let connect: JSONValue = ["channel": "/meta/connect", "clientId": .string(id)]
      let line = try broker.client()
      #expect(try line.post(BayeuxClient.path, connect.text, cookie).messages[0].isSuccessful)
      try line.send(line.text("POST", BayeuxClient.path, connect.text, [cookie]))
      try broker.expect("connects_held", 1)
      let second = try BayeuxClient(broker, fields: [cookie])
      let reply = try second.connect()
      #expect(reply.map { $0["advice"]?["multiple-clients"] } == [true])
      #expect(reply[0]["advice"]?["interval"] == 300 && reply[0]["advice"]?["reconnect"] == "retry")
      line.hangUp()
      try broker.expect("connects_held", 0)
      try second.hold()
      try broker.expect("connects_held", 1)
      let stranger = try BayeuxClient(broker)
      try stranger.hold()
      try broker.expect("connects_held", 2)
    }
  }

  @Test func eventsGoOutWithConnectsOnlyWhereThatIsConfigured() async throws {
    try await withBroker({ $0.bayeux.options.metaConnectDeliverOnly = true }) { broker in
      let socket = try SocketClient(broker)
      let id = try socket.shake()
      _ = try socket.call(["channel": "/meta/subscribe", "clientId": .string(id), "subscription": "/a"])
      let publish: JSONValue = ["channel": "/a", "clientId": .string(id), "data": 1]
      #expect(try socket.call(publish).count == 1, "no event with the reply to a publish")
      let answer = try socket.call(["channel": "/meta/connect", "clientId": .string(id)])
      #expect(answer.map { $0["channel"] } == ["/a", "/meta/connect"])
    }
  }

  @Test func anIdleSessionIsSentAway() async throws {
    try await withBroker({ $0.bayeux.options.maxInactivity = .milliseconds(20) }) { broker in
      let client = try BayeuxClient(broker)
      var last: [JSONValue] = []
      while last.count < 2 { last = try client.connect(["advice": ["timeout": 5]]) }
      #expect(last.map { $0["channel"] } == ["/meta/disconnect", "/meta/connect"])
      #expect(last[1]["advice"]?["reconnect"] == "none")
    }
  }
}
