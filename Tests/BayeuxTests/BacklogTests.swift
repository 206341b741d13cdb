// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

/// What a user has not been handed outlives the session.
struct BacklogTests {
  private func subscribed(_ scene: Scene, _ user: String = "alice") -> Client {
    let client = scene.connectedClient(user: user)
    client.subscribe("/_genesys")
    return client
  }

  @Test func eventsBeforeTheFirstSubscribeWaitForIt() {
    let scene = Scene()
    for number in 0..<3 { #expect(scene.deliver("\(number)", to: "alice") == 0) }
    let alice = scene.connectedClient(user: "alice")
    #expect(alice.subscribe("/a").events.isEmpty && alice.connect(#","advice":{"timeout":0}"#).events.isEmpty)
    #expect(
      alice.send(#"{"channel":"/meta/subscribe","clientId":"$ID","subscription":"/_genesys","id":"3"}"#).text
        == #"[{"data":0,"channel":"/_genesys"},{"data":1,"channel":"/_genesys"},{"data":2,"channel":"/_genesys"},"#
        + #"{"id":"3","subscription":"/_genesys","successful":true,"channel":"/meta/subscribe"}]"#)
    #expect(alice.connect().isWaiting, "once")
    #expect(scene.counters.personalDelivered == 3 && scene.counters.personalWaiting == 0)
  }

  @Test func backlogWakesAConnectThatIsHeldAlready() {
    let scene = Scene()
    scene.deliver("1", to: "alice")
    let alice = scene.connectedClient(user: "alice")
    let poll = alice.connect()
    alice.send(
      #"{"channel":"/meta/subscribe","clientId":"$ID","subscription":"/_genesys"}"#,
      origin: RequestOrigin(carriesEventsOnAnyReply: false))
    #expect(poll.data == ["1"])
  }

  @Test func whatADeadSessionWasNotHandedGoesToTheNext() {
    let scene = Scene()
    let old = subscribed(scene)
    scene.deliver("0", to: "alice")
    #expect(old.connect().data == ["0"])
    for number in 1...2 { scene.deliver("\(number)", to: "alice") }
    scene.pass(.seconds(30))
    #expect(!old.isKnown)
    scene.deliver("3", to: "alice")
    let new = scene.connectedClient(user: "alice")
    #expect(new.subscribe("/_genesys").data == ["1", "2", "3"])
    scene.deliver("4", to: "alice")
    #expect(new.connect().data == ["4"])
    #expect(scene.counters.personalAccepted == 5 && scene.counters.personalDelivered == 5)
    #expect(scene.counters.discardedExpired == 2, "of the queue of the old session")
  }

  @Test func pauseAndResumeOfAnAppLosesNothing() {
    let scene = Scene()
    let app = subscribed(scene)
    let poll = app.connect()
    app.disconnect()
    #expect(poll.reconnect == "none")
    for number in 0..<3 { scene.deliver("\(number)", to: "alice") }
    scene.pass(.seconds(3600))
    app.handshake()
    app.connect()
    #expect(app.subscribe("/_genesys").data == ["0", "1", "2"])
  }

  @Test func oneSessionThatIsHandedAnEventSettlesItForTheUser() {
    let scene = Scene()
    let (first, second) = (subscribed(scene), subscribed(scene))
    scene.deliver("1", to: "alice")
    #expect(first.connect().data == ["1"])
    #expect(scene.counters.personalWaiting == 0)
    second.disconnect()
    first.disconnect()
    #expect(scene.userCount == 0)
    #expect(subscribed(scene).connect().isWaiting)
  }

  @Test func sessionThatJoinsGetsWhatTheOthersHaveNotBeenHandedYet() {
    let scene = Scene()
    let first = subscribed(scene)
    scene.deliver("1", to: "alice")
    scene.deliver("2", to: "alice")
    let second = scene.connectedClient(user: "alice")
    #expect(second.subscribe("/_genesys").data == ["1", "2"])
    #expect(first.connect().data == ["1", "2"], "each session has its own queue")
    #expect(scene.counters.personalDelivered == 2)
  }

  @Test func backlogLargerThanAResponseComesInSeveralInOrder() {
    let scene = Scene { $0.limits.maxResponseBytes = 99 }
    for number in 0..<10 { scene.deliver("\(number)", to: "alice") }
    let alice = scene.connectedClient(user: "alice")
    var received = alice.subscribe("/_genesys").data
    #expect(received == ["0", "1", "2"])
    while received.count < 10 {
      let poll = alice.connect()
      #expect(poll.isSuccessful && poll.data.count <= 3)
      if poll.data.isEmpty { break }
      received += poll.data
    }
    #expect(received == (0..<10).map(String.init))
    #expect(alice.connect().isWaiting)
  }

  // MARK: bounds

  @Test(arguments: [0, 1, 3])
  func oldestGoesBeyondTheCount(_ limit: Int) {
    let scene = Scene { $0.limits.maxBacklogMessages = limit }
    for number in 0..<limit { scene.deliver("\(number)", to: "alice") }
    #expect(scene.counters.personalDroppedFull == 0 && scene.counters.personalWaiting == limit)
    scene.deliver("\(limit)", to: "alice")
    #expect(scene.counters.personalDroppedFull == 1 && scene.counters.personalWaiting == limit)
    let alice = scene.connectedClient(user: "alice")
    #expect(alice.subscribe("/_genesys").data == (0..<limit).map { "\($0 + 1)" })
  }

  @Test func oldestGoesBeyondTheBytes() {
    let bytes = #"{"data":0,"channel":"/_genesys"}"#.utf8.count
    let scene = Scene { $0.limits.maxBacklogBytes = 3 * bytes }
    for number in 0..<3 { scene.deliver("\(number)", to: "alice") }
    #expect(scene.counters.personalDroppedBytes == 0)
    scene.deliver("3", to: "alice")
    #expect(scene.counters.personalDroppedBytes == 1)
    scene.deliver("10", to: "alice")
    #expect(scene.counters.personalDroppedBytes == 3, "one byte more costs a whole message")
    #expect(scene.connectedClient(user: "alice").subscribe("/_genesys").data == ["3", "10"])
  }

  @Test func messageLargerThanTheWholeBacklogIsDropped() {
    let scene = Scene { $0.limits.maxBacklogBytes = 40 }
    scene.deliver("\"\(String(repeating: "x", count: 100))\"", to: "alice")
    #expect(scene.counters.personalDroppedBytes == 1 && scene.userCount == 0)
  }

  @Test func messagesExpireOneByOneAtTheirAge() {
    let scene = Scene { $0.limits.maxBacklogAge = .seconds(100) }
    for number in 0..<3 {
      scene.deliver("\(number)", to: "alice")
      scene.pass(.seconds(10))
    }
    scene.pass(.seconds(70) - .nanoseconds(1))
    #expect(scene.counters.personalExpired == 0)
    scene.pass(.nanoseconds(1))
    #expect(scene.counters.personalExpired == 1 && scene.counters.personalWaiting == 2)
    scene.pass(.seconds(10))
    #expect(scene.counters.personalExpired == 2)
    #expect(scene.connectedClient(user: "alice").subscribe("/_genesys").data == ["2"])
  }

  @Test func userWhoseBacklogExpiredIsForgotten() {
    let scene = Scene { $0.limits.maxBacklogAge = .seconds(100) }
    scene.deliver("0", to: "alice")
    #expect(scene.userCount == 1)
    scene.pass(.seconds(100))
    #expect(scene.userCount == 0 && scene.counters.personalExpired == 1 && scene.shards[0].nextDeadline == nil)
  }

  @Test func ageCountsFromTheArrivalAndNotFromTheEndOfTheSession() {
    let scene = Scene { $0.limits.maxBacklogAge = .seconds(100) }
    let alice = subscribed(scene)
    scene.deliver("0", to: "alice")
    scene.pass(.seconds(29))
    scene.deliver("1", to: "alice")
    alice.disconnect()
    scene.pass(.seconds(71))
    #expect(scene.counters.personalExpired == 1)
    scene.pass(.seconds(29))
    #expect(scene.counters.personalExpired == 2)
  }

  @Test func messagesOfASubscribedUserNeitherExpireNorGiveWay() {
    let scene = Scene {
      $0.limits.maxBacklogAge = .seconds(10)
      $0.limits.maxBacklogMessages = 2
    }
    let alice = subscribed(scene)
    for number in 0..<5 { scene.deliver("\(number)", to: "alice") }
    scene.pass(.seconds(20))
    #expect(scene.counters.personalExpired == 0 && scene.counters.personalDroppedFull == 0)
    #expect(alice.connect().data == ["0", "1", "2", "3", "4"])
  }

  @Test func boundsApplyOnceTheLastSessionLeaves() {
    let scene = Scene { $0.limits.maxBacklogMessages = 2 }
    let (first, second) = (subscribed(scene), subscribed(scene))
    for number in 0..<5 { scene.deliver("\(number)", to: "alice") }
    first.disconnect()
    #expect(scene.counters.personalDroppedFull == 0)
    second.disconnect()
    #expect(scene.counters.personalDroppedFull == 3 && scene.counters.personalWaiting == 2)
    #expect(scene.connectedClient(user: "alice").subscribe("/_genesys").data == ["3", "4"])
  }

  @Test func furtherAbsentUsersAreDroppedBeyondTheirNumber() {
    let scene = Scene { $0.limits.maxBacklogUsers = 2 }
    for user in ["a", "b"] { scene.deliver("1", to: user) }
    #expect(scene.counters.personalDroppedUsers == 0)
    scene.deliver("1", to: "c")
    #expect(scene.counters.personalDroppedUsers == 1 && scene.userCount == 2)
    scene.deliver("2", to: "a")
    let present = subscribed(scene, "d")
    scene.deliver("1", to: "d")
    #expect(scene.counters.personalDroppedUsers == 1, "neither a known user nor a present one is further")
    #expect(present.connect().data == ["1"])
    #expect(scene.connectedClient(user: "a").subscribe("/_genesys").data == ["1", "2"])
    scene.deliver("2", to: "c")
    #expect(scene.counters.personalDroppedUsers == 1, "there is room again")
  }

  @Test func boundedBacklogKeepsWorkingOverManyRounds() {
    let scene = Scene { $0.limits.maxBacklogMessages = 100 }
    for number in 0..<1000 { scene.deliver("\(number)", to: "alice") }
    #expect(scene.counters.personalDroppedFull == 900)
    #expect(scene.connectedClient(user: "alice").subscribe("/_genesys").data == (900..<1000).map(String.init))
    #expect(scene.counters.personalDelivered == 100)
  }
}
