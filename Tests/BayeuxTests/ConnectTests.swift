// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes
import Testing

struct ConnectTests {
  static let advice = #""advice":{"interval":0,"reconnect":"retry","timeout":60000},"#

  @Test func firstConnectReturnsAtOnceWithAdvice() {
    let alice = Scene().client()
    alice.handshake()
    #expect(
      alice.connect(#","id":"1""#).text
        == #"[{"id":"1","successful":true,\#(Self.advice)"channel":"/meta/connect"}]"#)
  }

  @Test func secondConnectIsHeldAndAnsweredWithoutAdvice() {
    let scene = Scene()
    let alice = scene.connectedClient()
    let poll = alice.connect(#","id":"2""#)
    #expect(poll.isWaiting && scene.heldCount == 1)
    scene.pass(.seconds(55))
    #expect(poll.text == #"[{"id":"2","successful":true,"channel":"/meta/connect"}]"#)
    #expect(scene.heldCount == 0)
  }

  /// Some clients use the advised time as their HTTP timeout to the millisecond.
  @Test(arguments: [
    (60_000, 55_000), (600_000, 595_000), (120_000, 115_000), (59_988, 54_989), (12_000, 11_000), (1200, 1100),
    (12, 11),
  ])
  func heldConnectIsAnsweredEarlierThanAdvised(_ advised: Int, _ held: Int) {
    let scene = Scene { $0.timeout = .milliseconds(advised) }
    let alice = scene.connectedClient()
    let poll = alice.connect()
    scene.pass(.milliseconds(held) - .nanoseconds(1))
    #expect(poll.isWaiting)
    scene.pass(.nanoseconds(1))
    #expect(poll.isSuccessful && poll.events.isEmpty)
  }

  @Test func eventComesFirstAndTheReplyLast() {
    let scene = Scene()
    let alice = scene.connectedClient()
    let bob = scene.connectedClient()
    alice.subscribe("/chat")
    let poll = alice.connect(#","id":"5""#)
    bob.publish("/chat", #"{"text":"hi"}"#)
    #expect(
      poll.text
        == #"[{"data":{"text":"hi"},"channel":"/chat"},{"id":"5","successful":true,"channel":"/meta/connect"}]"#)
  }

  @Test func allThatCameInOneTurnRidesInOneAnswer() {
    let scene = Scene()
    let alice = scene.connectedClient()
    let bob = scene.connectedClient()
    alice.subscribe("/a")
    let poll = alice.connect()
    bob.send(
      #"[{"channel":"/a","data":1,"clientId":"$ID"},{"channel":"/a","data":2,"clientId":"$ID"},"#
        + #"{"channel":"/a","data":3,"clientId":"$ID"}]"#)
    #expect(poll.data == ["1", "2", "3"] && poll.messages.last == poll.reply)
  }

  @Test func whatCameBetweenTwoConnectsReturnsTheNextAtOnce() {
    let scene = Scene()
    let alice = scene.connectedClient()
    alice.subscribe("/a")
    let bob = scene.connectedClient()
    bob.publish("/a", "1")
    bob.publish("/a", "2")
    let poll = alice.connect()
    #expect(poll.data == ["1", "2"] && poll.isSuccessful)
    #expect(alice.connect().isWaiting)
  }

  @Test func timeoutZeroReturnsAtOnceWithTheServersAdvice() {
    let scene = Scene()
    let alice = scene.connectedClient()
    #expect(
      alice.connect(#","id":"2","advice":{"timeout":0}"#).text
        == #"[{"id":"2","successful":true,\#(Self.advice)"channel":"/meta/connect"}]"#)
    #expect(scene.counters.connectsHeld == 0)
  }

  @Test func requestedTimeoutIsTheHoldOfThisConnectAlone() {
    let scene = Scene()
    let alice = scene.connectedClient()
    let short = alice.connect(#","advice":{"timeout":2000}"#)
    scene.pass(.milliseconds(1999))
    #expect(short.isWaiting)
    scene.pass(.milliseconds(1))
    #expect(short.reply["advice"] == ["interval": 0, "reconnect": "retry", "timeout": 60_000])
    let usual = alice.connect()
    scene.pass(.seconds(54))
    #expect(usual.isWaiting)
  }

  @Test func requestedIntervalIsEchoedAndProlongsTheSession() {
    let scene = Scene()
    let alice = scene.connectedClient()
    let poll = alice.connect(#","advice":{"timeout":0,"interval":5000}"#)
    #expect(poll.reply["advice"] == ["interval": 5000, "reconnect": "retry", "timeout": 60_000])
    scene.pass(.milliseconds(34_999))
    #expect(alice.isKnown)
    scene.pass(.milliseconds(1))
    #expect(!alice.isKnown)
  }

  @Test func intervalOfAHeldConnectCountsFromItsAnswer() {
    let scene = Scene()
    let alice = scene.connectedClient()
    let poll = alice.connect(#","advice":{"interval":10000}"#)
    scene.pass(.seconds(55))
    #expect(poll.reply["advice"] == ["interval": 10_000, "reconnect": "retry", "timeout": 60_000])
    scene.pass(.milliseconds(39_999))
    #expect(alice.isKnown)
    scene.pass(.milliseconds(1))
    #expect(!alice.isKnown)
  }

  /// Escaped names are names, and what is no whole number of milliseconds is as if it were not there.
  @Test(arguments: [
    (#"{"timeout":0}"#, true), (#"{"time\u006fut":0}"#, true), (#"{"interval":0,"timeout":0,}"#, true),
    (#"{"reconnect":"retry","x":[{"timeout":0}]}"#, false), (#"{"timeout":-1}"#, false), (#"{"timeout":"0"}"#, false),
    (#"{"timeout":0.0}"#, false), (#"{"timeout":null}"#, false), (#"{}"#, false), (#"[0]"#, false), ("null", false),
    (#"{"Timeout":0}"#, false), (#"{"timeout":99999999999999999999}"#, false),
  ])
  func adviceOfARequestIsReadLikeTheRestOfIt(_ advice: String, _ returnsAtOnce: Bool) {
    let poll = Scene().connectedClient().connect(#","advice":\#(advice)"#)
    #expect(poll.isWaiting != returnsAtOnce)
  }

  @Test func unknownConnectionTypeIsNoReasonToRefuse() {
    let alice = Scene().connectedClient()
    #expect(alice.send(#"{"channel":"/meta/connect","clientId":"$ID","connectionType":"smoke"}"#).isWaiting)
    #expect(alice.send(#"{"channel":"/meta/connect","clientId":"$ID"}"#).isWaiting)
  }

  // MARK: two connects of one session

  @Test func newerConnectEndsTheOlderWithAStatus() {
    let scene = Scene()
    let alice = scene.connectedClient()
    let older = alice.connect(#","id":"2""#)
    let newer = alice.connect(#","id":"3""#)
    #expect(older.outcome == .status(500))
    #expect(newer.isWaiting && scene.heldCount == 1 && scene.counters.connectsOvertaken == 1)
    scene.pass(.seconds(55))
    #expect(newer.reply["id"] == "3")
  }

  @Test func statusOfTheOvertakenConnectIsAnOption() {
    let scene = Scene { $0.duplicateMetaConnectHttpResponseCode = 408 }
    let alice = scene.connectedClient()
    let older = alice.connect()
    alice.connect()
    #expect(older.outcome == .status(408))
  }

  @Test func overtakenConnectIsAnsweredKindlyWhereTheOptionSays200() {
    let scene = Scene { $0.duplicateMetaConnectHttpResponseCode = 200 }
    let alice = scene.connectedClient()
    let older = alice.connect(#","id":"2""#)
    let newer = alice.connect(#","id":"3""#)
    #expect(older.text == #"[{"id":"2","successful":true,\#(Self.advice)"channel":"/meta/connect"}]"#)
    #expect(newer.isWaiting)
  }

  @Test func overtakingConnectTakesTheEventsThatTheOlderWaitedFor() {
    let scene = Scene { $0.duplicateMetaConnectHttpResponseCode = 200 }
    let alice = scene.connectedClient()
    alice.subscribe("/a")
    let older = alice.connect()
    scene.runsByItself = false
    scene.connectedClient().publish("/a", "1")
    let newer = alice.connect()
    scene.endTurn()
    #expect(older.isSuccessful && older.events.isEmpty)
    #expect(newer.data == ["1"])
  }

  /// A page that was loaded anew: the old poll is torn down, the new one answered at once with full advice.
  @Test func reloadedPageIsAnsweredAtOnce() {
    let alice = Scene().connectedClient()
    let older = alice.connect()
    let newer = alice.connect(#","advice":{"timeout":0}"#)
    #expect(older.outcome == .status(500))
    #expect(newer.isSuccessful && newer.reply["advice"]?["timeout"] == 60_000)
  }

  // MARK: beside other messages

  @Test func connectBesideOtherMessagesIsNotHeldAndAllAreAnsweredInOrder() {
    let alice = Scene().connectedClient()
    let reply = alice.send(
      #"[{"channel":"/meta/connect","id":"1","clientId":"$ID"},"#
        + #"{"channel":"/meta/subscribe","id":"2","clientId":"$ID","subscription":"/a"}]"#)
    #expect(
      reply.text
        == #"[{"id":"1","successful":true,"channel":"/meta/connect"},"#
        + #"{"id":"2","subscription":"/a","successful":true,"channel":"/meta/subscribe"}]"#)
  }

  @Test func firstConnectInABatchCountsAsTheFirst() {
    let alice = Scene().client()
    alice.handshake()
    let reply = alice.send(
      #"[{"channel":"/meta/subscribe","clientId":"$ID","subscription":"/a"},{"channel":"/meta/connect","clientId":"$ID"}]"#
    )
    #expect(reply.replies.last?["advice"]?["timeout"] == 60_000)
    #expect(alice.connect().isWaiting)
  }

  @Test func connectInABatchOvertakesAHeldOne() {
    let scene = Scene()
    let alice = scene.connectedClient()
    let poll = alice.connect()
    let batch = alice.send(
      #"[{"channel":"/meta/connect","clientId":"$ID"},{"channel":"/a","data":1,"clientId":"$ID"}]"#)
    #expect(poll.outcome == .status(500) && batch.isSuccessful && scene.heldCount == 0)
  }

  // MARK: the peer goes

  @Test func eventsAfterAHangUpWaitForTheNextConnect() {
    let scene = Scene()
    let alice = scene.connectedClient()
    let bob = scene.connectedClient()
    alice.subscribe("/a")
    let poll = alice.connect()
    scene.hangUp(poll)
    #expect(scene.heldCount == 0 && scene.counters.connectsAbandoned == 1)
    bob.publish("/a", "1")
    bob.publish("/a", "2")
    #expect(alice.connect().data == ["1", "2"])
  }

  @Test func hangUpInTheTurnOfTheEventLosesNothing() {
    let scene = Scene()
    let alice = scene.connectedClient()
    let bob = scene.connectedClient()
    alice.subscribe("/a")
    let poll = alice.connect()
    scene.runsByItself = false
    bob.publish("/a", "1")
    scene.hangUp(poll)
    scene.endTurn()
    #expect(alice.connect().data == ["1"])
  }

  /// The peer ended its sending side only: in case it still reads it is answered, but nothing is entrusted to it.
  @Test func halfClosedConnectIsAnsweredWithoutEvents() {
    let scene = Scene()
    let alice = scene.connectedClient()
    alice.subscribe("/a")
    let poll = alice.connect()
    scene.runsByItself = false
    scene.connectedClient().publish("/a", "1")
    scene.shards[0].broker.conduitEnded(poll, now: scene.now)
    scene.endTurn()
    #expect(poll.isSuccessful && poll.events.isEmpty && poll.reconnect == "retry")
    #expect(alice.connect().data == ["1"])
  }

  @Test func hangUpOfAnAnsweredConnectMeansNothing() {
    let scene = Scene()
    let alice = scene.connectedClient()
    let poll = alice.connect(#","advice":{"timeout":0}"#)
    scene.shards[0].broker.conduitClosed(poll, now: scene.now)
    #expect(scene.counters.connectsAbandoned == 0 && alice.isKnown)
  }

  @Test func stoppingAnswersEveryHeldConnectWithWhatWaits() {
    let scene = Scene()
    let clients = (0..<3).map { _ in scene.connectedClient() }
    for client in clients { client.subscribe("/a") }
    let polls = clients.map { $0.connect(#","id":"9""#) }
    scene.runsByItself = false
    scene.connectedClient().publish("/a", "1")
    scene.shards[0].broker.releaseAll(now: scene.now)
    scene.endTurn()
    for poll in polls {
      #expect(poll.data == ["1"] && poll.isSuccessful && poll.reconnect == "retry" && poll.reply["id"] == "9")
    }
    #expect(scene.heldCount == 0 && scene.counters.waiting == 0)
  }
}
