// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import Testing

/// Bayeux by GET from a script tag: `?jsonp=callback&message=[…]`.
@Suite(.timeLimit(.minutes(2))) struct CallbackPollingTests {
  static func path(_ callback: String, _ messages: JSONValue...) -> String {
    let fields = messages.map { "&message=" + percentEncoded($0.text) }.joined()
    return "\(BayeuxClient.path)?jsonp=\(callback)\(fields)"
  }
  static let shake: JSONValue = ["channel": "/meta/handshake", "id": "1"]

  /// What the script passes to its function.
  static func argument(of response: Response, _ callback: String) -> JSONValue {
    let text = response.text
    guard text.hasPrefix("/**/\(callback)("), text.hasSuffix(");") else { return .null }
    return (try? JSONValue(parsing: String(text.dropFirst(callback.count + 5).dropLast(2)))) ?? .null
  }

  @Test func anAnswerIsACallOfThePagesFunction() async throws {
    try await withBroker { broker in
      let response = try broker.client().get(Self.path("cometd.cb_1-x$", Self.shake))
      #expect(response.status == 200)
      #expect(response["Content-Type"] == "text/javascript;charset=UTF-8")
      #expect(response["X-Content-Type-Options"] == "nosniff")
      #expect(response["Cache-Control"] == "no-store")
      let reply = Self.argument(of: response, "cometd.cb_1-x$")[0]
      #expect(reply?.isSuccessful == true)
      #expect(reply?["supportedConnectionTypes"]?.elements?.contains("callback-polling") == true)
    }
  }

  @Test(arguments: [
    "", "a b", "a(b", "a;b", "a'b", "<script>", "a/b", "a[0]", "ä", "a%0Ab", "a&jsonp=b",
    String(repeating: "f", count: 65),
  ])
  func aCallbackThatIsNoPlainNameIsRefused(_ callback: String) async throws {
    try await withBroker { broker in
      let client = try broker.client()
      let name = callback.contains("&") ? callback : percentEncoded(callback)
      let response = try client.get(Self.path(name, Self.shake))
      #expect(response.status == 400)
      #expect(response["Content-Type"] == "application/json;charset=UTF-8")
      #expect(response.json.names == ["exception", "message"])
      #expect(try broker.metrics()["sessions"] == 0)
    }
  }

  @Test func aCallbackMayHave64Characters() async throws {
    try await withBroker { broker in
      let name = String(repeating: "f", count: 64)
      let response = try broker.client().get(Self.path(name, Self.shake))
      #expect(Self.argument(of: response, name)[0]?.isSuccessful == true)
    }
  }

  @Test(arguments: [
    "?jsonp=f", "?message=%5B%5D", "?jsonp=f&message=%", "?jsonp=f&message=nonsense", "?jsonp=f&message=",
  ])
  func aRequestThatLacksSomethingIsRefused(_ query: String) async throws {
    try await withBroker { broker in
      let response = try broker.client().get(BayeuxClient.path + query)
      #expect(response.status == 400)
      #expect(!response.text.hasPrefix("/**/"))
    }
  }

  @Test func lineSeparatorsOfOldScriptsAreEscaped() async throws {
    try await withBroker { broker in
      let client = try BayeuxClient(broker)
      try client.subscribe("/a")
      let text = "a\u{2028}b\u{2029}c\u{2027}d\u{202A}e"
      #expect(try broker.publish(on: "/a", .string(text)) == 1)
      let response = try client.main.get(Self.path("f", client.message("/meta/connect")))
      #expect(response.text.contains(#"a\u2028b\u2029c"#))
      #expect(!response.text.unicodeScalars.contains { $0 == "\u{2028}" || $0 == "\u{2029}" })
      #expect(Self.argument(of: response, "f")[0]?["data"]?.string == text)
    }
  }

  @Test func aHeldConnectIsAnsweredAsAScript() async throws {
    try await withBroker { broker in
      let vasya = try broker.listener("vasya")
      let line = try broker.client()
      try line.send(
        line.text("GET", Self.path("f1", vasya.message("/meta/connect", ["id": "9"])), nil, ["gms_user: vasya"]))
      try broker.expect("connects_held", 1)
      try broker.publish(to: "vasya", "hello")
      let response = try line.response()
      let messages = Self.argument(of: response, "f1")
      #expect(messages[0]?["data"]?["message"] == "hello")
      #expect(messages[1]?["id"] == "9")
      #expect(response["X-Content-Type-Options"] == "nosniff")
    }
  }

  @Test func severalMessagesAreOneBatch() async throws {
    try await withBroker { broker in
      let client = try BayeuxClient(broker)
      let response = try client.main.get(
        Self.path(
          "f", [client.message("/meta/subscribe", ["subscription": "/a", "id": "1"])],
          client.message("/a", ["data": 1, "id": "2"]), [client.message("/b", ["id": "3"])]))
      #expect(Self.argument(of: response, "f").elements?.map { $0["id"]?.string } == ["1", "2", "3"])
    }
  }

  /// Scripts may be executed in another order than they were asked for; only connects are asked for one by one.
  @Test func eventsComeWithConnectsOnly() async throws {
    try await withBroker { broker in
      let client = try BayeuxClient(broker)
      try client.subscribe("/a")
      try broker.publish(on: "/a", 1)
      let publish = try client.main.get(Self.path("f", client.message("/b", ["data": 1])))
      #expect(Self.argument(of: publish, "f").elements?.count == 1)
      let batch = try client.main.get(Self.path("f", client.message("/meta/connect"), client.message("/b")))
      #expect(Self.argument(of: batch, "f")[0]?["data"] == 1)
    }
  }

  /// One connection of a page may carry scripts and posts: each is answered in its own way.
  @Test func aConnectionDoesNotKeepTheCallbackOfAnOvertakenConnect() async throws {
    try await withBroker { broker in
      let vasya = try broker.listener("vasya")
      let line = try broker.client()
      try line.send(line.text("GET", Self.path("f1", vasya.message("/meta/connect")), nil, ["gms_user: vasya"]))
      try broker.expect("connects_held", 1)
      try vasya.hold()
      #expect(try line.response().status == 500)
      try line.send(line.text("POST", BayeuxClient.path, vasya.message("/meta/connect").text, ["gms_user: vasya"]))
      #expect(try vasya.held().status == 500)
      try broker.publish(to: "vasya", "hello")
      let response = try line.response()
      #expect(response["Content-Type"] == "application/json;charset=UTF-8")
      #expect(response.messages.count == 2)
    }
  }

  @Test func aUserMayComeInTheQueryWhereThatIsConfigured() async throws {
    try await withBroker({ $0.gms.userFromQuery = true }) { broker in
      let client = try broker.client()
      let shake = try client.get(Self.path("f", Self.shake) + "&gms_user=va%20sya")
      let id = try #require(Self.argument(of: shake, "f")[0]?["clientId"])
      let subscribe: JSONValue = ["channel": "/meta/subscribe", "clientId": id, "subscription": "/_genesys"]
      let reply = try client.get(Self.path("f", subscribe) + "&gms_user=va%20sya")
      #expect(Self.argument(of: reply, "f")[0]?.isSuccessful == true)
      #expect(try broker.publish(to: "va sya", 1) == 1)
    }
  }

  @Test func itCanBeSwitchedOff() async throws {
    try await withBroker({ $0.bayeux.jsonp = false }) { broker in
      let client = try broker.client()
      let response = try client.get(Self.path("f", Self.shake))
      #expect(response.status == 405)
      #expect(response["Allow"] == "POST, OPTIONS")
      let shake = try client.post(BayeuxClient.path, Self.shake.text)
      #expect(shake.messages.first?["supportedConnectionTypes"] == ["websocket", "long-polling"])
    }
  }
}
