// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import Synchronization
import Testing

/// What restored sessions, services, extensions and users named by handshakes could open to a thief of a clientId, and do
/// not. ``StolenClientIDTests`` has the verbs that every broker knows.
@Suite(.timeLimit(.minutes(2))) struct StolenSessionTests {
  typealias Way = StolenClientIDTests.Way

  private func restore(_ id: String, _ more: [JSONValue.Member] = []) -> JSONValue {
    ["channel": "/meta/handshake", "ext": .object([.init("restore", ["clientId": .string(id)])] + more)]
  }

  /// Whether the session has lost nothing: not its queue, not its subscriptions, not the connect that it holds.
  private func expectUntouched(_ ann: BayeuxClient, _ broker: RunningBroker) throws {
    #expect(try broker.metrics()["connects_held"] == 1)
    #expect(try broker.metrics()["sessions_restored_total"] == 0)
    #expect(try broker.publish(to: "ann", "still here") == 1)
    #expect(try ann.held().messages.map { $0["data"]?["message"] } == ["still here", nil])
    #expect(try broker.publish(on: "/a", 1) == 1)
    #expect(try ann.events(1).map { $0["data"] } == [1])
  }

  @Test(arguments: Way.allCases, ["mallory", nil] as [String?])
  func nobodyElseRestoresASession(_ way: Way, _ user: String?) async throws {
    try await withBroker(
      shards: 2,
      {
        $0.bayeux.options.allowMessageDeliveryDuringHandshake = true
        $0.bayeux.options.requiresUserOnEveryRequest = false
      }
    ) { broker in
      let first = try broker.client().call(
        "POST", BayeuxClient.path, #"{"channel":"/meta/handshake"}"#, ["gms_user: ann"])
      let cookie = "Cookie: \(try #require(first["Set-Cookie"]?.split(separator: ";").first))"
      let ann = try BayeuxClient(broker, user: "ann", fields: [cookie])
      try ann.subscribe("/_genesys")
      try ann.subscribe("/a")
      try ann.hold()
      try broker.expect("connects_held", 1)
      // Not even from the browser of the session.
      for more in [[], [cookie]] {
        let replies = try StolenClientIDTests.send(restore(ann.id), by: way, as: user, more, to: broker)
        #expect(replies.count == 1, "no event comes along")
        #expect(replies[0].isSuccessful && replies[0]["ext"]?["restore"] == false && replies[0]["x-messages"] == 0)
        #expect(replies[0]["clientId"] != .string(ann.id))
      }
      try expectUntouched(ann, broker)
    }
  }

  /// A handshake that may name its user is that user's, and nobody else's.
  @Test(arguments: [1, 3]) func aNamedUserRestoresNothingOfOthers(shards: Int) async throws {
    try await withBroker(shards: shards, { $0.bayeux.options.takesUserFromHandshake = true }) { broker in
      let ann = try broker.listener("ann")
      try ann.subscribe("/a")
      try ann.hold()
      try broker.expect("connects_held", 1)
      let asMallory = restore(ann.id, [.init("gms_user", "mallory")])
      #expect(try SocketClient(broker).call(asMallory)[0]["ext"]?["restore"] == false)
      let asAnn = restore(ann.id, [.init("gms_user", "ann")])
      #expect(try SocketClient(broker, user: "mallory").call(asAnn)[0].error == "403::gms_user mismatch")
      let taken = try SocketClient(broker)
      #expect(try taken.call(asMallory)[0].isSuccessful)
      #expect(try taken.call(asAnn)[0].error == "403::gms_user mismatch")
      for channel in ["/meta/connect", "/meta/subscribe", "/meta/disconnect", "/b"] {
        let replies = try taken.call(ann.message(channel, ["subscription": "/b", "data": 1]))
        // The socket stays on its shard, where a session of another one is not known; to say goodbye to it is no error.
        let isFar = replies.map(\.error) == ["402::session_unknown"] || channel == "/meta/disconnect"
        #expect(replies.map(\.error) == ["403::gms_user mismatch"] || shards > 1 && isFar)
      }
      // Over HTTP the header alone counts.
      let reply = try broker.client().post(BayeuxClient.path, asAnn.text).messages[0]
      #expect(reply.isSuccessful && reply["ext"]?["restore"] == false)
      try expectUntouched(ann, broker)
    }
  }

  @Test func aRestoreBesideOtherMessagesTakesNoEffect() async throws {
    try await withBroker { broker in
      let ann = try broker.listener("ann")
      let batch: JSONValue = [restore(ann.id), ann.message("/meta/disconnect")]
      #expect(try broker.client().post(BayeuxClient.path, batch.text, "gms_user: ann").status == 400)
      #expect(try ann.subscribe("/a").isSuccessful)
    }
  }

  // MARK: services and extensions

  /// Notes who called, and tells the caller alone.
  private final class Desk: ServiceHandler {
    let callers = Mutex<[String]>([])

    func handle(_ call: ServiceCall, answers: ServiceAnswers) -> [ServiceMessage] {
      callers.withLock { $0.append("\(call.user ?? "-") \(call.clientID)") }
      let later = ServiceMessage(channel: "/_genesys", data: .string("later for \(call.user ?? "-")"))
      Task.detached { answers.send([later].compactMap { $0 }) }
      return [ServiceMessage(channel: "/_genesys", data: .string("for \(call.user ?? "-")"))].compactMap { $0 }
    }
  }

  @Test(arguments: Way.allCases, ["mallory", nil] as [String?])
  func aServiceHearsNobodyUnderAnothersName(_ way: Way, _ user: String?) async throws {
    let desk = Desk()
    try await withBroker(shards: 2, { $0.bayeux.services["desk"] = desk }) { broker in
      let ann = try broker.listener("ann")
      let replies = try StolenClientIDTests.send(
        ann.message("/service/desk", ["data": 1]), by: way, as: user, to: broker)
      #expect(replies.count == 1 && replies[0]["successful"] == false)
      #expect(desk.callers.withLock { $0.isEmpty })
      #expect(try broker.metrics()["service_calls_total"] == 0)
      let mallory = try BayeuxClient(broker, user: "mallory")
      #expect(try mallory.publish("/service/desk", 1).isSuccessful)
      #expect(try mallory.events(1).map { $0["data"] } == ["later for mallory"])
      #expect(desk.callers.withLock { $0 } == ["mallory \(mallory.id)"])
      #expect(try ann.connect(["advice": ["timeout": 0]]).count == 1, "nothing came for ann")
    }
  }

  /// Fills a clientId into requests that lack theirs, as a careless extension might.
  private struct Careless: Extension {
    let victim: @Sendable () -> String
    func incoming(_ message: inout ExtensionMessage, _ context: ExtensionContext) -> Bool {
      message["clientId"] = .string(victim())
      return true
    }
    func incomingMeta(_ message: inout ExtensionMessage, _ context: ExtensionContext) -> Bool {
      message.channel == "/meta/handshake" ? true : incoming(&message, context)
    }
  }

  /// The core asks who speaks after the extensions, so that no mistake of theirs opens a session.
  @Test func anExtensionOpensNoSessionOfAnotherUser() async throws {
    let victim = Victim()
    try await withBroker({ $0.bayeux.extensions = [Careless { victim.id.withLock { $0 } }] }) { broker in
      let ann = try BayeuxClient(broker, user: "ann", connects: false)
      victim.id.withLock { $0 = ann.id }
      try ann.subscribe("/_genesys")
      let line = try broker.client()
      for channel in ["/meta/connect", "/meta/subscribe", "/meta/disconnect", "/b", "/service/x"] {
        let message: JSONValue = ["channel": .string(channel), "subscription": "/b", "data": 1]
        let reply = try line.post(BayeuxClient.path, message.text, "gms_user: mallory").messages[0]
        #expect(reply.error == "403::gms_user mismatch")
      }
      #expect(try broker.publish(to: "ann", 1) == 1)
      #expect(try ann.connect().map { $0["data"]?["message"] } == [1, nil])
    }
  }

  private final class Victim: Sendable {
    let id = Mutex("")
  }
}
