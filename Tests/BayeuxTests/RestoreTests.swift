// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

/// A handshake that takes over an earlier session of the same client.
struct RestoreTests {
  private func restore(_ old: Client, as heir: Client, _ more: String = "") -> Exchange {
    heir.handshake(#","ext":{"restore":{"clientId":"\#(old.clientID)"}\#(more)}"#)
  }

  @Test(arguments: [1, 4]) func subscriptionsAndQueueGoToTheNewSession(shards: Int) throws {
    let scene = Scene(shards: shards)
    let old = scene.connectedClient(user: "alice")
    old.subscribe("/a")
    old.subscribe("/_genesys")
    try scene.publish("/a", "1")
    scene.deliver("[2]", to: "alice")
    let heir = scene.client(user: "alice", on: shards - 1)
    let reply = restore(old, as: heir).reply
    #expect(reply["ext"] == ["ack": true, "restore": true])
    #expect(!old.isKnown && heir.isKnown && scene.counters.sessionsRestored == 1)
    try scene.publish("/a", "3")
    #expect(scene.deliver("[4]", to: "alice") == 1)
    #expect(heir.connect().data == ["1", "[2]", "3", "[4]"])
    #expect(scene.presence.map(\.isOnline) == [true], "the user was there all the time")
    #expect(heir.unsubscribe("/a").isSuccessful)
    #expect(try scene.publish("/a", "5") == 0)
    #expect(scene.channelCount == 0 && scene.personalWaiting == 0)
  }

  @Test func aHeldConnectOfTheOldSessionIsAnsweredWithoutEvents() throws {
    let scene = Scene()
    let old = scene.connectedClient(user: "alice")
    old.subscribe("/a")
    let held = old.connect()
    #expect(held.isWaiting)
    let heir = scene.client(user: "alice")
    #expect(restore(old, as: heir).isSuccessful)
    #expect(held.events.isEmpty && held.reconnect == "retry")
    #expect(scene.heldCount == 0)
    try scene.publish("/a", "1")
    #expect(heir.connect().data == ["1"])
    #expect(old.connect().error == "402::session_unknown")
  }

  @Test func whatWasNotAcknowledgedComesAgainFirst() throws {
    let scene = Scene()
    let old = scene.client(user: "alice")
    old.handshake(#","ext":{"ack":true}"#)
    old.connect(#","ext":{"ack":0}"#)
    old.subscribe("/a")
    for data in ["1", "2"] { try scene.publish("/a", data) }
    #expect(old.connect(#","ext":{"ack":1}"#).data == ["1", "2"])
    try scene.publish("/a", "3")
    let heir = scene.client(user: "alice")
    #expect(restore(old, as: heir, #","ack":true"#).reply["ext"] == ["ack": true, "restore": true])
    let first = heir.connect(#","ext":{"ack":0}"#)
    #expect(first.data == ["1", "2", "3"])
    #expect(first.reply["ext"] == ["ack": 1])
  }

  @Test func eventsMayComeWithTheHandshake() throws {
    let scene = Scene { $0.allowMessageDeliveryDuringHandshake = true }
    let old = scene.connectedClient(user: "alice")
    old.subscribe("/a")
    for data in ["1", "2"] { try scene.publish("/a", data) }
    let heir = scene.client(user: "alice")
    let answer = restore(old, as: heir)
    #expect(answer.messages.map { $0["channel"] } == ["/meta/handshake", "/a", "/a"])
    #expect(answer.reply["x-messages"] == 2 && answer.data == ["1", "2"])
    #expect(heir.connect().events.isEmpty)
    try scene.publish("/a", "3")
    let second = scene.client(user: "alice")
    let numbered = restore(heir, as: second, #","ack":true"#)
    #expect(numbered.reply["ext"] == ["ack": ["enabled": true, "batch": 1], "restore": true])
    #expect(numbered.data == ["3"])
    #expect(second.connect(#","ext":{"ack":0},"advice":{"timeout":0}"#).data == ["3"], "not confirmed yet")
    #expect(scene.client().handshake().reply["x-messages"] == 0)
  }

  /// The past of durable channels goes on where the old session was: nothing twice, nothing left out.
  @Test(arguments: [false, true]) func aReplayGoesOnInTheNewSession(acknowledges: Bool) {
    let scene = Scene.durable { options, _ in options.limits.maxReplaySlice = 4 }
    let publisher = scene.connectedClient()
    scene.fill("/d", 1...10, by: publisher)
    let old = scene.client(user: "alice")
    old.handshake(acknowledges ? #","ext":{"ack":true}"# : "")
    old.connect(#","ext":{"ack":0}"#)
    var seen = old.subscribe("/d", from: "-2").events
    if acknowledges {
      // These were lost on their way, and are not counted.
      #expect(old.connect(#","ext":{"ack":1}"#).events.ns == [1, 2, 3, 4])
    }
    scene.fill("/d", 11...12, by: publisher)
    let heir = scene.client(user: "alice")
    #expect(restore(old, as: heir).reply["ext"]?["restore"] == true)
    scene.fill("/d", 13...13, by: publisher)
    seen += heir.drain()
    #expect(seen.ns == Array(1...13) && seen.replayIDs.count == 13)
    let held = heir.connect()
    scene.fill("/d", 14...14, by: publisher)
    #expect(held.events.ns == [14] && held.events.replayIDs.count == 1)
    #expect(scene.counters.imbalance == 0)
  }

  // MARK: who may

  @Test(arguments: ["mallory", ""]) func neverAcrossUsers(user: String) throws {
    let scene = Scene()
    let alice = scene.client(user: "alice")
    alice.browser = 7
    alice.handshake()
    alice.connect()
    alice.subscribe("/a")
    let mallory = scene.client(user: user)
    mallory.browser = 7
    #expect(restore(alice, as: mallory).reply["ext"]?["restore"] == false)
    #expect(alice.isKnown)
    #expect(try scene.publish("/a", "1") == 1)
    #expect(mallory.connect().data.isEmpty)
    #expect(alice.connect().data == ["1"])
  }

  @Test func aUserDoesNotTakeOverAnAnonymousSession() {
    let scene = Scene()
    let old = scene.connectedClient()
    #expect(restore(old, as: scene.client(user: "alice")).reply["ext"]?["restore"] == false)
    #expect(old.isKnown)
  }

  @Test(
    arguments: [(7, 7, true), (7, 8, false), (7, 0, false), (0, 0, false), (0, 7, false)] as [(UInt64, UInt64, Bool)])
  func anAnonymousSessionNeedsItsBrowser(old browser: UInt64, new: UInt64, isRestored: Bool) {
    let scene = Scene(shards: 3)
    let old = scene.client(on: 1)
    old.browser = browser
    old.handshake()
    old.subscribe("/a")
    let heir = scene.client(on: 2)
    heir.browser = new
    #expect(restore(old, as: heir).reply["ext"]?["restore"] == JSONValue.bool(isRestored))
    #expect(old.isKnown == !isRestored)
    #expect(scene.channelCount == 1)
  }

  @Test(arguments: [
    #"{"clientId":"00000000000000000000000000000000"}"#, #"{"clientId":7}"#, #"{"clientId":"x"}"#, "{}", "true", "[]",
  ])
  func whatNamesNoSessionRestoresNothing(value: String) {
    let reply = Scene().client(user: "alice").handshake(#","ext":{"restore":\#(value)}"#).reply
    #expect(reply["successful"] == true)
    #expect(reply["ext"]?["restore"] != true)
  }

  @Test func anExpiredSessionIsGone() {
    let scene = Scene()
    let old = scene.connectedClient(user: "alice")
    scene.pass(.seconds(31))
    #expect(restore(old, as: scene.client(user: "alice")).reply["ext"]?["restore"] == false)
  }

  @Test func itCanBeSwitchedOff() {
    let scene = Scene { $0.restoresSessions = false }
    let old = scene.connectedClient(user: "alice")
    #expect(restore(old, as: scene.client(user: "alice")).reply["ext"]?["restore"] == false)
    #expect(old.isKnown)
  }
}
