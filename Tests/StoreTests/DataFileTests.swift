// SPDX-License-Identifier: Apache-2.0
import Bytes
import Foundation
import Testing

@testable import Store

@Suite(.timeLimit(.minutes(2))) struct DataFileTests {
  @Test func everythingIsReadBackAsItWasWritten() async throws {
    let directory = try TemporaryDirectory()
    let (journal, empty) = try Journal.opened(directory)
    #expect(empty == Snapshot())
    let value = ValueRow(space: "storage", key: "k", value: [0, 255], expiresAtSecondsSince1970: 2_000)
    try await journal.commit([
      .putService(.sample("s")), .putChat(.sample("s")), .addEntries([.sample(2), .sample(3)]),
      .addMessage(.sample("one", service: "s", position: 3)), .addMessage(.sample("two")), .putValue(value),
      .putValue(ValueRow(space: "storage", key: "old", value: [], expiresAtSecondsSince1970: 1_000)),
    ])
    journal.close()
    let (again, snapshot) = try Journal.opened(directory)
    #expect(snapshot.services == [.sample("s")] && snapshot.chats == [.sample("s")])
    #expect(snapshot.entries == [.sample(2), .sample(3)] && snapshot.values == [value])
    #expect(snapshot.messages.map(\.sequence) == [1, 2] && snapshot.messages.map(\.position) == [3, 0])
    #expect(snapshot.messages.map(\.service) == ["s", nil])
    #expect(again.statistics.messagesRestored == 2)
    again.close()
  }

  @Test(arguments: [(Durability.process, 1), (.power, 2)])
  func durabilityDecidesWhetherATransactionWaitsForTheDisk(_ durability: Durability, _ mode: Int) throws {
    let directory = try TemporaryDirectory()
    let file = try DataFile(directory.path, StoreOptions(directory: directory.path, durability: durability))
    defer { file.close() }
    #expect(file.synchronousMode == mode)
    #expect(try file.apply([.addMessage(.sample("one"))], removing: []) == 0)
    try file.recover()
    #expect(file.synchronousMode == mode, "and after a failure")
  }

  @Test func aChangeThatIsWrittenTwiceDoesNoHarm() async throws {
    let directory = try TemporaryDirectory()
    let (journal, _) = try Journal.opened(directory)
    for _ in 0..<2 {
      try await journal.commit([
        .putService(.sample("s")), .putChat(.sample("s", isLive: false)), .addEntries([.sample(2)]),
        .removeEntries(service: "s", through: 1), .removeValue(space: "a", key: "b"),
      ])
    }
    journal.close()
    let (again, snapshot) = try Journal.opened(directory)
    #expect(snapshot.entries == [.sample(2)] && snapshot.chats == [.sample("s", isLive: false)])
    again.close()
  }

  @Test func aServiceGoesWithItsChatAndLeavesItsMessages() async throws {
    let directory = try TemporaryDirectory()
    let (journal, _) = try Journal.opened(directory)
    try await journal.commit([
      .putService(.sample("s")), .putChat(.sample("s")), .addEntries([.sample(2), .sample(2, "t")]),
      .addMessage(.sample("m", service: "s")), .removeService("s"),
    ])
    journal.close()
    let (again, snapshot) = try Journal.opened(directory)
    #expect(snapshot.services.isEmpty && snapshot.chats.isEmpty && snapshot.entries == [.sample(2, "t")])
    #expect(snapshot.messages.count == 1)
    again.close()
  }

  @Test func eventsAreKeptUntilTheyAreDroppedAndTheirIdsAreRemembered() async throws {
    let directory = try TemporaryDirectory()
    let (journal, _) = try Journal.opened(directory)
    func row(_ id: Int64, _ channel: String) -> EventRow {
      EventRow(id: id, channel: channel, payload: Payload("{\"n\":\(id)}"), arrivedAtMillisecondsSince1970: 7)
    }
    for _ in 0..<2 {
      try await journal.commit([
        .addEvent(row(10, "/a")), .addEvent(row(11, "/b")), .addEvent(row(12, "/a")), .addEvent(row(13, "/c")),
        .dropEvents(EventFloor(channel: "/a", droppedThrough: 10)),
        .dropEvents(EventFloor(channel: "/c", droppedThrough: 13)), .forgetChannel("/c"),
        .dropEvents(EventFloor(channel: "", droppedThrough: 13)),
      ])
    }
    journal.close()
    let (again, snapshot) = try Journal.opened(directory)
    #expect(snapshot.events == [row(11, "/b"), row(12, "/a")] && snapshot.lastEventID == 13)
    #expect(
      snapshot.eventFloors == [
        EventFloor(channel: "", droppedThrough: 13), EventFloor(channel: "/a", droppedThrough: 10),
      ])
    try await again.commit([.dropEvents(EventFloor(channel: "/b", droppedThrough: 11))])
    try await again.commit([.dropEvents(EventFloor(channel: "/a", droppedThrough: 12))])
    again.close()
    let (last, rest) = try Journal.opened(directory)
    #expect(rest.events.isEmpty && rest.lastEventID == 13)
    last.close()
  }

  @Test func sequencesGoOnAfterARestart() async throws {
    let directory = try TemporaryDirectory()
    for expected in [Int64(1), 2, 3] {
      let (journal, _) = try Journal.opened(directory)
      let answers = Answers()
      journal.commit([.addMessage(.sample("m"))], answers.note("m"))
      journal.close()
      #expect(try answers.all.map { try $0.result.get() } == [expected])
    }
  }

  // MARK: versions

  @Test func aNewFileHasThePresentVersionAndIsForItsOwnerAlone() throws {
    let directory = try TemporaryDirectory()
    try Journal.opened(directory).0.close()
    #expect(try number("PRAGMA user_version", in: directory.file) == Schema.version)
    let mode = try FileManager.default.attributesOfItem(atPath: directory.file)[.posixPermissions] as? Int
    #expect(mode == 0o600)
  }

  @Test func aFileOfVersionOneIsBroughtUpToDateWithAllItHolds() async throws {
    let directory = try TemporaryDirectory()
    let (journal, _) = try Journal.opened(directory)
    try await journal.commit([.addMessage(.sample("m")), .putService(.sample("s"))])
    journal.close()
    try execute(
      "DROP TABLE value; DROP TABLE event; DROP TABLE event_floor; PRAGMA user_version = 1", on: directory.file)
    let (again, snapshot) = try Journal.opened(directory)
    #expect(snapshot.messages.count == 1 && snapshot.services == [.sample("s")])
    try await again.commit([.putValue(ValueRow(space: "a", key: "b", value: []))])
    again.close()
    #expect(try number("PRAGMA user_version", in: directory.file) == Schema.version)
  }

  @Test func aFileOfALaterVersionIsRefusedAndLeftAlone() throws {
    let directory = try TemporaryDirectory()
    try Journal.opened(directory).0.close()
    try execute("PRAGMA user_version = 99", on: directory.file)
    let error = StoreError.newer(file: directory.file, version: 99, known: Schema.version)
    #expect(throws: error) { try Journal.opened(directory) }
    #expect(error.description.contains("99") && error.description.contains(directory.file))
    #expect(try number("PRAGMA user_version", in: directory.file) == 99)
  }

  @Test func aDatabaseOfSomebodyElseIsRefused() throws {
    let directory = try TemporaryDirectory()
    try execute("CREATE TABLE theirs (a)", on: directory.file)
    #expect(throws: StoreError.foreign(file: directory.file)) { try Journal.opened(directory) }
    #expect(try number("SELECT count(*) FROM sqlite_master", in: directory.file) == 1)
  }

  // MARK: damage

  @Test func aFileOfGarbageIsRefusedWithWhatToDo() throws {
    let directory = try TemporaryDirectory()
    try Data(repeating: 0x5A, count: 8_192).write(to: URL(fileURLWithPath: directory.file))
    let error = #expect(throws: StoreError.self) { try Journal.opened(directory) }
    guard case .damaged(let file, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(file == directory.file)
    #expect(error?.description.contains("Put back a copy") == true)
    #expect(try Data(contentsOf: URL(fileURLWithPath: directory.file)).allSatisfy { $0 == 0x5A })
  }

  @Test func aDamagedPageIsFoundAtTheStart() async throws {
    let directory = try TemporaryDirectory()
    let (journal, _) = try Journal.opened(directory)
    try await journal.commit((0..<500).map { .addMessage(.sample("\($0) " + String(repeating: "y", count: 400))) })
    journal.close()
    var bytes = try Data(contentsOf: URL(fileURLWithPath: directory.file))
    // The head of an inner page: a kind of page that there is none of.
    for page in 8..<12 { bytes[page * 4_096] = 0x77 }
    try bytes.write(to: URL(fileURLWithPath: directory.file))
    let error = #expect(throws: StoreError.self) { try Journal.opened(directory) }
    guard case .damaged = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  /// A log that was cut off or scribbled over at any place gives back a beginning of what was committed.
  @Test(arguments: [0.05, 0.3, 0.5, 0.77, 0.99]) func aTornLogLosesItsTailAlone(_ part: Double) async throws {
    let directory = try TemporaryDirectory()
    let copy = try TemporaryDirectory()
    let (journal, _) = try Journal.opened(directory)
    for number in 0..<60 { try await journal.commit([.addMessage(.sample("\(number)"))]) }
    // Copied while it is open, as after a kill: the log is not yet merged.
    for suffix in ["", "-wal"] {
      try FileManager.default.copyItem(atPath: directory.file + suffix, toPath: copy.file + suffix)
    }
    journal.close()
    let log = URL(fileURLWithPath: copy.file + "-wal")
    let bytes = try Data(contentsOf: log)
    try bytes.prefix(Int(Double(bytes.count) * part)).write(to: log)
    let (torn, snapshot) = try Journal.opened(copy)
    let texts = snapshot.messages.map { $0.payload.text }
    #expect(texts == (0..<texts.count).map(String.init))
    try await torn.commit([.addMessage(.sample("after"))])
    torn.close()
  }

  // MARK: the directory

  @Test func aDirectoryIsOneBrokersOnly() throws {
    let directory = try TemporaryDirectory()
    let (journal, _) = try Journal.opened(directory)
    let error = #expect(throws: StoreError.self) { try Journal.opened(directory) }
    #expect(error == .inUse(directory: directory.path, holder: getpid()))
    #expect(error?.description.contains(directory.path) == true)
    journal.close()
    try Journal.opened(directory).0.close()
  }

  @Test func aMissingDirectoryIsMadeWithThoseAboveIt() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/a/b"
    let journal = Journal(StoreOptions(directory: path))
    _ = try journal.open(now: 0)
    journal.close()
    #expect(FileManager.default.fileExists(atPath: path + "/" + DataFile.name))
  }

  @Test(arguments: ["/proc/none", "/dev/null/x", "/dev/null"]) func aPlaceThatCannotBeWrittenIsRefused(_ path: String) {
    let error = #expect(throws: StoreError.self) { try Journal(StoreOptions(directory: path)).open(now: 0) }
    guard case .unusable(path, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }
}
