// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

/// Each limit one below, at, and one above. Those of the backlog stand in `BacklogTests`; `maxUserBytes` is kept by
/// whoever reads the header.
struct LimitsTests {
  @Test(arguments: [1, 2, 5])
  func messagesOfARequest(_ limit: Int) {
    let scene = Scene { $0.limits.maxMessagesPerBatch = limit }
    for count in [limit - 1, limit, limit + 1] {
      let answer = scene.send("[" + Array(repeating: "{}", count: count).joined(separator: ",") + "]")
      if count > limit {
        #expect(answer.outcome == .refused(.tooManyMessages) && RequestFault.tooManyMessages.status == 413)
      } else {
        #expect(answer.replies.count == count)
      }
    }
  }

  /// Counted from the outermost bracket of the request, whether it is an array or a single message.
  @Test(arguments: [3, 10, 60, 63])
  func nestingOfARequest(_ limit: Int) {
    let scene = Scene { $0.limits.maxDepth = limit }
    for member in ["data", "ext", "advice", "subscription", "other"] {
      for (open, close, outer) in [("{", "}", 1), ("[{", "}]", 2)] {
        for depth in [limit - 1, limit, limit + 1] {
          let value = String(repeating: "[", count: depth - outer) + String(repeating: "]", count: depth - outer)
          let answer = scene.send("\(open)\"channel\":\"/a\",\"\(member)\":\(value.isEmpty ? "1" : value)\(close)")
          let isRefused = answer.outcome.isRefused(for: "nested too deeply")
          #expect(isRefused == (depth > limit), "\(depth) of \(limit) levels in \(member)")
        }
      }
    }
  }

  @Test func bytesOfAChannel() {
    let scene = Scene { $0.limits.maxChannelBytes = 20 }
    let alice = scene.connectedClient()
    for (count, error) in [(19, nil), (20, nil), (21, "405::channel_invalid")] as [(Int, String?)] {
      let name = "/" + String(repeating: "a", count: count - 1)
      #expect(alice.publish(name).error == error)
      #expect(alice.subscribe(name).error == error.map { _ in "403::subscription_invalid" })
    }
  }

