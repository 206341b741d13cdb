// SPDX-License-Identifier: Apache-2.0
import Bytes
import Synchronization
import Testing

@testable import ChatService

/// The agents of the embedded backend, and the one that is a program.
@Suite(.timeLimit(.minutes(1))) struct AgentSideTests {
  @Test func aChatIsListedAsAgentsSeeIt() async {
    await withDesk { desk in
      let id = await desk.pollChat()
      let session = await desk.call(.create, id)["chatSessionId"] ?? .null
      let expected: JSONValue = [
        "serviceId": .string(id), "chatSessionId": session, "state": "CONNECTED", "customer": "VasyaP",
        "subject": "test", "startedAt": "2012-06-10T07:37:42Z", "transcriptPosition": "1", "agents": [],
        "customerOnline": .null,
      ]
      #expect(await desk.agents.chats().map(\.json) == [expected])
    }
  }

  @Test func aCallReturnsOnceItsEventStandsInTheTranscript() async throws {
    try await withDesk { desk in
      let id = await desk.cometChat()
      var chat = try await desk.agents.join(id, nickname: "Monique")
      #expect(chat.agents == ["Monique"] && chat.transcriptPosition == 2)
      #expect(desk.notifier.all.last?.transcriptPosition == 2)
      chat = try await desk.agents.send(id, nickname: "Monique", text: "hi")
      #expect(chat.transcriptPosition == 3)
      #expect(await desk.service.transcript(of: id)?.last?.entry == ChatEntry(.text, "Monique", "hi", .agent))
      chat = try await desk.agents.leave(id, nickname: "Monique")
      #expect(chat.agents == [] && chat.isLive)
      chat = try await desk.agents.end(id)
      #expect(!chat.isLive && chat.transcriptPosition == 4)
      #expect(chat.json["state"] == "DISCONNECTED")
    }
  }

  @Test func whatAgentsDoStandsInTheTranscriptInItsWords() async throws {
    try await withDesk { desk in
      let id = await desk.pollChat()
      try await desk.agents.join(id, nickname: "M")
      try await desk.agents.typing(id, nickname: "M", isTyping: true)
      try await desk.agents.typing(id, nickname: "M", isTyping: false)
      try await desk.agents.pushURL(id, nickname: "M", url: "HTTPS://example.com")
      try await desk.agents.notice(id, nickname: "M", text: "text||TYPE")
      try await desk.agents.leave(id, nickname: "M")
      #expect(
        await desk.call(.refresh, id).entries?.map { [$0[0], $0[2]] } == [
          ["Notice.Joined", "has joined the session"], ["Notice.TypingStarted", "is typing"],
          ["Notice.TypingStopped", "stopped typing"], ["Notice.PushUrl", "HTTPS://example.com"],
          ["Notice.Custom", "text||TYPE"], ["Notice.Left", "has left the session"],
        ])
    }
  }

  @Test func everyMistakeOfAnAgentHasItsError() async throws {
    try await withDesk { desk in
      let id = await desk.pollChat()
      let agents = desk.agents
      try await agents.join(id, nickname: "M")
      await #expect(throws: AgentError.noSuchChat) { try await agents.join("none", nickname: "M") }
      await #expect(throws: AgentError.alreadyJoined) { try await agents.join(id, nickname: "M") }
      await #expect(throws: AgentError.nicknameTaken) { try await agents.join(id, nickname: "VasyaP") }
      await #expect(throws: AgentError.badNickname) { try await agents.join(id, nickname: "") }
      let long = String(repeating: "x", count: 20_000)
      await #expect(throws: AgentError.badNickname) { try await agents.join(id, nickname: long) }
      await #expect(throws: AgentError.notJoined) { try await agents.send(id, nickname: "N", text: "x") }
      await #expect(throws: AgentError.emptyText) { try await agents.send(id, nickname: "M", text: "") }
      await #expect(throws: AgentError.textTooLong) { try await agents.send(id, nickname: "M", text: long) }
      await #expect(throws: AgentError.badURL) { try await agents.pushURL(id, nickname: "M", url: "javascript:x") }
      await #expect(throws: AgentError.badNickname) { try await agents.setReady("", true) }
      try await agents.end(id)
      await #expect(throws: AgentError.chatEnded) { try await agents.send(id, nickname: "M", text: "x") }
      await #expect(throws: AgentError.chatEnded) { try await agents.end(id) }
      #expect(await desk.service.transcript(of: id)?.count == 2, "a refused call leaves no entry")
    }
  }

  @Test(arguments: AgentError.allCases)
  func everyErrorOfAgentsHasStatusAndBothKeys(error: AgentError) {
    #expect([400, 404, 409, 503, 507].contains(error.status))
    #expect(error.json.names == ["exception", "message"])
  }

  @Test func aCallOfAnAgentFailsWhenTheServiceStops() async {
    let clock = ManualClock()
    let backend = EmbeddedChatBackend(clock: clock)
    let service = ChatService(backend: backend, notifier: RecordingNotifier(), clock: clock)
    let running = Task { await service.run() }
    let created = await service.createService(named: "request-chat", fields: [:], caller: ChatCaller())
    let id = Answer(reply: created)["_id"]?.string ?? ""
    _ = await service.call(.create, service: id, fields: [:], caller: ChatCaller())
    running.cancel()
    await running.value
    await #expect(throws: AgentError.unavailable) { try await backend.join(id, nickname: "M") }
  }

  @Test func onlyTheLatestEndedChatsAreListed() async throws {
    let clock = ManualClock()
    var limits = EmbeddedChatLimits()
    limits.maxEndedChats = 2
    let backend = EmbeddedChatBackend(clock: clock, limits: limits)
    for name in ["a", "b", "c", "d"] {
      let request = ChatRequest(serviceID: name, endpoint: "E:e", nickname: "C", subject: "s")
      _ = try await backend.openChat(request, call: CallID("open \(name)"))
      if name != "b" { try await backend.disconnect(name, call: CallID("end \(name)")) }
    }
    #expect(await backend.chats().map(\.serviceID) == ["b", "c", "d"], "live ones first")
    await #expect(throws: AgentError.noSuchChat) { try await backend.chat("a") }
  }

  @Test func agentsAreReadyOrNotAndCountTheirChats() async throws {
    try await withDesk { desk in
      var availability = try await desk.agents.availability("any")
      #expect(availability == .waiting)
      try await desk.agents.setReady("Monique", true)
      try await desk.agents.setReady("Ada", false)
      availability = try await desk.agents.availability("any")
      #expect(availability == .available)
      let id = await desk.pollChat()
      try await desk.agents.join(id, nickname: "Monique")
      let listed = await desk.agents.agents().map(\.json.text)
      #expect(
        listed == [#"{"name":"Ada","ready":false,"chats":0}"#, #"{"name":"Monique","ready":true,"chats":1}"#])
      try await desk.agents.end(id)
      #expect(await desk.agents.agents().map(\.chats) == [0, 0])
    }
  }

  @Test func agentsSeeWhetherTheCustomerIsThere() async throws {
    try await withDesk { desk in
      let id = await desk.cometChat()
      await desk.service.clientPresence(user: "vasya", online: false)
      var chat = try await desk.agents.chat(id)
      #expect(chat.json["customerOnline"] == false)
      await desk.service.clientPresence(user: "vasya", online: true)
      chat = try await desk.agents.chat(id)
      #expect(chat.json["customerOnline"] == true)
    }
  }

  // MARK: the scripted agent

  @Test func theScriptedAgentJoinsGreetsAnswersAndEndsOnBye() async {
    let naps = Mutex<[Duration]>([])
    await withDesk { desk in
      let agent = ScriptedAgent(nickname: "Ada", backend: desk.agents) { nap in naps.withLock { $0.append(nap) } }
      let running = Task { await agent.run() }
      defer { running.cancel() }
      await until { await desk.agents.agents().first?.isReady == true }
      let id = await desk.pollChat()
      await until { await desk.service.transcript(of: id)?.count == 4 }
      _ = await desk.call(.send, id, ["message": "is the shop open?"])
      await until { await desk.service.transcript(of: id)?.count == 8 }
      _ = await desk.call(.send, id, ["message": "Bye!"])
      await until { await desk.service.statistics.liveChats == 0 }
      let answer = await desk.call(.refresh, id, ["transcriptPosition": "1"])
      let kinds = answer.entries?.map { $0[0] } ?? []
      let say = ["Notice.TypingStarted", "Notice.TypingStopped", "Message.Text"]
      #expect(kinds == ["Notice.Joined"] + say + ["Message.Text"] + say + ["Message.Text"] + say + ["Notice.Left"])
      #expect(answer.state == "DISCONNECTED")
      #expect(answer.entries?[3][2].contains("VasyaP") == true, "greets by name")
      #expect(answer.entries?[7][2].contains("is the shop open?") == true)
    }
    let pace = ScriptedAgent.Pace()
    #expect(naps.withLock { $0 }.prefix(3) == [pace.joins, pace.greets, pace.types])
  }

  @Test func theScriptedAgentOutlivesACustomerWhoLeavesEarly() async {
    await withDesk { desk in
      let agent = ScriptedAgent(backend: desk.agents) { _ in }
      let running = Task { await agent.run() }
      await until { await desk.agents.agents().first?.isReady == true }
      let first = await desk.pollChat()
      _ = await desk.call(.disconnect, first)
      let second = await desk.pollChat()
      await until { await desk.service.transcript(of: second)?.count == 4 }
      running.cancel()
      await running.value
      #expect(await desk.agents.agents().map(\.isReady) == [false], "and says so when it stops")
    }
  }

  @Test(arguments: ["hello", "help", "thank you", "bye", "", "🙂", "why?"])
  func theScriptedAgentHasAnAnswerToEverything(text: String) {
    #expect(!ScriptedAgent.answer(to: text).isEmpty)
  }
}
