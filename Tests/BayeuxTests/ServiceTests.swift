// SPDX-License-Identifier: Apache-2.0
import Bytes
import Synchronization
import Testing

@testable import Bayeux

/// Handlers behind `/service/<name>`.
struct ServiceTests {
  /// Answers at once with `at once`, keeps the way back, and notes the call.
  private final class Desk: ServiceHandler {
    private let state = Mutex<(calls: [ServiceCall], ways: [ServiceAnswers])>(([], []))
    var calls: [ServiceCall] { state.withLock { $0.calls } }
    let channel: String?

    init(answersOn channel: String?) { self.channel = channel }

    func handle(_ call: ServiceCall, answers: ServiceAnswers) -> [ServiceMessage] {
      state.withLock {
        $0.calls.append(call)
        $0.ways.append(answers)
      }
      return channel.flatMap { ServiceMessage(channel: $0, data: ["at once", "for you"]) }.map { [$0] } ?? []
    }

    func answer(_ text: String, call index: Int) {
      let way = state.withLock { $0.ways[index] }
      way.send([ServiceMessage(channel: "/service/desk", data: .string(text))].compactMap { $0 })
    }
  }

  private final class Post: Sendable {
    let letters = Mutex<[(ClientID, [ServiceMessage])]>([])
  }

  private func scene(_ desk: Desk, _ post: Post = Post(), shards: Int = 1) -> Scene {
    var additions = BrokerAdditions()
    additions.services["desk"] = desk
    additions.post = { id, messages in post.letters.withLock { $0.append((id, messages)) } }
    return Scene(shards: shards, additions: additions)
  }

  @Test func anAnswerAtOnceRidesInFrontOfTheReply() {
    let desk = Desk(answersOn: "/service/desk")
    let alice = scene(desk).connectedClient(user: "alice")
    let answer = alice.publish("/service/desk", #"{"n" : 1.0}"#)
    #expect(
      answer.text == #"[{"data":["at once","for you"],"channel":"/service/desk"},"#
        + #"{"successful":true,"channel":"/service/desk"}]"#)
    let call = ServiceCall(
      clientID: alice.clientID, user: "alice", channel: "/service/desk", data: Payload(#"{"n" : 1.0}"#))
    #expect(desk.calls == [call])
    #expect(alice.send(#"{"channel":"/service/desk","clientId":"$ID"}"#).isSuccessful)
    #expect(desk.calls.map(\.data.text) == [#"{"n" : 1.0}"#, "null"])
  }

  @Test func aLaterAnswerWakesTheHeldConnect() throws {
    let (desk, post) = (Desk(answersOn: nil), Post())
    let scene = scene(desk, post, shards: 2)
    let alice = scene.connectedClient(on: 1)
    #expect(alice.publish("/service/desk").messages.count == 1)
    let held = alice.connect()
    desk.answer("later", call: 0)
    let (id, messages) = try #require(post.letters.withLock { $0.first })
    #expect(id.text == alice.clientID && id.shard == 1)
    let broker = scene.shards[1]
    #expect(broker.deliver(messages, to: id, now: scene.now))
    scene.endTurn()
    #expect(held.data == [#""later""#])
    alice.disconnect()
    #expect(!broker.deliver(messages, to: id, now: scene.now), "it is gone")
    #expect(scene.counters.imbalance == 0)
  }

  @Test(arguments: ["/service/other", "/service/desk/more", "/service"])
  func withoutAHandlerItSucceedsAndGoesNowhere(channel: String) {
    let desk = Desk(answersOn: "/service/desk")
    let scene = scene(desk)
    let bob = scene.connectedClient()
    bob.subscribe("/**")
    #expect(bob.subscribe("/service/**").isSuccessful)
    let alice = scene.connectedClient()
    #expect(alice.publish(channel).messages.count == 1)
    #expect(alice.publish(channel).isSuccessful)
    #expect(desk.calls.isEmpty && bob.connect().isWaiting)
    #expect(alice.publish("/service/*").error == "405::channel_invalid")
  }

  @Test func nobodyElseSeesTheAnswer() {
    let scene = scene(Desk(answersOn: "/news"))
    let bob = scene.connectedClient()
    bob.subscribe("/news")
    #expect(scene.connectedClient().publish("/service/desk").events.map { $0["channel"] } == ["/news"])
    #expect(bob.connect().isWaiting)
    #expect(scene.send(#"{"channel":"/service/desk","clientId":"x"}"#).error == "402::session_unknown")
  }

  @Test(arguments: ["/meta/connect", "/a/*", "/**", "a", ""]) func aServiceAnswersOnARealChannel(channel: String) {
    #expect(ServiceMessage(channel: channel, data: 1) == nil)
  }

  @Test(arguments: ["", "{", "1 2", "x", #"{"a":1,}"#]) func aServiceAnswersInJSON(text: String) {
    #expect(ServiceMessage(channel: "/a", data: Payload(text)) == nil)
  }
}

extension Scene.Shard {
  fileprivate func deliver(_ messages: [ServiceMessage], to id: ClientID, now: Instant) -> Bool {
    broker.deliver(messages, to: id, now: now)
  }
}
