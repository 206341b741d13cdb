// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import Testing

/// A `/meta/connect` that waits: what ends the wait, and what its answer holds.
@Suite(.timeLimit(.minutes(2))) struct HeldConnectTests {
  static let retry: JSONValue = ["interval": 0, "reconnect": "retry", "timeout": 60000]

  @Test func theFirstConnectIsAnsweredAtOnceAndTheSecondIsHeld() async throws {
    try await withBroker { broker in
      let client = try BayeuxClient(broker, connects: false)
      #expect(
        try client.connect(["id": "1"]) == [
          ["id": "1", "successful": true, "advice": Self.retry, "channel": "/meta/connect"]
        ])
      try client.hold(["id": "2"])
      try broker.expect("connects_held", 1)
      try client.subscribe("/a")
      try broker.publish(on: "/a", ["x": 1])
      #expect(
        try client.held().messages == [
          ["data": ["x": 1], "channel": "/a"], ["id": "2", "successful": true, "channel": "/meta/connect"],
        ])
      try broker.expect("connects_held", 0)
    }
  }

  @Test func aConnectThatAsksNotToWaitIsAnsweredAtOnceWithAdvice() async throws {
    try await withBroker { broker in
      let client = try BayeuxClient(broker)
      for _ in 0..<3 {
        let messages = try client.connect(["advice": ["timeout": 0]])
        #expect(messages == [["successful": true, "advice": Self.retry, "channel": "/meta/connect"]])
      }
    }
  }

  /// Clients that use the advised time as their HTTP timeout must not meet it to the millisecond.
  @Test func aPollIsAnsweredEarlierThanAdvised() async throws {
    try await withBroker({ $0.bayeux.options.timeout = .milliseconds(1200) }) { broker in
      let client = try BayeuxClient(broker, connects: false)
      #expect(try client.connect().first?["advice"]?["timeout"] == 1200)
      let start = ContinuousClock.now
      #expect(try client.connect(["id": "t"]) == [["id": "t", "successful": true, "channel": "/meta/connect"]])
      let time = ContinuousClock.now - start
      #expect(time >= .milliseconds(1100))
      // How much later it is depends on the machine alone.
      #expect(time < .seconds(10))
    }
  }

  @Test func aConnectMayAskToBeHeldForAnotherTime() async throws {
    try await withBroker { broker in
      let client = try BayeuxClient(broker)
      let start = ContinuousClock.now
      let messages = try client.connect(["advice": ["timeout": 150, "interval": 2000]])
      #expect(ContinuousClock.now - start >= .milliseconds(150))
      // The interval is echoed; the timeout is again the usual one.
      #expect(messages.first?["advice"] == ["interval": 2000, "reconnect": "retry", "timeout": 60000])
    }
  }

  @Test func aHangUpIsNoticedAtOnce() async throws {
    try await withBroker { broker in
      for end in [RawClient.hangUp, RawClient.reset] {
        let vasya = try broker.listener("vasya")
        let before = try broker.metrics()["connects_abandoned_total"]
        try vasya.hold()
        try broker.expect("connects_held", 1)
        end(vasya.polls)()
        try broker.expect("connects_held", 0)
        try broker.expect("connects_abandoned_total", before + 1)
        // What comes now is not written into the void: it waits for the next connect.
        try broker.publish(to: "vasya", "kept")
        let reply = try vasya.post([vasya.message("/meta/connect")]).messages
        #expect(reply.first?["data"]?["message"] == "kept")
        _ = try vasya.call("/meta/disconnect")
      }
    }
  }

  @Test func aHalfClosedConnectionGetsItsAnswerAndIsClosed() async throws {
    try await withBroker { broker in
      let vasya = try broker.listener("vasya")
      try vasya.hold(["id": "5"])
      vasya.polls.endWriting()
      let response = try vasya.held()
      #expect(response.messages.last?["id"] == "5")
      #expect(response.messages.last?["advice"] == Self.retry)
      #expect(response.closes)
      #expect(try vasya.polls.readToEnd() == "")
      try broker.expect("connects_held", 0)
    }
  }

  @Test func aSecondConnectEndsTheFirstWithAStatus() async throws {
    try await withBroker { broker in
      let client = try BayeuxClient(broker)
      try client.hold(["id": "1"])
      try broker.expect("connects_held", 1)
      let second = try broker.client()
      try second.send(second.text("POST", BayeuxClient.path, client.message("/meta/connect", ["id": "2"]).text))
      let first = try client.held()
      #expect(first.status == 500)
      #expect(first.body.isEmpty)
      #expect(!first.closes)
      try client.subscribe("/a")
      try broker.publish(on: "/a", 1)
      #expect(try second.response().messages.last?["id"] == "2")
      #expect(try broker.metrics()["connects_overtaken_total"] == 1)
    }
  }

  @Test(arguments: [200, 408, 503])
  func howTheFirstOfTwoConnectsEndsIsAnOption(_ status: Int) async throws {
    try await withBroker({ $0.bayeux.options.duplicateMetaConnectHttpResponseCode = status }) { broker in
      let client = try BayeuxClient(broker)
      try client.hold(["id": "1"])
      try broker.expect("connects_held", 1)
      let second = try broker.client()
      let reply = try second.post(
        BayeuxClient.path, client.message("/meta/connect", ["id": "2", "advice": ["timeout": 0]]).text)
      #expect(reply.messages.last?["id"] == "2")
      let first = try client.held()
      #expect(first.status == status)
      #expect(first.messages.first?["id"] == (status == 200 ? "1" : nil))
      #expect(first.messages.first?["advice"] == (status == 200 ? Self.retry : nil))
    }
  }

  /// The page was loaded anew: its old connect may still be held by a connection that nobody reads.
  @Test func aConnectOfTheSameConnectionAfterItsAnswerIsNoDuplicate() async throws {
    try await withBroker { broker in
      let client = try BayeuxClient(broker)
      for _ in 0..<5 { try client.connect(["advice": ["timeout": 1]]) }
      #expect(try broker.metrics()["connects_overtaken_total"] == 0)
    }
  }

  @Test func aConnectInABatchIsNotHeld() async throws {
    try await withBroker { broker in
      let client = try BayeuxClient(broker)
      let messages = try client.post([
        client.message("/meta/connect", ["id": "1"]),
        client.message("/meta/subscribe", ["id": "2", "subscription": "/a"]),
      ]).messages
      #expect(messages.map { $0["id"] } == ["1", "2"])
    }
  }

  @Test func eventsRideOnOtherReplies() async throws {
    try await withBroker { broker in
      let client = try BayeuxClient(broker)
      try client.subscribe("/a")
      try broker.publish(on: "/a", 1)
      try broker.publish(on: "/a", 2)
      let reply = try client.post([client.message("/b", ["id": "9", "data": 0])]).messages
      #expect(reply.map { $0["data"] } == [1, 2, nil])
      #expect(reply.last?["id"] == "9")
      try client.hold()
      try broker.expect("connects_held", 1)
      try broker.publish(on: "/a", 3)
      #expect(try client.held().messages.map { $0["data"] } == [3, nil])
    }
  }

  @Test func severalEventsOfOneTurnAreOneAnswer() async throws {
    try await withBroker { broker in
      let client = try BayeuxClient(broker)
      let publisher = try BayeuxClient(broker)
      try client.subscribe("/a")
      try client.hold()
      try broker.expect("connects_held", 1)
      _ = try publisher.post((0..<100).map { publisher.message("/a", ["data": JSONValue($0)]) })
      #expect(try client.held().messages.dropLast().map { $0["data"]?.int } == (0..<100).map { $0 })
    }
  }

  @Test func aDisconnectAnswersTheHeldConnect() async throws {
    try await withBroker { broker in
      let client = try BayeuxClient(broker)
      try client.hold(["id": "1"])
      try broker.expect("connects_held", 1)
      #expect(
        try client.call("/meta/disconnect", ["id": "2"]) == [
          "id": "2", "successful": true, "channel": "/meta/disconnect",
        ])
      let held = try client.held().messages
      #expect(
        held == [
          [
            "id": "1", "successful": true, "advice": ["interval": 0, "reconnect": "none", "timeout": 60000],
            "channel": "/meta/connect",
          ]
        ])
      try broker.expect("sessions", 0)
      let late = try client.call("/meta/connect")
      #expect(late.error == "402::session_unknown")
      #expect(late["advice"]?["reconnect"] == "handshake")
    }
  }

  @Test(arguments: [true, false])
  func aSessionWhoseClientStaysAwayExpires(_ connects: Bool) async throws {
    try await withBroker({ $0.bayeux.options.maxInterval = .milliseconds(50) }) { broker in
      let client = try BayeuxClient(broker, connects: connects)
      try broker.expect("sessions", 0)
      #expect(try broker.metrics().samples[#"broker_sessions_ended_total{reason="expired"}"#] == 1)
      for channel in ["/meta/connect", "/meta/subscribe", "/meta/disconnect", "/news"] {
        let reply = try client.call(channel, ["id": "1", "subscription": "/a"])
        #expect(reply["successful"] == false)
        #expect(reply.error == "402::session_unknown")
        #expect(reply["advice"] == ["interval": 0, "reconnect": "handshake"])
        #expect(reply["id"] == "1")
      }
    }
  }

  @Test func aHeldSessionDoesNotExpire() async throws {
    try await withBroker({
      $0.bayeux.options.maxInterval = .milliseconds(1000)
      $0.bayeux.options.timeout = .milliseconds(1800)
    }) { broker in
      let client = try BayeuxClient(broker)
      #expect(try client.connect().last?.isSuccessful == true)
      #expect(try client.call("/service/x").isSuccessful)
    }
  }

  @Test func aPollThatTimesOutDoesNotWakeItsNeighbours() async throws {
    try await withBroker { broker in
      let clients = try (0..<5).map { _ in try BayeuxClient(broker) }
      for client in clients { try client.hold(["id": "held"]) }
      let brief = try BayeuxClient(broker)
      try brief.connect(["advice": ["timeout": 50]])
      #expect(try broker.metrics()["connects_held"] == 5)
      for client in clients { try client.subscribe("/a") }
      #expect(try broker.publish(on: "/a", 1) == 5)
      for client in clients { #expect(try client.held().messages.count == 2) }
    }
  }
}
