// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import ChatService
import Testing

/// The dialogues of the product's documents, played word for word.
///
/// Left out are `request-chat-poll`, `status`, `internal-poke` and `chat-immediate`, which this version does not offer.
@Suite(.timeLimit(.minutes(2))) struct TranscriptTests {
  @Test func theCometDialogue() async throws {
    try await withBroker { broker in try Dialogue(CometTranscript.text).play(against: broker) }
  }

  @Test func theQuickStart() async throws {
    try await withBroker({ $0.bayeux.options.timeout = .milliseconds(600) }) { broker in
      try Dialogue(QuickStartTranscript.text).play(against: broker)
    }
  }

  @Test func thePollDialogue() async throws {
    try await withBroker { broker in try Dialogue(PollTranscript.text).play(against: broker) }
  }

  @Test(arguments: [1, 2, 4])
  func theyAreTheSameOnManyShards(_ shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      try Dialogue(CometTranscript.text).play(against: broker)
      try Dialogue(PollTranscript.text).play(against: broker)
    }
  }

  /// The document shows these bodies in the place of the chat object; clients of live systems need the object.
  @Test(arguments: [
    (CometReply.message, #"{"message":"Messages will sent over CometD service channel \/_genesys"}"#),
    (CometReply.channel, #"{"_id":"‹service›","comet_channel":"/_genesys"}"#),
  ])
  func theShortRepliesOfTheDocumentAreAnOption(_ style: CometReply, _ body: String) async throws {
    try await withBroker({ $0.gms.chat.cometReply = style }) { broker in
      try Dialogue(
        """
        app> POST /genesys/1/service/request-chat
        app> gms_user: BuzzBrain
        app>
        app< 200
        app<
        app< {"_id":"‹service›"}

        app> POST /genesys/1/service/‹service›/ixn/chat
        app> Content-Type: application/x-www-form-urlencoded; charset=UTF-8
        app> gms_user: BuzzBrain
        app>
        app> _verbose=true&notify_by=comet&firstName=Buzz&lastName=Brain&subject=French&email=b.b%40gmail.com
        app< 200
        app< Content-Type: application/json;charset=UTF-8
        app<
        app< \(body)

        app> POST /genesys/1/service/‹service›/ixn/chat/refresh
        app> Content-Type: application/x-www-form-urlencoded; charset=UTF-8
        app>
        app> _verbose=true&message=hello+agent
        app< 200
        app<
        app< \(body)
        """
      ).play(against: broker)
    }
  }

  // MARK: the player itself

  @Test(arguments: [
    ("{\"a\":\"‹client›\"}", "{\"a\":\"short\"}"), ("{\"a\":1}", "{\"a\":2}"), ("{\"a\":1}", "{\"a\":1,\"b\":2}"),
    ("{\"a\":1,\"b\":2}", "{\"a\":1}"), ("[1,2]", "[1]"), ("[\"‹number›\",\"‹number›\"]", "[\"1\",\"2\"]"),
    ("\"x‹number›y\"", "\"x1z\""),
    ("\"1\"", "1"), ("[]", "{}"), ("[[\"a\"]]", "[[\"b\"]]"), ("\"‹nobody knows›\"", "\"x\""),
  ])
  func aDifferenceIsFound(_ template: String, _ value: String) throws {
    var known: [String: String] = [:]
    let template = try JSONValue(parsing: template)
    let value = try JSONValue(parsing: value)
    #expect(Placeholder.difference(template, value, at: "", &known) != nil)
  }

  @Test func whatIsMeantIsFound() throws {
    var known: [String: String] = [:]
    let template = try JSONValue(parsing: #"{"b":["x‹number›y‹number*›","‹number›"],"a":{}}"#)
    let value = try JSONValue(parsing: #"{"a":{},"b":["x12y5","12"]}"#)
    #expect(Placeholder.difference(template, value, at: "", &known) == nil)
    #expect(known == ["number": "12"])
    #expect(try Placeholder.filled("/‹number›/x", known) == "/12/x")
  }
}
