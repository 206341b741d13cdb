// SPDX-License-Identifier: Apache-2.0
import Bytes
import Foundation
import GRDB

/// What the writer of a ``Journal`` writes to. All of it is called by that one thread.
protocol JournalFile: AnyObject {
  /// Carries out all of it or nothing.
  ///
  /// - Returns: how many messages were removed.
  func apply(_ changes: [Change], removing sequences: [Int64]) throws(StoreError) -> Int
  /// Makes ready for another try after a failure, and tries whether anything can be written at all.
  func recover() throws(StoreError)
  func close()
}

/// One SQLite file in WAL mode, with the lock on its directory.
final class DataFile: JournalFile {
  static let name = "broker.sqlite"

  private let options: StoreOptions
  private let path: String
  private let lock: DirectoryLock
  private var queue: DatabaseQueue?
  private let health: FileHealth

  /// - Throws: one of the errors that refuse a start.
  init(_ directory: String, _ options: StoreOptions) throws(StoreError) {
    self.options = options
    lock = try DirectoryLock(directory)
    path = directory + "/" + Self.name
    // Made here so that it is for its owner alone; SQLite gives its companions the same permissions.
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw .unusable(directory: directory, reason: String(cString: strerror(errno)))
    }
    health = FileHealth(path, descriptor)
    queue = try atStart { path in
      let queue = try connect()
      try queue.writeWithoutTransaction { db in
        if let fault = try String.fetchOne(db, sql: "PRAGMA quick_check(1)"), fault != "ok" {
          throw StoreError.damaged(file: path, reason: fault)
        }
        try Schema.migrate(db, file: path)
      }
      return queue
    }
  }

  private func connect() throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.journalMode = .wal
    configuration.foreignKeysEnabled = false
    configuration.label = "store"
    configuration.busyMode = .timeout(2)
    let options = options
    configuration.prepareDatabase { db in
      let pageBytes = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 4096
      if let most = options.maxBytes { _ = try db.execute(sql: "PRAGMA max_page_count = \(max(1, most / pageBytes))") }
    }
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    // Not while the connection is prepared: switching to WAL comes after that and sets NORMAL.
    let mode = options.durability == .power ? "FULL" : "NORMAL"
    try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = \(mode)") }
    return queue
  }

  /// SQLite's `synchronous`: 2 where each transaction waits for the disk, 1 where only checkpoints do.
  var synchronousMode: Int? {
    queue.flatMap { queue in try? queue.read { try Int.fetchOne($0, sql: "PRAGMA synchronous") } ?? nil }
  }

  /// Turns what goes wrong before anything runs into sentences that say what to do.
  private func atStart<Result>(_ body: (String) throws -> Result) throws(StoreError) -> Result {
    do {
      return try body(path)
    } catch let error as StoreError {
      throw error
    } catch let error as DatabaseError {
      let reason = error.message ?? "\(error.resultCode)"
      switch error.resultCode {
      case .SQLITE_CORRUPT, .SQLITE_NOTADB: throw .damaged(file: path, reason: reason)
      default: throw .unusable(directory: options.directory ?? path, reason: reason)
      }
    } catch {
      throw .unusable(directory: options.directory ?? path, reason: "\(error)")
    }
  }

  // MARK: writing

  func apply(_ changes: [Change], removing sequences: [Int64]) throws(StoreError) -> Int {
    guard let queue else { throw .failed("it could not be opened again") }
    try health.check()
    do {
      var removed = 0
      try queue.inTransaction { db in
        let removal = try db.cachedStatement(sql: "DELETE FROM message WHERE sequence = ?")
        for sequence in sequences {
          try removal.execute(arguments: [sequence])
          removed += db.changesCount
        }
        for change in changes { try change.write(to: db) }
        return .commit
      }
      health.noteLog()
      return removed
    } catch {
      throw StoreError(atRunTime: error, on: path)
    }
  }

  /// Opens the file anew if it has to. A file that is gone is not made again: what it held is in no other.
  func recover() throws(StoreError) {
    try health.check()
    do {
      if let queue, (try? queue.read({ try Int.fetchOne($0, sql: "PRAGMA user_version") })) == Schema.version {
        return try Self.probe(queue)
      }
      try? queue?.close()
      queue = nil
      health.forgetLog()
      let opened = try connect()
      queue = opened
      try Self.probe(opened)
    } catch {
      throw StoreError(atRunTime: error, on: path)
    }
  }

  /// Room that there has to be after a failure, so that one small change that fits does not pass for recovery.
  private static let probeBytes = 64 << 10

  private static func probe(_ queue: DatabaseQueue) throws {
    try queue.inTransaction { db in
      try db.execute(
        sql: "REPLACE INTO value VALUES ('probe', '', zeroblob(?), NULL); DELETE FROM value WHERE space = 'probe'",
        arguments: [probeBytes])
      return .commit
    }
  }

  /// Of the file in `directory` with its log.
  static func byteCount(in directory: String) -> Int {
    ["", "-wal"].reduce(0) { sum, suffix in
      var status = stat()
      return stat("\(directory)/\(name)\(suffix)", &status) == 0 ? sum + Int(status.st_size) : sum
    }
  }

  func close() {
    try? queue?.close()
    queue = nil
  }

  // MARK: reading

  /// - Parameter now: seconds since 1970; values that have expired by then are removed.
  func load(now: Int64) throws(StoreError) -> Snapshot {
    guard let queue else { throw .closed }
    return try atStart { _ in
      try queue.writeWithoutTransaction { db in
        try db.execute(sql: "DELETE FROM value WHERE expires_at <= ?", arguments: [now])
        return try Snapshot(db)
      }
    }
  }
}
