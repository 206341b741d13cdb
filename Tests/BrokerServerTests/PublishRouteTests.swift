// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

/// `POST /publish`: an event to a user, or a message to a channel.
@Suite(.timeLimit(.minutes(2))) struct PublishRouteTests {
  @Test(arguments: [1, 3])
  func anEventToAUserIsAnsweredWithItsIdAndItsSessions(_ shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      let admin = try broker.admin()
      for user in ["a", "b", "c", "d"] {
        let order: JSONValue = ["user": .string(user), "tag": "x", "message": ["y": 1]]
        let absent = try admin.post("/publish", order.text, "Content-Type: application/json")
        #expect(absent.status == 200)
        #expect(absent.json.names == ["id", "sessions"])
        #expect(absent.json["sessions"] == 0)
        let session = try broker.listener(user)
        let present = try admin.post("/publish", order.text)
        #expect(present.json["sessions"] == 1)
        #expect(try session.events(1).last?["data"]?["id"] == present.json["id"])
      }
    }
  }

  @Test(arguments: [1, 3])
  func aMessageToAChannelIsAnsweredWithItsSessions(_ shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      let admin = try broker.admin()
      let order = #"{"channel":"/news","data":{"x":1}}"#
      #expect(try admin.post("/publish", order).json == ["sessions": 0])
      let client = try BayeuxClient(broker)
      try client.subscribe("/news")
      #expect(try admin.post("/publish", order).json == ["sessions": 1])
      #expect(try client.events(1) == [["data": ["x": 1], "channel": "/news"]])
    }
  }

  /// Nothing is read and written anew, so that no digit and no escape is lost.
  @Test(arguments: [
    "null", "0", "-0", "1.0e+5", "12345678901234567890.123", "true", #""""#, #""\u00e4ä\/\n\ud83d\ude00""#, "[]", "{ }",
    #"{ "a" : [ 1 , 2 ] , "b" : null }"#,
  ])
  func whatIsPublishedArrivesAsItIs(_ text: String) async throws {
    try await withBroker(shards: 2) { broker in
      let vasya = try broker.listener("vasya")
      try vasya.subscribe("/a")
      _ = try broker.admin().post("/publish", #"{"user":"vasya","tag":"t","message":\#(text)}"#)
      _ = try broker.admin().post("/publish", #"{"channel":"/a","data": \#(text) }"#)
      var bodies = ""
      while !bodies.contains("\"channel\":\"/a\"") || !bodies.contains("/_genesys") {
        try vasya.hold()
        bodies += try vasya.held().text
      }
      #expect(bodies.contains(#""message":\#(text),"tag":"t""#))
      #expect(bodies.contains(#"{"data":\#(text),"channel":"/a"}"#))
    }
  }

  @Test func aTagMayHoldAnything() async throws {
    try await withBroker { broker in
      let vasya = try broker.listener("vasya")
      for tag in ["", "ü \" \\ \n", "service.chat.refresh.x"] {
        try broker.publish(to: "vasya", 1, tag: tag)
        #expect(try vasya.events(1).first?["data"]?["tag"]?.string == tag)
      }
    }
  }

  @Test(arguments: [
    ("", "no JSON object"), ("nonsense", "no JSON object"), ("[]", "no JSON object"), ("{}x", "no JSON object"),
    (#"{"user":"a","tag":"t","message":{"#, "no JSON object"),
    (#"{"user":"a","tag":"t","message":01}"#, "no JSON object"),
    (#"{"user":"a","user":"b","tag":"t","message":1}"#, "no JSON object"),
    (#"{"channel":"/a","data":1,"data":2}"#, "no JSON object"),
    ("{}", "are needed"), (#"{"tag":"t","message":1}"#, "are needed"),
    (#"{"user":1,"tag":"t","message":1}"#, "are needed"),
    (#"{"channel":null,"data":1}"#, "are needed"),
    (#"{"user":"a","tag":"t","message":1,"channel":"/a","data":1}"#, "are needed"),
    (#"{"user":"a"}"#, "go together"), (#"{"user":"a","tag":"t"}"#, "go together"),
    (#"{"user":"a","message":1}"#, "go together"), (#"{"user":"a","tag":5,"message":1}"#, "go together"),
    (#"{"channel":"/a"}"#, "go together"), (#"{"channel":"/a","message":1}"#, "go together"),
    (#"{"channel":"a","data":1}"#, "no channel to publish to"),
    (#"{"channel":"","data":1}"#, "no channel to publish to"),
    (#"{"channel":"/","data":1}"#, "no channel to publish to"),
    (#"{"channel":"/a/*","data":1}"#, "no channel to publish to"),
    (#"{"channel":"/**","data":1}"#, "no channel to publish to"),
    (#"{"channel":"/meta/connect","data":1}"#, "no channel to publish to"),
    (#"{"channel":"/service/x","data":1}"#, "no channel to publish to"),
    (#"{"channel":"/_genesys","data":1}"#, "no channel to publish to"),
    (#"{"channel":"/a b?","data":1}"#, "no channel to publish to"),
    (#"{"user":"","tag":"t","message":1}"#, "user is empty"),
    (#"{"user":"\#(String(repeating: "v", count: 257))","tag":"t","message":1}"#, "longer than 256 bytes"),
  ])
  func whatCannotBePublishedIsRefusedWithItsReason(_ body: String, _ reason: String) async throws {
    try await withBroker { broker in
      let response = try broker.admin().post("/publish", body)
      #expect(response.status == 400)
      #expect(response.json.names == ["exception", "message"])
      #expect(response.json["exception"] == "com.genesyslab.gsg.services.BadParameterException")
      #expect(response.json["message"]?.string?.contains(reason) == true, "\(response)")
      #expect(try broker.metrics()["user_messages_total"] == 0)
    }
  }

  @Test func onlyPostPublishes() async throws {
    try await withBroker { broker in
      let admin = try broker.admin()
      for method in ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"] {
        let response = try admin.call(method, "/publish", method == "GET" || method == "HEAD" ? nil : "{}")
        #expect(response.status == 405)
        #expect(response["Allow"] == "POST")
      }
    }
  }

  @Test func aLargeMessagePassesAndATooLargeOneIsRefused() async throws {
    try await withBroker(shards: 2) { broker in
      let vasya = try broker.listener("vasya")
      let text = String(repeating: "x", count: 500_000)
      #expect(try broker.publish(to: "vasya", .string(text)) == 1)
      let isWhole = try vasya.events(1).first?["data"]?["message"]?.string == text
      #expect(isWhole)
      let response = try broker.admin().post("/publish", String(repeating: "x", count: 524_289))
      #expect(response.status == 413)
      #expect(response.closes)
    }
  }
}
