// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

/// A long past is given in slices, on whatever way events take.
struct ReplayFeedTests {
  @Test func aLongReplayNeverFillsTheQueueAndLosesNothing() {
    let scene = Scene.durable { options, _ in
      options.limits.maxReplaySlice = 10
      options.limits.maxQueueMessages = 30
    }
    let publisher = scene.connectedClient()
    scene.fill("/d", 1...200, by: publisher)
    let client = scene.connectedClient()
    var events = client.subscribe("/d", from: "-2").events
    #expect(events.count == 10)
    #expect(scene.waiting <= 10)
    for number in 201...220 {
      scene.fill("/d", number...number, by: publisher)
      events += client.connect().events
      #expect(scene.waiting <= 10)
    }
    events += client.drain()
    #expect(events.ns == Array(1...220) && client.isKnown)
    // Then it is live: the event answers the held connect.
    let held = client.connect()
    scene.fill("/d", 221...221, by: publisher)
    #expect(held.events.ns == [221])
  }

  @Test func theBytesOfASliceAreBoundedToo() {
    let scene = Scene.durable { options, _ in options.limits.maxResponseBytes = 1000 }
    let publisher = scene.connectedClient()
    let long = String(repeating: "x", count: 300)
    for number in 1...20 { publisher.publish("/d", #"{"n":\#(number),"x":"\#(long)"}"#) }
    let client = scene.connectedClient()
    let first = client.subscribe("/d", from: "-2").events
    #expect((1...4).contains(first.count))
    #expect((first + client.drain()).ns == Array(1...20))
  }

  @Test func withAcknowledgementsTheUnconfirmedCountsAndComesAgain() {
    let scene = Scene.durable { options, _ in options.limits.maxReplaySlice = 4 }
    let publisher = scene.connectedClient()
    scene.fill("/d", 1...10, by: publisher)
    let client = scene.client()
    client.handshake(#","ext":{"ack":true,"replay":true}"#)
    client.connect(#","ext":{"ack":0}"#)
    #expect(client.subscribe("/d", from: "-2").events.isEmpty)
    #expect(client.connect(#","ext":{"ack":1}"#).events.ns == [1, 2, 3, 4])
    // The answer was lost.
    let again = client.connect(#","ext":{"ack":1}"#)
    #expect(again.events.ns == [1, 2, 3, 4] && again.reply["ext"]?["ack"]?.int == 3)
    #expect(client.connect(#","ext":{"ack":3}"#).events.ns == [5, 6, 7, 8])
    scene.fill("/d", 11...11, by: publisher)
    #expect(client.connect(#","ext":{"ack":4}"#).events.ns == [9, 10, 11])
    let held = client.connect(#","ext":{"ack":5}"#)
    scene.fill("/d", 12...12, by: publisher)
    #expect(held.events.ns == [12])
  }

  @Test func whoIsOvertakenByTheLimitsIsTold() {
    let scene = Scene.durable { options, limits in
      options.limits.maxReplaySlice = 2
      limits.maxMessages = 10
    }
    let publisher = scene.connectedClient()
    scene.fill("/d", 1...10, by: publisher)
    let client = scene.connectedClient()
    #expect(client.subscribe("/d", from: "-2").events.ns == [1, 2])
    scene.fill("/d", 11...30, by: publisher)
    #expect(client.connect().error == "402::session_unknown")
    #expect(scene.counters.sessionsOverflowed == 1)
  }

  @Test func theClientOfAHeldConnectGetsTheSlicesOneAfterTheOther() {
    let scene = Scene.durable { options, _ in
      options.limits.maxReplaySlice = 3
      options.metaConnectDeliverOnly = true
    }
    scene.fill("/d", 1...7, by: scene.connectedClient())
    let client = scene.connectedClient()
    let held = client.connect()
    #expect(client.subscribe("/d", from: "-2").events.isEmpty)
    #expect(held.events.ns == [1, 2, 3])
    #expect(client.connect().events.ns == [4, 5, 6])
    #expect(client.connect().events.ns == [7])
  }

  /// Publishers on several shards, a subscriber that is lost again and again and comes back with the last id it saw.
  @Test(arguments: 1...60) func whoComesBackMissesNothingAndGetsNothingTwice(_ seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let shards = Int.random(in: 1...3, using: &random)
    let scene = Scene.durable(shards: shards, seed: seed) { options, _ in
      options.limits.maxReplaySlice = Int(seed % 7) + 1
    }
    let publishers = (0..<shards).map { scene.connectedClient(on: $0) }
    let pattern = ["/d/a", "/d/*", "/**"].randomElement(using: &random) ?? "/**"
    var client: Client?
    var events: [JSONValue] = []
    var number = 0
    for _ in 0..<80 {
      scene.runsByItself = Int.random(in: 0..<3, using: &random) > 0
      switch Int.random(in: 0..<4, using: &random) {
      case 0, 1:
        number += 1
        let channel = pattern == "/d/a" ? "/d/a" : ["/d/a", "/d/b"].randomElement(using: &random) ?? "/d/a"
        publishers.randomElement(using: &random)?.publish(channel, "{\"n\":\(number)}")
      case 2:
        if client == nil || Bool.random(using: &random) {
          scene.runsByItself = true
          let next = scene.connectedClient(on: Int.random(in: 0..<shards, using: &random))
          scene.runsByItself = Bool.random(using: &random)
          events += next.subscribe(pattern, from: "\(events.replayIDs.last ?? 0)").events
          client = next
        }
      default:
        guard let client else { break }
        let exchange = client.connect()
        if exchange.isWaiting { scene.hangUp(exchange) }
        events += exchange.events
      }
    }
    scene.runsByItself = true
    scene.runStore(.keeps)
    if let client {
      events += client.drain()
    } else {
      events = scene.connectedClient().subscribe(pattern, from: "0").events
      #expect(events.count <= 7)
      return
    }
    #expect(events.replayIDs == scene.kept.map { Int($0.id) })
    #expect(events.ns == scene.kept.compactMap { try? JSONValue(parsing: $0.plain.text)["data"]?["n"]?.int })
  }
}
