// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

/// What else a rule says of a durable channel holds for its past, too.
struct ReplayRulesTests {
  @Test func aPatternDoesNotReplayWhatItsSubscriberMayNotRead() {
    let scene = Scene {
      $0.rules = rules(
        .durable("/d/**"),
        rule("/d/secret") {
          $0.durable = true
          $0.subscribe = .users(["ada"])
        })
    }
    let publisher = scene.connectedClient()
    publisher.publish("/d/open", "{\"n\":1}")
    publisher.publish("/d/secret", "{\"n\":2}")
    publisher.publish("/d/open", "{\"n\":3}")
    let (ada, otto) = (scene.connectedClient(user: "ada"), scene.connectedClient(user: "otto"))
    #expect(ada.subscribe("/d/*", from: "-2").events.ns == [1, 2, 3])
    #expect(otto.subscribe("/d/*", from: "-2").events.ns == [1, 3])
    #expect(otto.subscribe("/d/secret", from: "-2").error == "403:denied_by_security_policy:subscribe_denied")
    publisher.publish("/d/secret", "{\"n\":4}")
    publisher.publish("/d/open", "{\"n\":5}")
    #expect(ada.drain().ns == [4, 5] && otto.drain().ns == [5])
  }

  @Test func aPublisherIsNotToldOfItsOwnEventWhereTheRuleSaysSo() {
    let scene = Scene {
      $0.rules = rules("/d") {
        $0.durable = true
        $0.echo = false
      }
    }
    let (client, other) = (scene.connectedClient(), scene.connectedClient())
    client.subscribe("/d", from: "-1")
    other.subscribe("/d", from: "-1")
    let publish = client.publish("/d", "{\"n\":1}")
    #expect(publish.isSuccessful && publish.events.isEmpty)
    #expect(other.drain().ns == [1] && client.drain().isEmpty)
  }

  @Test func aLazyEventWaitsAndItsPastDoesNot() {
    let scene = Scene {
      $0.rules = rules("/d") {
        $0.durable = true
        $0.lazy = true
        $0.maxLazyTimeout = .seconds(3)
      }
    }
    let client = scene.connectedClient()
    client.subscribe("/d", from: "-1")
    let held = client.connect()
    scene.fill("/d", 1...1, by: scene.connectedClient())
    #expect(held.isWaiting)
    #expect(scene.connectedClient().subscribe("/d", from: "-2").events.ns == [1])
    scene.pass(.seconds(3))
    #expect(held.events.ns == [1])
  }
}
