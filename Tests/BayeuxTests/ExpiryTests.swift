// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

struct ExpiryTests {
  static let unknown =
    #"[{"id":"1","successful":false,"error":"402::session_unknown","#
    + #""advice":{"interval":0,"reconnect":"handshake"},"channel":"/meta/connect"}]"#

  /// Ends exactly then, and not a nanosecond sooner.
  private func expectEnd(
    of client: Client, in duration: Duration, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    client.scene.pass(duration - .nanoseconds(1), sourceLocation: sourceLocation)
    #expect(client.isKnown, "ended too early", sourceLocation: sourceLocation)
    client.scene.pass(.nanoseconds(1), sourceLocation: sourceLocation)
    #expect(!client.isKnown, "lives too long", sourceLocation: sourceLocation)
    #expect(client.scene.counters.sessionsExpired == 1, sourceLocation: sourceLocation)
  }

  @Test func sessionThatNeverConnectsEndsAfterMaxInterval() {
    let alice = Scene().client()
    alice.handshake()
    expectEnd(of: alice, in: .seconds(30))
  }

  @Test func sessionEndsMaxIntervalAfterItsLastConnectWasAnswered() {
    let scene = Scene()
    let alice = scene.client()
    alice.handshake()
    scene.pass(.seconds(10))
    alice.connect()
    expectEnd(of: alice, in: .seconds(30))
  }

  @Test func clockStandsStillWhileAConnectIsHeldAndRunsFromItsAnswer() {
    let scene = Scene()
    let alice = scene.connectedClient()
    let poll = alice.connect()
    scene.pass(.seconds(55))
    #expect(!poll.isWaiting)
    expectEnd(of: alice, in: .seconds(30))
  }

  @Test func answerByAnEventStartsTheClock() throws {
    let scene = Scene { $0.timeout = .seconds(600) }
    let alice = scene.connectedClient()
    alice.subscribe("/a")
    let poll = alice.connect()
    scene.pass(.seconds(300))
    try scene.publish("/a", "1")
    #expect(!poll.isWaiting)
    expectEnd(of: alice, in: .seconds(30))
  }

  @Test func hangUpStartsTheClock() {
    let scene = Scene()
    let alice = scene.connectedClient()
    let poll = alice.connect()
    scene.pass(.seconds(20))
    scene.hangUp(poll)
    expectEnd(of: alice, in: .seconds(30))
  }

  @Test func advisedIntervalIsGrantedOnTop() {
    let scene = Scene {
      $0.interval = .seconds(7)
      $0.maxInterval = .seconds(3)
    }
    let alice = scene.client()
    alice.handshake()
    expectEnd(of: alice, in: .seconds(10))
  }

  @Test(arguments: [
    #"{"channel":"/a","data":1,"clientId":"$ID"}"#,
    #"{"channel":"/meta/subscribe","clientId":"$ID","subscription":"/a"}"#,
    #"{"channel":"/meta/unsubscribe","clientId":"$ID","subscription":"/a"}"#,
    #"{"channel":"/service/x","clientId":"$ID"}"#, #"{"channel":"/meta/subscribe","clientId":"$ID"}"#,
  ])
  func anyMessageOfTheClientGivesItAnotherMaxInterval(_ message: String) {
    for connects in [false, true] {
      let scene = Scene()
      let alice = connects ? scene.connectedClient() : scene.client()
      if !connects { alice.handshake() }
      scene.pass(.seconds(29))
      alice.send(message)
      expectEnd(of: alice, in: .seconds(30))
    }
  }

