// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

struct DurablePublishTests {
  @Test func aPublishIsAnsweredWhenItIsKeptAndHeardOfNoSooner() {
    let scene = Scene.durable()
    let (publisher, listener) = (scene.connectedClient(), scene.connectedClient())
    listener.subscribe("/d")
    let held = listener.connect()
    scene.store = .waits
    let publish = publisher.publish("/d", "{\"n\":1}")
    #expect(publish.isWaiting && held.isWaiting)
    scene.runStore(.keeps)
    #expect(publish.isSuccessful && publish.reply["channel"] == "/d" && held.events.ns == [1])
  }

  @Test func aPublishThatCannotBeKeptFailsAndNobodyHearsOfIt() {
    let scene = Scene.durable()
    let (publisher, listener) = (scene.connectedClient(), scene.connectedClient())
    listener.subscribe("/d")
    let held = listener.connect()
    scene.store = .refuses
    let publish = publisher.publish("/d", "{\"n\":1}")
    #expect(publish.error == "507::not_stored" && publish.reply["successful"] == false && held.isWaiting)
    #expect(scene.counters.publishesNotKept == 1)
    scene.store = .keeps
    #expect(publisher.publish("/d", "{\"n\":2}").isSuccessful)
    #expect(held.events.ns == [2])
    #expect(scene.connectedClient().subscribe("/d", from: "-2").events.ns == [2])
  }

  @Test func repliesKeepTheOrderOfTheRequestWhateverWaits() {
    let scene = Scene.durable()
    let client = scene.connectedClient()
    scene.store = .waits
    let request = client.send(
      #"[{"channel":"/d","id":"1","data":1,"clientId":"$ID"},{"channel":"/x","id":"2","data":1,"clientId":"$ID"},"#
        + #"{"channel":"/d/a","id":"3","data":1,"clientId":"$ID"},{"channel":"/d/b","id":"4","data":1,"clientId":"$ID"},"#
        + #"{"channel":"/meta/unsubscribe","id":"5","subscription":"/x","clientId":"$ID"}]"#)
    #expect(request.isWaiting)
    scene.runStore(.keeps)
    #expect(request.isSuccessful && request.replies.compactMap { $0["id"]?.string } == ["1", "2", "3", "4", "5"])
    #expect(scene.kept.map(\.channel.name) == ["/d", "/d/a", "/d/b"])
  }

  @Test func aPublisherThatIsSubscribedGetsItsEventWithTheReply() {
    let scene = Scene.durable()
    let client = scene.connectedClient()
    client.subscribe("/d", from: "-1")
    let publish = client.publish("/d", "{\"n\":1}")
    #expect(publish.isSuccessful && publish.events.replayIDs == [1])
  }

  @Test func whoHangsUpMeanwhileLosesNoEvents() {
    let scene = Scene.durable()
    let client = scene.connectedClient()
    client.subscribe("/d", from: "-1")
    scene.store = .waits
    let publish = client.publish("/d", "{\"n\":1}")
    scene.hangUp(publish)
    scene.runStore(.keeps)
    #expect(client.connect().events.ns == [1])
  }

  @Test func whatIsRefusedIsAnsweredAtOnce() {
    let scene = Scene {
      $0.rules = rules("/d") {
        $0.durable = true
        $0.publish = .nobody
      }
    }
    let client = scene.connectedClient()
    scene.store = .waits
    #expect(client.publish("/d", "1").error == "403:denied_by_security_policy:publish_denied")
  }

  @Test(arguments: [(2, true), (3, true), (4, false)])
  func soManyPublishesMayWaitAndNoMore(_ count: Int, _ fits: Bool) {
    let scene = Scene.durable { options, _ in options.limits.maxUnkeptPublishes = 3 }
    let client = scene.connectedClient()
    scene.store = .waits
    let messages = (0..<count).map { _ in #"{"channel":"/d","data":1,"clientId":"$ID"}"# }
    let request = client.send("[" + messages.joined(separator: ",") + "]")
    scene.runStore(.keeps)
    #expect(request.isSuccessful == fits && request.replies.count == count)
    #expect(scene.kept.count == min(count, 3))
  }

  @Test func theHistoryIsThereAfterARestart() {
    let scene = Scene.durable { _, limits in limits.maxMessages = 3 }
    scene.fill("/d", 1...5, by: scene.connectedClient())
    var kept = KeptHistory()
    kept.events = scene.kept
    kept.lastID = 7
    let next = Scene.durable { _, limits in limits.maxMessages = 3 }
    next.shards[0].broker.restore(kept, now: next.now)
    #expect(next.shards[0].broker.takeHistoryDrops().droppedThrough.values.map { $0 } == [2])
    let reply = next.connectedClient().subscribe("/d", from: "1")
    #expect(reply.events.ns == [3, 4, 5] && reply.reply["ext"]?["replay"]?["/d"]?["complete"] == false)
    #expect(next.connectedClient().subscribe("/d", from: "7").events.isEmpty)
  }
}
