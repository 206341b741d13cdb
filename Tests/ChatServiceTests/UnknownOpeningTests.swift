// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import ChatService

/// Chats whose opening was not answered, and events that come before their chat.
@Suite(.timeLimit(.minutes(1))) struct UnknownOpeningTests {
  private struct Bench: Sendable {
    let backend: FakeBackend
    let clock: ManualClock
    let service: ChatService
    let id: String

    func create(_ fields: ChatFields = ["message": "hello"]) async -> Answer {
      Answer(reply: await service.call(.create, service: id, fields: fields, caller: ChatCaller()))
    }
    func tell(_ ids: String...) async {
      for id in ids { await backend.emit(.entries([ChatEntry(.text, "A", id, .agent)]), in: self.id, id: id) }
    }
    func wait(for duration: Duration) async {
      clock.advance(by: duration)
      await service.sweep(now: clock.now())
    }
    var texts: [String]? { get async { await service.transcript(of: id)?.map(\.entry.text) } }
  }

  private func withBench(
    _ change: (inout ChatLimits) -> Void = { _ in }, _ body: @Sendable (Bench) async throws -> Void
  ) async rethrows {
    let backend = FakeBackend()
    let clock = ManualClock()
    var configuration = ChatConfiguration()
    change(&configuration.limits)
    try await withService(configuration, backend, clock) { service, _ in
      let created = await service.createService(named: "request-chat", fields: [:], caller: ChatCaller())
      let id = Answer(reply: created)["_id"]?.string ?? ""
      try await body(Bench(backend: backend, clock: clock, service: service, id: id))
    }
  }

  @Test func whatWasToldOfAChatWhoseOpeningTimedOutIsNotLost() async {
    await withBench { bench in
      await bench.backend.failOpening(.unavailable)
      #expect(await bench.create().status == 500)
      await bench.tell("1", "2")
      await until { await bench.backend.postponed == ["1", "2"] }
      await bench.backend.failOpening(nil)
      #expect(await bench.create().status == 200)
      #expect(await bench.texts == ["1", "2"])
      let calls = await bench.backend.openCalls
      #expect(calls.count == 2 && calls[0] == calls[1], "the backend does it once")
      await bench.tell("2", "3")
      await until { await bench.backend.acknowledged["3"] == 4 }
      #expect(await bench.backend.acknowledged["2"] == 3)
      #expect(await bench.texts == ["1", "2", "3"])
    }
  }

  @Test func whatCameWhileTheAnswerWasAwaitedIsNotLostEither() async {
    await withBench { bench in
      await bench.backend.holdOpenings()
      async let first = bench.create()
      await until { await bench.backend.log.last == "open" }
      await bench.tell("1")
      await until { await bench.service.hasEarlyEvents }
      await bench.backend.failOpening(.unavailable)
      await bench.backend.letOpenings()
      #expect(await first.status == 500)
      await until { await bench.backend.postponed == ["1"] }
      await bench.backend.failOpening(nil)
      #expect(await bench.create().status == 200)
      #expect(await bench.texts == ["1"])
    }
  }

  @Test func anotherCreateIsAnotherCall() async {
    await withBench { bench in
      await bench.backend.failOpening(.unavailable)
      _ = await bench.create(["message": "one"])
      _ = await bench.create(["message": "two"])
      let calls = await bench.backend.openCalls
      #expect(calls.count == 2 && calls[0] != calls[1])
    }
  }

  @Test func anOpeningThatWasRefusedIsKnown() async {
    await withBench { bench in
      await bench.backend.failOpening(.notReady)
      #expect(await bench.create().status == 503)
      await bench.tell("1")
      await until { await bench.backend.acknowledged["1"] != nil }
      #expect(await bench.backend.acknowledged["1"] == .some(nil))
    }
  }

  @Test func anOpeningThatNobodyRepeatsIsGivenUp() async {
    await withBench { bench in
      await bench.backend.failOpening(.unavailable)
      _ = await bench.create()
      await bench.wait(for: .seconds(59))
      #expect(await !bench.backend.log.contains("disconnect"))
      await bench.wait(for: .seconds(1))
      await until { await bench.backend.log.last == "disconnect" }
      await bench.tell("late")
      await until { await bench.backend.acknowledged["late"] != nil }
      #expect(await bench.backend.acknowledged["late"] == .some(nil))
    }
  }

  @Test func moreThanCanBeHeldIsToBeSentAgainInItsOrder() async {
    await withBench({ $0.maxEventsWhileOpening = 2 }) { bench in
      await bench.backend.holdOpenings()
      async let created = bench.create()
      await until { await bench.backend.log.last == "open" }
      await bench.tell("1", "2", "3", "4")
      await until { await bench.backend.postponed == ["3", "4"] }
      await bench.backend.letOpenings()
      #expect(await created.status == 200)
      #expect(await bench.texts == ["1", "2"])
      // What follows the one that was left out must wait for it.
      await bench.tell("5", "3", "4", "5")
      await until { await bench.backend.acknowledged["5"] == 6 }
      #expect(await bench.texts == ["1", "2", "3", "4", "5"])
    }
  }

  @Test func oneThatNeverComesAgainHoldsNobodyUpForLong() async {
    await withBench({ $0.maxEventsWhileOpening = 0 }) { bench in
      await bench.backend.holdOpenings()
      async let created = bench.create()
      await until { await bench.backend.log.last == "open" }
      await bench.tell("1")
      await until { await bench.backend.postponed == ["1"] }
      await bench.backend.letOpenings()
      _ = await created
      await bench.wait(for: .seconds(20))
      await bench.tell("2")
      await until { await bench.backend.acknowledged["2"] == 2 }
    }
  }
}

extension ChatService {
  fileprivate var hasEarlyEvents: Bool { records.values.contains { $0.opening?.early.isEmpty == false } }
}
