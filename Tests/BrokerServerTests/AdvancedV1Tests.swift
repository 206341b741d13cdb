// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import ChatService
import Testing

/// The wider v1 (`genesys.md` 1.4 and 1.5): Basic authentication, storage, the state of the node, native push.
@Suite(.timeLimit(.minutes(2))) struct AdvancedV1Tests {
  // "u:p", "s:p", "u:x", "s:q"
  private static let headers = [
    "u:p": "Authorization: Basic dTpw", "s:p": "Authorization: Basic czpw", "u:x": "Authorization: Basic dTp4",
    "s:q": "Authorization: basic czpx",
  ]

  @Test func row401BasicIsAskedForAndEachHalfIsInheritedByItself() async throws {
    try await withBroker({
      $0.server.username = "u"
      $0.server.password = "p"
      $0.gms.chat.services["half"] = ChatServiceDefinition()
      $0.gms.chat.services["half"]?.credentials = BasicCredentials(username: "s")
      $0.gms.chat.services["own"] = ChatServiceDefinition()
      $0.gms.chat.services["own"]?.credentials = BasicCredentials(username: "s", password: "q")
    }) { broker in
      let line = try ServiceLine(broker)
      for (name, right) in [("request-chat", "u:p"), ("half", "s:p"), ("own", "s:q")] {
        for (given, header) in Self.headers {
          let reply = try line.post("service/\(name)", "", [header])
          #expect(reply.status == (given == right ? 200 : 401), "\(name) with \(given)")
        }
        let refused = try line.post("service/\(name)")
        #expect(refused.status == 401 && refused.body.isEmpty)
        #expect(refused["WWW-Authenticate"]?.hasPrefix("Basic ") == true)
      }
      let id = try #require(try line.post("service/half", "", [Self.headers["s:p"] ?? ""]).json["_id"]?.string)
      #expect(try line.post("service/\(id)/ixn/chat").status == 401, "calls by id too")
      #expect(try line.post("service/nobody/ixn/chat").status == 401, "and no id is given away")
      #expect(try line.post("service/\(id)/ixn/chat", "", [Self.headers["s:p"] ?? ""]).status == 200)
    }
  }

  @Test("1.5 service storage: forms and files go in, and come out together, by key or as bytes")
  func storageOfAServiceTakesFormsAndFilesAndGivesThemBack() async throws {
    try await withBroker { broker in
      let line = try ServiceLine(broker)
      let id = try line.create("request-chat")
      #expect(try line.call("GET", "service/\(id)/storage").text == "{}")
      #expect(try line.post("service/\(id)/storage", "color=red&size=9").status == 200)
      #expect(try line.call("GET", "service/\(id)/storage").text == #"{"color":"red","size":"9"}"#)
      #expect(try line.call("GET", "service/\(id)/storage/color").text == "red")
      let part = "--b\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"p.png\"\r\n"
      let body = part + "Content-Type: image/png\r\n\r\n\u{0}\u{1}é\r\n--b--\r\n"
      #expect(
        try line.call("POST", "service/\(id)/storage", body, ["Content-Type: multipart/form-data; boundary=b"]).status
          == 200)
      let photo = try line.call("GET", "service/\(id)/storage/binary/photo")
      #expect(photo["Content-Type"] == "image/png" && photo.body == Array("\u{0}\u{1}é".utf8))
      #expect(photo["X-Content-Type-Options"] == "nosniff")
      let page = ["Content-Type: text/html"]
      #expect(try line.call("PUT", "service/\(id)/storage/page", "<script>", page).status == 200)
      #expect(
        try line.call("GET", "service/\(id)/storage/binary/page")["Content-Type"] == "application/octet-stream",
        "never a page of ours")
      #expect(try line.call("DELETE", "service/\(id)/storage/color").status == 200)
      for method in ["GET", "DELETE"] {
        let gone = try line.call(method, "service/\(id)/storage/color")
        #expect(gone.status == 404 && gone.json.names == ["exception", "message"])
      }
      #expect(try line.call("GET", "service/nobody/storage").status == 404)
    }
  }

  @Test("1.5 free storage: has a time to live, and custom storage belongs to its user")
  func freeStorageHasATimeToLiveAndCustomStorageBelongsToItsUser() async throws {
    try await withBroker { broker in
      let line = try ServiceLine(broker)
      let id = try #require(try line.post("storage/60", "a=1").json["id"]?.string)
      #expect(try line.post("storage/\(id)/never", "b=2").status == 200, "a wrong time counts as 30 s")
      #expect(try line.call("GET", "storage/\(id)").text == #"{"a":"1","b":"2"}"#)
      #expect(try line.call("GET", "storage/\(id)/b").text == "2")
      #expect(try line.call("GET", "storage/binary/\(id)/b").text == "2")
      #expect(try line.post("storage/guessed/60", "a=1").status == 404)
      #expect(try line.call("DELETE", "storage/\(id)").status == 200)
      #expect(try line.call("GET", "storage/\(id)").status == 404)
      #expect(try line.post("storage/custom/mine/60", "a=1").status == 400, "needs a user")
      let (ann, bob) = (try ServiceLine(broker, user: "ann"), try ServiceLine(broker, user: "bob"))
      #expect(try ann.post("storage/custom/mine/60", "a=1").json["id"] == "mine")
      #expect(try ann.call("GET", "storage/custom/mine/a").text == "1")
      #expect(try bob.call("GET", "storage/custom/mine").status == 404)
    }
  }

  @Test func aFullStorageIs507() async throws {
    try await withBroker({ $0.gms.chat.storageLimits.maxBoxBytes = 10 }) { broker in
      let line = try ServiceLine(broker)
      let id = try line.create("request-chat")
      #expect(try line.post("service/\(id)/storage", "key=longer+than+ten").status == 507)
      #expect(try line.call("GET", "service/\(id)/storage").text == "{}", "all or nothing")
    }
  }

  @Test("1.5 node: its status is a word, and changestatus drains it")
  func theNodeIsDrainedByChangestatus() async throws {
    try await withBroker({
      $0.server.username = "u"
      $0.server.password = "p"
    }) { broker in
      let line = try ServiceLine(broker)
      let held = try BayeuxClient(broker)
      #expect(try line.call("GET", "admin/node/status").text == "ONLINE")
      #expect(try line.call("GET", "node").text == "ONLINE")
      #expect(try line.post("admin/node/changestatus/OFFLINE").status == 401)
      let right = [Self.headers["u:p"] ?? ""]
      #expect(try line.post("admin/node/changestatus/AWAY", "", right).status == 400)
      #expect(try line.post("admin/node/changestatus/OFFLINE", "", right).text == "OFFLINE")
      #expect(try line.call("GET", "admin/node/status").text == "OFFLINE")
      #expect(try broker.admin().get("/readyz").status == 503)
      let handshake = #"{"channel":"/meta/handshake","version":"1.0"}"#
      let refused = try line.line.post("/genesys/cometd", handshake).messages.first
      #expect(refused?["successful"] == false && refused?["advice"]?["reconnect"] == "retry")
      #expect((5_000...15_000).contains(refused?["advice"]?["interval"]?.int ?? 0), "later, and not all at once")
      #expect(try held.connect(["advice": ["timeout": 0]]).last?.isSuccessful == true, "who is here stays")
      #expect(try line.post("admin/node/changestatus/ONLINE", "", right).text == "ONLINE")
      #expect(try broker.admin().get("/readyz").status == 200)
      _ = try BayeuxClient(broker)
    }
  }

  @Test func withoutCredentialsNobodyChangesTheNode() async throws {
    try await withBroker { broker in
      let refused = try ServiceLine(broker).post("admin/node/changestatus/OFFLINE")
      #expect(refused.status == 403)
    }
  }

  @Test func ttlRemovesAServiceForGood() async throws {
    try await withBroker({ $0.gms.chat.services["short"] = ChatServiceDefinition(ttl: .milliseconds(1)) }) { broker in
      let line = try ServiceLine(broker)
      let id = try line.create("short")
      // The broker looks for what has expired a few times a second.
      try broker.expect("chat_services", 0)
      #expect(try line.post("service/\(id)/ixn/chat").status == 404)
    }
  }
}

