// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

/// Several clients of one browser, and what a handshake and a connect are advised.
struct BrowserTests {
  private func client(_ scene: Scene, browser: UInt64 = 7) -> Client {
    let client = scene.client()
    client.browser = browser
    client.handshake()
    client.connect()
    return client
  }

  @Test func withoutALimitAllAreHeld() {
    let scene = Scene()
    for _ in 0..<5 { #expect(client(scene).connect().isWaiting) }
  }

  @Test func whoIsTooManyPollsUntilThereIsRoom() {
    let scene = Scene { $0.maxSessionsPerBrowser = 1 }
    let (first, second) = (client(scene), client(scene))
    let held = first.connect()
    #expect(held.isWaiting)
    #expect(
      second.connect(#","id":"3""#).text
        == #"[{"id":"3","successful":true,"advice":{"interval":2000,"reconnect":"retry","timeout":60000,"#
        + #""multiple-clients":true},"channel":"/meta/connect"}]"#)
    #expect(scene.counters.connectsCrowded == 1 && scene.heldCount == 1)
    #expect(client(scene, browser: 8).connect().isWaiting, "another browser")
    #expect(client(scene, browser: 0).connect().isWaiting, "no browser")
    scene.hangUp(held)
    let next = second.connect()
    #expect(next.isWaiting)
    scene.pass(.seconds(56))
    #expect(next.reply["advice"] == ["interval": 0, "reconnect": "retry", "timeout": 60_000], "taken back")
    let usual = second.connect()
    scene.pass(.seconds(56))
    #expect(usual.isSuccessful && usual.reply["advice"] == nil)
  }

  @Test func everyEndOfAHoldMakesRoom() throws {
    let scene = Scene { $0.maxSessionsPerBrowser = 1 }
    let (first, second) = (client(scene), client(scene))
    first.subscribe("/a")
    for end in 0..<4 {
      let held = first.connect()
      #expect(held.isWaiting)
      #expect(!second.connect().isWaiting)
      switch end {
      case 0: try scene.publish("/a", "1")
      case 1:
        scene.pass(.seconds(20))
        scene.pass(.seconds(36))
        second.handshake()
        second.connect()
      case 2: #expect(first.connect(#","advice":{"timeout":0}"#).isSuccessful)
      default: first.disconnect()
      }
      #expect(!held.isWaiting)
    }
    #expect(second.connect().isWaiting)
    #expect(scene.heldCount == 1)
  }

  @Test func aSessionWaitsForItsIntervalLongerThanUsual() {
    let scene = Scene {
      $0.maxSessionsPerBrowser = 0
      $0.multiSessionInterval = .seconds(100)
    }
    let alice = client(scene)
    #expect(alice.connect().reply["advice"]?["multiple-clients"] == true)
    scene.pass(.seconds(129))
    #expect(alice.isKnown)
    scene.pass(.seconds(2))
    #expect(!alice.isKnown)
  }

  @Test func withoutAnIntervalItIsTurnedAway() {
    let scene = Scene {
      $0.maxSessionsPerBrowser = 0
      $0.multiSessionInterval = .zero
    }
    let reply = client(scene).connect()
    #expect(
      reply.text
        == #"[{"successful":false,"error":"403::multiple_clients","advice":{"interval":0,"reconnect":"none","#
        + #""timeout":60000,"multiple-clients":true},"channel":"/meta/connect"}]"#)
    #expect(scene.counters.refusals == 1)
  }

  /// The cookie goes out with the answer, so the shell says which browser it is after the handshake.
  @Test func theBrowserOfAFirstHandshakeIsNotedAfterwards() {
    let scene = Scene { $0.maxSessionsPerBrowser = 1 }
    let first = scene.client()
    first.handshake()
    scene.shards[0].broker.noteBrowser(7)
    first.connect()
    #expect(first.connect().isWaiting)
    #expect(!client(scene).connect().isWaiting)
    scene.shards[0].broker.noteBrowser(9)
    #expect(!client(scene).connect().isWaiting, "a second note is for nobody")
  }

  @Test(arguments: [1, 3]) func anonymousSessionsOfABrowserShareAShard(shards: Int) {
    let scene = Scene(shards: shards) { $0.maxSessionsPerBrowser = 1 }
    let clients = (0..<shards).map { shard in
      let client = scene.client(on: shard)
      client.browser = 10
      client.handshake()
      client.connect()
      return client
    }
    #expect(Set(clients.map { ClientID($0.clientID)?.shard }) == [10 % shards])
    #expect(clients.count { $0.connect().isWaiting } == 1)
  }

  // MARK: advice

  @Test func maxIntervalIsAdvisedWhereClientsMayReconnectByThemselves() {
    let alice = Scene {
      $0.handshakeReconnect = true
      $0.maxInterval = .seconds(7)
    }.client()
    let advice: JSONValue = ["interval": 0, "reconnect": "retry", "timeout": 60_000, "maxInterval": 7000]
    #expect(alice.handshake().reply["advice"] == advice)
    #expect(alice.connect().reply["advice"] == advice)
    #expect(Scene().client().handshake().reply["advice"]?["maxInterval"] == nil)
  }

  @Test func eventsWaitForTheConnectWhereTheyMayGoNoOtherWay() throws {
    let scene = Scene { $0.metaConnectDeliverOnly = true }
    let alice = scene.connectedClient()
    alice.subscribe("/a")
    #expect(alice.publish("/a").messages.count == 1)
    #expect(alice.connect().messages.map { $0["channel"] } == ["/a", "/meta/connect"])
  }
}
