// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import Testing

/// `ext.transcriptPosition` of a disconnect (`genesys.md` 3.5, 5.10 rule 12).
@Suite(.timeLimit(.minutes(2))) struct StorePositionTests {
  @Test(
    "3.5: after a disconnect at ext.transcriptPosition the rest arrives once", arguments: [JSONValue.number("4"), "4"])
  func afterADisconnectAtAPositionTheRestArrivesOnce(_ position: JSONValue) async throws {
    let directory = KeptDirectory()
    try await directory.withBroker { broker in
      let id = try broker.cometChat(of: "anna")
      let anna = try broker.listener("anna")
      for verb in [("join", ""), ("send", "a"), ("send", "b")] {
        #expect(try broker.agent(verb.0, id, ["nickname": "Ada", "text": .string(verb.1)]).status == 200)
      }
      // Nothing of it was fetched; the app saw it in other ways.
      let reply = try anna.call("/meta/disconnect", ["ext": ["transcriptPosition": position]])
      #expect(reply.isSuccessful)
      for text in ["c", "d", "e"] {
        #expect(try broker.agent("send", id, ["nickname": "Ada", "text": .string(text)]).status == 200)
      }
      let again = try BayeuxClient(broker, user: "anna")
      let messages = try again.post([again.message("/meta/subscribe", ["subscription": "/_genesys"])]).messages
      #expect(messages.positions == [5, 6, 7])
      try broker.expect("store_messages", 0)
    }
  }

  /// After a restart the session is unknown, and another shard than the user's may be asked.
  @Test func aPositionCountsThoughTheSessionIsGone() async throws {
    let directory = KeptDirectory()
    var old: [JSONValue] = []
    try await directory.withBroker { broker in
      let id = try broker.cometChat(of: "anna")
      old = try (0..<4).map { _ in
        try BayeuxClient(broker).message("/meta/disconnect", ["ext": ["transcriptPosition": "3"]])
      }
      for verb in ["join", "send", "send"] {
        #expect(try broker.agent(verb, id, ["nickname": "Ada", "text": "a"]).status == 200)
      }
    }
    let disconnects = old
    try await directory.withBroker { broker in
      for disconnect in disconnects {
        let reply = try broker.client().call("POST", BayeuxClient.path, disconnect.text, ["gms_user: anna"])
        #expect(reply.messages.last?.isSuccessful == true)
      }
      try broker.expect("store_messages", 1)
      let again = try BayeuxClient(broker, user: "anna")
      let messages = try again.post([again.message("/meta/subscribe", ["subscription": "/_genesys"])]).messages
      #expect(messages.positions == [4])
    }
  }

  @Test func aPositionIsOfTheLatestChatAlone() async throws {
    try await withBroker { broker in
      let (first, second) = (try broker.cometChat(of: "anna"), try broker.cometChat(of: "anna"))
      for id in [first, second] { #expect(try broker.agent("join", id).status == 200) }
      let anna = try BayeuxClient(broker, user: "anna")
      #expect(try anna.call("/meta/disconnect", ["ext": ["transcriptPosition": 2]]).isSuccessful)
      let again = try BayeuxClient(broker, user: "anna")
      let messages = try again.post([again.message("/meta/subscribe", ["subscription": "/_genesys"])]).messages
      #expect(messages.dropLast().allSatisfy { $0["data"]?["tag"]?.string == "service.chat.refresh.\(first)" })
      #expect(messages.positions == [1, 2])
    }
  }
}
