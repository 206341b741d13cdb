// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

/// timesync, timestamp and activity, in the forms that CometD's clients know.
struct TimeExtensionTests {
  /// The clock stands at 12:00:00 when the scene begins.
  private static let noon: Int64 = 1_707_134_400_000

  private func scene(_ extensions: any Extension..., configure: (inout BayeuxOptions) -> Void = { _ in }) -> Scene {
    var additions = BrokerAdditions()
    additions.extensions = ExtensionChain(extensions)
    let scene = Scene(additions: additions, configure)
    for shard in scene.shards { shard.broker.wallClock = WallClock(milliseconds: Self.noon, at: scene.now) }
    return scene
  }

  @Test(arguments: [
    // No lag known: always answered, with how much the client is off.
    (#"{"tc":1707134399000,"l":0,"o":0}"#, #"{"tc":1707134399000,"ts":1707134400000,"p":0,"a":-1000}"#),
    // Within 25 ms: nothing to say.
    (#"{"tc":1707134399000,"l":20,"o":1004}"#, nil), (#"{"tc":1707134399000,"l":20,"o":956}"#, nil),
    (#"{"tc":1707134399000,"l":20,"o":1005}"#, #"{"tc":1707134399000,"ts":1707134400000,"p":0,"a":25}"#),
    (#"{"tc":1707134399000,"l":20,"o":955}"#, #"{"tc":1707134399000,"ts":1707134400000,"p":0,"a":-25}"#),
    // The old form, without lag.
    (#"{"tc":1707134399000}"#, #"{"tc":1707134399000,"ts":1707134400000,"p":0}"#),
    (#"{"l":1}"#, nil), (#"{"tc":"x"}"#, nil), ("7", nil), ("null", nil),
    (
      #"{"tc":9223372036854775807,"l":9223372036854775807,"o":1,"ts":5}"#,
      #"{"tc":9223372036854775807,"ts":1707134400000,"p":0,"a":-1707134400001}"#
    ),
  ])
  func timesyncAnswersAsCometD(request: String, reply: String?) throws {
    let alice = scene(TimesyncExtension()).client()
    let sync = alice.handshake(#","ext":{"timesync":\#(request)}"#).reply["ext"]?["timesync"]
    #expect(sync?.text == reply)
    #expect(alice.connect(#","ext":{"timesync":\#(request)}"#).reply["ext"]?["timesync"]?.text == reply)
  }

  @Test func theTimeThatAConnectIsHeldIsToldAsProcessing() {
    let scene = scene(TimesyncExtension())
    let alice = scene.connectedClient()
    scene.pass(.seconds(1))
    let held = alice.connect(#","ext":{"timesync":{"tc":1,"l":0,"o":0}}"#)
    scene.pass(.seconds(55))
    #expect(held.reply["ext"]?.text == #"{"timesync":{"tc":1,"ts":1707134401000,"p":55000,"a":-1707134400999}}"#)
  }

  @Test func whoDoesNotAskIsToldNothing() {
    let alice = scene(TimesyncExtension()).client()
    #expect(alice.handshake().reply["ext"] == ["ack": true])
    #expect(alice.connect().reply["ext"] == nil)
  }

  @Test func everyMessageCarriesTheTimeOfDay() {
    let scene = scene(TimestampExtension())
    let alice = scene.client()
    #expect(alice.handshake().reply["timestamp"] == "Mon Feb 05 12:00:00 UTC 2024")
    scene.pass(.milliseconds(1001))
    alice.subscribe("/a")
    let answer = alice.publish("/a")
    #expect(
      answer.messages.map { $0["timestamp"] } == ["Mon Feb 05 12:00:01 UTC 2024", "Mon Feb 05 12:00:01 UTC 2024"])
  }

  // MARK: activity

  @Test(arguments: [SessionActivity.client, .clientServer])
  func aSessionThatOnlyConnectsIsEndedAtItsNextConnect(activity: SessionActivity) {
    let scene = scene {
      $0.maxInactivity = .seconds(100)
      $0.activity = activity
    }
    let alice = scene.client()
    alice.handshake(#","id":"1""#)
    alice.connect()
    alice.subscribe("/a")
    alice.connect()
    scene.pass(.seconds(55))
    alice.connect()
    scene.pass(.seconds(55))
    let last = alice.connect(#","id":"9""#)
    #expect(
      last.text
        == #"[{"channel":"/meta/disconnect","successful":true},{"id":"9","successful":true,"advice":{"interval":0,"#
        + #""reconnect":"none","timeout":60000},"channel":"/meta/connect"}]"#)
    #expect(!alice.isKnown && scene.counters.sessionsInactive == 1)
    #expect(alice.connect().reconnect == "handshake")
  }

  @Test(arguments: [(SessionActivity.client, true), (.clientServer, false)])
  func whetherEventsCountIsAnOption(activity: SessionActivity, ends: Bool) throws {
    let scene = scene {
      $0.maxInactivity = .seconds(100)
      $0.activity = activity
    }
    let alice = scene.connectedClient()
    alice.subscribe("/a")
    for _ in 0..<3 {
      _ = alice.connect()
      scene.pass(.seconds(50))
      try scene.publish("/a", "1")
    }
    #expect(alice.connect(#","advice":{"timeout":0}"#).reconnect == (ends ? "none" : "retry"))
  }

  @Test func aPublishKeepsItActiveAndWhatWaitsIsNotLost() throws {
    let scene = scene { $0.maxInactivity = .seconds(20) }
    let alice = scene.connectedClient()
    alice.subscribe("/a")
    for _ in 0..<5 {
      scene.pass(.seconds(15))
      #expect(alice.publish("/b").isSuccessful)
    }
    #expect(alice.connect(#","advice":{"timeout":0}"#).reconnect == "retry")
    scene.pass(.seconds(21))
    try scene.publish("/a", "5")
    let last = alice.send(
      #"[{"channel":"/meta/connect","clientId":"$ID"},{"channel":"/a","clientId":"$ID","data":1}]"#)
    #expect(last.messages.map { $0["data"] ?? $0["channel"] } == [5, "/meta/disconnect", "/meta/connect", "/a"])
    #expect(last.replies.last?["error"] == "402::session_unknown")
    #expect(scene.counters.imbalance == 0 && scene.waiting == 0)
  }
}
