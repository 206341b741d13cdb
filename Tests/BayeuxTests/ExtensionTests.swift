// SPDX-License-Identifier: Apache-2.0
import Bytes
import Synchronization
import Testing

@testable import Bayeux

/// What extensions see, in which order, and what becomes of what they drop.
struct ExtensionTests {
  @Test func incomingInOrderAndOutgoingReversed() {
    let scene = Scene(additions: .extensions(ScriptedExtension.named("a"), ScriptedExtension.named("b")))
    let alice = scene.client()
    #expect(alice.handshake().reply["ext"]?["trail"] == "ba")
    #expect(alice.connect().reply["ext"]?["trail"] == "ba")
    alice.subscribe("/x")
    let answer = alice.publish("/x")
    #expect(answer.events[0]["ext"]?["trail"] == "abba", "in with the publish, out with the event")
    #expect(answer.reply["ext"]?["trail"] == "ba")
  }

  @Test(arguments: ["/meta/handshake", "/meta/connect", "/meta/subscribe", "/meta/disconnect", "/x", "/service/x"])
  func whatIsVetoedIsAnsweredWith404(channel: String) {
    let scene = Scene(additions: .extensions(ScriptedExtension.refusing(channel)))
    let alice = scene.client()
    let handshake = alice.handshake()
    guard channel != "/meta/handshake" else {
      #expect(handshake.text == #"[{"successful":false,"error":"404::message_deleted","channel":"/meta/handshake"}]"#)
      #expect(scene.sessionCount == 0 && scene.counters.handshakesRefused == 1)
      return
    }
    let text = #"{"channel":"\#(channel)","id":"7","clientId":"$ID","data":1}"#
    let error = #"[{"id":"7","successful":false,"error":"404::message_deleted","channel":"\#(channel)"}]"#
    #expect(alice.send(text).text == error)
    #expect(scene.counters.refusals == 1 && scene.counters.publishes == 0)
    #expect(alice.isKnown)
  }

