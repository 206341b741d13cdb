// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

/// Who a session belongs to, and who receives what on `/_genesys`.
struct GMSUserTests {
  private func subscribed(_ scene: Scene, _ user: String) -> Client {
    let client = scene.connectedClient(user: user)
    client.subscribe("/_genesys")
    return client
  }

  // MARK: rule 1, the session is bound to the user of its handshake

  @Test func sessionIsBoundToTheUserOfItsHandshake() {
    let scene = Scene()
    let alice = scene.connectedClient(user: "alice")
    for request in [
      #"{"channel":"/meta/connect","clientId":"$ID"}"#, #"{"channel":"/a","data":1,"clientId":"$ID"}"#,
      #"{"channel":"/meta/subscribe","clientId":"$ID","subscription":"/_genesys"}"#,
      #"[{"channel":"/meta/connect","clientId":"$ID"},{"channel":"/a","clientId":"$ID"}]"#,
    ] {
      for other in ["mallory", "Alice", "alic", "alice2"] {
        let answer = alice.send(request, user: other)
        #expect(answer.replies.allSatisfy { $0["error"] == "403::gms_user mismatch" && $0["advice"] == nil })
        #expect(!answer.replies.isEmpty)
      }
    }
    #expect(scene.counters.userMismatches == 20)
    #expect(alice.connect().isWaiting)
  }

