// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import Testing

/// A session belongs to the `gms_user` of its handshake, and an event to nobody else's session.
@Suite(.timeLimit(.minutes(2))) struct UserBindingTests {
  @Test func anEventGoesToEverySubscribedSessionOfItsUserAndToNobodyElse() async throws {
    try await withBroker { broker in
      let first = try broker.listener("vasya")
      let second = try broker.listener("vasya")
      let silent = try BayeuxClient(broker, user: "vasya")
      let other = try broker.listener("buzz")
      let curious = try BayeuxClient(broker, user: "vasya")
      for pattern in ["/**", "/*", "/_genesys/*", "/_genesys/**", "/_genesys2"] { try curious.subscribe(pattern) }
      for index in 0..<5 { #expect(try broker.publish(to: "vasya", JSONValue(index)) == 2) }
      for session in [first, second] {
        #expect(try session.events(5).map { $0["data"]?["message"]?.int } == [0, 1, 2, 3, 4])
      }
      // Whoever got nothing is answered by the message behind it alone.
      #expect(try broker.publish(to: "buzz", "for buzz") == 1)
      #expect(try other.events(1).map { $0["data"]?["message"] } == ["for buzz"])
      for session in [silent, curious, other] {
        #expect(try session.post([session.message("/service/x")]).messages.count == 1)
      }
    }
  }

  @Test func anEventHasThisShape() async throws {
    try await withBroker { broker in
      let vasya = try broker.listener("vasya")
      try broker.publish(to: "vasya", ["a": [1, "ü"]], tag: "some.tag")
      let event = try vasya.events(1)[0]
      #expect(event.names == ["data", "channel"])
      #expect(event["channel"] == "/_genesys")
      #expect(event["data"]?.names == ["id", "message", "tag"])
      #expect(event["data"]?["message"] == ["a": [1, "ü"]])
      #expect(event["data"]?["tag"] == "some.tag")
    }
  }

  /// A sorted id tells the order of events; it is a version 1 UUID without dashes.
  @Test("A27: ids of events are unique and ordered by time") func idsOfEventsAreUniqueAndTimeOrdered() async throws {
    try await withBroker(shards: 2) { broker in
      let users = ["a", "b", "c", "d"]
      let listeners = try users.map { try broker.listener($0) }
      let admin = try broker.admin()
      var ids: [String] = []
      for index in 0..<40 {
        let order: JSONValue = ["user": .string(users[index % 4]), "tag": "t", "message": 1]
        ids.append(try #require(try admin.post("/publish", order.text).json["id"]?.string))
      }
      let seen = try listeners.flatMap { try $0.events(10) }.compactMap { $0["data"]?["id"]?.string }
      #expect(Set(seen) == Set(ids))
      #expect(Set(ids).count == 40)
      for id in ids {
        #expect(id.utf8.count == 32 && id.allSatisfy { $0.isHexDigit && !$0.isUppercase })
        #expect(id.dropFirst(12).first == "1")
        #expect("89ab".contains(id.dropFirst(16).first ?? "x"))
      }
      // time_hi, time_mid, time_low: the order in which a version 1 UUID counts.
      let times = ids.map { String($0.dropFirst(12).prefix(4) + $0.dropFirst(8).prefix(4) + $0.prefix(8)) }
      #expect(times == times.sorted())
    }
  }

  @Test(arguments: ["/meta/connect", "/meta/subscribe", "/meta/unsubscribe", "/meta/disconnect", "/news"])
  func aMessageThatNamesAnotherUserIsRefused(_ channel: String) async throws {
    try await withBroker { broker in
      let vasya = try broker.listener("vasya")
      try vasya.hold()
      try broker.expect("connects_held", 1)
      let message = vasya.message(channel, ["id": "1", "subscription": "/_genesys", "data": 1])
      let stranger = try broker.client()
      let response = try stranger.post(BayeuxClient.path, "[\(message.text)]", "gms_user: buzz")
      #expect(response.status == 200)
      let reply = try #require(response.messages.first)
      #expect(response.messages.count == 1)
      #expect(reply["successful"] == false)
      #expect(reply.error == "403::gms_user mismatch")
      #expect(reply["id"] == "1")
      #expect(reply["channel"]?.string == channel)
      // The session has not noticed: its connect is held, its subscription stands.
      #expect(try broker.metrics()["connects_held"] == 1)
      #expect(try broker.metrics()["user_mismatches_total"] == 1)
      #expect(try broker.publish(to: "vasya", "still here") == 1)
      #expect(try vasya.held().messages.first?["data"]?["message"] == "still here")
    }
  }

  @Test func aMismatchDoesNotLookAtEventsThatWait() async throws {
    try await withBroker { broker in
      let vasya = try broker.listener("vasya")
      try broker.publish(to: "vasya", "secret")
      let stranger = try broker.client()
      for channel in ["/meta/connect", "/meta/subscribe", "/news"] {
        let body = "[\(vasya.message(channel, ["subscription": "/a"]).text)]"
        let response = try stranger.post(BayeuxClient.path, body, "gms_user: buzz")
        #expect(!response.text.contains("secret"))
        let batch = "[\(vasya.message(channel).text),\(vasya.message("/x").text)]"
        let second = try stranger.post(BayeuxClient.path, batch, "gms_user: buzz")
        #expect(!second.text.contains("secret"))
      }
      #expect(try vasya.events(1).first?["data"]?["message"] == "secret")
    }
  }

  @Test func theHeaderMayBeAbsentLaterWhereTheOptionSaysSo() async throws {
    try await withBroker({ $0.bayeux.options.requiresUserOnEveryRequest = false }) { broker in
      let vasya = try broker.listener("vasya")
      for fields in [[], ["gms_user: "], ["GMS_USER: vasya"]] {
        let response = try broker.client().call("POST", BayeuxClient.path, vasya.message("/news").text, fields)
        #expect(response.messages.first?.isSuccessful == true)
      }
    }
  }

  @Test func theHeaderIsRequiredOnEveryRequest() async throws {
    try await withBroker { broker in
      let vasya = try BayeuxClient(broker, user: "vasya")
      let anonymous = try BayeuxClient(broker)
      #expect(anonymous.id != vasya.id)
      for channel in ["/meta/connect", "/meta/subscribe", "/news", "/meta/disconnect"] {
        let body = vasya.message(channel, ["subscription": "/a"]).text
        let response = try broker.client().post(BayeuxClient.path, body)
        #expect(response.messages.first?.error == "402::session_unknown")
      }
      #expect(try vasya.subscribe("/_genesys").isSuccessful)
    }
  }

  @Test func aSessionWithoutAUserGetsNoEventsOfUsers() async throws {
    try await withBroker { broker in
      let anonymous = try BayeuxClient(broker)
      let reply = try anonymous.subscribe("/_genesys")
      #expect(reply["successful"] == false)
      #expect(reply.error == "403:/_genesys:gms_user required")
      #expect(reply["subscription"] == "/_genesys")
      // A header that comes later binds nothing.
      let body = anonymous.message("/meta/subscribe", ["subscription": "/_genesys"]).text
      let late = try broker.client().post(BayeuxClient.path, body, "gms_user: vasya")
      #expect(late.messages.first?.error == "403:/_genesys:gms_user required")
      #expect(try broker.publish(to: "vasya", 1) == 0)
      #expect(try broker.metrics()["headerless_handshakes_total"] == 1)
    }
  }

  @Test func aUserMayBeRequiredAtTheHandshake() async throws {
    try await withBroker({ $0.bayeux.options.requiresUser = true }) { broker in
      let response = try broker.client().post(BayeuxClient.path, handshake(id: 1))
      #expect(
        response.messages == [
          [
            "id": "1", "successful": false, "error": "403::handshake_denied",
            "advice": ["interval": 0, "reconnect": "none"], "channel": "/meta/handshake",
          ]
        ])
      #expect(try broker.listener("vasya").id.isEmpty == false)
    }
  }

  @Test(arguments: ["/_genesys", "/_genesys/", " /_genesys "])
  func noClientPublishesToUsers(_ channel: String) async throws {
    try await withBroker { broker in
      let vasya = try broker.listener("vasya")
      let forged: JSONValue = ["id": "0", "tag": "t", "message": "forged"]
      let reply = try vasya.call(channel, ["data": forged])
      #expect(reply.error == "403:denied_by_security_policy:publish_denied")
      let admin = try broker.admin().post(
        "/publish", (["channel": .string(channel), "data": forged] as JSONValue).text)
      #expect(admin.status == 400)
      #expect(try vasya.post([vasya.message("/service/x")]).messages.count == 1)
    }
  }

  @Test func unsubscribingEndsIt() async throws {
    try await withBroker { broker in
      let vasya = try broker.listener("vasya")
      #expect(try vasya.call("/meta/unsubscribe", ["subscription": "/_genesys"]).isSuccessful)
      #expect(try vasya.call("/meta/unsubscribe", ["subscription": "/_genesys"]).isSuccessful)
      #expect(try broker.publish(to: "vasya", "later") == 0)
      #expect(try vasya.post([vasya.message("/service/x")]).messages.count == 1)
      let messages = try vasya.post([vasya.message("/meta/subscribe", ["subscription": "/_genesys"])]).messages
      #expect(messages.first?["data"]?["message"] == "later")
    }
  }

  @Test func closedBroadcastChannelsLeaveTheUsersTheirEvents() async throws {
    try await withBroker({ $0.bayeux.openChannels = false }) { broker in
      let vasya = try broker.listener("vasya")
      #expect(try vasya.subscribe("/a").error == "403:denied_by_security_policy:subscribe_denied")
      #expect(try vasya.publish("/a", 1).error == "403:denied_by_security_policy:publish_denied")
      #expect(try vasya.publish("/service/a", 1).isSuccessful)
      #expect(try broker.publish(to: "vasya", 1) == 1)
    }
  }
}
