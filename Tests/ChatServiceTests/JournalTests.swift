// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import ChatService

/// A chat service on the embedded backend with a journal that a test controls.
private struct KeptDesk: Sendable {
  let desk: Desk
  let journal: FakeJournal
}

private func withKeptDesk(
  _ configuration: ChatConfiguration = ChatConfiguration(), restoring services: [RestoredService] = [],
  after elapsed: Duration = .zero, _ body: @Sendable (KeptDesk) async throws -> Void
) async rethrows {
  let clock = ManualClock()
  clock.advance(by: elapsed)
  let notifier = RecordingNotifier()
  let journal = FakeJournal(notifier)
  let backend = EmbeddedChatBackend(clock: clock, random: SeededGenerator(state: 3))
  let service = ChatService(
    configuration: configuration, backend: backend, notifier: notifier, journal: journal, clock: clock,
    random: SeededGenerator(state: 7))
  await backend.restore(services)
  await service.restore(services)
  let running = Task { await service.run() }
  defer { running.cancel() }
  try await body(
    KeptDesk(
      desk: Desk(clock: clock, notifier: notifier, agents: backend, service: service), journal: journal))
}

@Suite(.timeLimit(.minutes(1))) struct JournalTests {
  @Test func aReplyAndAnEventLeaveOnlyOnceTheyAreKept() async {
    await withKeptDesk { kept in
      let id = await kept.desk.cometChat()
      let before = kept.desk.notifier.all.count
      kept.journal.hold()
      async let answer = kept.desk.call(.send, id, ["message": "hello"])
      // The change, the acknowledgement behind it, and the reply.
      await until { kept.journal.waiting >= 3 }
      #expect(kept.desk.notifier.all.count == before)
      kept.journal.release()
      #expect(await answer.status == 200)
      #expect(kept.desk.events(id).last?.entries?.first?[2] == "hello")
    }
  }

  @Test func anAgentHearsOfItsMessageOnceItIsKept() async throws {
    try await withKeptDesk { kept in
      let id = await kept.desk.cometChat()
      try await kept.desk.agents.join(id, nickname: "Ada")
      kept.journal.hold()
      async let chat = kept.desk.agents.send(id, nickname: "Ada", text: "hi")
      await until { kept.journal.waiting >= 2 }
      #expect(await kept.desk.agents.chats().first?.transcriptPosition == 2)
      kept.journal.release()
      #expect(try await chat.transcriptPosition == 3)
    }
  }

  @Test(arguments: [ChatOperation.create, .send, .startTyping, .stopTyping, .disconnect])
  func whileNothingCanBeKeptACallIs507AndDoesNothing(_ operation: ChatOperation) async {
    await withKeptDesk { kept in
      let id = await kept.desk.pollChat()
      let before = kept.journal.kept
      kept.journal.fail(true)
      let answer = await kept.desk.call(operation, id, ["message": "lost"])
      #expect(answer.status == 507)
      #expect(answer["exception"]?.string == "com.genesyslab.gsg.service.StorageException")
      #expect(answer["message"]?.string?.isEmpty == false)
      kept.journal.fail(false)
      #expect(kept.journal.kept == before)
      #expect(await kept.desk.call(.send, id, ["message": "again"]).entries?.map { $0[2] } == ["again"])
    }
  }

  @Test func aServiceThatCannotBeKeptIsNotCreated() async {
    await withKeptDesk { kept in
      kept.journal.fail(true)
      let reply = await kept.desk.service.createService(
        named: "request-chat", fields: [:], caller: ChatCaller(user: "u"))
      #expect(reply.status == 507)
      #expect(await kept.desk.service.statistics.services == 0)
    }
  }

  @Test func whatWasUnderWayWhenTheDiskFailedComesInItsPlaceLater() async throws {
    try await withKeptDesk { kept in
      let id = await kept.desk.cometChat()
      try await kept.desk.agents.join(id, nickname: "Ada")
      _ = await kept.desk.notifier.atLeast(2)
      kept.journal.hold()
      let agents = kept.desk.agents
      let sending = Task { () -> AgentError? in
        do throws(AgentError) {
          try await agents.send(id, nickname: "Ada", text: "first")
          return nil
        } catch {
          return error
        }
      }
      await until { kept.journal.waiting >= 2 }
      kept.journal.fail(true)
      kept.journal.release()
      #expect(await sending.value == .notStored)
      #expect(kept.desk.events(id).count == 1)
      kept.journal.fail(false)
      #expect(await kept.desk.call(.send, id, ["message": "second"]).status == 200)
      #expect(kept.desk.events(id).suffix(2).map { $0.entries?.first?[2] } == ["first", "second"])
      #expect(kept.desk.events(id).suffix(2).map { $0["transcriptPosition"]?.string } == ["3", "4"])
    }
  }

  @Test func aPollThatCouldNotBeKeptShowsItsEntriesAgain() async throws {
    try await withKeptDesk { kept in
      let id = await kept.desk.pollChat()
      try await kept.desk.agents.join(id, nickname: "Ada")
      kept.journal.hold()
      async let refused = kept.desk.call(.refresh, id)
      await until { kept.journal.waiting >= 2 }
      kept.journal.fail(true)
      kept.journal.release()
      #expect(await refused.status == 507)
      kept.journal.fail(false)
      #expect(await kept.desk.call(.refresh, id).entries?.map { $0[0] } == ["Notice.Joined"])
    }
  }
}

