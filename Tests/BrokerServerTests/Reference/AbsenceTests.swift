// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import Testing

/// Section 3.5: an app that goes away and comes back. More of it in `BacklogTests` and `StorePositionTests`.
@Suite("Rules 3.5: apps that go away and come back", .timeLimit(.minutes(2))) struct AbsenceTests {
  private func subscribe(_ client: BayeuxClient) throws -> [JSONValue] {
    try client.post([client.message("/meta/subscribe", ["subscription": "/_genesys"])]).messages
  }

  @Test("3.5: what was missed comes once, in order, and before what is live", arguments: [1, 4])
  func beforeWhatIsLive(_ shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      let id = try broker.cometChat(of: "anna")
      #expect(try broker.agent("join", id).status == 200)
      let admin = try broker.admin()
      func say(_ text: String) throws {
        let body: JSONValue = ["nickname": "Ada", "text": .string(text)]
        #expect(try admin.post("/agent/chats/\(id)/send", body.text).status == 200)
      }
      for index in 0..<30 { try say("missed \(index)") }
      let anna = try BayeuxClient(broker, user: "anna")
      let missed = try subscribe(anna)
      for index in 0..<5 { try say("live \(index)") }
      let live = try anna.events(5)
      #expect(missed.positions == Array(1...32) && missed.last?.isSuccessful == true)
      #expect(live.positions == Array(33...37))
      #expect(try anna.connect(["advice": ["timeout": 0]]).count == 1)
    }
  }

  @Test("3.5: two chats of one user, both are caught up with, each in its order")
  func twoChats() async throws {
    try await withBroker { broker in
      let ids = try (0..<2).map { _ in try broker.cometChat(of: "anna") }
      for _ in 0..<3 {
        for (index, id) in ids.enumerated() { _ = try broker.agent("join", id, ["nickname": .string("A\(index)")]) }
      }
      let missed = try subscribe(try BayeuxClient(broker, user: "anna"))
      for id in ids {
        let own = missed.filter { $0["data"]?["tag"]?.string == "service.chat.refresh.\(id)" }
        #expect(own.positions == [1, 2])
      }
    }
  }

  @Test("3.5: a phone that is silent without a word gets by its next session what the old one was not written")
  func silence() async throws {
    try await withBroker(shards: 2) { broker in
      let lost = try broker.listener("anna")
      let id = try broker.cometChat(of: "anna")
      #expect(try lost.events(1).positions == [1])
      try lost.hold()
      try broker.expect("connects_held", 1)
      lost.polls.reset()
      try broker.expect("connects_held", 0)
      #expect(try broker.agent("join", id).status == 200)
      #expect(try broker.metrics()["sessions"] == 1, "the old session still lives")
      let again = try BayeuxClient(broker, user: "anna")
      let missed = try subscribe(again)
      #expect(missed.positions.last == 2 && Set(missed.positions).count == missed.positions.count)
      #expect(try broker.agent("send", id, ["nickname": "Ada", "text": "hi"]).status == 200)
      #expect(try again.events(1).positions == [3])
    }
  }
}
