// SPDX-License-Identifier: Apache-2.0
import Bytes
import Foundation
import GRDB
import Synchronization

@testable import Store

/// A directory of its own that goes with the test.
final class TemporaryDirectory: Sendable {
  let path: String
  var file: String { path + "/" + DataFile.name }

  init() throws {
    path = NSTemporaryDirectory() + "store-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// What was asked of a commit, in the order of the answers.
final class Answers: Sendable {
  private let results = Mutex<[(name: String, result: Result<Int64, StoreError>)]>([])

  func note(_ name: String) -> Journal.Completion {
    { result in self.results.withLock { $0.append((name, result)) } }
  }

  var all: [(name: String, result: Result<Int64, StoreError>)] { results.withLock { $0 } }
  var names: [String] { all.map(\.name) }
}

/// A file that fails when it is told to, and waits when it is told to.
final class FakeFile: JournalFile {
  /// Shared between the test and the writer thread.
  final class Control: Sendable {
    struct State {
      var failure: StoreError?
      var failsOnlyWithChanges = false
      var transactions: [[Change]] = []
      var removed: [Int64] = []
      var recoveries = 0
    }
    let state = Mutex(State())
    private let gate = DispatchSemaphore(value: 0)
    private let isGated = Atomic(false)
    private let arrived = DispatchSemaphore(value: 0)

    func close() { isGated.store(true, ordering: .sequentiallyConsistent) }
    func open() {
      isGated.store(false, ordering: .sequentiallyConsistent)
      gate.signal()
    }
    /// Returns once the writer stands at the gate.
    func waitForWriter() { arrived.wait() }

    fileprivate func pass() {
      guard isGated.load(ordering: .sequentiallyConsistent) else { return }
      arrived.signal()
      gate.wait()
    }
    func fail(_ error: StoreError?, onlyWithChanges: Bool = false) {
      state.withLock { ($0.failure, $0.failsOnlyWithChanges) = (error, onlyWithChanges) }
    }
  }

  private let control: Control

  init(_ control: Control) { self.control = control }

  func apply(_ changes: [Change], removing sequences: [Int64]) throws(StoreError) -> Int {
    control.pass()
    let failure = control.state.withLock { state -> StoreError? in
      if let failure = state.failure, !changes.isEmpty || !state.failsOnlyWithChanges { return failure }
      state.transactions.append(changes)
      state.removed += sequences
      return nil
    }
    if let failure { throw failure }
    return sequences.count
  }

  func recover() throws(StoreError) { control.state.withLock { $0.recoveries += 1 } }
  func close() {}
}

extension Journal {
  convenience init(_ control: FakeFile.Control, _ change: (inout StoreOptions) -> Void = { _ in }) {
    var options = StoreOptions(directory: "/nowhere")
    options.retryInterval = .seconds(3_600)
    change(&options)
    self.init(options) { FakeFile(control) }
  }

  /// A journal on `directory` that is open, with what it found.
  static func opened(
    _ directory: TemporaryDirectory, _ change: (inout StoreOptions) -> Void = { _ in }
  ) throws -> (Journal, Snapshot) {
    var options = StoreOptions(directory: directory.path)
    change(&options)
    let journal = Journal(options)
    return (journal, try journal.open(now: 1_000))
  }
}

extension MessageRow {
  static func sample(_ text: String, user: String = "anna", service: String? = nil, position: Int = 0) -> MessageRow {
    MessageRow(
      user: Array(user.utf8), payload: Payload(text), arrivedAtMillisecondsSince1970: 42, service: service,
      position: position)
  }
}

extension EntryRow {
  static func sample(_ position: Int, _ service: String = "s", text: String = "hello") -> EntryRow {
    EntryRow(
      service: service, position: position, event: "e\(position)", kind: "Message.Text", nickname: "Ada", text: text,
      party: "AGENT", seconds: 7)
  }
}

extension ServiceRow {
  static func sample(_ id: String) -> ServiceRow {
    ServiceRow(
      id: id, name: "request-chat", user: nil, ttlMilliseconds: 1_000, usedAtSecondsSince1970: 5,
      details: Array("[]".utf8))
  }
}

extension ChatRow {
  static func sample(_ service: String, isLive: Bool = true) -> ChatRow {
    ChatRow(service: service, chatSession: "c", isLive: isLive, cursor: 3, details: Array("{}".utf8))
  }
}

/// Asks until `condition` holds; the time limit of the test bounds it.
func until(_ condition: () -> Bool) async {
  while !condition() { await Task.yield() }
}

/// Runs SQL on the file of a journal that is closed.
func execute(_ sql: String, on path: String) throws {
  let queue = try DatabaseQueue(path: path)
  try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
  try queue.close()
}

func number(_ sql: String, in path: String) throws -> Int {
  let queue = try DatabaseQueue(path: path)
  defer { try? queue.close() }
  return try queue.read { try Int.fetchOne($0, sql: sql) ?? -1 }
}