  @Test func bytesOfAMessageID() {
    let alice = Scene { $0.limits.maxIDBytes = 18 }.connectedClient()
    for count in [1, 14, 15, 16, 17, 18, 19] {
      let id = String(repeating: "7", count: count)
      for text in [id, "\"\(id)\""] {
        let answer = alice.send(#"{"channel":"/a","clientId":"$ID","id":\#(text)}"#)
        #expect(answer.error == (count > 18 ? "405::message_id_invalid" : nil))
        #expect(answer.reply["id"]?.string == (count > 18 ? nil : id))
      }
    }
  }

  /// Each channel costs a look at all subscriptions, so one request may not name any number of them.
  @Test func channelsInTheSubscribesOfOneRequest() {
    let scene = Scene { $0.limits.maxSubscriptionsPerSession = 3 }
    let alice = scene.connectedClient()
    func list(_ count: Int) -> String { "[" + Array(repeating: "\"/a\"", count: count).joined(separator: ",") + "]" }
    for channel in ["/meta/subscribe", "/meta/unsubscribe"] {
      for count in [2, 3] {
        let answer = alice.send(#"{"channel":"\#(channel)","clientId":"$ID","subscription":\#(list(count))}"#)
        #expect(answer.isSuccessful)
      }
      let many = alice.send(#"{"channel":"\#(channel)","clientId":"$ID","subscription":\#(list(4))}"#)
      #expect(many.error == "403:too_many_subscriptions:subscribe_denied")
      let message = #"{"channel":"\#(channel)","clientId":"$ID","subscription":\#(list(2))}"#
      let spread = alice.send("[\(message),\(message)]")
      #expect(spread.replies.map { $0["successful"] } == [true, false])
    }
  }

  @Test func requestedTimeout() {
    let scene = Scene { $0.limits.maxRequestedTimeout = .seconds(100) }
    for (asked, held) in [(99_999, 99_999), (100_000, 100_000), (100_001, 100_000), (Int.max, 100_000)] {
      let alice = scene.connectedClient()
      let poll = alice.connect(#","advice":{"timeout":\#(asked)}"#)
      scene.pass(.milliseconds(held) - .nanoseconds(1))
      #expect(poll.isWaiting)
      scene.pass(.nanoseconds(1))
      #expect(poll.isSuccessful)
    }
  }

  @Test func requestedInterval() {
    for (asked, granted) in [(9999, 9999), (10_000, 10_000), (10_001, 10_000), (Int.max, 10_000)] {
      let scene = Scene { $0.limits.maxRequestedInterval = .seconds(10) }
      let alice = scene.connectedClient()
      let poll = alice.connect(#","advice":{"timeout":0,"interval":\#(asked)}"#)
      #expect(poll.reply["advice"]?["interval"]?.int == granted)
      scene.pass(.milliseconds(granted + 30_000) - .nanoseconds(1))
      #expect(alice.isKnown)
      scene.pass(.nanoseconds(1))
      #expect(!alice.isKnown)
    }
  }

  @Test func subscriptionsOfASession() {
    let scene = Scene { $0.limits.maxSubscriptionsPerSession = 3 }
    let alice = scene.connectedClient(user: "alice")
    for channel in ["/1", "/2", "/3"] { #expect(alice.subscribe(channel).isSuccessful) }
    #expect(alice.subscribe("/4").error == "403:too_many_subscriptions:subscribe_denied")
    #expect(alice.subscribe("/3").isSuccessful, "subscribing twice is one subscription")
    #expect(alice.subscribe("/_genesys").isSuccessful && alice.subscribe("/service/x").isSuccessful)
    alice.unsubscribe("/1")
    #expect(alice.subscribe("/4").isSuccessful)
    #expect(scene.connectedClient().subscribe("/1").isSuccessful, "the limit is each session's own")
  }

  @Test(arguments: [1, 2, 5])
  func messagesThatWaitForASession(_ limit: Int) throws {
    let scene = Scene { $0.limits.maxQueueMessages = limit }
    let (alice, bob) = (scene.connectedClient(), scene.connectedClient())
    alice.subscribe("/a")
    for number in 0..<limit { bob.publish("/a", "\(number)") }
    #expect(alice.isKnown && scene.counters.waiting == limit)
    #expect(alice.connect().data.count == limit)
    for number in 0...limit { bob.publish("/a", "\(number)") }
    #expect(!alice.isKnown && bob.isKnown)
    #expect(scene.counters.sessionsOverflowed == 1 && scene.counters.discardedOverflow == limit + 1)
    #expect(alice.connect().reconnect == "handshake")
    #expect(scene.channelCount == 0)
  }

  @Test func bytesThatWaitForASession() throws {
    let bytes = #"{"data":1,"channel":"/a"}"#.utf8.count
    for (data, survives) in [("1", true), ("12", true), ("123", false)] {
      let scene = Scene { $0.limits.maxQueueBytes = 2 * bytes + 1 }
      let alice = scene.connectedClient()
      alice.subscribe("/a")
      try scene.publish("/a", "1")
      try scene.publish("/a", data)
      #expect(alice.isKnown == survives, "\(data)")
    }
  }

  /// A held session is answered at the end of the turn; what comes in one turn beyond the bound ends it all the same, and
  /// its client is told to come back, and then to shake hands again.
  @Test func flood() {
    let scene = Scene { $0.limits.maxQueueMessages = 3 }
    let alice = scene.connectedClient(user: "alice")
    alice.subscribe("/_genesys")
    let poll = alice.connect(#","id":"4""#)
    scene.runsByItself = false
    for number in 0..<4 { scene.deliver("\(number)", to: "alice") }
    scene.endTurn()
    #expect(
      poll.text
        == #"[{"id":"4","successful":true,"advice":{"interval":0,"reconnect":"retry","timeout":60000},"#
        + #""channel":"/meta/connect"}]"#)
    scene.runsByItself = true
    #expect(alice.connect().reconnect == "handshake")
    alice.handshake()
    #expect(alice.subscribe("/_genesys").data == ["0", "1", "2", "3"], "what was the user's is kept")
  }

  @Test func queueThatShrankBeforeTheEndOfTheTurnIsForgiven() {
    let scene = Scene { $0.limits.maxQueueMessages = 2 }
    let (alice, bob) = (scene.connectedClient(), scene.connectedClient())
    alice.subscribe("/a")
    scene.runsByItself = false
    for number in 0..<3 { bob.publish("/a", "\(number)") }
    #expect(alice.connect().data == ["0", "1", "2"])
    scene.endTurn()
    #expect(alice.isKnown && scene.counters.sessionsOverflowed == 0)
  }

  @Test func bytesOfAResponse() {
    let bytes = #"{"data":1,"channel":"/a"},"#.utf8.count
    for (limit, expected) in [(2 * bytes - 1, 2), (2 * bytes, 2), (2 * bytes + 1, 3)] {
      let scene = Scene { $0.limits.maxResponseBytes = limit }
      let (alice, bob) = (scene.connectedClient(), scene.connectedClient())
      alice.subscribe("/a")
      let poll = alice.connect()
      scene.runsByItself = false
      for number in 1...5 { bob.publish("/a", "\(number)") }
      scene.endTurn()
      #expect(poll.data == (1...expected).map(String.init))
      #expect(
        alice.connect().data.first == "\(expected + 1)", "the rest waits for the next connect, which returns at once")
    }
  }

  @Test func sessionsOfAShard() {
    let scene = Scene { $0.limits.maxSessions = 3 }
    let clients = (0..<3).map { _ in scene.connectedClient() }
    let further = scene.client()
    #expect(further.handshake().error == "403::handshake_failed" && scene.sessionCount == 3)
    clients[1].disconnect()
    #expect(further.handshake().isSuccessful && scene.sessionCount == 3)
  }

  @Test func defaultsAreThoseOfTheDesign() {
    let options = BayeuxOptions()
    #expect(
      options.timeout == .seconds(60) && options.earlyAnswer == .seconds(5) && options.maxInterval == .seconds(30))
    #expect(options.interval == .zero && options.duplicateMetaConnectHttpResponseCode == 500)
    #expect(!options.requiresUser && options.requiresUserOnEveryRequest && options.queuePolicy == .endSession)
    #expect(options.rules.isEmpty && RequestOrigin().opensChannels && RequestOrigin().address == 0)
    #expect(options.limits.maxPublishesPerSecond == nil)
    #expect(options.limits.maxQueueMessages == 10_000 && options.limits.maxQueueBytes == 8 << 20)
    #expect(options.limits.maxDepth == 60)
  }
}

extension Exchange.Outcome {
  fileprivate func isRefused(for reason: String) -> Bool {
    if case .refused(.notJSON(let fault)) = self { fault.reason == reason } else { false }
  }
}
