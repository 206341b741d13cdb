// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import ChatService

/// The state machine alone: events and readings in, events and replies out. No time passes.
@Suite struct InteractionTests {
  private static let opened = ChatOpened(
    chatSessionID: "000C2a7VVQRB001U", userID: "015E4FD3CD890036", secureKey: "b306749dabfa1cf6",
    startedAtSecondsSince1970: 1000,
    server: ChatServerAddress(host: "135.225.51.225", webAPIPort: 4856, loadBalancerAlias: "350"))

  private func chat(comet: Bool = false, limits: ChatLimits = ChatLimits(), released: Bool = true) -> Interaction {
    var chat = Interaction(
      serviceID: "S", opened: Self.opened, notifiesByComet: comet, timeZoneOffset: -420, limits: limits)
    if released { _ = chat.release() }
    return chat
  }

  private func event(
    _ id: String, _ content: ChatBackendEvent.Content, at seconds: Int64 = 1021, chat: String = "000C2a7VVQRB001U"
  ) -> ChatBackendEvent {
    ChatBackendEvent(id: id, serviceID: "S", chatSessionID: chat, secondsSince1970: seconds, content: content)
  }

  private func text(_ text: String) -> ChatEntry { ChatEntry(.text, "Monique", text, .agent) }
  private func url(_ url: String) -> ChatEntry { ChatEntry(.pushURL, "Monique", url, .agent) }

  // MARK: positions

  @Test func A15_theCustomersOwnJoinIsPositionOneAndHidden() {
    var chat = chat()
    #expect(chat.createReply(isVerbose: false).position == 1)
    let effects = chat.receive(event("1", .entries([.notice(.joined, "Monique", .agent)])), isVerbose: false)
    #expect(effects.position == 2)
    let reply = chat.transcriptReply(after: 0, isVerbose: false)
    #expect(reply.entries?.map(\.position) == [2])
    #expect(reply.position == 2)
  }

  @Test func secondsCountFromTheStartAndNeverBelowZero() {
    var chat = chat()
    _ = chat.receive(event("1", .entries([text("late")]), at: 1230), isVerbose: false)
    _ = chat.receive(event("2", .entries([text("early")]), at: 990), isVerbose: false)
    #expect(chat.transcript.entries.map(\.seconds) == [230, 0])
  }

  @Test func anEventThatComesAgainCountsOnce() {
    var chat = chat()
    let event = event("1", .entries([text("hi")]))
    #expect(chat.receive(event, isVerbose: false).isNew)
    #expect(chat.receive(event, isVerbose: false) == .init(position: 2), "it has its place, and nothing is to be done")
    #expect(chat.transcript.position == 2)
  }

  @Test func onlyTheLatestEventIdsAreRemembered() {
    var limits = ChatLimits()
    limits.maxRememberedEvents = 2
    var chat = chat(limits: limits)
    for id in ["1", "2", "3"] { _ = chat.receive(event(id, .entries([text(id)])), isVerbose: false) }
    #expect(!chat.receive(event("2", .entries([text("2")])), isVerbose: false).isNew)
    #expect(!chat.receive(event("3", .entries([text("3")])), isVerbose: false).isNew)
    #expect(chat.receive(event("1", .entries([text("1")])), isVerbose: false).isNew)
  }

  @Test func anEventOfAnotherChatSessionIsNotTaken() {
    var chat = chat()
    #expect(chat.receive(event("1", .entries([text("hi")]), chat: "000OTHER"), isVerbose: false) == .init())
    #expect(chat.transcript.position == 1)
  }

  // MARK: reading by poll

  @Test func A14_refreshWithoutPositionUsesTheServersCursor() {
    var chat = chat()
    _ = chat.receive(event("1", .entries([text("one")])), isVerbose: false)
    #expect(chat.transcriptReply(after: nil, isVerbose: false).entries?.map(\.entry.text) == ["one"])
    #expect(chat.transcriptReply(after: nil, isVerbose: false).entries == [])
    _ = chat.receive(event("2", .entries([text("two")])), isVerbose: false)
    #expect(chat.transcriptReply(after: nil, isVerbose: false).entries?.map(\.entry.text) == ["two"])
  }

