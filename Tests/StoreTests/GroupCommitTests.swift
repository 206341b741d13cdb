// SPDX-License-Identifier: Apache-2.0
import Bytes
import Synchronization
import Testing

@testable import Store

@Suite(.timeLimit(.minutes(2))) struct GroupCommitTests {
  @Test func inMemoryACommitIsAnsweredBeforeItReturns() throws {
    let journal = Journal()
    let answers = Answers()
    #expect(try journal.open(now: 0) == Snapshot())
    journal.commit([.addMessage(.sample("a"))], answers.note("a"))
    #expect(try answers.all.map { try $0.result.get() } == [0])
    #expect(journal.isClean && !journal.isFailing)
    journal.close()
  }

  @Test func whatComesDuringATransactionIsWrittenInTheNextOneTogether() async throws {
    let control = FakeFile.Control()
    let journal = Journal(control)
    let answers = Answers()
    control.close()
    journal.commit([.addMessage(.sample("0"))], answers.note("0"))
    control.waitForWriter()
    for name in 1...9 { journal.commit([.addMessage(.sample("\(name)"))], answers.note("\(name)")) }
    #expect(!journal.isClean)
    control.open()
    await until { answers.all.count == 10 }
    #expect(answers.names == (0...9).map(String.init))
    #expect(try answers.all.map { try $0.result.get() } == (1...10).map { Int64($0) })
    #expect(control.state.withLock { $0.transactions.map(\.count) } == [1, 9])
    #expect(journal.statistics.transactions == 2 && journal.statistics.commits == 10)
    journal.close()
  }

  @Test func aTransactionHoldsNoMoreChangesThanAllowed() async throws {
    let control = FakeFile.Control()
    let journal = Journal(control) { $0.maxChangesPerTransaction = 4 }
    let answers = Answers()
    control.close()
    journal.commit([], answers.note("first"))
    control.waitForWriter()
    for name in 1...6 {
      journal.commit([.removeService("a"), .removeService("b")], answers.note("\(name)"))
    }
    control.open()
    await until { answers.all.count == 7 }
    #expect(control.state.withLock { $0.transactions.map(\.count) } == [0, 4, 4, 4])
    journal.close()
  }

  @Test func removalsRideWithACommitOrGoAloneAfterAWhile() async throws {
    let control = FakeFile.Control()
    let journal = Journal(control)
    journal.remove([4, 5])
    journal.remove([6])
    try await journal.commit([.removeService("a")])
    #expect(control.state.withLock { $0.removed } == [4, 5, 6])
    journal.remove([7])
    await until { control.state.withLock { $0.removed.last == 7 } }
    journal.close()
  }

  @Test func closingWritesWhatWasGivenAndRefusesTheRest() async throws {
    let control = FakeFile.Control()
    let journal = Journal(control)
    let answers = Answers()
    for name in 0..<50 { journal.commit([.removeService("\(name)")], answers.note("\(name)")) }
    journal.remove([9])
    journal.close()
    #expect(answers.names == (0..<50).map(String.init))
    #expect(control.state.withLock { $0.removed } == [9])
    await #expect(throws: StoreError.closed) { try await journal.commit([.removeService("late")]) }
  }

  @Test func tenThousandChangesOfManyTasksAreKeptInTheOrderOfTheirAnswers() async throws {
    let directory = try TemporaryDirectory()
    let (journal, _) = try Journal.opened(directory)
    let answers = Answers()
    await withTaskGroup { group in
      for task in 0..<10 {
        group.addTask {
          for number in 0..<1_000 {
            journal.commit([.addMessage(.sample("\(task)-\(number)"))], answers.note("\(task)-\(number)"))
          }
        }
      }
    }
    journal.close()
    let (again, snapshot) = try Journal.opened(directory)
    #expect(snapshot.messages.map { $0.payload.text } == answers.names)
    #expect(snapshot.messages.map(\.sequence) == (1...10_000).map { Int64($0) })
    #expect(journal.statistics.transactions < 5_000)
    again.close()
  }
}
