// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import ChatService
import Testing

/// What happens to a loop all at once: a test stops it, prepares, and lets it go on.
@Suite(.timeLimit(.minutes(2))) struct TurnTests {
  /// An answer that finds its connection closed must leave nothing behind for the next one.
  @Test func theAnswerOfAClosedConnectionDoesNotReachAnotherClient() async throws {
    let loop = LoopStopper()
    try await withBroker(verifier: loop) { broker in
      let gone = try BayeuxClient(broker)
      let other = try BayeuxClient(broker)
      let publisher = try BayeuxClient(broker)
      try other.subscribe("/a")
      try gone.hold(["id": "gone"])
      try other.hold(["id": "other"])
      try broker.expect("connects_held", 2)
      try loop.stop(by: try broker.client())
      try gone.main.send(gone.main.text("POST", BayeuxClient.path, gone.message("/meta/disconnect").text))
      gone.polls.reset()
      try publisher.main.send(
        publisher.main.text("POST", BayeuxClient.path, publisher.message("/a", ["data": 1]).text))
      loop.goOn()
      #expect(
        try other.held().text
          == #"[{"data":1,"channel":"/a"},{"id":"other","successful":true,"channel":"/meta/connect"}]"#)
      #expect(try gone.main.response().messages.first?.isSuccessful == true)
    }
  }

  @Test func anEventAndAHangUpInOneTurnLoseNothing() async throws {
    let loop = LoopStopper()
    try await withBroker(verifier: loop) { broker in
      let vasya = try broker.listener("vasya")
      try vasya.hold()
      try broker.expect("connects_held", 1)
      let admin = try broker.admin()
      _ = try admin.get("/healthz")
      try loop.stop(by: try broker.client())
      let order: JSONValue = ["user": "vasya", "tag": "t", "message": "kept"]
      try admin.send(admin.text("POST", "/publish", order.text))
      vasya.polls.reset()
      loop.goOn()
      #expect(try admin.response().json["sessions"] == 1)
      let messages = try vasya.post([vasya.message("/meta/connect")]).messages
      #expect(messages.first?["data"]?["message"] == "kept")
    }
  }

  /// Bytes that come in the turn in which an earlier request of their connection is answered stay behind those that
  /// came before them.
  @Test func whatComesTogetherWithAnAnswerKeepsItsPlace() async throws {
    let loop = LoopStopper()
    let backend = GatedBackend()
    let services = ["request-chat": ChatServiceDefinition(), GatedBackend.slowToCreate: ChatServiceDefinition()]
    try await withBroker(shards: 2, { $0.gms.chat.services = services }, backend: backend, verifier: loop) { broker in
      let publisher = try BayeuxClient(broker, on: 1)
      let stopper = try BayeuxClient(broker, on: 1)
      let elsewhere = try BayeuxClient(broker, on: 0).main
      let line = publisher.main
      func send(id: JSONValue) throws {
        try line.send(line.text("POST", BayeuxClient.path, publisher.message("/a", ["id": id, "data": 1]).text))
      }
      try line.send(line.text("POST", "/genesys/1/service/\(GatedBackend.slowToCreate)", ""))
      #expect(backend.isAsked.wait())
      try send(id: "1")
      // The loop looks twice, so that the kernel has put the line behind what becomes ready later.
      for _ in 0..<2 { _ = try stopper.publish("/b", 1) }
      try loop.stop(by: stopper.main)
      backend.mayAnswer.open()
      // The answer is on its way through the same hands as these, and ahead of them.
      for _ in 0..<50 { #expect(try elsewhere.post("/genesys/1/service/request-chat", "").status == 200) }
      try send(id: "2")
      loop.goOn()
      #expect(try line.response().json["_id"]?.string != nil)
      #expect(try line.response().messages.first?["id"] == "1")
      #expect(try line.response().messages.first?["id"] == "2")
    }
  }

  /// Nothing else wakes that loop: the message must not wait for it.
  @Test func whatIsPublishedBehindAHeldConnectReachesOtherShardsAtOnce() async throws {
    try await withBroker(shards: 2) { broker in
      let publisher = try BayeuxClient(broker, on: 0)
      let reader = try BayeuxClient(broker, on: 1)
      try publisher.subscribe("/wake")
      try reader.subscribe("/a")
      let line = publisher.polls
      try publisher.hold()
      try line.send(line.text("POST", BayeuxClient.path, publisher.message("/a", ["id": "behind", "data": 1]).text))
      try reader.hold()
      try broker.expect("connects_held", 2)
      // Published on the other shard, so that nothing of it is left to do on this one.
      _ = try reader.publish("/wake", 1)
      #expect(try publisher.held().messages.count == 2)
      #expect(try line.response().messages.first?["id"] == "behind")
      #expect(try reader.held().messages.first?["data"] == 1)
    }
  }

  @Test func aPublicationToThousandsDoesNotHoldUpALoop() async throws {
    try await withBroker { broker in
      // More than are answered in one turn.
      let readers = try (0..<700).map { _ in try BayeuxClient(broker) }
      for reader in readers {
        try reader.subscribe("/a")
        try reader.hold()
      }
      try broker.expect("connects_held", 700)
      #expect(try broker.publish(on: "/a", 1) == 700)
      #expect(try broker.publish(on: "/a", 2) == 700)
      for reader in readers {
        var numbers = try reader.held().messages.compactMap { $0["data"]?.int }
        if numbers.count == 1 { numbers += try reader.connect().compactMap { $0["data"]?.int } }
        #expect(numbers == [1, 2])
      }
    }
  }
}