  @Test func laterRequestsMayOmitTheUserWhereTheOptionSaysSo() {
    let alice = Scene { $0.requiresUserOnEveryRequest = false }.connectedClient(user: "alice")
    #expect(
      alice.send(#"{"channel":"/meta/subscribe","clientId":"$ID","subscription":"/_genesys"}"#, user: "").isSuccessful)
    #expect(alice.send(#"{"channel":"/meta/connect","clientId":"$ID"}"#, user: "").isWaiting)
  }

  @Test func laterRequestsMustNameTheUser() {
    let scene = Scene()
    let alice = scene.connectedClient(user: "alice")
    #expect(alice.send(#"{"channel":"/a","data":1,"clientId":"$ID"}"#, user: "").error == "402::session_unknown")
    #expect(alice.publish("/a").isSuccessful)
    #expect(scene.connectedClient().publish("/a").isSuccessful, "a session without user has none to name")
  }

  /// What waits for a session is handed to nobody who only knows its clientId, not with the refusal either.
  @Test(arguments: [
    #"{"channel":"/meta/connect","clientId":"$ID"}"#, #"{"channel":"/a","data":1,"clientId":"$ID"}"#,
    #"{"channel":"/meta/subscribe","clientId":"$ID","subscription":"/_genesys"}"#,
    #"{"channel":"/meta/disconnect","clientId":"$ID"}"#, #"{"clientId":"$ID"}"#,
    #"{"channel":"/meta/x","clientId":"$ID"}"#,
    #"[{"channel":"/meta/connect","clientId":"$ID"},{"channel":"/meta/connect","clientId":"$ID"}]"#,
    #"[{"channel":"/service/x"},{"channel":"/meta/connect","clientId":"$ID"}]"#,
  ])
  func otherUsersClientIDIsOfNoUse(_ request: String) {
    let scene = Scene()
    let alice = subscribed(scene, "alice")
    scene.deliver("1", to: "alice")
    for script in [false, true] {
      let stolen = alice.send(request, user: "mallory", origin: RequestOrigin(carriesEventsOnAnyReply: !script))
      #expect(stolen.replies.allSatisfy { $0["successful"] == false } && !stolen.replies.isEmpty)
      #expect(stolen.events.isEmpty)
    }
    #expect(alice.connect().data == ["1"])
  }

  // MARK: rule 2, anonymous sessions

  @Test func anonymousSessionIsServedButForGenesys() {
    let scene = Scene()
    let nobody = scene.connectedClient()
    #expect(nobody.subscribe("/_genesys").error == "403:/_genesys:gms_user required")
    #expect(nobody.subscribe("/a").isSuccessful && nobody.publish("/a", "1").data == ["1"])
    // A user that is named later does not make the session that user's.
    #expect(
      nobody.send(#"{"channel":"/meta/subscribe","clientId":"$ID","subscription":"/_genesys"}"#, user: "alice").error
        == "403:/_genesys:gms_user required")
  }

  // MARK: rule 3, delivered by user, never broadcast

  @Test func eventReachesTheSubscribedSessionsOfItsUserAlone() {
    let scene = Scene()
    let (first, second) = (subscribed(scene, "alice"), subscribed(scene, "alice"))
    let (bob, idle) = (subscribed(scene, "bob"), scene.connectedClient(user: "alice"))
    let polls = [first, second, bob, idle].map { $0.connect() }
    #expect(scene.deliver(#"{"id":"1","message":{},"tag":"service.chat.refresh.x"}"#, to: "alice") == 2)
    for poll in polls[..<2] {
      #expect(
        poll.text
          == #"[{"data":{"id":"1","message":{},"tag":"service.chat.refresh.x"},"channel":"/_genesys"},"#
          + #"{"successful":true,"channel":"/meta/connect"}]"#)
    }
    #expect(polls[2].isWaiting && polls[3].isWaiting)
  }

  @Test func wildcardsNeverWidenWhoReceivesGenesysEvents() {
    let scene = Scene()
    let snoops = ["/**", "/*", "/_genesys/*", "/_genesys/**"].flatMap { pattern in
      [scene.connectedClient(user: "mallory"), scene.connectedClient()].map { client in
        client.subscribe(pattern)
        return client.connect()
      }
    }
    let alice = subscribed(scene, "alice")
    alice.subscribe("/**")
    alice.subscribe("/*")
    let poll = alice.connect()
    scene.deliver("1", to: "alice")
    #expect(poll.data == ["1"], "and one copy for her")
    for snoop in snoops { #expect(snoop.isWaiting) }
  }

  @Test func twoSessionsOfAUserReceiveAllInTheSameOrder() {
    let scene = Scene()
    let (first, second) = (subscribed(scene, "alice"), subscribed(scene, "alice"))
    let poll = first.connect()
    for number in 0..<5 { scene.deliver("\(number)", to: "alice") }
    #expect(poll.data == ["0"] && first.connect().data == ["1", "2", "3", "4"])
    #expect(second.connect().data == ["0", "1", "2", "3", "4"])
    #expect(scene.counters.personalDelivered == 5 && scene.counters.delivered == 10)
  }

  @Test func usersNeverSeeEachOthersEvents() {
    let scene = Scene()
    let users = (0..<10).map { "user \($0)" }
    let clients = users.map { subscribed(scene, $0) }
    for number in 0..<50 { scene.deliver("\(number)", to: users[number % 10]) }
    for (index, client) in clients.enumerated() {
      #expect(client.connect().data == (0..<5).map { "\($0 * 10 + index)" })
    }
  }

  @Test func subscribingAgainDoublesNothing() {
    let scene = Scene()
    let alice = subscribed(scene, "alice")
    scene.deliver("1", to: "alice")
    #expect(alice.subscribe("/_genesys").data == ["1"])
    #expect(alice.subscribe("/_genesys").events.isEmpty)
    #expect(scene.deliver("2", to: "alice") == 1)
    #expect(alice.connect().data == ["2"])
  }

  @Test func unsubscribingSendsEventsBackToTheBacklog() {
    let scene = Scene()
    let alice = subscribed(scene, "alice")
    alice.unsubscribe("/_genesys")
    #expect(scene.deliver("1", to: "alice") == 0)
    #expect(alice.connect(#","advice":{"timeout":0}"#).events.isEmpty)
    #expect(alice.subscribe("/_genesys").data == ["1"])
  }

  /// What was on its way when the session unsubscribed is still handed over, once, and settled by that.
  @Test func eventsQueuedBeforeAnUnsubscribeAreHandedOverOnce() {
    let scene = Scene()
    let alice = subscribed(scene, "alice")
    scene.runsByItself = false
    scene.deliver("1", to: "alice")
    #expect(alice.unsubscribe("/_genesys").data == ["1"])
    #expect(alice.subscribe("/_genesys").events.isEmpty)
    alice.disconnect()
    scene.endTurn()
    #expect(scene.counters.personalDelivered == 1 && scene.counters.personalWaiting == 0 && scene.userCount == 0)
  }

  @Test func resubscribingWithEventsStillQueuedDoublesNothing() {
    let scene = Scene()
    let script = RequestOrigin(carriesEventsOnAnyReply: false)
    let alice = subscribed(scene, "alice")
    func send(_ verb: String) {
      alice.send(#"{"channel":"/meta/\#(verb)","clientId":"$ID","subscription":"/_genesys"}"#, origin: script)
    }
    scene.deliver("1", to: "alice")
    send("unsubscribe")
    scene.deliver("2", to: "alice")
    send("subscribe")
    scene.deliver("3", to: "alice")
    #expect(alice.connect().data == ["1", "2", "3"])
    #expect(scene.counters.personalDelivered == 3)
  }

  @Test func userIsForgottenOnceNothingIsLeftToKnow() {
    let scene = Scene()
    let script = RequestOrigin(carriesEventsOnAnyReply: false)
    let alice = subscribed(scene, "alice")
    scene.deliver("1", to: "alice")
    alice.send(#"{"channel":"/meta/unsubscribe","clientId":"$ID","subscription":"/_genesys"}"#, origin: script)
    #expect(alice.connect().data == ["1"])
    alice.disconnect()
    #expect(scene.userCount == 0 && scene.counters.personalWaiting == 0)
  }

  // MARK: presence

  @Test func presenceIsToldOfTheFirstSessionAndTheLast() {
    let scene = Scene()
    let first = subscribed(scene, "alice")
    let second = subscribed(scene, "alice")
    subscribed(scene, "bob").unsubscribe("/_genesys")
    first.disconnect()
    #expect(scene.presence.map(\.isOnline) == [true, true, false])
    scene.pass(.seconds(30))
    #expect(!second.isKnown)
    #expect(
      scene.presence == [
        PresenceChange(user: "alice", isOnline: true), PresenceChange(user: "bob", isOnline: true),
        PresenceChange(user: "bob", isOnline: false), PresenceChange(user: "alice", isOnline: false),
      ])
  }
}
