// SPDX-License-Identifier: Apache-2.0
import GRDB

/// The tables, version by version. `user_version` of the file says which of them it has.
///
/// A published step is never changed: a new version is a new step.
enum Schema {
  static let version = steps.count
  /// `application_id` of the file: "BYXB".
  static let applicationID = 0x4259_5842

  private static let steps = [
    """
    CREATE TABLE service (
      id TEXT PRIMARY KEY NOT NULL,
      name TEXT NOT NULL,
      user TEXT,
      ttl INTEGER NOT NULL,
      used_at INTEGER NOT NULL,
      details BLOB NOT NULL
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE chat (
      service TEXT PRIMARY KEY NOT NULL,
      chat_session TEXT NOT NULL,
      is_live INTEGER NOT NULL,
      cursor INTEGER NOT NULL,
      details BLOB NOT NULL
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE entry (
      service TEXT NOT NULL,
      position INTEGER NOT NULL,
      event TEXT NOT NULL,
      kind TEXT NOT NULL,
      nickname TEXT NOT NULL,
      text TEXT NOT NULL,
      party TEXT NOT NULL,
      seconds INTEGER NOT NULL,
      PRIMARY KEY (service, position)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE message (
      sequence INTEGER PRIMARY KEY NOT NULL,
      user BLOB NOT NULL,
      payload BLOB NOT NULL,
      arrived_at INTEGER NOT NULL,
      service TEXT,
      position INTEGER NOT NULL
    ) STRICT;
    """,
    """
    CREATE TABLE value (
      space TEXT NOT NULL,
      key TEXT NOT NULL,
      value BLOB NOT NULL,
      expires_at INTEGER,
      PRIMARY KEY (space, key)
    ) WITHOUT ROWID, STRICT;
    """,
    // AUTOINCREMENT remembers the greatest id when its row is gone.
    """
    CREATE TABLE event (
      id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
      channel TEXT NOT NULL,
      payload BLOB NOT NULL,
      arrived_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX event_channel ON event (channel, id);
    CREATE TABLE event_floor (
      channel TEXT PRIMARY KEY NOT NULL,
      dropped_through INTEGER NOT NULL
    ) WITHOUT ROWID, STRICT;
    """,
  ]

  /// Brings the file to the present version, all steps in one transaction.
  static func migrate(_ db: Database, file: String) throws {
    let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
    let owner = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
    let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
    if owner != applicationID, tables > 0 || owner != 0 { throw StoreError.foreign(file: file) }
    if found > version { throw StoreError.newer(file: file, version: found, known: version) }
    if found == version { return }
    try db.inTransaction(.immediate) {
      for step in steps[max(0, found)...] { try db.execute(sql: step) }
      try db.execute(sql: "PRAGMA application_id = \(applicationID)")
      try db.execute(sql: "PRAGMA user_version = \(version)")
      return .commit
    }
  }
}
