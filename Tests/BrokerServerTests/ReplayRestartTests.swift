// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import Foundation
import Testing

/// Durable channels with a data directory.
@Suite(.timeLimit(.minutes(2))) struct ReplayRestartTests {
  @Test func eventsAndTheirIdsOutliveTheBroker() async throws {
    let directory = KeptDirectory()
    var ids: [Int] = []
    try await directory.withBroker({ $0.makeDurable() }) { broker in
      let client = try BayeuxClient(broker)
      for number in 1...20 { try client.publishNumber(number % 2 == 0 ? "/d/a" : "/d/b", number) }
      ids = try client.replay("/d/*", from: -2).replayIDs
    }
    #expect(ids.count == 20)
    let seen = ids
    try await directory.withBroker(shards: 3, { $0.makeDurable() }) { broker in
      let client = try BayeuxClient(broker)
      try client.publishNumber("/d/a", 21)
      let rest = try client.replay("/d/*", from: seen[14])
      #expect(rest.ns == [16, 17, 18, 19, 20, 21])
      #expect(rest.last?["ext"]?["replay"]?["/d/*"]?["complete"] == true)
      #expect(Array(rest.replayIDs.prefix(5)) == Array(seen[15...]) && rest.replayIDs.last ?? 0 > seen[19])
    }
  }

  @Test func whatTheLimitsDroppedStaysGoneAndIsKnownToHaveBeenThere() async throws {
    let directory = KeptDirectory()
    var ids: [Int] = []
    try await directory.withBroker({ $0.makeDurable { $0.maxMessages = 5 } }) { broker in
      let client = try BayeuxClient(broker)
      for number in 1...3 { try client.publishNumber("/d", number) }
      ids = try client.replay("/d", from: -2).replayIDs
      for number in 4...12 { try client.publishNumber("/d", number) }
    }
    let seen = ids
    try await directory.withBroker({
      $0.makeDurable()
      $0.bayeux.options.replayOutOfWindow = .error
    }) { broker in
      // Of what was dropped at the very end the file may not know yet; the limits have their way at the next start.
      let client = try BayeuxClient(broker)
      #expect(try client.replay("/d", from: seen[0]).last?.error == "400::replay_id_out_of_window")
      let kept = try client.replay("/d", from: -2).ns
      #expect(kept.suffix(5) == [8, 9, 10, 11, 12] && kept.count <= 6)
    }
  }

  @Test func anIdOfAnotherLifeIsOutOfTheWindow() async throws {
    var old = 0
    try await withBroker({ $0.makeDurable() }) { broker in
      let client = try BayeuxClient(broker)
      for number in 1...3 { try client.publishNumber("/d", number) }
      old = try client.replay("/d", from: -2).replayIDs[1]
    }
    let seen = old
    // Nothing was kept: neither that one nor a broker with a new directory takes the client for one that knows it all.
    let directory = KeptDirectory()
    for _ in 0..<2 {
      try await directory.withBroker({ $0.makeDurable() }) { broker in
        let client = try BayeuxClient(broker)
        try client.publishNumber("/d", 4)
        let messages = try client.replay("/d", from: seen)
        #expect(messages.last?["ext"]?["replay"]?["/d"]?["complete"] == false)
        #expect(messages.ns.last == 4 && messages.replayIDs.allSatisfy { $0 > seen })
      }
    }
  }

  @Test func aDiskThatFailsRefusesThePublishAndNobodyHearsOfIt() async throws {
    let directory = KeptDirectory()
    try await directory.withBroker({ $0.makeDurable() }) { broker in
      let (publisher, listener) = (try BayeuxClient(broker), try BayeuxClient(broker))
      try listener.subscribe("/d")
      try listener.subscribe("/live")
      try FileManager.default.moveItem(atPath: directory.path, toPath: directory.path + ".away")
      let refused = try publisher.publish("/d", ["n": 1])
      #expect(refused["successful"] == false && refused.error == "507::not_stored")
      let body: JSONValue = ["channel": "/d", "data": ["n": 2]]
      #expect(try broker.admin().post("/publish", body.text).status == 507)
      // What needs no disk goes on.
      try publisher.publishNumber("/live", 3)
      #expect(try listener.events(1).ns == [3])
      try FileManager.default.moveItem(atPath: directory.path + ".away", toPath: directory.path)
      let isBack = try eventually { try publisher.publish("/d", ["n": 4]).isSuccessful }
      #expect(isBack)
      #expect(try listener.events(1).ns.last == 4)
      let late = try BayeuxClient(broker)
      #expect(try late.replay("/d", from: -2).ns == [4])
    }
  }

  @Test func aChannelThatIsDurableNoMoreIsForgotten() async throws {
    let directory = KeptDirectory()
    try await directory.withBroker({ $0.makeDurable() }) { broker in
      let client = try BayeuxClient(broker)
      try client.publishNumber("/d", 1)
      try client.publishNumber("/d/a", 2)
    }
    try await directory.withBroker({ $0.makeDurable(["/d/a"]) }) { broker in
      let client = try BayeuxClient(broker)
      #expect(try client.replay("/d/a", from: -2).ns == [2])
      #expect(try client.replay("/d", from: -2).last?["ext"]?["replay"]?["/d"] == .null)
      try client.publishNumber("/d/a", 3)
    }
    try await directory.withBroker({ $0.makeDurable() }) { broker in
      let client = try BayeuxClient(broker)
      #expect(try client.replay("/d/**", from: -2).ns == [2, 3])
      #expect(try client.replay("/d", from: -2).ns == [])
    }
  }
}
