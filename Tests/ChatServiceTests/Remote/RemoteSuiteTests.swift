// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService
import Foundation
import Synchronization
import Testing

@testable import BrokerServer

/// Keeps what a suite made until it is over.
private final class Benches: Sendable {
  private struct State {
    var benches: [RemoteBench] = []
    var tasks: [Task<Void, Never>] = []
    var standIns: [ObjectIdentifier: StandInBackend] = [:]
    var examples: [ExampleBackend] = []
  }
  private let all = Mutex(State())

  /// A remote backend on a stand-in of its own; `isLost` says which answers, counted from 1, are lost on the way.
  func make(losing isLost: @escaping @Sendable (Int) -> Bool) throws -> RemoteChatBackend {
    let standIn = StandInBackend()
    let count = Counter()
    let bench = try RemoteBench { request in
      let reply = await standIn.answer(request)
      return isLost(count.next()) ? .hangUp : reply
    }
    let telling = standIn.run { await bench.remote.answer($0) }
    let changes = Task {
      for await change in await standIn.embedded.availabilityChanges() {
        let word = change.availability == .available ? "available" : "waiting"
        _ = await bench.remote.answer([
          "events": [["type": "availability", "serviceId": .string(change.serviceID), "availability": .string(word)]]
        ])
      }
    }
    all.withLock {
      $0.benches.append(bench)
      $0.tasks += [telling, changes]
      $0.standIns[ObjectIdentifier(bench.remote)] = standIn
    }
    return bench.remote
  }

  /// The agent of the stand-in behind a backend becomes ready.
  func becomeReady(_ backend: any ChatBackend) async throws {
    guard let remote = backend as? RemoteChatBackend else { return }
    let standIn = all.withLock { $0.standIns[ObjectIdentifier(remote)] }
    _ = try await standIn?.embedded.update("Ada", AgentUpdate(isReady: true))
  }

  func makeExample() throws -> RemoteChatBackend {
    let example = try ExampleBackend()
    all.withLock { $0.examples.append(example) }
    return example.remote
  }

  func stop() {
    let state = all.withLock { $0 }
    for task in state.tasks { task.cancel() }
    for bench in state.benches { bench.stop() }
    for example in state.examples { example.stop() }
  }
}

/// `Docs/Examples/backend.py` as a process; a stand-in server is the broker's place for its events.
private final class ExampleBackend: Sendable {
  let remote: RemoteChatBackend
  private let process = Process()
  private let client: HTTPClient
  private let events: StandInServer

  static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
    "../../../Docs/Examples/backend.py"
  ).standardized.path
  static let python = "/usr/bin/python3"

  init() throws {
    let taker = Mutex<RemoteChatBackend?>(nil)
    events = try StandInServer { request in
      guard request.segments == ["backend", "events"], request.secret == StandInBackend.secret,
        let remote = taker.withLock({ $0 })
      else { return .answer(401) }
      let answer = await remote.answer(request.body)
      return .answer(200, answer ?? [:])
    }
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: Self.python)
    process.arguments = ["-B", Self.path, "--broker", events.url, "--port", "0", "--state", ":memory:"]
    process.environment = ["CHAT_SECRET": StandInBackend.secret]
    process.standardOutput = output
    try process.run()
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    let address = try #require(line.firstMatch(of: /listening on (http:\S+)/)).output.1
    client = try HTTPClient(name: "test", HTTPClientOptions(maxPending: 100, maxConnections: 4, keepsAlive: true))
    let options = RemoteBackendOptions(
      url: try #require(WebURL(String(address))), secret: StandInBackend.secret, timeout: .seconds(20),
      deadline: .seconds(20), retries: 2, backoff: .milliseconds(1), maxWaiting: 100, keepAlive: nil,
      maxBatchEvents: 64)
    let made = RemoteChatBackend(options, client: client, clock: TestClock(), logger: .silent)
    remote = made
    taker.withLock { $0 = made }
  }

  func stop() {
    // Not SIGTERM: a child has the signal mask of the thread that started it, which may block that.
    kill(process.processIdentifier, SIGKILL)
    client.stop()
    events.stop()
  }
}

extension RemoteChatBackend {
  /// What `POST /backend/events` answers; nil to what is no batch.
  fileprivate func answer(_ batch: JSONValue) async -> JSONValue? {
    guard let elements = try? RemoteEvent.batch(batch, most: 64, now: 0) else { return nil }
    let outcomes = await accept(elements)
    return ["results": .array(zip(elements, outcomes).map { $1.json(of: $0) })]
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
  try await ChatBackendSuite(
    make: { try benches.make { _ in false } }, becomeReady: { try await benches.becomeReady($0) }, tellsAgain: true
  ).run()
}

/// What was done and not answered is asked for again, and must not be done again.
@Test(.timeLimit(.minutes(1)), arguments: [2, 3]) func itKeepsTheContractWhileAnswersAreLost(every: Int) async throws {
  let benches = Benches()
  defer { benches.stop() }
  try await ChatBackendSuite(
    make: { try benches.make { $0 % every == 1 } }, becomeReady: { try await benches.becomeReady($0) },
    tellsAgain: true
  ).run()
}

@Test(.timeLimit(.minutes(1)), .enabled(if: FileManager.default.isExecutableFile(atPath: ExampleBackend.python)))
func theExampleBackendKeepsTheContract() async throws {
  let benches = Benches()
  defer { benches.stop() }
  try await ChatBackendSuite(make: { try benches.makeExample() }, tellsAgain: true).run()
}