/// Providers of native push, against another broker's listener as the provider: any HTTP server would do.
@Suite(.timeLimit(.minutes(2))) struct AdvancedPushTests {
  private func poke(_ broker: RunningBroker, os: String, device: String) throws {
    let line = try ServiceLine(broker)
    let form = Customer.form(["_device_os": os, "_device_notification_id": device])
    try broker.agent("Monique")
    let id = try line.create("request-chat-poll", form)
    _ = try line.post("service/\(id)/ixn/chat")
    _ = try broker.join(id, "Monique")
    #expect(try line.post("service/\(id)/internal-poke", "poke_message=hello").text == "OK")
  }

  @Test func customhttpPostsDeviceAndMessageAndAny2xxIsSuccess() async throws {
    try await withBroker { provider in
      try await withBroker({
        $0.push.enabled = ["comet", "customhttp"]
        // Creates a service there, so what came can be looked at.
        $0.push.customHttpUrl = "http://127.0.0.1:\(provider.port)/genesys/1/service/request-chat"
      }) { broker in
        try poke(broker, os: "customhttp", device: "d1")
        try broker.expect("pushes_total{result=\"delivered\"}", 1)
      }
      #expect(try provider.metrics()["chat_services"] == 1, "the provider got its POST")
    }
  }

  @Test func httpcbCallsTheDeviceIdAndOnly200IsSuccess() async throws {
    try await withBroker { provider in
      try await withBroker({
        $0.push.enabled = ["comet", "httpcb"]
        $0.push.httpCallbackHosts = ["127.0.0.1"]
        $0.define("request-chat-poll", ["_max_notify_delivery_attempts": 1])
      }) { broker in
        try poke(broker, os: "httpcb", device: "http://127.0.0.1:\(provider.port)/genesys/1/service/request-chat")
        try broker.expect("pushes_total{result=\"delivered\"}", 1)
        try poke(broker, os: "httpcb", device: "http://127.0.0.1:\(provider.port)/nothing")
        try broker.expect("pushes_total{result=\"failed\"}", 1)
        try poke(broker, os: "httpcb", device: "http://localhost:\(provider.port)/genesys/1/service/request-chat")
        try broker.expect("pushes_total{result=\"failed\"}", 2)
      }
      #expect(try provider.metrics()["chat_services"] == 1, "hosts that are not allowed are not called")
    }
  }

  @Test func cometIsBuiltIn() async throws {
    try await withBroker { broker in
      let listener = try broker.listener("ann")
      try poke(broker, os: "comet", device: "ann")
      let events = try listener.events(2)
      let poked = events.first { $0["data"]?["tag"]?.string?.hasPrefix("service.notification.") == true }
      #expect(poked?["data"]?["message"]?["message"] == "hello")
    }
  }
}
