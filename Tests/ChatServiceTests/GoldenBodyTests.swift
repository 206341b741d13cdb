// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import ChatService

/// Bodies byte for byte, as GMS 8.1.1 was captured with them.
@Suite struct GoldenBodyTests {
  private let pretty = ChatIxnStyle(
    position: .string, isPretty: true, loadBalancerPath: ChatConfiguration().loadBalancerPath)
  private let compact = ChatIxnStyle(
    position: .string, isPretty: false, loadBalancerPath: ChatConfiguration().loadBalancerPath)
  private static let service = "9d6c31d3-1121-4ba9-91e1-b93c0fa6e32f"

  private func ixn(
    _ state: ChatIxn.State, _ position: Int, _ entries: [TranscriptEntry]? = nil, isVerbose: Bool = false
  ) -> ChatIxn {
    let server = ChatServerAddress(host: "135.225.51.225", webAPIPort: 4856, loadBalancerAlias: "350")
    let verbose = ChatIxn.Verbose(
      serviceID: Self.service, userID: "015E4FD3CD890036", secureKey: "b306749dabfa1cf6", server: server,
      timeZoneOffset: -420)
    return ChatIxn(
      state: state, chatSessionID: "000C2a7VVQRB001U", position: position, entries: entries,
      startedAt: ManualClock.start, verbose: isVerbose ? verbose : nil)
  }

  private func entry(_ position: Int, _ entry: ChatEntry, _ seconds: Int64) -> TranscriptEntry {
    TranscriptEntry(position: position, entry: entry, seconds: seconds)
  }

