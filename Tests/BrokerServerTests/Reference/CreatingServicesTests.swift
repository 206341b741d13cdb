// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import ChatService
import Testing

/// The tables of the GMS chat API by which the broker was built, row by row; which test holds which row stands in
/// `Docs/Conformance.md`. Rows that other suites hold bear their names there.
@Suite("Table 1.1 and 1.5: services", .timeLimit(.minutes(2))) struct CreatingServicesTests {
  @Test("1.1 row 1: request-chat is created plain and verbose, never waits, and keeps business data")
  func requestChat() async throws {
    try await withBroker { broker in
      let line = try ServiceLine(broker)
      for form in ["", "_verbose=false", "_verbose=False"] {
        let plain = try line.post("service/request-chat", form)
        #expect(plain.status == 200 && plain.json.names == ["_id"])
        #expect(plain.text == #"{"_id":"\#(plain.json["_id"]?.string ?? "")"}"#)
      }
      let verbose = try line.post("service/request-chat", "_verbose=True&usr_reason=billing&_customer_number=1")
      let id = try #require(verbose.json["_id"]?.string)
      #expect(id.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
      #expect(verbose.text == #"{"_chatIxnAPI-CREATE-URL":"/genesys/1/service/\#(id)/ixn/chat","_id":"\#(id)"}"#)
      // No agent is there, and nobody waits for one.
      #expect(try line.post("service/\(id)/ixn/chat").status == 200)
      let data = try broker.admin().get("/agent/chats/\(id)").json["userData"]
      #expect(data?["usr_reason"] == "billing" && data?["_customer_number"] == "1")
    }
  }

  @Test("1.5 create: files of a multipart body go into the storage of the service")
  func filesAreStored() async throws {
    try await withBroker({ $0.gms.chat.storageLimits.maxBoxBytes = 100 }) { broker in
      let line = try ServiceLine(broker)
      let type = ["Content-Type: multipart/form-data; boundary=b"]
      func body(_ content: String) -> String {
        "--b\r\nContent-Disposition: form-data; name=\"usr_reason\"\r\n\r\nlost parcel\r\n"
          + "--b\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"p.png\"\r\nContent-Type: image/png\r\n\r\n"
          + "\(content)\r\n--b--\r\n"
      }
      let created = try line.call("POST", "service/request-chat", body("\u{0}PNGé"), type)
      let id = try #require(created.json["_id"]?.string)
      let photo = try line.call("GET", "service/\(id)/storage/binary/photo")
      #expect(photo["Content-Type"] == "image/png" && photo.body == Array("\u{0}PNGé".utf8))
      _ = try line.post("service/\(id)/ixn/chat")
      let data = try broker.admin().get("/agent/chats/\(id)").json["userData"]
      #expect(data?["usr_reason"] == "lost parcel" && data?["photo"] == nil, "texts are data, files are not")
      let large = try line.call("POST", "service/request-chat", body(String(repeating: "x", count: 100)), type)
      #expect(large.status == 507 && large.json.names == ["exception", "message"])
      try broker.expect("chat_services", 1)
    }
  }

  @Test("1.5 callback: PUT changes the data of a callback, GET finds it by its customer, DELETE cancels it")
  func callbacksAreChangedAndFound() async throws {
    try await withBroker { broker in
      let (ann, bob) = (try ServiceLine(broker, user: "ann"), try ServiceLine(broker, user: "bob"))
      let path = "service/callback/chat-delayed"
      let id = try ann.create("callback/chat-delayed", "_customer_number=5115&usr_topic=loans")
      let found = try ann.call("GET", path + "?_customer_number=5115").json[0]
      #expect(found?["_id"] == .string(id) && found?["_callback_state"] == "QUEUED")
      #expect(found?["usr_topic"] == "loans" && found?["_customer_number"] == "5115")
      #expect(found?["_expiration_time"]?.string?.hasSuffix("Z") == true)
      #expect(try ann.call("GET", path + "?_customer_number=5115&usr_topic=cards").text == "[]")
      #expect(try ann.call("GET", "service/callback/chat-immediate?_customer_number=5115").text == "[]")
      #expect(try bob.call("GET", path + "?_customer_number=5115").text == "[]", "the callback of another user")
      #expect(try ann.call("GET", path + "?usr_topic=loans").status == 400, "not by what strangers can guess")
      let json = ["Content-Type: application/json"]
      #expect(try bob.call("PUT", path + "/\(id)", #"{"usr_topic":"x"}"#, json).status == 403)
      #expect(try ann.call("PUT", path + "/\(id)", #"{"_customer_number":""}"#, json).status == 400)
      #expect(try ann.call("PUT", "service/callback/chat-immediate/\(id)", "{}", json).status == 404)
      let put = try ann.call("PUT", path + "/\(id)", #"{"usr_topic":"cards","_customer_number":"5116"}"#, json)
      #expect(put.status == 200 && put.text == #"{"_id":"\#(id)"}"#)
      #expect(try ann.call("GET", path + "?_customer_number=5115").text == "[]")
      #expect(try ann.call("GET", path + "?_customer_number=5116").json[0]?["usr_topic"] == "cards")
      try broker.agent("Monique")
      #expect(try ann.post("service/\(id)/connect").status == 200)
      #expect(try ann.call("GET", path + "?_customer_number=5116").json[0]?["_callback_state"] == "ROUTING")
      #expect(try ann.post("service/\(id)/ixn/chat", "notify_by=comet").status == 200)
      #expect(try ann.call("GET", path + "?_customer_number=5116").json[0]?["_callback_state"] == "PROCESSING")
      #expect(try broker.admin().get("/agent/chats/\(id)").json["userData"]?["usr_topic"] == "cards")
      #expect(try ann.call("DELETE", path + "/\(id)").status == 200)
      #expect(try ann.call("GET", path + "?_customer_number=5116").text == "[]")
    }
  }

  @Test("1.5 callback availability: a place at every five minutes of the time that is asked about")
  func availabilityIsToldByTheTime() async throws {
    try await withBroker({ $0.gms.chat.limits.maxServices = 3 }) { broker in
      let line = try ServiceLine(broker)
      _ = try line.create("request-chat")
      let path = "service/callback/chat-immediate/availability"
      let day = "2099-01-31T23:52:10.5Z"
      let asked = try line.call("GET", path + "?start=\(day)&max-time-slots=3&number-of-days=1")
      let expected = #"{"2099-01-31T23:55:00.000Z":2,"2099-02-01T00:00:00.000Z":2,"2099-02-01T00:05:00.000Z":2}"#
      #expect(asked.text == expected)
      #expect(try line.call("GET", path).json.names.count == 5)
      #expect(try line.call("GET", path + "?start=\(day)&end=2099-01-31T23:54:00Z").text == "{}")
      for query in ["start=tomorrow", "end=2099-02-30T00:00:00Z", "number-of-days=0", "max-time-slots=x"] {
        #expect(try line.call("GET", path + "?" + query).status == 400, "\(query)")
      }
      #expect(try line.call("GET", "service/callback/request-chat/availability").status == 404)
      #expect(try line.post(path).status == 405)
    }
  }

  @Test("1.5 Notification API: a subscription gets the events whose tags its filter matches, until it ends")
  func subscriptions() async throws {
    let provider = RecordingProvider()
    try await withBroker(
      {
        $0.server.username = "u"
        $0.server.password = "p"
      }, pushProviders: ["ios": provider]
    ) { broker in
      let line = try ServiceLine(broker, user: "ann", fields: ["Authorization: Basic dTpw"])
      let json = ["Content-Type: application/json"]
      func subscribe(_ type: String, _ device: String, _ filter: String) throws -> Response {
        let body: JSONValue = [
          "subscriberId": "s", "filter": .string(filter), "expire": 60,
          "notificationDetails": ["deviceId": .string(device), "type": .string(type), "properties": ["debug": "true"]],
        ]
        return try line.call("POST", "notification/subscription", body.text, json)
      }
      func publish(_ tag: String) throws -> JSONValue? {
        let body: JSONValue = ["tag": .string(tag), "message": ["n": 1]]
        return try line.call("POST", "notification/publish", body.text, json).json["subscriptions"]
      }
      let listener = try broker.listener("ann")
      let comet = try #require(try subscribe("comet", "ann", "parcel.*").json["id"]?.string)
      #expect(try subscribe("ios", "d1", "*.moved, other").json.names == ["id"])
      #expect(try subscribe("comet", "bob", "*").status == 403, "nobody speaks for another user")
      #expect(try publish("parcel.moved") == 2 && publish("parcel.lost") == 1 && publish("nothing") == 0)
      let events = try listener.events(2).map { $0["data"]?["tag"] }
      #expect(events == ["parcel.moved", "parcel.lost"])
      #expect(eventually { provider.pushed.count == 1 } && provider.pushed[0].device.isDebug)
      #expect(try line.call("DELETE", "notification/subscription/\(comet)").status == 200)
      #expect(try line.call("DELETE", "notification/subscription/\(comet)").status == 404)
      #expect(try publish("parcel.lost") == 0)
      #expect(try line.call("POST", "notification/subscription", "{}", json).status == 400)
      #expect(try line.post("notification/subscription", "a=1").text == "Unsupported Media Type")
      #expect(try ServiceLine(broker).call("POST", "notification/publish", "{}", json).status == 401)
    }
    try await withBroker { broker in
      let body = #"{"tag":"t","message":1}"#
      let closed = try ServiceLine(broker).call(
        "POST", "notification/publish", body, ["Content-Type: application/json"])
      #expect(closed.status == 403, "without credentials nobody publishes")
    }
  }

  @Test("1.2 row 5, subscriptionID: the device of a subscription is the one that is pushed to")
  func subscriptionID() async throws {
    let provider = RecordingProvider()
    try await withBroker(
      {
        $0.define("request-chat", ["_client_timeout_notification": 0])
        $0.gms.chat.limits.sweepInterval = .milliseconds(10)
      }, pushProviders: ["ios": provider]
    ) { broker in
      let line = try ServiceLine(broker, user: "ann")
      let body = #"{"notificationDetails":{"deviceId":"d1","type":"ios"}}"#
      let json = ["Content-Type: application/json"]
      let subscription = try line.call("POST", "notification/subscription", body, json).json["id"]?.string ?? ""
      let id = try line.create("request-chat")
      #expect(try line.post("service/\(id)/ixn/chat", "notify_by=comet&subscriptionID=\(subscription)").status == 200)
      #expect(try broker.agent("join", id).status == 200)
      #expect(try broker.agent("send", id, ["nickname": "Ada", "text": "hello?"]).status == 200)
      #expect(eventually { provider.pushed.map(\.device.id) == ["d1"] })
    }
  }

  @Test("1.5 dialogs: StartChat, ConfirmationDialog, DisplayMenu and DialNumber have the members that apps read")
  func dialogs() async throws {
    try await withBroker({ $0.define("chat-delayed", ["_dial_number": "+15551234"]) }) { broker in
      let line = try ServiceLine(broker)
      let base = "http://\(line.line.authority)/genesys/1/service/"
      let id = try line.create("callback/chat-delayed", "_customer_number=1")
      let menu = try line.post("service/\(id)/menu").json
      #expect(menu["_action"] == "DisplayMenu" && menu["_label"]?.string?.isEmpty == false)
      let group = try #require(menu["_content"]?[0])
      #expect(group.names == ["_group_name", "_group_content"])
      let items = try #require(group["_group_content"]?.elements)
      #expect(items.allSatisfy { $0.names == ["_label", "_user_action_url"] })
      let urls = items.compactMap { $0["_user_action_url"]?.string }
      #expect(urls == ["check-queue-position", "connect", "dial"].map { "\(base)\(id)/\($0)" })
      let dial = try line.post("service/\(id)/dial").json
      #expect(dial["_action"] == "DialNumber" && dial["_tel_url"] == "tel:+15551234" && dial["_label"] != nil)
      let plain = try line.create("callback/chat-immediate", "_customer_number=1")
      #expect(try line.post("service/\(plain)/dial").status == 404, "no number is configured")
      #expect(try line.post("service/\(plain)/menu").json["_content"]?[0]?["_group_content"]?.elements?.count == 2)
    }
  }
}