  @Test(arguments: [(0, ["a", "b", "c"]), (1, ["a", "b", "c"]), (2, ["b", "c"]), (4, []), (5, []), (Int.max, [])])
  func refreshShowsWhatStandsBehindThePosition(position: Int, texts: [String]) {
    var chat = chat()
    for name in ["a", "b", "c"] { _ = chat.receive(event(name, .entries([text(name)])), isVerbose: false) }
    let reply = chat.transcriptReply(after: position, isVerbose: false)
    #expect(reply.entries?.map(\.entry.text) == texts)
    #expect(reply.position == 4, "the true position, also for one beyond the end")
  }

  @Test func anExplicitPositionMovesTheCursor() {
    var chat = chat()
    for name in ["a", "b"] { _ = chat.receive(event(name, .entries([text(name)])), isVerbose: false) }
    _ = chat.transcriptReply(after: nil, isVerbose: false)
    #expect(chat.transcriptReply(after: 1, isVerbose: false).entries?.count == 2)
    #expect(chat.transcriptReply(after: nil, isVerbose: false).entries == [])
  }

  @Test func inPollModeNothingIsPushed() {
    var chat = chat()
    #expect(chat.receive(event("1", .entries([text("hi")])), isVerbose: false).notifications.isEmpty)
    #expect(chat.receive(event("2", .ended([])), isVerbose: false).notifications.isEmpty)
  }

  // MARK: pushing

  @Test func theFirstEventOfACometChatIsPositionOneWithNothingToShow() {
    var chat = chat(comet: true, released: false)
    let first = chat.release()
    #expect(first.map(\.position) == [1])
    #expect(first.first?.entries == [])
    #expect(first.first?.state == .transcript)
    #expect(chat.release().isEmpty, "once")
  }

  @Test func eventsAreHeldBackUntilTheCreateIsWritten() {
    var chat = chat(comet: true, released: false)
    let join = chat.receive(event("1", .entries([.notice(.joined, "Monique", .agent)])), isVerbose: false)
    #expect(join.notifications.isEmpty && join.position == 2)
    #expect(chat.createReply(isVerbose: false).position == 1, "the client has been given nothing yet")
    #expect(chat.release().map(\.position) == [1, 2])
    #expect(chat.createReply(isVerbose: false).position == 2)
    #expect(chat.receive(event("2", .entries([text("hi")])), isVerbose: false).notifications.map(\.position) == [3])
  }

  @Test func A11_entriesThatBelongTogetherAreOneEventAndConsecutive() {
    var chat = chat(comet: true)
    let transfer: [ChatEntry] = [.notice(.left, "Monique", .agent), .notice(.joined, "Ada", .agent)]
    let events = chat.receive(event("1", .entries(transfer)), isVerbose: false).notifications
    #expect(events.count == 1)
    #expect(events.first?.entries?.map(\.position) == [2, 3])
    #expect(events.first?.position == 3)
  }

  @Test(arguments: [ChatEntryKind.pushURL, .custom])
  func A11_pushUrlAndCustomStandAloneInTheirEvent(kind: ChatEntryKind) {
    var chat = chat(comet: true)
    let isolated = ChatEntry(kind, "Monique", "x", .agent)
    let events = chat.receive(
      event("1", .entries([text("a"), text("b"), isolated, isolated, text("c")])), isVerbose: false
    ).notifications
    #expect(events.map { $0.entries?.map(\.position) } == [[2, 3], [4], [5], [6]])
    #expect(events.map(\.position) == [3, 4, 5, 6])
  }

  @Test func A9_anEventInheritsVerboseFromItsRequest() {
    var chat = chat(comet: true)
    let loud = chat.receive(event("1", .entries([text("a")])), isVerbose: true).notifications
    let plain = chat.receive(event("2", .entries([text("b")])), isVerbose: false).notifications
    #expect(loud.first?.verbose?.timeZoneOffset == -420)
    #expect(plain.first?.verbose == nil)
  }

  @Test func A2_inCometModeARefreshShowsNothingTwice() {
    var chat = chat(comet: true)
    _ = chat.receive(event("1", .entries([text("hi")])), isVerbose: false)
    let reply = chat.transcriptReply(after: nil, isVerbose: false)
    #expect(reply.entries == [] && reply.position == 2)
    #expect(chat.transcriptReply(after: 1, isVerbose: false).entries?.count == 1, "unless it is asked for by position")
  }

  // MARK: the end