  /// A message may not shorten what a longer interval granted.
  @Test func messageDoesNotShortenALongerGrant() {
    let scene = Scene()
    let alice = scene.connectedClient()
    alice.connect(#","advice":{"timeout":0,"interval":60000}"#)
    scene.pass(.seconds(1))
    alice.publish("/a")
    expectEnd(of: alice, in: .seconds(89))
  }

  @Test func messageThatWasRefusedForItsUserDoesNotProlong() {
    let scene = Scene()
    let alice = scene.connectedClient(user: "alice")
    scene.pass(.seconds(29))
    alice.send(#"{"channel":"/a","data":1,"clientId":"$ID"}"#, user: "mallory")
    expectEnd(of: alice, in: .seconds(1))
  }

  @Test func sweptSessionIsToldToHandshakeAndNeverToStayAway() {
    let scene = Scene()
    let alice = scene.connectedClient()
    alice.subscribe("/a")
    scene.pass(.seconds(30))
    #expect(alice.connect(#","id":"1""#).text == Self.unknown)
    for answer in [alice.publish("/a"), alice.subscribe("/a"), alice.unsubscribe("/a"), alice.disconnect()] {
      #expect(answer.error == "402::session_unknown" && answer.reconnect == "handshake")
    }
    #expect(scene.counters.unknownSessions == 5)
    alice.handshake()
    #expect(alice.connect().isSuccessful)
  }

  @Test func whatWaitedForASweptSessionIsCounted() throws {
    let scene = Scene()
    let alice = scene.connectedClient()
    alice.subscribe("/a")
    for number in 0..<3 { try scene.publish("/a", "\(number)") }
    scene.pass(.seconds(30))
    #expect(scene.counters.discardedExpired == 3 && scene.counters.waiting == 0 && scene.channelCount == 0)
    #expect(try scene.publish("/a", "1") == 0)
  }

  @Test func thousandSessionsEndEachAtItsTime() {
    let scene = Scene()
    let clients = (0..<1000).map { _ in
      let client = scene.client()
      client.handshake()
      scene.pass(.milliseconds(1))
      return client
    }
    scene.pass(.milliseconds(29_000 + 499))
    #expect(scene.sessionCount == 500)
    #expect(!clients[499].isKnown && clients[500].isKnown)
    scene.pass(.seconds(1))
    #expect(scene.sessionCount == 0 && scene.shards[0].nextDeadline == nil)
  }

  // MARK: slow readers

  @Test func sessionWhoseReaderIsSlowDoesNotEndMeanwhile() throws {
    let scene = Scene()
    let alice = scene.connectedClient()
    alice.subscribe("/a")
    let poll = alice.connect()
    try scene.publish("/a", "1")
    let session = try #require(poll.session)
    scene.shards[0].broker.answerStalled(session, on: poll)
    scene.pass(.seconds(300))
    #expect(alice.isKnown)
    scene.shards[0].broker.answerSettled(session, on: poll, now: scene.now)
    expectEnd(of: alice, in: .seconds(30))
  }

  /// A broker that grants no time at all must not wait for itself.
  @Test func slowReaderUnderTheSmallestMaxIntervalEndsWithItsAnswer() throws {
    let scene = Scene { $0.maxInterval = .zero }
    let alice = scene.client()
    alice.handshake()
    alice.connect()
    alice.subscribe("/a")
    let poll = alice.connect()
    try scene.publish("/a", "1")
    let session = try #require(poll.session)
    scene.shards[0].broker.answerStalled(session, on: poll)
    try #require(session.deadline == .distantFuture)
    scene.pass(.seconds(1))
    #expect(alice.isKnown)
    scene.shards[0].broker.answerSettled(session, on: poll, now: scene.now)
    scene.pass(.zero)
    #expect(!alice.isKnown)
  }

  @Test func connectHeldBesideAStalledAnswerHasItsDeadline() throws {
    let scene = Scene()
    let alice = scene.connectedClient()
    alice.subscribe("/a")
    let poll = alice.connect()
    try scene.publish("/a", "1")
    scene.shards[0].broker.answerStalled(try #require(poll.session), on: poll)
    let next = alice.connect()
    scene.pass(.seconds(55))
    #expect(next.isSuccessful)
  }

  // MARK: memory

  /// A client may announce an hour's pause and leave at once; nothing of it may be kept for that hour.
  @Test func deadlinesOfEndedSessionsAreForgotten() {
    let scene = Scene()
    for _ in 0..<3000 {
      let client = scene.connectedClient()
      client.connect(#","advice":{"timeout":0,"interval":3600000}"#)
      client.disconnect()
    }
    #expect(scene.sessionCount == 0)
    #expect(scene.shards[0].deadlineCount < 1100)
  }

  @Test func nothingIsLeftOfSessionsThatHaveGone() throws {
    let scene = Scene()
    for number in 0..<100 {
      let client = scene.connectedClient(user: "user \(number % 7)")
      client.subscribe("/_genesys")
      client.subscribe("/room/\(number)")
      client.connect()
      if number % 3 == 0 { client.disconnect() }
    }
    scene.pass(.seconds(55))
    scene.pass(.seconds(30))
    #expect(scene.sessionCount == 0 && scene.channelCount == 0 && scene.userCount == 0 && scene.heldCount == 0)
    #expect(scene.shards[0].nextDeadline == nil)
  }
}
