// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import ChatService

/// Chats created with `notify_by=comet`: what is answered, what is pushed, and in which order.
@Suite(.timeLimit(.minutes(1))) struct CometChatTests {
  private static let comet: ChatFields = ["notify_by": "comet", "firstName": "Buzz", "lastName": "Brain"]

  // MARK: replies

  @Test func A2_theCreateReplyIsASuperset() async {
    await withDesk { desk in
      let id = await desk.newService()
      let plain = await desk.call(.create, id, Self.comet, user: "u")
      #expect(
        plain.names == ["chatIxnState", "chatSessionId", "transcriptPosition", "chatServiceMessage", "message"])
      #expect(plain["message"] == "Messages will sent over CometD service channel /_genesys")
      #expect(plain.state == "CONNECTED" && plain.position == "1")
      let verbose = await desk.call(.create, id, ["_verbose": "true", "notify_by": "comet"])
      #expect(verbose.names.count { $0.hasPrefix("_chatIxnAPI_") } == 6)
      #expect(verbose["message"] != nil)
    }
  }

  @Test func A2_repliesCarryThePositionAndNothingToShow() async throws {
    try await withDesk { desk in
      let id = await desk.cometChat()
      try await desk.agents.join(id, nickname: "Monique")
      let refreshed = await desk.call(.refresh, id, ["message": "hello agent", "transcriptPosition": "1"])
      #expect(refreshed.entries == [] && refreshed.position == "3" && refreshed.state == "TRANSCRIPT")
      let sent = await desk.call(.send, id, ["message": "again"])
      #expect(sent.entries == [] && sent.position == "4")
      #expect(await desk.call(.startTyping, id).position == "5")
      #expect(await desk.call(.refresh, id).entries == [])
      let fromStart = await desk.call(.refresh, id, ["transcriptPosition": "1"])
      #expect(fromStart.entries?.count == 4, "what is asked for by position is shown")
    }
  }

  @Test func A2_theLiteralShapesAreOptions() async {
    for (style, body) in [
      (CometReply.message, #"{"message":"Messages will sent over CometD service channel /_genesys"}"#),
      (.channel, #"{"_id":"ID","comet_channel":"/_genesys"}"#),
    ] {
      var configuration = ChatConfiguration()
      configuration.cometReply = style
      await withDesk(configuration) { desk in
        let id = await desk.newService()
        let expected = body.replacing("ID", with: id)
        for operation in [ChatOperation.create, .refresh, .send, .startTyping, .stopTyping] {
          let fields = ChatFields(query: Self.comet.all, body: [.init("message", "x"), .init("_verbose", "true")])
          #expect(await desk.call(operation, id, fields, user: "u").text == expected)
        }
        let ended = await desk.call(.disconnect, id)
        #expect(ended.state == "DISCONNECTED", "the end is always told in full")
        #expect(await desk.call(.refresh, id).state == "DISCONNECTED")
      }
    }
  }

  @Test func aDisconnectIsAnsweredInFullAlsoInCometMode() async {
    await withDesk { desk in
      let id = await desk.cometChat()
      let answer = await desk.call(.disconnect, id, ["_verbose": "true"])
      #expect(answer.state == "DISCONNECTED" && answer["userId"] != nil)
      #expect(answer["transcriptToShow"] == nil && answer["startedAt"] == nil && answer["message"] == nil)
      #expect(answer.position == "1")
    }
  }

  // MARK: events

  @Test func noEventLeavesBeforeTheReplyOfTheCreateIsWritten() async throws {
    try await withDesk { desk in
      let id = await desk.newService()
      let answer = await desk.call(.create, id, Self.comet, user: "u")
      try await desk.agents.join(id, nickname: "Monique")
      #expect(desk.notifier.all.isEmpty)
      answer.reply.afterWritten?()
      let posted = await desk.notifier.atLeast(2)
      #expect(posted.map(\.transcriptPosition) == [1, 2])
      #expect(posted.map(\.tag) == Array(repeating: "service.chat.refresh.\(id)", count: 2))
      #expect(posted[0].json["transcriptToShow"] == [])
      #expect(posted[0].json["chatSessionId"] == answer["chatSessionId"])
    }
  }

  @Test func aReplyThatIsNeverWrittenHoldsEventsBackForAWhileOnly() async throws {
    let configuration = ChatConfiguration()
    try await withDesk(configuration) { desk in
      let id = await desk.newService()
      _ = await desk.call(.create, id, Self.comet, user: "u")
      try await desk.agents.join(id, nickname: "Monique")
      #expect(desk.notifier.all.isEmpty)
      desk.clock.advance(by: configuration.limits.holdBack)
      await desk.service.sweep(now: desk.clock.now())
      #expect(desk.notifier.all.map(\.transcriptPosition) == [1, 2])
    }
  }

  @Test func everyEventHasWhatClientsRequire() async throws {
    try await withDesk { desk in
      let id = await desk.cometChat()
      try await exchange(desk, id)
      let required = [
        "chatIxnState", "chatSessionId", "transcriptPosition", "chatServiceMessage", "startedAt", "transcriptToShow",
      ]
      let events = desk.notifier.all.map(\.json)
      #expect(events.count == 10)
      for event in events { #expect(Set(required).isSubset(of: Set(event.names))) }
      #expect(events.allSatisfy { $0["chatIxnState"]?.string != nil })
      #expect(events.last?["chatIxnState"] == "DISCONNECTED")
      #expect(events.dropLast().allSatisfy { $0["chatIxnState"] == "TRANSCRIPT" })
      #expect(events.compactMap { $0["transcriptPosition"]?.string.flatMap { Int($0) } } == Array(1...10))
    }
  }

  @Test func entriesAreFiveStringsOfKnownTypeAndParty() async throws {
    try await withDesk { desk in
      let id = await desk.cometChat()
      try await exchange(desk, id)
      let raw = desk.notifier.all.map(\.json).flatMap { $0["transcriptToShow"]?.elements ?? [] }
      #expect(raw.count == 9)
      for entry in raw {
        let strings = entry.elements?.compactMap(\.string) ?? []
        #expect(strings.count == 5 && entry.elements?.count == 5)
        #expect(ChatEntryKind(rawValue: strings[0]) != nil)
        #expect(Int(strings[3]) != nil)
        #expect(["AGENT", "CLIENT", "EXTERNAL", "SUPERVISOR"].contains(strings[4]))
      }
    }
  }

  /// Everything that can happen in a chat, once.
  private func exchange(_ desk: Desk, _ id: String) async throws {
    try await desk.agents.join(id, nickname: "Monique")
    try await desk.agents.typing(id, nickname: "Monique", isTyping: true)
    try await desk.agents.typing(id, nickname: "Monique", isTyping: false)
    try await desk.agents.send(id, nickname: "Monique", text: "hi")
    try await desk.agents.pushURL(id, nickname: "Monique", url: "https://example.com/")
    try await desk.agents.notice(id, nickname: "Monique", text: "text||TYPE")
    _ = await desk.call(.startTyping, id)
    _ = await desk.call(.send, id, ["message": "hello agent"])
    try await desk.agents.end(id)
  }

  @Test func A9_onlyTheEventOfAVerboseRequestIsVerbose() async throws {
    try await withDesk { desk in
      let id = await desk.cometChat(["_verbose": "true"])
      _ = await desk.call(.send, id, ["message": "a", "_verbose": "true"])
      _ = await desk.call(.send, id, ["message": "b"])
      _ = await desk.call(.startTyping, id, ["_verbose": "true"])
      try await desk.agents.join(id, nickname: "Monique")
      _ = await desk.call(.disconnect, id, ["_verbose": "true"])
      let isVerbose = desk.notifier.all.map { $0.json["userId"] != nil }
      #expect(isVerbose == [false, true, false, true, false, false])
    }
  }

  @Test func A12_theEndIsPushedAlsoWhenTheClientDisconnects() async {
    await withDesk { desk in
      let id = await desk.cometChat()
      _ = await desk.call(.send, id, ["message": "bye"])
      let reply = await desk.call(.disconnect, id)
      let end = desk.events(id).last
      #expect(end?["chatIxnState"] == "DISCONNECTED" && end?["chatServiceMessage"] == "Chat was finished")
      #expect(end?["transcriptPosition"] == reply["transcriptPosition"])
      #expect(end?.entries == [] && end?["startedAt"] != nil)
    }
  }

  @Test func A12_theEndByAnAgentTellsWhoLeftInTheSameEvent() async throws {
    try await withDesk { desk in
      let id = await desk.cometChat()
      try await desk.agents.join(id, nickname: "Monique")
      try await desk.agents.join(id, nickname: "Ada")
      try await desk.agents.end(id)
      let end = desk.events(id).last
      #expect(end?["chatIxnState"] == "DISCONNECTED")
      #expect(end?.entries?.map { $0[0...1] } == [["Notice.Left", "Monique"], ["Notice.Left", "Ada"]])
      #expect(end?["transcriptPosition"] == "5")
    }
  }

  @Test func theEventStandsBeforeTheReplyThatTellsItsPosition() async {
    await withDesk { desk in
      let id = await desk.cometChat()
      let answer = await desk.call(.send, id, ["message": "hello agent"])
      #expect(desk.notifier.all.last?.transcriptPosition.description == answer.position)
    }
  }

  @Test func usersGetTheirOwnEventsOnly() async {
    await withDesk { desk in
      for user in ["anna", "ben"] {
        let id = await desk.newService(user: user)
        let answer = await desk.call(.create, id, Self.comet, user: user)
        answer.reply.afterWritten?()
        _ = await desk.call(.send, id, ["message": "from \(user)"])
      }
      for posted in await desk.notifier.atLeast(4) {
        #expect(posted.json.entries?.allSatisfy { $0[2] == "from \(posted.user)" } == true)
      }
      #expect(desk.notifier.all.count { $0.user == "anna" } == 2)
    }
  }
}