  @Test func othersOfTheBatchAreNotTouchedByAVeto() {
    let scene = Scene(additions: .extensions(ScriptedExtension.refusing("/b")))
    let alice = scene.connectedClient()
    alice.subscribe("/**")
    let messages = ["/a", "/b", "/c"].map { #"{"channel":"\#($0)","clientId":"$ID","data":1}"# }
    let answer = alice.send("[\(messages.joined(separator: ","))]")
    #expect(answer.replies.map { $0["successful"] } == [true, false, true])
    #expect(answer.events.map { $0["channel"] } == ["/a", "/c"])
  }

  /// The grammar comes before the extensions: an error of the client is told as such.
  @Test func aMessageWithoutChannelIsToldSo() {
    let scene = Scene(additions: .extensions(ScriptedExtension(onIncoming: { _, _ in false })))
    #expect(scene.connectedClient().send("{}").error == "400::channel_missing")
  }

  @Test func aDroppedEventReachesNobodyAndAReplyThatIsDroppedIsLeftOut() {
    let scene = Scene(
      additions: .extensions(
        ScriptedExtension(
          onOutgoing: { message, _ in message["data"] != "secret" && message["id"] != "silent" },
          onOutgoingMeta: { message, _ in message["id"] != "silent" })))
    let alice = scene.connectedClient()
    alice.subscribe("/a")
    #expect(alice.publish("/a", #""secret""#).text == #"[{"successful":true,"channel":"/a"}]"#)
    let publish = #"{"channel":"/a","clientId":"$ID","id":"silent","data":1}"#
    #expect(alice.send(publish).text == #"[{"data":1,"channel":"/a"}]"#)
    let batch = alice.send(
      #"[{"channel":"/meta/unsubscribe","subscription":"/a","clientId":"$ID","id":"silent"},\#(publish)]"#)
    #expect(batch.text == "[]")
    let held = alice.connect(#","id":"silent""#)
    #expect(held.isWaiting)
    scene.pass(.seconds(56))
    #expect(held.text == "[]")
    #expect(scene.counters.imbalance == 0)
  }

  /// A publish that has to be kept is answered later, and shown like any other.
  @Test func aPublishToADurableChannelIsShownToo() throws {
    let marks = ScriptedExtension(
      onOutgoing: { message, _ in
        message["mark"] = message["successful"] == nil ? "event" : "reply"
        return message["data"] != "secret" && message["id"] != "silent"
      })
    let scene = Scene(additions: .extensions(marks)) { options in
      if let rules = try? ChannelRules([.durable("/d")]) { options.rules = rules }
    }
    let alice = scene.connectedClient()
    alice.subscribe("/d", from: "-1")
    let answer = alice.publish("/d", #"{"n":1}"#)
    #expect(answer.events.map { $0["mark"] } == ["event"] && answer.events.replayIDs == [1])
    #expect(answer.reply["mark"] == "reply")
    #expect(alice.publish("/d", #""secret""#).messages.count == 1 && scene.kept.count == 1)
    #expect(alice.send(#"{"channel":"/d","clientId":"$ID","id":"silent","data":{"n":2}}"#).events.ns == [2])
    alice.unsubscribe("/d")
    #expect(alice.send(#"{"channel":"/d","clientId":"$ID","id":"silent","data":{"n":3}}"#).text == "[]")
  }

  /// What nobody changes stays the bytes that came, numbers, escapes, blanks and all; binary data (Z85) among them.
  @Test(arguments: [
    #"{"n":1.50e+3, "s":"\u00e9\/","x":[ ]}"#, #""""#, "0", "false", "null",
    #"{"data":"HelloWorld","last":true,"meta":{"name":"a.bin"}}"#,
  ])
  func dataPassesUntouched(data: String) {
    let binary = #"{"binary":{}}"#
    for additions in [BrokerAdditions(), .extensions(ScriptedExtension()), .extensions(ScriptedExtension.named("t"))] {
      let scene = Scene(additions: additions)
      let bob = scene.connectedClient()
      bob.subscribe("/a")
      let held = bob.connect()
      scene.connectedClient().send(#"{"channel":"/a","clientId":"$ID","data":\#(data),"ext":\#(binary)}"#)
      let alice = scene.connectedClient()
      alice.send(#"{"channel":"/a","clientId":"$ID","data":\#(data),"ext":\#(binary)}"#)
      #expect(held.text.hasPrefix(#"[{"data":\#(data),"channel":"/a","ext":{"binary":{}"#), "\(held.text)")
    }
  }

  /// With extensions that change nothing, every answer is the same bytes as without.
  @Test func anExtensionThatDoesNothingChangesNothing() {
    func run(_ additions: BrokerAdditions) -> [String] {
      let scene = Scene(seed: 5, additions: additions)
      let alice = scene.client(user: "alice")
      var texts = [alice.handshake(#","id":"1","ext":{"ack":true}"#), alice.connect(), alice.subscribe("/a")].map(
        \.text)
      texts.append(alice.send(#"{"channel":"/meta/subscribe","clientId":"$ID","subscription":["/b",],"id":3,}"#).text)
      let held = alice.connect(#","ext":{"ack":0},"advice":{"timeout":5}"#)
      texts.append(alice.publish("/b", #"{"a" : 1}"#).text)
      scene.deliver("[1]", to: "alice")
      texts.append(held.text)
      texts.append(alice.send(#"[{"channel":"/meta/nope","clientId":"$ID"},{}]"#).text)
      texts.append(alice.disconnect().text)
      texts.append(alice.connect().text)
      return texts
    }
    #expect(run(BrokerAdditions()) == run(.extensions(ScriptedExtension())))
  }

  /// Odd forms, refused or accepted, meet the same fate with extensions as without.
  @Test(arguments: [
    "", "[", "null", "[]", "[{},]", "[{},,{}]", "[{}", "{}{}", "[[]]", #"[{"channel":"/a"} {"channel":"/a"}]"#,
    #" [ { "channel" : "/a" , "clientId" : "$ID" , } , ] "#, #"{"ch\u0061nnel":"/a","clientId":"$ID","x":[1,],"x":2}"#,
    #"{"channel":"/a","channel":"/b"}"#, #"{"channel":"/a","clientId":"$ID","data":[1,]}"#,
    #"{"channel":"/a","clientId":"$ID","data":\#(String(repeating: "[", count: 59) + String(repeating: "]", count: 59))}"#,
    #"{"channel":"/a","clientId":"$ID","data":\#(String(repeating: "[", count: 60) + String(repeating: "]", count: 60))}"#,
    #"[{"channel":"/a","clientId":"$ID","data":\#(String(repeating: "[", count: 58) + String(repeating: "]", count: 58))}]"#,
    #"[{"channel":"/a","clientId":"$ID","data":\#(String(repeating: "[", count: 59) + String(repeating: "]", count: 59))}]"#,
  ])
  func oddRequestsMeetTheSameFate(text: String) {
    func run(_ additions: BrokerAdditions) -> Exchange.Outcome {
      let alice = Scene(seed: 5, additions: additions).connectedClient()
      alice.subscribe("/a")
      return alice.send(text).outcome
    }
    #expect(run(BrokerAdditions()) == run(.extensions(ScriptedExtension())))
  }

  @Test func anExtensionLearnsWhoSpeaksAndNotWhoPretendsTo() {
    let seen = Seen()
    let hook: ScriptedExtension.Hook = { message, context in
      seen.note("\(context.user ?? "-")\(context.clientID == nil ? "" : " with session")")
      return true
    }
    let scene = Scene(additions: .extensions(ScriptedExtension(onIncoming: hook, onIncomingMeta: hook)))
    let alice = scene.client(user: "alice")
    alice.handshake()
    alice.connect()
    alice.send(#"{"channel":"/meta/connect","clientId":"$ID"}"#, user: "mallory")
    scene.client().send(#"{"channel":"/a","data":1}"#)
    #expect(seen.texts == ["-", "alice with session", "-", "-"])
  }

  @Test func ofARequestThatIsHeldOnlyWhatBayeuxKnowsIsRemembered() {
    func message(_ members: [(String, Int)]) -> ExtensionMessage {
      ExtensionMessage(members: members.map { .init(name: $0.0, text: Array(repeating: 0x31, count: $0.1)) })
    }
    let most = BayeuxLimits.rememberedRequestBytes
    #expect(message([("channel", 20), ("junk", 5), ("ext", 30)]).remembered.names == ["channel", "ext"])
    for (count, isKept) in [(most - 21, true), (most - 20, true), (most - 19, false)] {
      let remembered = message([("channel", 20), ("ext", count)]).remembered
      #expect(remembered.names == (isKept ? ["channel", "ext"] : ["channel"]))
    }
  }

  /// The reply of a held connect is shown with the request that it answers.
  @Test func aHeldConnectIsAnsweredWithItsRequestInHand() {
    let scene = Scene(
      additions: .extensions(
        ScriptedExtension(
          onIncomingMeta: { message, _ in
            message[ext: "mark"] = 1
            return true
          },
          onOutgoingMeta: { message, context in
            message[ext: "echo"] = context.request?[ext: "tag"]
            message[ext: "mark"] = context.request?[ext: "mark"]
            return true
          })))
    let alice = scene.connectedClient()
    let held = alice.connect(#","ext":{"tag":"x"}"#)
    scene.pass(.seconds(56))
    #expect(held.reply["ext"] == ["echo": "x", "mark": 1])
    let overtaken = alice.connect(#","ext":{"tag":"y"}"#)
    #expect(alice.connect(#","ext":{"tag":"z"},"advice":{"timeout":0}"#).reply["ext"]?["echo"] == "z")
    #expect(overtaken.outcome == .status(500))
  }

  /// An extension may rewrite; what it writes is looked at as if the client had sent it.
  @Test func whatAnExtensionWritesIsCheckedLikeARequest() {
    let scene = Scene(
      additions: .extensions(
        ScriptedExtension(onIncoming: { message, _ in
          if message["data"] == "elsewhere" { message["channel"] = "/b" }
          if message["data"] == "nowhere" { message["channel"] = "no channel" }
          if message["data"] == "stolen" { message["clientId"] = nil }
          return true
        })))
    let alice = scene.connectedClient()
    alice.subscribe("/b")
    #expect(alice.publish("/a", #""elsewhere""#).events.map { $0["channel"] } == ["/b"])
    #expect(alice.publish("/a", #""nowhere""#).error == "405::channel_invalid")
    #expect(alice.publish("/a", #""stolen""#).error == "402::session_unknown")
  }
}

/// What an extension saw, in order.
final class Seen: Sendable {
  private let notes = Mutex<[String]>([])
  var texts: [String] { notes.withLock { $0 } }
  func note(_ text: String) { notes.withLock { $0.append(text) } }
}
