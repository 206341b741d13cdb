// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService
import Synchronization
import Testing

@testable import BrokerServer

/// Keeps what a suite made until it is over.
private final class Benches: Sendable {
  private let all = Mutex<[(RemoteBench, Task<Void, Never>)]>([])

  /// A remote backend on a stand-in of its own; `isLost` says which answers, counted from 1, are lost on the way.
  func make(losing isLost: @escaping @Sendable (Int) -> Bool) throws -> RemoteChatBackend {
    let standIn = StandInBackend()
    let count = Counter()
    let bench = try RemoteBench { request in
      let reply = await standIn.answer(request)
      return isLost(count.next()) ? .hangUp : reply
    }
    let telling = standIn.run { batch in
      guard let events = try? RemoteEvent.batch(batch, most: 64, now: 0) else { return nil }
      let outcomes = await bench.remote.accept(events)
      return ["results": .array(zip(events, outcomes).map { $1.json(of: $0) })]
    }
    all.withLock { $0.append((bench, telling)) }
    return bench.remote
  }

  func stop() {
    for (bench, telling) in all.withLock({ $0 }) {
      telling.cancel()
      bench.stop()
    }
  }
}

final class Counter: Sendable {
  private let value = Atomic(0)
  func next() -> Int { value.add(1, ordering: .relaxed).newValue }
  var count: Int { value.load(ordering: .relaxed) }
}

@Test(.timeLimit(.minutes(1))) func theRemoteBackendKeepsTheContract() async throws {
  let benches = Benches()
  defer { benches.stop() }
  try await ChatBackendSuite { try benches.make { _ in false } }.run()
}

/// What was done and not answered is asked for again, and must not be done again.
@Test(.timeLimit(.minutes(1)), arguments: [2, 3]) func itKeepsTheContractWhileAnswersAreLost(every: Int) async throws {
  let benches = Benches()
  defer { benches.stop() }
  try await ChatBackendSuite { try benches.make { $0 % every == 1 } }.run()
}
