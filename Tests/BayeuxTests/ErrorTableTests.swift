// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes
import Testing

/// Each row of the table of errors, produced by a request, with the exact reply that it causes.
struct ErrorTableTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let error: BayeuxError
    let request: String
    /// Without the opening and closing bracket.
    let reply: String
    var user = "alice"
    var configure: @Sendable (inout BayeuxOptions) -> Void = { _ in }
    var address: UInt64 = 0
    /// A channel that is published to before, with success.
    var before: String?
    var testDescription: String { "\(error)" }
  }

  static let rows: [Row] = [
    Row(
      error: .channelMissing, request: #"{"id":"1","clientId":"$ID"}"#,
      reply: #"{"id":"1","successful":false,"error":"400::channel_missing"}"#),
    Row(
      error: .channelInvalid, request: #"{"id":"1","clientId":"$ID","channel":"a?"}"#,
      reply: #"{"id":"1","successful":false,"error":"405::channel_invalid","channel":"a?"}"#),
    Row(
      error: .messageIDInvalid, request: #"{"id":{},"clientId":"$ID","channel":"/a"}"#,
      reply: #"{"successful":false,"error":"405::message_id_invalid","channel":"/a"}"#),
    Row(
      error: .sessionUnknown, request: #"{"id":"1","clientId":"00000000000000000000000000000000","channel":"/a"}"#,
      reply: #"{"id":"1","successful":false,"error":"402::session_unknown","#
        + #""advice":{"interval":0,"reconnect":"handshake"},"channel":"/a"}"#),
    Row(
      error: .userMismatch, request: #"{"id":"1","clientId":"$ID","channel":"/meta/connect"}"#,
      reply: #"{"id":"1","successful":false,"error":"403::gms_user mismatch","channel":"/meta/connect"}"#,
      user: "mallory"),
    Row(
      error: .handshakeDenied, request: #"{"id":"1","channel":"/meta/handshake"}"#,
      reply: #"{"id":"1","successful":false,"error":"403::handshake_denied","#
        + #""advice":{"interval":0,"reconnect":"none"},"channel":"/meta/handshake"}"#,
      configure: { $0.requiresUser = true }),
    Row(
      error: .handshakeFailed, request: #"{"id":"1","channel":"/meta/handshake"}"#,
      reply: #"{"id":"1","successful":false,"error":"403::handshake_failed","#
        + #""advice":{"interval":0,"reconnect":"retry"},"channel":"/meta/handshake"}"#,
      configure: { $0.limits.maxSessions = 2 }),
    Row(
      error: .tooManySessionsOfUser, request: #"{"id":"1","channel":"/meta/handshake"}"#,
      reply: #"{"id":"1","successful":false,"error":"403:too_many_sessions_of_user:handshake_failed","#
        + #""advice":{"interval":0,"reconnect":"retry"},"channel":"/meta/handshake"}"#,
      configure: { $0.limits.maxSessionsPerUser = 1 }),
    Row(
      error: .tooManySessionsOfAddress, request: #"{"id":"1","channel":"/meta/handshake"}"#,
      reply: #"{"id":"1","successful":false,"error":"403:too_many_sessions_of_address:handshake_failed","#
        + #""advice":{"interval":0,"reconnect":"retry"},"channel":"/meta/handshake"}"#,
      configure: { $0.limits.maxSessionsPerAddress = 0 }, address: 7),
    Row(
      error: .handshakesTooFast, request: #"{"id":"1","channel":"/meta/handshake"}"#,
      reply: #"{"id":"1","successful":false,"error":"429:too_many_handshakes:handshake_failed","#
        + #""advice":{"interval":0,"reconnect":"retry"},"channel":"/meta/handshake"}"#,
      configure: { $0.limits.maxHandshakesPerSecond = 0 }, address: 7),
    Row(
      error: .subscriptionMissing, request: #"{"id":"1","clientId":"$ID","channel":"/meta/subscribe"}"#,
      reply: #"{"id":"1","successful":false,"error":"403::subscription_missing","channel":"/meta/subscribe"}"#),
    Row(
      error: .subscriptionInvalid,
      request: #"{"id":"1","clientId":"$ID","channel":"/meta/subscribe","subscription":"a"}"#,
      reply: #"{"id":"1","subscription":"a","successful":false,"error":"403::subscription_invalid","#
        + #""channel":"/meta/subscribe"}"#),
    Row(
      error: .subscribeDenied,
      request: #"{"id":"1","clientId":"$ID","channel":"/meta/subscribe","subscription":"/meta/x"}"#,
      reply: #"{"id":"1","subscription":"/meta/x","successful":false,"#
        + #""error":"403:denied_by_security_policy:subscribe_denied","channel":"/meta/subscribe"}"#),
    Row(
      error: .genesysNeedsUser,
      request: #"{"id":"1","clientId":"$ANONYMOUS","channel":"/meta/subscribe","subscription":"/_genesys"}"#,
      reply: #"{"id":"1","subscription":"/_genesys","successful":false,"#
        + #""error":"403:/_genesys:gms_user required","channel":"/meta/subscribe"}"#),
    Row(
      error: .tooManySubscriptions,
      request: #"{"id":"1","clientId":"$ID","channel":"/meta/subscribe","subscription":"/c"}"#,
      reply: #"{"id":"1","subscription":"/c","successful":false,"#
        + #""error":"403:too_many_subscriptions:subscribe_denied","channel":"/meta/subscribe"}"#,
      configure: { $0.limits.maxSubscriptionsPerSession = 1 }),
    Row(
      error: .createDenied,
      request: #"{"id":"1","clientId":"$ID","channel":"/meta/subscribe","subscription":"/c"}"#,
      reply: #"{"id":"1","subscription":"/c","successful":false,"#
        + #""error":"403:denied_by_security_policy:create_denied","channel":"/meta/subscribe"}"#,
      configure: { $0.rules = rules("/c") { $0.create = .nobody } }),
    Row(
      error: .messageTooLarge, request: #"{"id":"1","clientId":"$ID","channel":"/c","data":"12"}"#,
      reply: #"{"id":"1","successful":false,"error":"413:message_too_large:publish_denied","channel":"/c"}"#,
      configure: { $0.rules = rules("/c") { $0.maxMessageBytes = 3 } }),
    Row(
      error: .publishesTooFast, request: #"{"id":"1","clientId":"$ID","channel":"/c","data":1}"#,
      reply: #"{"id":"1","successful":false,"error":"429:too_many_messages:publish_denied","channel":"/c"}"#,
      configure: { $0.limits.maxPublishesPerSecond = 0 }),
    Row(
      error: .channelTooFast, request: #"{"id":"1","clientId":"$ID","channel":"/c","data":1}"#,
      reply: #"{"id":"1","successful":false,"error":"429:channel_too_busy:publish_denied","channel":"/c"}"#,
      configure: { $0.rules = rules("/c") { $0.maxMessagesPerSecond = 1 } }, before: "/c"),
    Row(
      error: .channelCreateDenied, request: #"{"id":"1","clientId":"$ID","channel":"/meta/x"}"#,
      reply: #"{"id":"1","successful":false,"error":"403:denied_by_security_policy:channel_create_denied","#
        + #""channel":"/meta/x"}"#),
    Row(
      error: .publishDenied, request: #"{"id":"1","clientId":"$ID","channel":"/_genesys","data":1}"#,
      reply: #"{"id":"1","successful":false,"error":"403:denied_by_security_policy:publish_denied","#
        + #""channel":"/_genesys"}"#),
    Row(
      error: .publishNotKept, request: #"{"id":"1","clientId":"$ID","channel":"/d","data":1}"#,
      reply: #"{"id":"1","successful":false,"error":"507::not_stored","channel":"/d"}"#,
      configure: {
        $0.rules = everything
        $0.limits.maxUnkeptPublishes = 0
      }),
    Row(
      error: .replayIDInvalid,
      request:
        #"{"id":"1","clientId":"$ID","channel":"/meta/subscribe","subscription":"/d","ext":{"replay":{"/d":-3}}}"#,
      reply: #"{"id":"1","subscription":"/d","successful":false,"error":"400::replay_id_invalid","#
        + #""channel":"/meta/subscribe"}"#,
      configure: { $0.rules = everything }),
    Row(
      error: .replayOutOfWindow,
      request:
        #"{"id":"1","clientId":"$ID","channel":"/meta/subscribe","subscription":"/d","ext":{"replay":{"/d":9}}}"#,
      reply: #"{"id":"1","subscription":"/d","successful":false,"error":"400::replay_id_out_of_window","#
        + #""channel":"/meta/subscribe"}"#,
      configure: {
        $0.rules = everything
        $0.replayOutOfWindow = .error
      }),
  ]

  private static let everything = (try? ChannelRules([.durable("/**")])) ?? ChannelRules()

  @Test(arguments: rows)
  func requestCausesExactlyThisReply(_ row: Row) {
    let scene = Scene { options in
      row.configure(&options)
      options.requiresUser = false
      options.limits.handshakePause = .zero
    }
    let alice = scene.connectedClient(user: "alice")
    let anonymous = scene.client()
    anonymous.handshake()
    // The option is for the request alone where it would keep the others out.
    if row.error == .handshakeDenied { return expect(row, Scene(row.configure).client()) }
    alice.send(#"{"channel":"/meta/subscribe","clientId":"$ID","subscription":"/a"}"#)
    if let channel = row.before { #expect(alice.publish(channel).isSuccessful) }
    alice.origin.address = row.address
    let refusals = scene.counters.refusals
    let request = row.request.replacing("$ANONYMOUS", with: anonymous.clientID)
    #expect(alice.send(request, user: row.user).text == "[\(row.reply)]")
    let counted = scene.counters.refusals - refusals + scene.counters.handshakesRefused
    #expect(counted == 1)
    #expect(scene.counters.unknownSessions == (row.error == .sessionUnknown ? 1 : 0))
    #expect(scene.counters.userMismatches == (row.error == .userMismatch ? 1 : 0))
    // An error is about that one message: the session goes on.
    #expect(alice.connect().isWaiting)
  }

  private func expect(_ row: Row, _ client: Client) {
    #expect(client.send(row.request).text == "[\(row.reply)]")
  }

  @Test func everyErrorHasARowWithItsText() {
    // What needs an extension, or several clients of a browser, is in their tests.
    let elsewhere: Set<BayeuxError> = [.messageDeleted, .tooManyClients]
    #expect(Set(Self.rows.map(\.error)).union(elsewhere) == Set(BayeuxError.allCases))
    for row in Self.rows { #expect(row.reply.contains(#""error":"\#(row.error.text)""#)) }
  }

  /// A connect is refused in the same words, whether it is alone or not.
  @Test(arguments: [
    (#"{"channel":"/meta/connect"}"#, "402::session_unknown"),
    (#"{"channel":"/meta/connect","clientId":7}"#, "402::session_unknown"),
    (#"{"channel":"/meta/connect","clientId":"$ID","id":[]}"#, "405::message_id_invalid"),
  ])
  func connectIsRefusedAlikeAloneAndInABatch(_ connect: String, _ error: String) {
    let alice = Scene().connectedClient()
    #expect(alice.send(connect).error == error)
    let batch = alice.send("[{\"channel\":\"/a\",\"data\":1,\"clientId\":\"$ID\"},\(connect)]")
    #expect(batch.replies.map { $0["successful"] } == [true, false] && batch.error == error)
  }

  @Test func everyMessageOfABatchGetsItsOwnReplyInOrder() {
    let alice = Scene().connectedClient()
    let reply = alice.send(
      #"[{},{"channel":"/meta/subscribe","clientId":"$ID","subscription":"/a","id":"1"},{"channel":7,"id":"2"},"#
        + #"{"channel":"/a","id":"3"},{"channel":"/meta/nope","clientId":"$ID","id":"4"},"#
        + #"{"channel":null,"id":"5"},{"channel":"/a","data":1,"clientId":"$ID","id":"6"}]"#)
    #expect(reply.replies.map { $0["id"]?.string } == [nil, "1", "2", "3", "4", "5", "6"])
    #expect(
      reply.replies.map { $0["error"]?.string } == [
        "400::channel_missing", nil, "405::channel_invalid", "402::session_unknown",
        "403:denied_by_security_policy:channel_create_denied", "400::channel_missing", nil,
      ])
    #expect(reply.data == ["1"])
  }

  // MARK: requests refused whole

  @Test(arguments: [
    ("", "The body is not JSON: the text ends in the middle of a value at byte 0."),
    ("[{]", "The body is not JSON: unexpected character at byte 2."),
    ("{} x", "The body is not JSON: text after the value at byte 3."),
    (#"{"id":1,"id":2}"#, "The body is not JSON: a member is given twice at byte 9."),
    ("7", "The body is neither a Bayeux message nor an array of them."),
    (#""text""#, "The body is neither a Bayeux message nor an array of them."),
    ("[1]", "The body is neither a Bayeux message nor an array of them."),
    ("[{},[]]", "The body is neither a Bayeux message nor an array of them."),
  ])
  func requestIsRefusedWithASentence(_ text: String, _ sentence: String) {
    guard case .refused(let fault) = Scene().send(text).outcome else {
      Issue.record("not refused")
      return
    }
    #expect(fault.sentence == sentence && fault.status == 400)
  }

  /// A client that keeps its connection warm sends an empty batch, and waits for one.
  @Test(arguments: ["[]", " [ ] ", "null", " null\n"])
  func emptyBatchIsAnsweredWithAnEmptyBatch(_ text: String) {
    #expect(Scene().send(text).outcome == .answered("[]"))
  }
}
