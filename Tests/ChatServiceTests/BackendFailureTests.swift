// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import ChatService

/// What a client sees when the backend fails, is late, is lost or moves.
@Suite(.timeLimit(.minutes(1))) struct BackendFailureTests {
  /// A service on a fake backend, with a chat if `opens`; comet for `u`, first event out.
  struct Bench: Sendable {
    let backend: FakeBackend
    let clock: ManualClock
    let service: ChatService
    let notifier: RecordingNotifier
    let id: String

    func call(_ operation: ChatOperation, _ fields: ChatFields = [:]) async -> Answer {
      Answer(reply: await service.call(operation, service: id, fields: fields, caller: ChatCaller(user: "u")))
    }

    func create() async -> Answer {
      let answer = await call(.create, ["notify_by": "comet"])
      answer.reply.afterWritten?()
      return answer
    }

    func wait(for duration: Duration) async {
      clock.advance(by: duration)
      await service.sweep(now: clock.now())
    }

    func hasWaitingCall() async { await until { await service.statistics.waitingCalls == 1 } }
  }

  private func withBench(
    _ configuration: ChatConfiguration = ChatConfiguration(), keepAlive: Duration? = nil, opens: Bool = true,
    _ body: @Sendable (Bench) async throws -> Void
  ) async rethrows {
    let backend = FakeBackend(keepAliveInterval: keepAlive)
    let clock = ManualClock()
    try await withService(configuration, backend, clock) { service, notifier in
      let created = await service.createService(named: "request-chat", fields: [:], caller: ChatCaller())
      let id = Answer(reply: created)["_id"]?.string ?? ""
      let bench = Bench(backend: backend, clock: clock, service: service, notifier: notifier, id: id)
      if opens {
        _ = await bench.create()
        _ = await notifier.atLeast(1)
      }
      try await body(bench)
    }
  }

  // MARK: errors

  @Test(arguments: [(ChatBackendError.unavailable, 500), (.badInput, 400)])
  func aFailureOfTheBackendHasItsStatus(error: ChatBackendError, status: Int) async {
    await withBench { bench in
      await bench.backend.failNext(error)
      let answer = await bench.call(.send, ["message": "x"])
      #expect(answer.status == status && answer.names == ["exception", "message"])
      #expect(await bench.call(.send, ["message": "y"]).status == 200, "the chat goes on")
    }
  }

  @Test(arguments: [ChatOperation.send, .startTyping, .disconnect])
  func aChatThatTheBackendLostIsOver(operation: ChatOperation) async {
    await withBench { bench in
      await bench.backend.failNext(.notFound)
      let answer = await bench.call(operation, ["message": "x"])
      #expect(answer.status == 200 && answer.state == "DISCONNECTED")
      #expect(await bench.notifier.atLeast(2).last?.json["chatIxnState"] == "DISCONNECTED")
      #expect(await bench.call(.refresh).state == "DISCONNECTED")
      #expect(await bench.service.statistics.liveChats == 0)
    }
  }

  @Test func aChatThatWasOpenedAnewMeanwhileIsNotTheOneThatWasLost() async {
    var configuration = ChatConfiguration()
    configuration.allowRechat = true
    await withBench(configuration) { bench in
      await bench.backend.holdSends()
      async let answer = bench.call(.send, ["message": "x"])
      await bench.hasWaitingCall()
      await bench.backend.emit(.ended([]), in: bench.id)
      #expect(await answer.state == "DISCONNECTED")
      await bench.backend.renameChats()
      #expect(await bench.create().state == "CONNECTED")
      await bench.backend.failNext(.notFound)
      await bench.backend.letSends()
      await until { await bench.backend.log.contains("send x") }
      for _ in 0..<100 { await Task.yield() }
      #expect(await bench.call(.send, ["message": "y"]).state != "DISCONNECTED")
    }
  }

  @Test func A21_aServiceThatIsNotReadyIs503WithoutBody() async {
    await withBench(opens: false) { bench in
      await bench.backend.failOpening(.notReady)
      let answer = await bench.create()
      #expect(answer.status == 503 && answer.reply.body.isEmpty && answer.reply.contentType == .none)
      await bench.backend.failOpening(nil)
      #expect(await bench.create().status == 200, "a failed create may be repeated")
    }
  }

  @Test func aServiceThatTheBackendRefusesDoesNotExist() async {
    await withBench { bench in
      await bench.backend.failNext(.unavailable)
      let reply = await bench.service.createService(named: "request-chat", fields: [:], caller: ChatCaller())
      #expect(reply.status == 500)
      #expect(await bench.service.statistics.services == 1)
    }
  }

  @Test(arguments: ChatError.allCases)
  func everyErrorHasBothKeysUnlessItHasNoBody(error: ChatError) throws {
    let reply = error.reply
    #expect((400...599).contains(reply.status))
    switch reply.status {
    case 401: #expect(reply.body.isEmpty)
    case 415: #expect(String(decoding: reply.body, as: UTF8.self) == "Unsupported Media Type")
    case 503 where error == .notReady: #expect(reply.body.isEmpty)
    default:
      let body = try JSONValue(parsing: reply.body.span)
      #expect(body.names == ["exception", "message"])
      #expect(body["exception"]?.string?.hasPrefix("com.genesyslab.gsg.") == true)
      #expect(body["message"]?.string?.isEmpty == false)
    }
  }

  // MARK: time

  @Test(arguments: [ChatOperation.send, .startTyping, .disconnect])
  func aReplyDoesNotWaitForeverForItsEvent(operation: ChatOperation) async {
    await withBench { bench in
      await bench.backend.keepSilent()
      async let answer = bench.call(operation, ["message": "x"])
      await bench.hasWaitingCall()
      await bench.wait(for: .seconds(10))
      let late = await answer
      #expect(late.status == 500 && late["exception"] != nil)
      #expect(await bench.service.statistics.callsTimedOut == 1)
    }
  }

  @Test func anEventAfterItsDeadlineStillAppears() async {
    await withBench { bench in
      await bench.backend.keepSilent()
      async let answer = bench.call(.send, ["message": "x", "_verbose": "true"])
      await bench.hasWaitingCall()
      let cause = await bench.backend.calls.last
      await bench.wait(for: .seconds(10))
      _ = await answer
      await bench.backend.emit(.entries([ChatEntry(.text, "C", "x", .client)]), in: bench.id, cause: cause)
      #expect(await bench.notifier.atLeast(2).last?.json.entries?.count == 1)
    }
  }

  @Test func anOpeningThatIsLateIs500AndTheRepeatedCreateFindsIt() async {
    await withBench(opens: false) { bench in
      await bench.backend.holdOpenings()
      async let first = bench.create()
      await bench.hasWaitingCall()
      await bench.wait(for: .seconds(10))
      #expect(await first.status == 500)
      async let second = bench.create()
      await bench.hasWaitingCall()
      await bench.backend.letOpenings()
      let answer = await second
      #expect(answer.status == 200 && answer.state == "CONNECTED")
      #expect(await bench.backend.log.count { $0 == "open" } == 1)
      #expect(await bench.notifier.atLeast(1).count == 1, "its reply lets go of the held-back events")
    }
  }

  @Test func eventsThatOvertakeTheOpeningAreTakenInOrder() async {
    await withBench(opens: false) { bench in
      await bench.backend.holdOpenings()
      async let created = bench.create()
      await bench.hasWaitingCall()
      for text in ["a", "b", "c"] {
        await bench.backend.emit(.entries([ChatEntry(.text, "A", text, .agent)]), in: bench.id, id: text)
      }
      await bench.backend.letOpenings()
      let answer = await created
      #expect(answer.position == "1")
      let texts = await bench.notifier.atLeast(4).flatMap { $0.json.entries ?? [] }.map { $0[2] }
      #expect(texts == ["a", "b", "c"])
      await until { await bench.backend.acknowledged["c"] == 4 }
    }
  }

  @Test func aCallDuringTheOpeningWaitsForIt() async {
    await withBench(opens: false) { bench in
      await bench.backend.holdOpenings()
      async let created = bench.create()
      await bench.hasWaitingCall()
      async let sent = bench.call(.send, ["message": "quick"])
      await until { await bench.service.statistics.waitingCalls == 2 }
      await bench.backend.letOpenings()
      #expect(await created.status == 200)
      #expect(await sent.status == 200)
    }
  }

  // MARK: the end

  @Test func whatPrecedesTheEndIsNotLostWhenACallLearnsOfItFirst() async {
    await withBench { bench in
      await bench.backend.failNext(.ended)
      async let answer = bench.call(.send, ["message": "too late"])
      await bench.hasWaitingCall()
      await bench.backend.emit(.entries([ChatEntry(.text, "A", "bye", .agent)]), in: bench.id)
      await bench.backend.emit(.ended([.notice(.left, "A", .agent)]), in: bench.id)
      let reply = await answer
      #expect(reply.status == 200 && reply.state == "DISCONNECTED" && reply.position == "3")
      #expect(bench.notifier.all.compactMap { $0.json["chatIxnState"]?.string }.last == "DISCONNECTED")
      #expect(bench.notifier.all.count == 3)
    }
  }

  @Test func anEndThatTheBackendOnlyClaimsIsToldAfterTheDeadline() async {
    await withBench { bench in
      await bench.backend.failNext(.ended)
      async let answer = bench.call(.send, ["message": "too late"])
      await bench.hasWaitingCall()
      await until { await bench.service.hasCallAwaitingEnd }
      await bench.wait(for: .seconds(10))
      let reply = await answer
      #expect(reply.status == 200 && reply.state == "DISCONNECTED")
      #expect(bench.notifier.all.last?.json["chatIxnState"] == "DISCONNECTED")
    }
  }

  @Test func theEndAnswersAllCallsThatWait() async {
    await withBench { bench in
      await bench.backend.keepSilent()
      async let one = bench.call(.send, ["message": "1"])
      async let two = bench.call(.startTyping)
      await until { await bench.service.statistics.waitingCalls == 2 }
      await bench.backend.emit(.ended([]), in: bench.id)
      #expect(await [one.state, two.state] == ["DISCONNECTED", "DISCONNECTED"])
    }
  }

  @Test func aChatThatTheBackendLostEndsVisibly() async {
    await withBench(keepAlive: .seconds(15)) { bench in
      await bench.wait(for: .seconds(15))
      await until { await bench.backend.log.last == "keepAlive" }
      #expect(bench.notifier.all.count == 1, "a chat that is kept alive goes on")
      await bench.backend.failKeepAlive(.notFound)
      await bench.wait(for: .seconds(15))
      #expect(await bench.notifier.atLeast(2).last?.json["chatIxnState"] == "DISCONNECTED")
      #expect(await bench.service.statistics.liveChats == 0)
      await bench.wait(for: .seconds(60))
      #expect(await bench.backend.log.count { $0 == "keepAlive" } == 2, "an ended chat is not kept alive")
    }
  }

  @Test func anExpiredServiceEndsItsChatEverywhereAndIsGone() async {
    var configuration = ChatConfiguration()
    configuration.serviceTTL = .seconds(60)
    await withBench(configuration) { bench in
      await bench.wait(for: .seconds(59))
      #expect(await bench.call(.refresh).status == 200, "and its use keeps it")
      await bench.wait(for: .seconds(59))
      #expect(await bench.call(.send, ["message": "x"]).status == 200)
      await bench.wait(for: .seconds(60))
      #expect(bench.notifier.all.last?.json["chatIxnState"] == "DISCONNECTED")
      #expect(await bench.call(.refresh).status == 404)
      await until { await bench.backend.log.last == "disconnect" }
      let statistics = await bench.service.statistics
      #expect(statistics.services == 0 && statistics.liveChats == 0 && statistics.servicesExpired == 1)
    }
  }

  @Test func afterTheServiceStoppedCallsAre500AtOnce() async {
    let backend = FakeBackend()
    let service = ChatService(backend: backend, notifier: RecordingNotifier(), clock: ManualClock())
    let running = Task { await service.run() }
    let created = await service.createService(named: "request-chat", fields: [:], caller: ChatCaller())
    let id = Answer(reply: created)["_id"]?.string ?? ""
    _ = await service.call(.create, service: id, fields: [:], caller: ChatCaller())
    await backend.keepSilent()
    async let waiting = service.call(.send, service: id, fields: ["message": "x"], caller: ChatCaller())
    await until { await service.statistics.waitingCalls == 1 }
    running.cancel()
    #expect(await waiting.status == 500)
    await running.value
    #expect(await service.call(.send, service: id, fields: ["message": "x"], caller: ChatCaller()).status == 500)
  }

  @Test func afterTheBackendShutDownCallsAre500AtOnce() async {
    await withBench { bench in
      await bench.backend.keepSilent()
      async let waiting = bench.call(.send, ["message": "x"])
      await bench.hasWaitingCall()
      await bench.backend.closeStream()
      #expect(await waiting.status == 500)
      #expect(await bench.call(.send, ["message": "x"]).status == 500)
    }
  }

  // MARK: another server

  @Test func aChatThatMovedLosesNothingAndTheCallIsMadeOnceMore() async {
    await withBench { bench in
      let missed = await bench.backend.event(.entries([ChatEntry(.text, "A", "missed", .agent)]), in: bench.id)
      await bench.backend.relocates(missing: [missed])
      await bench.backend.failNext(.unavailable)
      let answer = await bench.call(.send, ["message": "x", "_verbose": "true"])
      #expect(answer.status == 200 && answer.position == "3" && answer["chatServerHost"] == "spare")
      #expect(await bench.backend.log.suffix(4) == ["send x", "relocate", "refresh 1", "send x"])
      let calls = await bench.backend.calls
      #expect(calls.count == 2 && calls[0] == calls[1], "the same id, so that it happens once")
      #expect(bench.notifier.all.flatMap { $0.json.entries ?? [] }.map { $0[2] } == ["missed", "x"])
    }
  }

  @Test func aChatThatIsNowhereIs500AfterOneTry() async {
    await withBench { bench in
      await bench.backend.failNext(.unavailable)
      #expect(await bench.call(.send, ["message": "x"]).status == 500)
      #expect(await bench.backend.log.suffix(2) == ["send x", "relocate"])
    }
  }

  @Test func anEventThatComesTwiceIsAcknowledgedTwiceAndShownOnce() async {
    await withBench { bench in
      for _ in 0..<2 {
        await bench.backend.emit(.entries([ChatEntry(.text, "A", "hi", .agent)]), in: bench.id, id: "same")
      }
      await bench.backend.emit(.entries([ChatEntry(.text, "A", "end", .agent)]), in: bench.id)
      #expect(await bench.notifier.atLeast(3).count == 3)
      #expect(await bench.backend.acknowledged["same"] == 2)
      #expect(await bench.service.statistics.eventsNotTaken == 1)
    }
  }

  // MARK: presence

  @Test func theBackendHearsOncePerChangeWhetherTheCustomerIsThere() async {
    await withBench { bench in
      for isOnline in [true, true, false, false, true] {
        await bench.service.clientPresence(user: "u", online: isOnline)
      }
      await bench.service.clientPresence(user: "somebody else", online: true)
      #expect(
        await bench.backend.log.filter { $0.hasPrefix("presence") } == [
          "presence true", "presence false", "presence true",
        ])
      _ = await bench.call(.disconnect)
      await bench.service.clientPresence(user: "u", online: false)
      #expect(await bench.backend.log.last == "disconnect", "an ended chat has no presence")
    }
  }
  @Test func presenceThatIsOlderThanTheChatIsToldWhenItOpens() async {
    await withBench(opens: false) { bench in
      await bench.service.clientPresence(user: "u", online: true)
      _ = await bench.create()
      await until { await bench.backend.log.last == "presence true" }
    }
  }
}

extension ChatService {
  /// Whether the backend said of a chat that it is over, and the event has not come.
  fileprivate var hasCallAwaitingEnd: Bool { waiters.values.contains { $0.awaitsEnd } }
}
