// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import Testing

/// Many senders and many receivers at once: nothing lost, nothing doubled, nothing out of order.
@Suite(.timeLimit(.minutes(2))) struct FanOutTests {
  @Test(arguments: [1, 2, 4])
  func twoThousandEventsReachTheSessionsOfTheirUsersInOrder(_ shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      let (users, perUser) = (5, 400)
      let sessions = try (0..<users).flatMap { user in try (0..<2).map { _ in try broker.listener("user\(user)") } }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for session in sessions {
          group.addTask {
            let numbers = try session.events(perUser).map { $0["data"]?["message"]?.int }
            #expect(numbers == (0..<perUser).map { $0 })
          }
        }
        for user in 0..<users {
          group.addTask {
            let admin = try broker.admin()
            for number in 0..<perUser {
              let order: JSONValue = ["user": .string("user\(user)"), "tag": "t", "message": JSONValue(number)]
              let response = try admin.post("/publish", order.text)
              #expect(response.json["sessions"] == 2)
            }
          }
        }
        try await group.waitForAll()
      }
      let page = try broker.metrics()
      #expect(page["deliveries_total"] == users * perUser * 2)
      #expect(page["user_messages_delivered_total"] == users * perUser)
      #expect(page["queue_messages"] == 0)
    }
  }

  @Test(arguments: [2, 4])
  func anonymousClientsOfAllShardsTalkInOneRoom(_ shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      let perClient = 60
      let clients = try (0..<shards).flatMap { shard in try (0..<2).map { _ in try BayeuxClient(broker, on: shard) } }
      for client in clients { try client.subscribe("/room") }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (index, client) in clients.enumerated() {
          group.addTask {
            // The publishers' own connections: on those of the readers their replies would carry events away.
            let publisher = try BayeuxClient(broker)
            for number in 0..<perClient {
              let reply = try publisher.publish("/room", ["from": JSONValue(index), "number": JSONValue(number)])
              #expect(reply.isSuccessful)
            }
          }
          group.addTask {
            var next = Array(repeating: 0, count: clients.count)
            for event in try client.events(perClient * clients.count) {
              let from = try #require(event["data"]?["from"]?.int)
              #expect(event["data"]?["number"]?.int == next[from])
              next[from] += 1
            }
            #expect(next == Array(repeating: perClient, count: clients.count))
          }
        }
        try await group.waitForAll()
      }
    }
  }

  /// Sessions come and go while messages are on their way, and the books balance all the same.
  @Test(arguments: [1, 2])
  func sessionsMayComeAndGoMeanwhile(_ shards: Int) async throws {
    try await withBroker(shards: shards, { $0.bayeux.options.maxInterval = .milliseconds(100) }) { broker in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for worker in 0..<4 {
          group.addTask {
            for round in 0..<25 {
              let client = try broker.listener("user\(worker % 2)")
              try client.subscribe("/**")
              _ = try client.publish("/room", JSONValue(round))
              try client.hold(["advice": ["timeout": 100]])
              switch round % 4 {
              case 0: client.polls.reset()
              case 1: _ = try client.call("/meta/disconnect")
              case 2: client.polls.endWriting()
              default: _ = try client.held()
              }
            }
          }
        }
        group.addTask {
          for round in 0..<200 {
            try broker.publish(to: "user\(round % 2)", JSONValue(round))
            try broker.publish(on: "/room", JSONValue(round))
            let page = try broker.metrics()
            #expect(page["ledger_imbalance"] == 0)
          }
        }
        try await group.waitForAll()
      }
      try broker.expect("sessions", 0)
      try broker.expect("connects_held", 0)
      try broker.expect("queue_messages", 0)
      try broker.expect("channels", 0)
    }
  }
}