  @Test func A12_theEndIsAnEventWithItsLastEntries() {
    var chat = chat(comet: true)
    let effects = chat.receive(event("1", .ended([.notice(.left, "Monique", .agent)])), isVerbose: true)
    #expect(effects.hasEnded)
    #expect(effects.notifications.map(\.state) == [.disconnected])
    #expect(effects.notifications.first?.entries?.map(\.entry.kind) == [.left])
    #expect(effects.notifications.first?.verbose == nil, "the end is a plain event")
  }

  @Test func anIsolatedLastEntryComesBeforeTheEnd() {
    var chat = chat(comet: true)
    let events = chat.receive(event("1", .ended([url("https://example.com/survey")])), isVerbose: false).notifications
    #expect(events.map(\.state) == [.transcript, .disconnected])
    #expect(events.map { $0.entries?.count } == [1, 0])
    #expect(events.map(\.position) == [2, 2])
  }

  @Test func A13_refreshAfterTheEndShowsTheRestThenNothing() {
    var chat = chat()
    _ = chat.receive(event("1", .entries([text("unread")])), isVerbose: false)
    _ = chat.receive(event("2", .ended([.notice(.left, "Monique", .agent)])), isVerbose: false)
    let rest = chat.transcriptReply(after: nil, isVerbose: false)
    #expect(rest.state == .disconnected && rest.position == 3)
    #expect(rest.entries?.map(\.entry.kind) == [.text, .left])
    #expect(chat.transcriptReply(after: nil, isVerbose: false).entries == [])
  }

  @Test func theReplyOfADisconnectHasNoTranscriptAndDoesNotAdvance() {
    var chat = chat()
    _ = chat.receive(event("1", .entries([text("unread")])), isVerbose: false)
    _ = chat.receive(event("2", .ended([])), isVerbose: false)
    let reply = chat.disconnectReply(isVerbose: false)
    #expect(reply.state == .disconnected && reply.position == 1 && reply.entries == nil)
  }

  @Test func afterTheEndNothingIsTaken() {
    var chat = chat(comet: true)
    _ = chat.receive(event("1", .ended([])), isVerbose: false)
    #expect(chat.receive(event("2", .entries([text("ghost")])), isVerbose: false) == .init())
    #expect(
      chat.receive(event("1", .ended([])), isVerbose: false) == .init(position: 1), "the end itself may come again")
    #expect(chat.endHere() == .init(), "a chat ends once")
  }

  @Test func aServerThatTookOverIsShownInLaterVerboseReplies() {
    var chat = chat()
    let spare = ChatServerAddress(host: "spare", webAPIPort: 1, requiresTLS: true, loadBalancerAlias: "9")
    #expect(chat.receive(event("1", .relocated(spare)), isVerbose: false).notifications.isEmpty)
    #expect(chat.transcriptReply(after: nil, isVerbose: true).verbose?.server == spare)
    #expect(chat.transcript.position == 1)
  }
}

/// Numbered entries, and how they are forgotten.
@Suite struct TranscriptTests {
  @Test func theOldestEntriesAreForgottenByCountButNoPositionIsReused() {
    var limits = ChatLimits()
    limits.maxTranscriptEntries = 16
    var transcript = Transcript(limits: limits)
    for number in 0..<100 {
      let placed = transcript.append(ChatEntry(.text, "A", "\(number)", .agent), seconds: 0)
      #expect(placed.position == number + 2)
      #expect(transcript.entries.count <= 16)
    }
    #expect(transcript.position == 101)
    #expect(transcript.forgotten + transcript.entries.count == 100)
    let kept = transcript.entries(after: 0)
    #expect(kept.first?.position == 102 - transcript.entries.count, "a refresh from the start begins later")
    #expect(transcript.entries(after: 99).map(\.position) == [100, 101])
  }

  @Test func theOldestEntriesAreForgottenByBytesButTheLastStays() {
    var limits = ChatLimits()
    limits.maxTranscriptBytes = 100
    var transcript = Transcript(limits: limits)
    for _ in 0..<20 {
      _ = transcript.append(ChatEntry(.text, "A", String(repeating: "x", count: 29), .agent), seconds: 0)
      #expect(transcript.byteCount <= 100)
    }
    _ = transcript.append(ChatEntry(.text, "A", String(repeating: "x", count: 500), .agent), seconds: 0)
    #expect(transcript.entries.map(\.position) == [22])
    #expect(transcript.byteCount == 501)
  }
}
