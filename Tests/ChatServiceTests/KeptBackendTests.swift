// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import ChatService

/// A backend that fails, beside a journal: what it is told after a restart, and what it is answered.
@Suite(.timeLimit(.minutes(1))) struct KeptBackendTests {
  private struct Bench: Sendable {
    let backend: FakeBackend
    let journal: FakeJournal
    let notifier: RecordingNotifier
    let service: ChatService

    func notices(_ id: String) -> [String?] {
      notifier.all.filter { $0.serviceID == id }.map { $0.json["_status"]?.string }
    }
  }

  private func withBench(
    restoring services: [RestoredService] = [], failing failures: [ChatBackendError] = [],
    _ body: @Sendable (Bench) async throws -> Void
  ) async rethrows {
    let (clock, notifier, backend) = (ManualClock(), RecordingNotifier(), FakeBackend())
    let journal = FakeJournal(notifier)
    var configuration = ChatConfiguration()
    configuration.limits.announcePause = .milliseconds(1)
    let service = ChatService(
      configuration: configuration, backend: backend, notifier: notifier, journal: journal, clock: clock,
      random: SeededGenerator(state: 7))
    for failure in failures { await backend.failNext(failure) }
    await service.restore(services)
    let running = Task { await service.run() }
    defer { running.cancel() }
    try await body(Bench(backend: backend, journal: journal, notifier: notifier, service: service))
  }

  private func stored(_ id: String) -> RestoredService {
    RestoredService(
      service: StoredService(
        id: id, name: "request-chat-poll", user: "u", data: [], ttl: .seconds(1_000),
        usedAtSecondsSince1970: ManualClock.start), chat: nil, entries: [])
  }

  @Test func aBackendThatIsDownAfterARestartIsToldOfEveryServiceInTheEnd() async {
    let failures = [ChatBackendError](repeating: .unavailable, count: 7)
    await withBench(restoring: (0..<6).map { stored("s\($0)") }, failing: failures) { bench in
      await until { await bench.backend.log.count { $0 == "service" } == 13 }
      #expect(await bench.backend.remembered.sorted() == (0..<6).map { "s\($0)" }, "before it is told of the first")
      for _ in 0..<1_000 { await Task.yield() }
      #expect(await bench.backend.log.count { $0 == "service" } == 13, "and no more often")
    }
  }

  @Test func whatTheBackendRefusesAfterARestartIsNotRepeated() async {
    await withBench(restoring: [stored("a"), stored("b")], failing: [.badInput, .notReady]) { bench in
      await until { await bench.backend.log.count == 2 }
      for _ in 0..<1_000 { await Task.yield() }
      #expect(await bench.backend.log.count == 2)
    }
  }

  @Test func aChangeThatComesAgainIsToldOnce() async {
    await withBench(restoring: [stored("a")]) { bench in
      for availability in [ChatAvailability.available, .available, .waiting, .waiting, .available] {
        await bench.backend.become(availability, "a")
      }
      await until { await bench.backend.acknowledgedChanges.count == 5 }
      #expect(await bench.backend.acknowledgedChanges == [true, true, true, true, true])
      #expect(bench.notices("a").count == 3)
    }
  }

  @Test func aChangeIsAcknowledgedOnceItsNoticeIsKept() async {
    await withBench(restoring: [stored("a")]) { bench in
      await until { await bench.backend.log.count == 1 }
      bench.journal.hold()
      await bench.backend.become(.available, "a")
      await until { bench.journal.waiting >= 2 }
      #expect(await bench.backend.acknowledgedChanges.isEmpty)
      bench.journal.fail(true)
      bench.journal.release()
      await until { await bench.backend.acknowledgedChanges == [false] }
      #expect(bench.notices("a").isEmpty)
      bench.journal.fail(false)
      await bench.backend.become(.available, "a")
      await until { await bench.backend.acknowledgedChanges == [false, true] }
      #expect(bench.notices("a").count == 1)
    }
  }
}
