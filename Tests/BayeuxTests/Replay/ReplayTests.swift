// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

struct ReplayTests {
  // MARK: negotiation

  @Test func theHandshakeOffersReplayWhereAChannelIsDurable() {
    let ext = Scene.durable().client().handshake().reply["ext"]
    #expect(ext?["replay"] == true && ext?["ack"] == true)
    #expect(Scene().client().handshake().reply["ext"]?.text == #"{"ack":true}"#)
  }

  @Test func eventsCarryIdsForThoseWhoAskedAndAreUnchangedForOthers() {
    let scene = Scene.durable()
    let (plain, asking, late) = (scene.connectedClient(), scene.client(), scene.connectedClient())
    asking.handshake(#","ext":{"replay":true}"#)
    asking.connect()
    plain.subscribe("/d")
    asking.subscribe("/d")
    late.subscribe("/d", from: "-1")
    scene.fill("/d", 1...1, by: scene.connectedClient())
    #expect(plain.connect().data == [#"{"n":1}"#])
    let tagged = #"{"n":1,"event":{"createdDate":"1970-01-01T00:00:00Z","replayId":1}}"#
    #expect(asking.connect().data == [tagged])
    #expect(late.connect().data == [tagged])
  }

  // MARK: from where

  @Test(arguments: [("-1", []), ("-2", [1, 2, 3, 4]), ("0", [1, 2, 3, 4]), ("2", [3, 4]), ("4", []), ("null", [])])
  func aSubscriptionBeginsWhereItAsksTo(_ start: String, _ past: [Int]) {
    let scene = Scene.durable()
    let publisher = scene.connectedClient()
    scene.fill("/d", 1...4, by: publisher)
    let client = scene.connectedClient()
    let reply = client.subscribe("/d", from: start)
    #expect(reply.isSuccessful && reply.events.ns == past)
    let after = ["-1": 4, "-2": 0, "null": nil, "0": 0, "2": 2, "4": 4][start] ?? nil
    #expect(reply.reply["ext"]?["replay"]?["/d"]?["after"]?.int == after)
    scene.fill("/d", 5...6, by: publisher)
    #expect(client.drain().ns == [5, 6])
  }

  @Test(arguments: ["-3", "1.5", "true", "{}", "\"1\"", "1e30", "[1]"])
  func whatIsNoIdIsRefused(_ start: String) {
    let client = Scene.durable().connectedClient()
    #expect(client.subscribe("/d", from: start).error == "400::replay_id_invalid")
  }

  @Test func aChannelThatIsNotDurableIsSubscribedToAndSaidToKeepNothing() throws {
    let scene = Scene.durable()
    let client = scene.connectedClient()
    let reply = client.subscribe("/live", from: "-2")
    #expect(reply.isSuccessful && reply.reply["ext"]?["replay"]?["/live"] == .null)
    try scene.publish("/live", "1")
    #expect(client.drain().count == 1)
  }

  @Test func eachChannelOfOneSubscribeBeginsForItself() {
    let scene = Scene.durable()
    let publisher = scene.connectedClient()
    for (number, channel) in ["/d/a", "/d/b", "/d/a", "/d/b", "/d/c"].enumerated() {
      publisher.publish(channel, "{\"n\":\(number + 1)}")
    }
    let client = scene.connectedClient()
    let reply = client.send(
      #"{"channel":"/meta/subscribe","clientId":"$ID","subscription":["/d/a","/d/b","/d/c"],"#
        + #""ext":{"replay":{"/d/b/":2,"/d/a":-2}}}"#)
    #expect(reply.events.ns == [1, 3, 4])
    let said = reply.reply["ext"]?["replay"]
    #expect(said?.text == #"{"/d/a":{"after":0,"complete":true},"/d/b":{"after":2,"complete":true}}"#)
  }

  @Test func aPatternReplaysAllThatItCoversInOneOrder() {
    let scene = Scene.durable()
    let publisher = scene.connectedClient()
    for (number, channel) in ["/d/a", "/d/b", "/d/a/x", "/d/b", "/d"].enumerated() {
      publisher.publish(channel, "{\"n\":\(number + 1)}")
    }
    #expect(scene.connectedClient().subscribe("/d/*", from: "-2").events.ns == [1, 2, 4])
    #expect(scene.connectedClient().subscribe("/d/**", from: "1").events.ns == [2, 3, 4])
    #expect(scene.connectedClient().subscribe("/**", from: "-2").events.ns == [1, 2, 3, 4, 5])
  }

  @Test func overlappingSubscriptionsGiveOneCopyInOrder() {
    let scene = Scene.durable { options, _ in options.limits.maxReplaySlice = 2 }
    let publisher = scene.connectedClient()
    scene.fill("/d/a", 1...5, by: publisher)
    let client = scene.connectedClient()
    var events = client.send(
      #"[{"channel":"/meta/subscribe","clientId":"$ID","subscription":"/d/a","ext":{"replay":{"/d/a":1}}},"#
        + #"{"channel":"/meta/subscribe","clientId":"$ID","subscription":"/d/**","ext":{"replay":{"/d/**":3}}}]"#
    ).events
    scene.fill("/d/a", 6...7, by: publisher)
    events += client.drain()
    scene.fill("/d/a", 8...8, by: publisher)
    events += client.drain()
    #expect(events.ns == [2, 3, 4, 5, 6, 7, 8])
  }

  @Test func toSubscribeAgainGoesBackAndLeavesOtherChannelsWhereTheyAre() {
    let scene = Scene.durable()
    let publisher = scene.connectedClient()
    scene.fill("/d/a", 1...2, by: publisher)
    scene.fill("/d/b", 3...4, by: publisher)
    let client = scene.connectedClient()
    #expect(client.subscribe("/d/b", from: "-2").events.ns == [3, 4])
    #expect(client.subscribe("/d/a", from: "-2").events.ns == [1, 2])
    #expect(client.subscribe("/d/a", from: "1").events.ns == [2])
    scene.fill("/d/b", 5...5, by: publisher)
    #expect(client.drain().ns == [5])
  }

  @Test func unsubscribingEndsWhatIsStillToCome() {
    let scene = Scene.durable { options, _ in options.limits.maxReplaySlice = 2 }
    scene.fill("/d/a", 1...9, by: scene.connectedClient())
    let client = scene.connectedClient()
    #expect(client.subscribe("/d/a", from: "-2").events.ns == [1, 2])
    let rest = client.unsubscribe("/d/a").events.ns + client.drain().ns
    #expect(rest.count <= 2 && rest == Array([3, 4].prefix(rest.count)))
  }

  @Test func anIdThatThisShardHasNotSeenYetIsTakenAtItsWord() {
    let scene = Scene.durable(shards: 2)
    let publisher = scene.connectedClient(on: 0)
    let client = scene.connectedClient(on: 1)
    scene.runsByItself = false
    publisher.publish("/d", "{\"n\":1}")
    publisher.publish("/d", "{\"n\":2}")
    // Shard 1 knows of neither; the client has seen the first.
    let reply = client.subscribe("/d", from: "1")
    #expect(reply.reply["ext"]?["replay"]?["/d"]?.text == #"{"after":1,"complete":true}"#)
    scene.runsByItself = true
    #expect(client.drain().ns == [2])
  }

  // MARK: out of the window

  @Test(arguments: ReplayPolicy.allCases) func thePolicySaysWhatAnIdOutOfTheWindowGets(_ policy: ReplayPolicy) {
    let scene = Scene.durable { options, limits in
      options.replayOutOfWindow = policy
      limits.maxMessages = 3
    }
    let publisher = scene.connectedClient()
    scene.fill("/d", 1...6, by: publisher)
    for id in ["2", "0", "7", "99"] {
      let client = scene.connectedClient()
      let reply = client.subscribe("/d", from: id)
      switch policy {
      case .error:
        #expect(reply.error == "400::replay_id_out_of_window" && reply.events.isEmpty)
        #expect(client.subscribe("/d", from: "-2").events.ns == [4, 5, 6])
      case .earliest: #expect(reply.events.ns == [4, 5, 6])
      case .latest: #expect(reply.events.isEmpty)
      }
      if policy != .error { #expect(reply.reply["ext"]?["replay"]?["/d"]?["complete"] == false) }
    }
    // The event before the oldest one that is kept: nothing is missing.
    let exact = scene.connectedClient().subscribe("/d", from: "3")
    #expect(exact.events.ns == [4, 5, 6] && exact.reply["ext"]?["replay"]?["/d"]?["complete"] == true)
  }

  @Test func eventsThatAreTooOldAreNotReplayed() {
    let scene = Scene.durable { _, limits in limits.maxAge = .seconds(60) }
    let publisher = scene.connectedClient()
    scene.fill("/d", 1...1, by: publisher)
    scene.pass(.seconds(25))
    publisher.connect(#","advice":{"timeout":0}"#)
    scene.fill("/d", 2...2, by: publisher)
    scene.pass(.seconds(25))
    publisher.connect(#","advice":{"timeout":0}"#)
    scene.pass(.seconds(12))
    #expect(scene.connectedClient().subscribe("/d", from: "-2").events.ns == [2])
    scene.pass(.seconds(30))
    #expect(scene.connectedClient().subscribe("/d", from: "-2").events.isEmpty)
    #expect(scene.shards[0].broker.takeHistoryDrops().isDue)
  }
}
