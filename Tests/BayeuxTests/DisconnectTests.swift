// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes
import Testing

struct DisconnectTests {
  @Test func disconnectEndsTheSession() {
    let scene = Scene()
    let alice = scene.connectedClient()
    alice.subscribe("/a")
    #expect(
      alice.send(#"{"channel":"/meta/disconnect","clientId":"$ID","id":"8"}"#).text
        == #"[{"id":"8","successful":true,"channel":"/meta/disconnect"}]"#)
    #expect(scene.sessionCount == 0 && scene.channelCount == 0 && scene.counters.disconnects == 1)
    #expect(alice.connect().reconnect == "handshake")
  }

  @Test func heldConnectIsAnsweredAndToldNotToComeBack() {
    let scene = Scene()
    let alice = scene.connectedClient()
    let poll = alice.connect(#","id":"6""#)
    alice.disconnect()
    #expect(
      poll.text
        == #"[{"id":"6","successful":true,"advice":{"interval":0,"reconnect":"none","timeout":60000},"#
        + #""channel":"/meta/connect"}]"#)
    #expect(scene.heldCount == 0)
  }

  @Test func whatFollowsADisconnectInItsBatchFindsNoSession() {
    let alice = Scene().connectedClient()
    let reply = alice.send(
      #"[{"channel":"/a","data":1,"clientId":"$ID"},{"channel":"/meta/disconnect","clientId":"$ID"},"#
        + #"{"channel":"/a","data":2,"clientId":"$ID"},{"channel":"/meta/subscribe","clientId":"$ID","subscription":"/a"},"#
        + #"{"channel":"/meta/connect","clientId":"$ID"}]"#)
    #expect(reply.replies.map { $0["successful"] } == [true, true, false, false, false])
    #expect(reply.replies.suffix(3).allSatisfy { $0["error"] == "402::session_unknown" })
    #expect(reply.replies.suffix(3).allSatisfy { $0["advice"] == ["interval": 0, "reconnect": "handshake"] })
  }

  @Test func whatWaitedIsDroppedAndCounted() {
    let scene = Scene()
    let alice = scene.connectedClient()
    alice.subscribe("/a")
    let bob = scene.connectedClient()
    for number in 0..<3 { bob.publish("/a", "\(number)") }
    alice.disconnect()
    #expect(scene.counters.discardedDisconnected == 3 && scene.counters.waiting == 0)
  }

  @Test func disconnectOfAnUnknownSessionIsAnError() {
    let nobody = Scene().client()
    #expect(
      nobody.disconnect().text
        == #"[{"successful":false,"error":"402::session_unknown","#
        + #""advice":{"interval":0,"reconnect":"handshake"},"channel":"/meta/disconnect"}]"#)
  }

  /// A client that restores itself first ends the session that it had, which may be gone, and goes on only on success.
  @Test func disconnectOfADeadSessionSucceedsForAKnownUser() {
    let scene = Scene()
    let alice = scene.connectedClient(user: "alice")
    scene.pass(.seconds(31))
    #expect(!alice.isKnown)
    #expect(
      alice.send(#"{"channel":"/meta/disconnect","clientId":"$ID","ext":{"transcriptPosition":"4"},"id":"1"}"#).text
        == #"[{"id":"1","successful":true,"channel":"/meta/disconnect"}]"#)
    #expect(alice.disconnect().isSuccessful)
  }

  @Test func nobodyDisconnectsTheSessionOfAnother() {
    let scene = Scene()
    let alice = scene.connectedClient(user: "alice")
    #expect(
      alice.send(#"{"channel":"/meta/disconnect","clientId":"$ID"}"#, user: "mallory").error == "403::gms_user mismatch"
    )
    let mallory = scene.connectedClient(user: "mallory")
    let batch = mallory.send(
      #"[{"channel":"/a","data":1,"clientId":"$ID"},{"channel":"/meta/subscribe","clientId":"\#(alice.clientID)","subscription":"/a"}]"#
    )
    #expect(batch.replies.map { $0["successful"] } == [true, false])
    #expect(alice.isKnown && scene.sessionCount == 2)
  }
}
