// SPDX-License-Identifier: Apache-2.0
import Bytes
import Foundation
import Synchronization
import Testing

@testable import Store

@Suite(.timeLimit(.minutes(2))) struct FailureTests {
  @Test func aCommitThatFailsIsToldSoAndForgotten() async throws {
    let control = FakeFile.Control()
    let journal = Journal(control)
    control.fail(.full)
    await #expect(throws: StoreError.full) { try await journal.commit([.removeService("a")]) }
    #expect(journal.isFailing)
    control.fail(nil)
    try await journal.commit([.removeService("b")])
    #expect(!journal.isFailing && journal.isClean)
    #expect(control.state.withLock { $0.transactions } == [[.removeService("b")]])
    #expect(control.state.withLock { $0.recoveries } == 1)
    journal.close()
  }

  @Test func aKeptCommitThatFailsIsWrittenBeforeEverythingLater() async throws {
    let control = FakeFile.Control()
    let journal = Journal(control)
    let answers = Answers()
    control.fail(.readOnly)
    journal.commit([.removeService("kept")], isKept: true, answers.note("kept"))
    await until { answers.all.count == 1 }
    #expect(answers.all[0].result == .failure(.readOnly))
    await #expect(throws: StoreError.readOnly) { try await journal.commit() }
    #expect(!journal.isClean && journal.statistics.waiting == 1)
    control.fail(nil)
    journal.commit([.removeService("later")], answers.note("later"))
    await until { answers.all.count == 3 }
    #expect(answers.names == ["kept", "kept", "later"])
    #expect(control.state.withLock { $0.transactions } == [[.removeService("kept"), .removeService("later")]])
    journal.close()
  }

  @Test func whatFailedIsWrittenInTransactionsNoLargerThanOthers() async throws {
    let control = FakeFile.Control()
    let journal = Journal(control) { $0.maxChangesPerTransaction = 4 }
    control.fail(.full)
    let answers = Answers()
    for number in 0..<10 {
      journal.commit([.removeService("\(number)")], isKept: true, answers.note("\(number)"))
    }
    await until { answers.all.count == 10 }
    // Also behind more than one transaction everybody is told, and nobody twice.
    await #expect(throws: StoreError.full) { try await journal.commit() }
    #expect(journal.isFailing && journal.statistics.waiting == 10)
    control.fail(nil)
    try await journal.commit()
    #expect(journal.isClean && !journal.isFailing)
    let written = control.state.withLock { $0.transactions }
    #expect(written.allSatisfy { $0.count <= 4 })
    #expect(Array(written.joined()) == (0..<10).map { .removeService("\($0)") })
    #expect(answers.names == (0..<20).map { "\($0 % 10)" }, "each was told that it failed, and that it is kept")
    journal.close()
  }

  @Test func whatIsKeptIsTriedAgainThoughNothingElseComes() async throws {
    let control = FakeFile.Control()
    let journal = Journal(control) { $0.retryInterval = .milliseconds(5) }
    let answers = Answers()
    control.fail(.failed("I/O error"))
    journal.commit([.removeService("kept")], isKept: true, answers.note("kept"))
    await until { answers.all.count == 1 }
    control.fail(nil)
    await until { answers.all.count == 2 }
    #expect(answers.all.last?.result == .success(1))
    journal.close()
  }

  @Test func whatWasHandedOverGoesThoughNothingCanCome() async throws {
    let control = FakeFile.Control()
    let journal = Journal(control) { $0.retryInterval = .milliseconds(5) }
    control.fail(.full, onlyWithChanges: true)
    journal.remove([1, 2])
    await #expect(throws: StoreError.full) { try await journal.commit([.addMessage(.sample("a"))]) }
    await until { control.state.withLock { $0.removed } == [1, 2] }
    journal.close()
  }

  @Test func aFullFileRefusesUntilThereIsRoomAgain() async throws {
    let directory = try TemporaryDirectory()
    let (journal, _) = try Journal.opened(directory) { $0.maxBytes = 256 << 10 }
    let large = String(repeating: "x", count: 20_000)
    var count: Int64 = 0
    await #expect(throws: StoreError.full) {
      while true {
        try await journal.commit([.addMessage(.sample(large))])
        count += 1
      }
    }
    #expect(count >= 5 && journal.isFailing)
    await #expect(throws: StoreError.full) { try await journal.commit() }
    journal.remove(Array(1...count))
    try await journal.commit([.addMessage(.sample(large))])
    #expect(!journal.isFailing && journal.statistics.messages == 1)
    journal.close()
    let (again, snapshot) = try Journal.opened(directory)
    #expect(snapshot.messages.map { $0.payload.text } == [large])
    again.close()
  }

  @Test func aFileThatVanishedIsNotMadeAnewAndMayComeBack() async throws {
    let directory = try TemporaryDirectory()
    let (journal, _) = try Journal.opened(directory)
    try await journal.commit([.putService(.sample("a"))])
    try FileManager.default.moveItem(atPath: directory.file, toPath: directory.file + ".away")
    for _ in 0..<3 {
      await #expect(throws: StoreError.failed("\(directory.file) is gone")) {
        try await journal.commit([.putService(.sample("b"))])
      }
    }
    #expect(!FileManager.default.fileExists(atPath: directory.file))
    try FileManager.default.moveItem(atPath: directory.file + ".away", toPath: directory.file)
    try await journal.commit([.putService(.sample("c"))])
    journal.close()
    let (again, snapshot) = try Journal.opened(directory)
    #expect(snapshot.services.map(\.id) == ["a", "c"])
    again.close()
  }

  @Test(arguments: ["", "-wal"]) func whatWasOverwrittenIsNoticedAtTheNextCommitAndMayBePutBack(suffix: String)
    async throws
  {
    let directory = try TemporaryDirectory()
    let (journal, _) = try Journal.opened(directory)
    try await journal.commit([.putService(.sample("a"))])
    let whole = try overwrite(directory.file + suffix, with: Data(count: 64))
    await #expect(throws: StoreError.failed("\(directory.file)\(suffix) was overwritten")) {
      try await journal.commit([.putService(.sample("b"))])
    }
    #expect(journal.isFailing)
    _ = try overwrite(directory.file + suffix, with: whole)
    try await journal.commit([.putService(.sample("c"))])
    journal.close()
    let (again, snapshot) = try Journal.opened(directory)
    #expect(snapshot.services.map(\.id) == ["a", "c"])
    again.close()
  }

  @Test func aLogThatVanishedIsMissed() async throws {
    let directory = try TemporaryDirectory()
    let (journal, _) = try Journal.opened(directory)
    try await journal.commit([.putService(.sample("a"))])
    try FileManager.default.removeItem(atPath: directory.file + "-wal")
    await #expect(throws: StoreError.failed("\(directory.file)-wal is gone")) {
      try await journal.commit([.putService(.sample("b"))])
    }
    journal.close()
  }

  @Test func damageAndItsEndAreNoticedThoughNothingIsWritten() async throws {
    let directory = try TemporaryDirectory()
    var options = StoreOptions(directory: directory.path)
    (options.checkInterval, options.retryInterval) = (.milliseconds(5), .milliseconds(5))
    let journal = Journal(options)
    let seen = Mutex<[StoreError?]>([])
    _ = try journal.open(now: 0) { error in seen.withLock { $0.append(error) } }
    await until { seen.withLock { $0.count } >= 2 }
    #expect(seen.withLock { $0 }.allSatisfy { $0 == nil })
    let whole = try overwrite(directory.file, with: Data(count: 64))
    await until { journal.isFailing }
    await until { seen.withLock { $0.last } == .some(.failed("\(directory.file) was overwritten")) }
    _ = try overwrite(directory.file, with: whole)
    await until { !journal.isFailing }
    await until { seen.withLock { $0.last } == .some(nil) }
    #expect(journal.statistics.transactions <= 1)
    journal.close()
  }

  @Test func aFailureEndsByItselfThoughNothingIsWrittenAgain() async throws {
    let control = FakeFile.Control()
    let journal = Journal(control) { $0.retryInterval = .milliseconds(5) }
    control.fail(.full)
    await #expect(throws: StoreError.full) { try await journal.commit([.removeService("a")]) }
    #expect(journal.isFailing)
    control.fail(nil)
    await until { !journal.isFailing }
    journal.close()
  }

  /// - Returns: what stood at the start of the file until now.
  private func overwrite(_ path: String, with data: Data) throws -> Data {
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    defer { try? file.close() }
    let old = try file.read(upToCount: data.count) ?? Data()
    try file.seek(toOffset: 0)
    try file.write(contentsOf: data)
    return old
  }
}
