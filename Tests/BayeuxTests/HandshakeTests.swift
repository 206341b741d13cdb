// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes
import Testing

struct HandshakeTests {
  static let reply =
    #"[{"id":"0","minimumVersion":"1.0","supportedConnectionTypes":["callback-polling","long-polling"],"#
    + #""successful":true,"advice":{"interval":0,"reconnect":"retry","timeout":60000},"#
    + #""channel":"/meta/handshake","ext":{"ack":true},"clientId":"ID","version":"1.0"}]"#

  @Test func replyCarriesAllThatAClientNeeds() {
    let alice = Scene().client()
    let reply = alice.handshake(#","id":"0","supportedConnectionTypes":["long-polling"],"minimumVersion":"0.9""#)
    #expect(reply.text == Self.reply.replacing("ID", with: alice.clientID))
    #expect(alice.clientID.count == 32)
  }

  /// Old and hand-written clients name no connection types, unknown ones, or put the message into an array.
  @Test(arguments: [
    #"{"channel":"/meta/handshake","id":"0"}"#,
    #"[{"channel":"/meta/handshake","id":0,"version":"1.0"}]"#,
    #"[{"id":"0","channel":"\/meta\/handshake","supportedConnectionTypes":["carrier-pigeon"],}]"#,
    #" [ { "\u0069d" : "0" , "channel" : "/meta/handshake" , "supportedConnectionTypes" : 7 } ] "#,
    #"{"channel":"/meta/handshake","id":"0","clientId":"0000000000000000000000000000000v"}"#,
    #"{"channel":"/meta/handshake","id":"0","ext":{"ack":true},"advice":{"timeout":0}}"#,
  ])
  func handshakeIsAcceptedHoweverItIsWritten(_ text: String) throws {
    let reply = Scene().send(text)
    let id = try #require(reply.reply["clientId"]?.string)
    #expect(reply.text == Self.reply.replacing("ID", with: id))
  }

  @Test func adviceAndConnectionTypesAreThoseOfTheOptions() {
    let scene = Scene {
      $0.timeout = .seconds(20)
      $0.interval = .milliseconds(1500)
      $0.connectionTypes = ["websocket", "long-polling"]
    }
    let reply = scene.client().handshake().reply
    #expect(reply["advice"] == ["interval": 1500, "reconnect": "retry", "timeout": 20_000])
    #expect(reply["supportedConnectionTypes"] == ["websocket", "long-polling"])
  }

  @Test func idIsEchoedAsTextAndNotInvented() {
    let alice = Scene().client()
    #expect(alice.handshake().reply["id"] == nil)
    #expect(alice.handshake(#","id":17"#).reply["id"] == "17")
    #expect(alice.handshake(#","id":"a-1_\"\u00e9""#).reply["id"] == "a-1_\"é")
    #expect(alice.handshake(#","id":null"#).reply["id"] == nil)
  }

  @Test func everyHandshakeMakesANewSessionAndLeavesTheOldOneAlone() {
    let scene = Scene()
    let alice = scene.connectedClient(user: "alice")
    let before = alice.clientID
    alice.handshake(#","clientId":"\#(before)""#)
    #expect(alice.clientID != before)
    #expect(scene.sessionCount == 2)
    #expect(scene.send(#"{"channel":"/meta/connect","clientId":"\#(before)"}"#, user: "alice").isWaiting)
  }

  @Test(arguments: [
    #"[{"channel":"/meta/handshake"},{"channel":"/meta/connect","clientId":"$ID"}]"#,
    #"[{"channel":"/meta/subscribe","clientId":"$ID","subscription":"/a"},{"channel":"/meta/handshake"}]"#,
    #"[{"channel":"/meta/handshake"},{"channel":"/meta/handshake"}]"#,
    #"[{"channel":"/meta/disconnect","clientId":"$ID"},{"channel":"\/meta\/handshake"}]"#,
  ])
  func handshakeBesideOtherMessagesIsRefusedWholeWithoutEffect(_ text: String) {
    let scene = Scene()
    let alice = scene.connectedClient()
    #expect(alice.send(text).outcome == .refused(.handshakeNotAlone))
    #expect(RequestFault.handshakeNotAlone.status == 400)
    #expect(scene.sessionCount == 1 && scene.channelCount == 0 && scene.counters.handshakes == 1)
  }

  @Test func handshakeWithoutUserIsDeniedForGoodWhereAUserIsRequired() {
    let scene = Scene { $0.requiresUser = true }
    let nobody = scene.client()
    #expect(
      nobody.handshake(#","id":"1""#).text
        == #"[{"id":"1","successful":false,"error":"403::handshake_denied","#
        + #""advice":{"interval":0,"reconnect":"none"},"channel":"/meta/handshake"}]"#)
    #expect(scene.sessionCount == 0 && scene.counters.handshakesRefused == 1)
    #expect(scene.client(user: "alice").handshake().isSuccessful)
  }

  @Test func anonymousHandshakesAreCounted() {
    let scene = Scene()
    scene.client().handshake()
    scene.client(user: "alice").handshake()
    #expect(scene.counters.handshakes == 2 && scene.counters.handshakesWithoutUser == 1)
  }

  @Test func slotOfAnEndedSessionIsUsedAgainUnderAnotherID() {
    let scene = Scene()
    let old = scene.connectedClient()
    old.disconnect()
    let new = scene.connectedClient()
    #expect(scene.shards[0].sessionCount == 1)
    #expect(new.clientID != old.clientID)
    #expect(old.publish("/a").error == "402::session_unknown")
    #expect(new.publish("/a").isSuccessful)
  }

  @Test func whatWaitsForAUserDoesNotRideOnTheHandshake() {
    let scene = Scene()
    scene.deliver("1", to: "alice")
    let reply = scene.client(user: "alice").handshake()
    #expect(reply.messages.count == 1, "it waits for the subscribe")
  }
}