@Suite(.timeLimit(.minutes(1))) struct RestartTests {
  @Test func aChatGoesOnWithItsAgentsAndPositions() async throws {
    let (journal, id) = await session { kept in
      let id = await kept.desk.cometChat(["message": "hello"])
      _ = try? await kept.desk.agents.join(id, nickname: "Ada")
      _ = try? await kept.desk.agents.join(id, nickname: "Bob")
      _ = try? await kept.desk.agents.leave(id, nickname: "Ada")
      return id
    }
    try await withKeptDesk(restoring: journal.restored) { kept in
      let chat = try #require(await kept.desk.agents.chats().first)
      #expect(chat.serviceID == id && chat.isLive && chat.agents == ["Bob"] && chat.customer == "VasyaP")
      #expect(chat.transcriptPosition == 5 && chat.subject == "test" && chat.isCustomerOnline == false)
      #expect(kept.desk.notifier.all.isEmpty)
      try await kept.desk.agents.send(id, nickname: "Bob", text: "still here")
      let event = try #require(kept.desk.notifier.all.first)
      #expect(event.transcriptPosition == 6 && event.user == "vasya")
      #expect(event.json["chatSessionId"]?.string == chat.chatSessionID)
      await kept.desk.service.clientPresence(user: "vasya", online: true)
      #expect(await kept.desk.agents.chats().first?.isCustomerOnline == true)
    }
  }

  @Test func aPollingClientIsGivenWhatItHadNotRead() async throws {
    let (journal, id) = await session { kept in
      let id = await kept.desk.pollChat(["message": "one"])
      _ = await kept.desk.call(.refresh, id)
      _ = try? await kept.desk.agents.join(id, nickname: "Ada")
      return id
    }
    await withKeptDesk(restoring: journal.restored) { kept in
      let answer = await kept.desk.call(.refresh, id)
      #expect(answer.entries?.map { $0[0] } == ["Notice.Joined"] && answer.position == "3")
      #expect(await kept.desk.call(.refresh, id, ["transcriptPosition": "1"]).entries?.count == 2)
      #expect(await kept.desk.call(.send, id, ["message": "two"]).position == "4")
    }
  }

  /// The reply of its create may have been written or not: nobody can wait for it any more.
  @Test func eventsThatWereHeldBackLeaveAfterTheRestart() async throws {
    let (journal, id) = await session { kept in
      let id = await kept.desk.newService()
      let fields = ChatFields(query: Desk.vasya.all, body: [.init("notify_by", "comet")])
      _ = await kept.desk.call(.create, id, fields, user: "vasya")
      _ = try? await kept.desk.agents.join(id, nickname: "Ada")
      #expect(kept.desk.notifier.all.isEmpty)
      return id
    }
    await withKeptDesk(restoring: journal.restored) { kept in
      #expect(kept.desk.notifier.all.map(\.transcriptPosition) == [1, 2])
      #expect(kept.desk.notifier.all.allSatisfy { $0.serviceID == id })
    }
  }

  @Test func anEndedChatStaysEnded() async throws {
    let (journal, id) = await session { kept in
      let id = await kept.desk.pollChat(["message": "one"])
      _ = await kept.desk.call(.disconnect, id)
      return id
    }
    await withKeptDesk(restoring: journal.restored) { kept in
      let answer = await kept.desk.call(.refresh, id)
      #expect(answer.state == "DISCONNECTED" && answer.entries?.count == 1)
      #expect(await kept.desk.agents.chats().map(\.isLive) == [false])
      #expect(await kept.desk.service.statistics.liveChats == 0)
    }
  }

  @Test func aServiceWhoseTimeRanOutMeanwhileEndsWithItsEvent() async throws {
    let (journal, id) = await session { kept in await kept.desk.cometChat() }
    await withKeptDesk(restoring: journal.restored, after: .seconds(86_400)) { kept in
      await until { await kept.desk.service.statistics.services == 0 }
      #expect(kept.desk.notifier.all.last?.json["chatIxnState"]?.string == "DISCONNECTED")
      #expect(kept.journal.kept.last == .removeService(id))
      await until { await kept.desk.agents.chats().map(\.isLive) == [false] }
    }
  }

  @Test func aServiceOfAnEndedChatGoesAfterTheRetention() async throws {
    var configuration = ChatConfiguration()
    configuration.endedChatRetention = .seconds(60)
    await withKeptDesk(configuration) { kept in
      let id = await kept.desk.pollChat()
      let live = await kept.desk.pollChat()
      _ = await kept.desk.call(.disconnect, id)
      kept.desk.clock.advance(by: .seconds(61))
      await kept.desk.service.sweep(now: kept.desk.clock.now())
      #expect(await kept.desk.call(.refresh, id).status == 404)
      #expect(await kept.desk.call(.refresh, live).status == 200)
    }
  }

  @Test func whatALongTranscriptForgetsIsForgottenInTheJournalToo() async throws {
    var configuration = ChatConfiguration()
    configuration.limits.maxTranscriptEntries = 16
    await withKeptDesk(configuration) { kept in
      let id = await kept.desk.pollChat()
      for number in 1...40 { _ = await kept.desk.call(.send, id, ["message": "\(number)"]) }
      let entries = kept.journal.restored.first?.entries.map(\.entry)
      #expect(entries == (await kept.desk.service.transcript(of: id)))
      #expect((entries?.count ?? 0) <= 16 && entries?.last?.position == 41)
    }
  }

  @Test func anAgentIsStillInAChatWhoseTranscriptForgotThatItJoined() async throws {
    var configuration = ChatConfiguration()
    configuration.limits.maxTranscriptEntries = 4
    let (journal, id) = await session(configuration) { kept in
      let id = await kept.desk.pollChat()
      _ = try? await kept.desk.agents.join(id, nickname: "Ada")
      for number in 1...20 { _ = await kept.desk.call(.send, id, ["message": "\(number)"]) }
      return id
    }
    try await withKeptDesk(restoring: journal.restored) { kept in
      let chat = try await kept.desk.agents.send(id, nickname: "Ada", text: "here")
      #expect(chat.transcriptPosition == 23)
    }
  }

  private func session(
    _ configuration: ChatConfiguration = ChatConfiguration(), _ body: @Sendable @escaping (KeptDesk) async -> String
  ) async -> (journal: FakeJournal, id: String) {
    await withCheckedContinuation { continuation in
      Task {
        await withKeptDesk(configuration) { kept in
          let id = await body(kept)
          continuation.resume(returning: (kept.journal, id))
        }
      }
    }
  }
}