  /// The captured replies are older than `chatSessionId` in plain ones, which we always send: without its line they
  /// have to be as long as the captures say.
  private func asCaptured(_ body: [UInt8]) -> String {
    let line = "  \"chatSessionId\" : \"000C2a7VVQRB001U\""
    let text = String(decoding: body, as: UTF8.self)
    #expect(text.split(separator: "\n").contains { $0.hasPrefix(line) })
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix(line) }
    return lines.joined(separator: "\n").replacing(",\n}", with: "\n}")
  }

  @Test func A10_thePrettyCreateReplyIsTheCapturedOneOf119Bytes() {
    let body = asCaptured(pretty.encode(ixn(.connected, 1), order: .reply))
    #expect(
      body == """
        {
          "chatIxnState" : "CONNECTED",
          "transcriptPosition" : "1",
          "chatServiceMessage" : "Chat service is available"
        }

        """)
    #expect(body.utf8.count == 119)
  }

  @Test func A10_thePrettyDisconnectReplyIsTheCapturedOneOf114Bytes() {
    let body = asCaptured(pretty.encode(ixn(.disconnected, 9), order: .disconnectReply))
    #expect(
      body == """
        {
          "chatIxnState" : "DISCONNECTED",
          "transcriptPosition" : "9",
          "chatServiceMessage" : "Chat was finished"
        }

        """)
    #expect(body.utf8.count == 114)
  }

  @Test func A3_thePrettyTypingRepliesAreTheCapturedOnesOf246And251Bytes() {
    let started = entry(8, .notice(.typingStarted, "VasyaP", .client), 57)
    let body = asCaptured(pretty.encode(ixn(.transcript, 8, [started]), order: .reply))
    #expect(
      body == """
        {
          "chatIxnState" : "TRANSCRIPT",
          "transcriptPosition" : "8",
          "chatServiceMessage" : "Chat service is available",
          "transcriptToShow" : [["Notice.TypingStarted","VasyaP","is typing","57","CLIENT"]],
          "startedAt" : "2012-06-10T07:37:42Z"
        }

        """)
    #expect(body.utf8.count == 246)
    let stopped = entry(9, .notice(.typingStopped, "VasyaP", .client), 77)
    #expect(asCaptured(pretty.encode(ixn(.transcript, 9, [stopped]), order: .reply)).utf8.count == 251)
  }

  @Test func A10_thePrettyRefreshReplyOfHelloAgentIsAsLongAsTheCapturedOne() {
    let hello = entry(5, ChatEntry(.text, "VasyaP", "hello agent", .client), 268)
    #expect(asCaptured(pretty.encode(ixn(.transcript, 5, [hello]), order: .reply)).utf8.count == 241)
  }

  @Test func aVerboseCreateReplyHasTheMembersOfTheBookInItsOrder() {
    let chat = "/genesys/1/service/\(Self.service)/ixn/chat"
    let path = "/WebAPI812/SimpleSamples812/ChatHA/ChatLBServerInfo.jsp?chatServerLoadBalancerAlias=350"
    let expected: JSONValue = [
      "chatIxnState": "CONNECTED", "chatSessionId": "000C2a7VVQRB001U", "transcriptPosition": "1",
      "chatServiceMessage": "Chat service is available", "userId": "015E4FD3CD890036",
      "secureKey": "b306749dabfa1cf6", "checkChatServiceLoadBalancerPath": .string(path),
      "chatServerLoadBalancerAlias": "350", "chatServerHost": "135.225.51.225", "chatWebApiPort": "4856",
      "isTLSrequired": "false", "clientTimeZoneOffset": "-420", "_chatIxnAPI_SEND_URL": .string(chat + "/send"),
      "_chatIxnAPI_REFRESH_URL": .string(chat + "/refresh"),
      "_chatIxnAPI_START_TYPING_URL": .string(chat + "/startTyping"),
      "_chatIxnAPI_STOP_TYPING_URL": .string(chat + "/stopTyping"),
      "_chatIxnAPI_DISCONNECT_URL": .string(chat + "/disconnect"),
      "_chatIxnAPI_REFRESH_FROM_START_URL": .string(chat + "/refresh?transcriptPosition=1"),
    ]
    let body = compact.encode(ixn(.connected, 1, isVerbose: true), order: .reply)
    #expect(String(decoding: body, as: UTF8.self) == expected.text)
  }

  @Test func aVerboseDisconnectReplyHasTheOrderOfItsCapture() throws {
    let body = compact.encode(ixn(.disconnected, 6, isVerbose: true), order: .disconnectReply)
    let names = try JSONValue(parsing: body.span).names
    #expect(
      names.prefix(6)
        == ["chatIxnState", "transcriptPosition", "chatServiceMessage", "chatSessionId", "userId", "secureKey"])
    #expect(names.count == 18)
  }

  @Test func anEventHasTheOrderOfTheCapturedEvents() {
    let joined = entry(3, .notice(.joined, "Monique", .agent), 21)
    let body = compact.encode(ixn(.transcript, 3, [joined]), order: .event)
    let expected =
      #"{"chatSessionId":"000C2a7VVQRB001U","transcriptPosition":"3","chatServiceMessage":"Chat service is available","#
      + #""startedAt":"2012-06-10T07:37:42Z","chatIxnState":"TRANSCRIPT","#
      + #""transcriptToShow":[["Notice.Joined","Monique","has joined the session","21","AGENT"]]}"#
    #expect(String(decoding: body, as: UTF8.self) == expected)
  }

  @Test func eventsAreCompactAlsoWhenRepliesArePretty() {
    #expect(!pretty.encode(ixn(.transcript, 1, []), order: .event).contains(UInt8(ascii: "\n")))
  }

  @Test func A1_thePositionIsAStringOrByOptionANumber() {
    let number = ChatIxnStyle(position: .number, isPretty: false, loadBalancerPath: "")
    let asNumber = String(decoding: number.encode(ixn(.connected, 12), order: .reply), as: UTF8.self)
    let asString = String(decoding: compact.encode(ixn(.connected, 12), order: .reply), as: UTF8.self)
    #expect(asNumber.contains(#""transcriptPosition":12,"#))
    #expect(asString.contains(#""transcriptPosition":"12","#))
  }

  @Test func whatPeopleWriteCannotBreakTheJSON() throws {
    let nasty = "\"]],\\ \u{0} \n \u{1F600} </script>"
    let body = compact.encode(
      ixn(.transcript, 2, [entry(2, ChatEntry(.text, nasty, nasty, .client), 0)]), order: .event)
    #expect(try JSONValue(parsing: body.span).entries == [["Message.Text", nasty, nasty, "0", "CLIENT"]])
  }
}
