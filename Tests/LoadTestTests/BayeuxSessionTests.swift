// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import LoadTest

@Suite struct BayeuxSessionTests {
  private func note(_ session: inout BayeuxSession, _ text: String) throws {
    let bytes = Array(text.utf8)
    var noted = session
    try ReplyScanner.scan(bytes.span) { message, text in noted.note(message, text) }
    session = noted
  }

  private func expect(
    _ session: inout BayeuxSession, _ step: BayeuxSession.Step, at location: SourceLocation = #_sourceLocation
  ) {
    let next = session.next()
    #expect(next == step, sourceLocation: location)
  }

  private static let handshake = #"[{"channel":"/meta/handshake","successful":true,"clientId":"abc"}]"#
  private static let subscribed = #"[{"channel":"/meta/subscribe","successful":true}]"#
  private static let connected = #"[{"channel":"/meta/connect","successful":true}]"#
  private static let unknown =
    #"[{"channel":"/meta/connect","successful":false,"error":"402::gone","advice":{"reconnect":"handshake"}}]"#

  private func held() throws -> BayeuxSession {
    var session = BayeuxSession(channelCount: 1)
    expect(&session, .handshake)
    try note(&session, Self.handshake)
    expect(&session, .subscribe)
    try note(&session, Self.subscribed)
    expect(&session, .firstConnect)
    try note(&session, Self.connected)
    expect(&session, .poll)
    return session
  }

  @Test func aClientComesUpStepByStep() throws {
    var session = try held()
    #expect(session.isHeld)
    #expect(session.clientID == Array("abc".utf8))
    try note(&session, Self.connected)
    expect(&session, .poll)
  }

  @Test func withoutChannelsThereIsNothingToSubscribe() throws {
    var session = BayeuxSession(channelCount: 0)
    _ = session.next()
    try note(&session, Self.handshake)
    expect(&session, .firstConnect)
  }

  @Test func allSubscriptionsHaveToBeAnswered() throws {
    var session = BayeuxSession(channelCount: 2)
    _ = session.next()
    try note(&session, Self.handshake)
    _ = session.next()
    try note(&session, Self.subscribed)
    #expect(session.awaitsSubscriptions)
    try note(&session, Self.subscribed)
    expect(&session, .firstConnect)
  }

  @Test func aForgottenSessionStartsOver() throws {
    var session = try held()
    try note(&session, Self.unknown)
    #expect(session.lastRefusal == "402::gone")
    expect(&session, .wait(LoadLimits.retryPause))
    expect(&session, .handshake)
    #expect(session.rehandshakes == 1)
    try note(&session, Self.handshake)
    expect(&session, .subscribe)
  }

  @Test func whoIsSentAwayGivesUp() throws {
    var session = BayeuxSession(channelCount: 1)
    _ = session.next()
    try note(&session, #"[{"channel":"/meta/handshake","successful":false,"advice":{"reconnect":"none"}}]"#)
    expect(&session, .giveUp)
    expect(&session, .giveUp)
  }

  @Test func afterManyRefusalsAClientGivesUp() {
    var session = BayeuxSession(channelCount: 1)
    for _ in 1..<LoadLimits.refusalsPerClient {
      session.broken("HTTP status 500")
      expect(&session, .wait(LoadLimits.retryPause))
      expect(&session, .handshake)
    }
    session.broken("HTTP status 500")
    expect(&session, .giveUp)
  }

  @Test func aLostConnectionRepeatsWhatWasAsked() throws {
    var session = try held()
    session.connectionLost()
    expect(&session, .wait(LoadLimits.retryPause))
    expect(&session, .poll)
  }

  @Test func aFirstConnectThatIsHeldCountsAsHeld() throws {
    var session = BayeuxSession(channelCount: 0)
    _ = session.next()
    try note(&session, Self.handshake)
    _ = session.next()
    session.takeForHeld()
    #expect(session.isHeld)
  }

  @Test func theServersIntervalIsKept() throws {
    var session = try held()
    try note(&session, #"[{"channel":"/meta/connect","successful":true,"advice":{"interval":1500}}]"#)
    #expect(session.pollInterval == .milliseconds(1500))
  }

  @Test func aPollChangesItsIdAndBatchAlone() {
    var poll = PollRequest(
      clientID: Array("a\"b".utf8), connectionType: "long-polling", acknowledgements: true
    ) { Array("HEAD".utf8) + $0 }
    poll.set(id: 12, acknowledged: 345)
    #expect(
      String(decoding: poll.bytes, as: UTF8.self)
        == #"HEAD[{"id":"0000012","channel":"/meta/connect","connectionType":"long-polling","clientId":"a\"b","#
        + #""ext":{"ack":345       }}]"#)
    poll.set(id: 9_999_999, acknowledged: 6)
    #expect(String(decoding: poll.bytes, as: UTF8.self).contains(#""id":"9999999""#))
    #expect(String(decoding: poll.bytes, as: UTF8.self).contains(#"{"ack":6         }"#))
  }

  @Test func cookiesAreKeptAndReplaced() {
    var jar = CookieJar()
    var changes: [Bool] = []
    for field in ["a=1; Path=/; HttpOnly", "b=2", "a=1", "a=3", "nonsense"] {
      let bytes = Array(field.utf8)
      changes.append(jar.take(bytes.span))
    }
    #expect(changes == [true, true, false, true, false])
    #expect(String(decoding: jar.header, as: UTF8.self) == "a=3; b=2")
  }
}
