// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import Logging
import Testing

/// What a host publishes within its own process.
@Suite(.timeLimit(.minutes(2))) struct HostPublishTests {
  @Test(arguments: [1, 3]) func anEventReachesTheSessionsOfItsUserAlone(_ shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      let (anna, berta) = (try broker.listener("anna"), try broker.listener("berta"))
      let event = try await broker.server.publish(["x": [1, "ü\n"]], tag: "t", to: "anna")
      #expect(event.sessions == 1)
      let received = try anna.events(1)
      #expect(
        received == [
          ["data": ["id": .string(event.id), "message": ["x": [1, "ü\n"]], "tag": "t"], "channel": "/_genesys"]
        ])
      try await broker.server.publish(2, tag: "t", to: "berta")
      #expect(try berta.events(1).first?["data"]?["message"] == 2)
    }
  }

  /// What comes with the reply to a subscription.
  private func missed(by user: String, _ broker: RunningBroker) throws -> [JSONValue] {
    let client = try BayeuxClient(broker, user: user)
    return try client.post([client.message("/meta/subscribe", ["subscription": "/_genesys"])]).messages
  }

  @Test func anEventForAnAbsentUserWaitsForHisNextSession() async throws {
    try await withBroker { broker in
      for number in 0..<3 {
        let event = try await broker.server.publish(JSONValue(number), tag: "t", to: "anna")
        #expect(event.sessions == 0)
      }
      let events = try missed(by: "anna", broker)
      #expect(events.compactMap { $0["data"]?["message"]?.int } == [0, 1, 2])
    }
  }

  @Test(arguments: [1, 3]) func aBroadcastReachesItsSubscribersOnEveryShard(_ shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      #expect(try await broker.server.publish(0, on: "/news/a") == 0)
      let clients = try (0..<shards).map { try BayeuxClient(broker, on: $0) }
      for client in clients { try client.subscribe("/news/*") }
      #expect(try await broker.server.publish(["x": 1], on: "/news/a") == shards)
      for client in clients { #expect(try client.events(1) == [["data": ["x": 1], "channel": "/news/a"]]) }
    }
  }

  @Test func whatIsDurableIsKeptForThoseWhoComeLater() async throws {
    try await withBroker(shards: 2, { $0.makeDurable() }) { broker in
      for number in 1...5 { try await broker.server.publish(["n": JSONValue(number)], on: "/d/a") }
      #expect(try BayeuxClient(broker).replay("/d/a", from: -2).ns == Array(1...5))
    }
  }

  @Test func withADataDirectoryAnEventOutlivesTheBroker() async throws {
    let directory = KeptDirectory()
    try await directory.withBroker { broker in
      let event = try await broker.server.publish("kept", tag: "t", to: "anna")
      #expect(event.sessions == 0)
    }
    try await directory.withBroker { broker in
      let events = try missed(by: "anna", broker)
      #expect(events.first?["data"]?["message"] == "kept")
    }
  }

  @Test(arguments: ["", "news", "/", "/a/*", "/a/**", "/meta/connect", "/service/x", "/_genesys"])
  func onlyABroadcastChannelIsPublishedTo(_ name: String) async throws {
    try await withBroker { broker in
      await #expect(throws: PublishError.notBroadcast(name)) { try await broker.server.publish(1, on: name) }
    }
  }

  @Test func aUserHasANameOfTheLengthThatClientsMayHave() async throws {
    try await withBroker { broker in
      await #expect(throws: PublishError.userEmpty) { try await broker.server.publish(1, tag: "t", to: "") }
      try await broker.server.publish(1, tag: "t", to: String(repeating: "v", count: 256))
      await #expect(throws: PublishError.userTooLong(maxBytes: 256)) {
        try await broker.server.publish(1, tag: "t", to: String(repeating: "v", count: 257))
      }
      #expect(try broker.metrics()["user_messages_total"] == 1)
    }
  }

  @Test func beforeTheStartAndAfterTheEndNothingIsTaken() async throws {
    let server = try BrokerServer(configuration: .forTests(shards: 1), logger: .silent)
    func refusals() async {
      await #expect(throws: PublishError.notRunning) { try await server.publish(1, on: "/a") }
      await #expect(throws: PublishError.notRunning) { try await server.publish(1, tag: "t", to: "anna") }
    }
    await refusals()
    _ = try await server.start()
    #expect(try await server.publish(1, on: "/a") == 0)
    await server.shutdown()
    await refusals()
  }

  /// Whoever publishes while the broker ends gets an answer, one way or the other.
  @Test(arguments: [1, 2]) func nobodyIsLeftWaitingByAShutdown(_ shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for worker in 0..<4 {
          group.addTask {
            while true {
              do throws(PublishError) {
                if worker % 2 == 0 {
                  try await broker.server.publish(1, on: "/a")
                } else {
                  try await broker.server.publish(1, tag: "t", to: "anna")
                }
              } catch {
                return #expect(error == .notRunning)
              }
            }
          }
        }
        while try broker.metrics()["user_messages_total"] < 100 {}
        try await broker.shutdown()
        try await group.waitForAll()
      }
    }
  }
}
