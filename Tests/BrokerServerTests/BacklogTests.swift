// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import Testing

/// What a user has not been handed waits for the user, whatever became of the session.
@Suite(.timeLimit(.minutes(2))) struct BacklogTests {
  private static func numbers(_ events: [JSONValue]) -> [Int?] { events.map { $0["data"]?["message"]?.int } }

  @Test("3.5: what came before the first subscription is handed over once and in order")
  func whatCameBeforeTheFirstSubscriptionIsHandedOverOnceAndInOrder() async throws {
    try await withBroker { broker in
      for index in 0..<20 { #expect(try broker.publish(to: "vasya", JSONValue(index)) == 0) }
      let client = try BayeuxClient(broker, user: "vasya")
      // Not before it is asked for.
      #expect(try client.post([client.message("/service/x")]).messages.count == 1)
      let reply = try client.post([client.message("/meta/subscribe", ["subscription": "/_genesys"])]).messages
      #expect(Self.numbers(reply.dropLast()) == (0..<20).map { $0 })
      #expect(reply.last?.isSuccessful == true)
      let late = try broker.listener("vasya")
      #expect(try late.post([late.message("/service/x")]).messages.count == 1)
      #expect(try broker.metrics()["user_messages_delivered_total"] == 20)
      #expect(try broker.metrics()["user_messages_waiting"] == 0)
    }
  }

  @Test("3.5: what a lost session was not handed goes to the next") func whatALostSessionWasNotHandedGoesToTheNext()
    async throws
  {
    try await withBroker({ $0.bayeux.options.maxInterval = .milliseconds(1500) }) { broker in
      let lost = try broker.listener("vasya")
      for index in 0..<3 { try broker.publish(to: "vasya", JSONValue(index)) }
      #expect(try Self.numbers(lost.events(3)) == [0, 1, 2])
      for index in 3..<6 { #expect(try broker.publish(to: "vasya", JSONValue(index)) == 1) }
      try broker.expect("sessions", 0)
      for index in 6..<8 { #expect(try broker.publish(to: "vasya", JSONValue(index)) == 0) }
      let client = try BayeuxClient(broker, user: "vasya")
      let reply = try client.post([client.message("/meta/subscribe", ["subscription": "/_genesys"])]).messages
      #expect(Self.numbers(reply.dropLast()) == [3, 4, 5, 6, 7])
    }
  }

  @Test func whatADisconnectedSessionWasNotHandedGoesToTheNext() async throws {
    try await withBroker { broker in
      let first = try broker.listener("vasya")
      try broker.publish(to: "vasya", 1)
      // The reply of a disconnect carries no events: the client has stopped listening.
      #expect(try first.call("/meta/disconnect", ["ext": ["transcriptPosition": 4]]).isSuccessful)
      try broker.publish(to: "vasya", 2)
      let second = try BayeuxClient(broker, user: "vasya")
      let reply = try second.post([second.message("/meta/subscribe", ["subscription": "/_genesys"])]).messages
      #expect(Self.numbers(reply.dropLast()) == [1, 2])
    }
  }

  /// A client that restores itself names its dead session once more, and goes on only when that succeeds.
  @Test func aDisconnectOfADeadSessionSucceedsForAKnownUser() async throws {
    try await withBroker { broker in
      let dead: JSONValue = ["channel": "/meta/disconnect", "clientId": "44xkkazwfabw73jrvjsvoy4ul", "id": "7"]
      let known = try broker.client().post("/genesys/cometd/disconnect", dead.text, "gms_user: vasya")
      #expect(known.messages == [["id": "7", "successful": true, "channel": "/meta/disconnect"]])
      let unknown = try broker.client().post("/genesys/cometd/disconnect", dead.text)
      #expect(unknown.messages.first?.error == "402::session_unknown")
    }
  }

  @Test("3.5, A17: what waits goes to the first who returns") func whatWaitsGoesToTheFirstWhoReturns() async throws {
    try await withBroker { broker in
      try broker.publish(to: "vasya", 1)
      let first = try broker.listener("vasya")
      let second = try broker.listener("vasya")
      #expect(try broker.publish(to: "vasya", 2) == 2)
      #expect(try Self.numbers(second.events(1)) == [2])
      #expect(try Self.numbers(first.events(1)) == [2])
    }
  }

  @Test("3.5: an event waits though the client of a held connect hung up, whose session still lives")
  func anEventWaitsForAHeldConnectWhoseClientHungUp() async throws {
    try await withBroker { broker in
      let lost = try broker.listener("vasya")
      try lost.hold()
      try broker.expect("connects_held", 1)
      lost.polls.reset()
      try broker.expect("connects_held", 0)
      try broker.publish(to: "vasya", 1)
      #expect(try broker.metrics()["sessions"] == 1)
      let next = try BayeuxClient(broker, user: "vasya")
      let reply = try next.post([next.message("/meta/subscribe", ["subscription": "/_genesys"])]).messages
      #expect(Self.numbers(reply.dropLast()) == [1])
    }
  }

  @Test("3.5 bound: by count, the latest stay") func aBacklogHasABoundAndKeepsTheLatest() async throws {
    try await withBroker({ $0.bayeux.options.limits.maxBacklogMessages = 3 }) { broker in
      for index in 0..<10 { try broker.publish(to: "vasya", JSONValue(index)) }
      #expect(try broker.metrics().samples[#"broker_user_messages_dropped_total{reason="backlog_full"}"#] == 7)
      let client = try BayeuxClient(broker, user: "vasya")
      let reply = try client.post([client.message("/meta/subscribe", ["subscription": "/_genesys"])]).messages
      #expect(Self.numbers(reply.dropLast()) == [7, 8, 9])
    }
  }

  @Test("3.5 bound: by bytes") func aBacklogHasABoundInBytes() async throws {
    try await withBroker({ $0.bayeux.options.limits.maxBacklogBytes = 4000 }) { broker in
      for _ in 0..<10 { try broker.publish(to: "vasya", .string(String(repeating: "x", count: 1000))) }
      let client = try BayeuxClient(broker, user: "vasya")
      let reply = try client.post([client.message("/meta/subscribe", ["subscription": "/_genesys"])]).messages
      #expect(reply.count == 4)
      #expect(try broker.metrics().samples[#"broker_user_messages_dropped_total{reason="backlog_bytes"}"#] == 7)
    }
  }

  @Test("3.5 bound: by age") func whatNobodyFetchesGetsTooOld() async throws {
    try await withBroker({ $0.bayeux.options.limits.maxBacklogAge = .milliseconds(50) }) { broker in
      try broker.publish(to: "vasya", 1)
      #expect(
        try eventually { try broker.metrics().samples[#"broker_user_messages_dropped_total{reason="age"}"#] == 1 })
      let client = try BayeuxClient(broker, user: "vasya")
      let reply = try client.post([client.message("/meta/subscribe", ["subscription": "/_genesys"])]).messages
      #expect(reply.count == 1)
      #expect(try broker.metrics()["user_messages_waiting"] == 0)
    }
  }

  @Test("3.5 bound: by absent users") func manyAbsentUsersAreBoundedToo() async throws {
    try await withBroker({ $0.bayeux.options.limits.maxBacklogUsers = 5 }) { broker in
      for index in 0..<8 { try broker.publish(to: "user\(index)", 1) }
      let page = try broker.metrics()
      #expect(page["user_messages_waiting"] == 5)
      #expect(page.samples[#"broker_user_messages_dropped_total{reason="too_many_users"}"#] == 3)
    }
  }

  @Test func aSessionWhoseQueueOverflowsEndsAndLosesNothingOfItsUser() async throws {
    try await withBroker({ $0.bayeux.options.limits.maxQueueMessages = 5 }) { broker in
      let full = try broker.listener("vasya")
      for index in 0..<6 { try broker.publish(to: "vasya", JSONValue(index)) }
      #expect(try full.call("/meta/connect").error == "402::session_unknown")
      #expect(try broker.metrics().samples[#"broker_sessions_ended_total{reason="queue_full"}"#] == 1)
      let client = try BayeuxClient(broker, user: "vasya")
      try client.subscribe("/a")
      // More than five wait for it at once: they leave with the reply before the queue is looked at.
      let reply = try client.post([client.message("/meta/subscribe", ["subscription": "/_genesys"])]).messages
      #expect(Self.numbers(reply.dropLast()) == [0, 1, 2, 3, 4, 5])
    }
  }
}
