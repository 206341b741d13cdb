// SPDX-License-Identifier: Apache-2.0
import Bytes
import Foundation
import GRDB

extension Change {
  func write(to db: Database) throws {
    switch self {
    case .putService(let row):
      try db.cachedStatement(sql: "REPLACE INTO service VALUES (?, ?, ?, ?, ?, ?)").execute(
        arguments: [
          row.id, row.name, row.user, row.ttlMilliseconds, row.usedAtSecondsSince1970, Data(row.details),
        ])
    case .removeService(let id):
      for (table, column) in [("service", "id"), ("chat", "service"), ("entry", "service")] {
        try db.cachedStatement(sql: "DELETE FROM \(table) WHERE \(column) = ?").execute(arguments: [id])
      }
    case .putChat(let row):
      try db.cachedStatement(sql: "REPLACE INTO chat VALUES (?, ?, ?, ?, ?)").execute(
        arguments: [row.service, row.chatSession, row.isLive, row.cursor, Data(row.details)])
    case .addEntries(let rows):
      let statement = try db.cachedStatement(sql: "REPLACE INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      for row in rows {
        try statement.execute(
          arguments: [
            row.service, row.position, row.event, row.kind, row.nickname, row.text, row.party, row.seconds,
          ])
      }
    case .removeEntries(let service, let position):
      try db.cachedStatement(sql: "DELETE FROM entry WHERE service = ? AND position <= ?").execute(
        arguments: [service, position])
    case .addMessage(let row):
      try db.cachedStatement(sql: "REPLACE INTO message VALUES (?, ?, ?, ?, ?, ?)").execute(
        arguments: [
          row.sequence, Data(row.user), Data(row.payload.bytes), row.arrivedAtMillisecondsSince1970, row.service,
          row.position,
        ])
    case .putValue(let row):
      try db.cachedStatement(sql: "REPLACE INTO value VALUES (?, ?, ?, ?)").execute(
        arguments: [row.space, row.key, Data(row.value), row.expiresAtSecondsSince1970])
    case .removeValue(let space, let key):
      try db.cachedStatement(sql: "DELETE FROM value WHERE space = ? AND key = ?").execute(arguments: [space, key])
    case .addEvent(let row):
      try db.cachedStatement(sql: "REPLACE INTO event VALUES (?, ?, ?, ?)").execute(
        arguments: [row.id, row.channel, Data(row.payload.bytes), row.arrivedAtMillisecondsSince1970])
    case .dropEvents(let floor):
      try db.cachedStatement(sql: "DELETE FROM event WHERE channel = ? AND id <= ?").execute(
        arguments: [floor.channel, floor.droppedThrough])
      try db.cachedStatement(sql: "REPLACE INTO event_floor VALUES (?, ?)").execute(
        arguments: [floor.channel, floor.droppedThrough])
    case .forgetChannel(let channel):
      try db.cachedStatement(sql: "DELETE FROM event_floor WHERE channel = ?").execute(arguments: [channel])
    }
  }
}

extension Snapshot {
  init(_ db: Database) throws {
    services = try Self.rows(db, "SELECT * FROM service ORDER BY id") { row in
      ServiceRow(
        id: row["id"], name: row["name"], user: row["user"], ttlMilliseconds: row["ttl"],
        usedAtSecondsSince1970: row["used_at"], details: Array(row["details"] as Data))
    }
    chats = try Self.rows(db, "SELECT * FROM chat ORDER BY service") { row in
      ChatRow(
        service: row["service"], chatSession: row["chat_session"], isLive: row["is_live"], cursor: row["cursor"],
        details: Array(row["details"] as Data))
    }
    entries = try Self.rows(db, "SELECT * FROM entry ORDER BY service, position") { row in
      EntryRow(
        service: row["service"], position: row["position"], event: row["event"], kind: row["kind"],
        nickname: row["nickname"], text: row["text"], party: row["party"], seconds: row["seconds"])
    }
    messages = try Self.rows(db, "SELECT * FROM message ORDER BY sequence") { row in
      var message = MessageRow(
        user: Array(row["user"] as Data), payload: Payload(Array(row["payload"] as Data)),
        arrivedAtMillisecondsSince1970: row["arrived_at"], service: row["service"], position: row["position"])
      message.sequence = row["sequence"]
      return message
    }
    values = try Self.rows(db, "SELECT * FROM value ORDER BY space, key") { row in
      ValueRow(
        space: row["space"], key: row["key"], value: Array(row["value"] as Data),
        expiresAtSecondsSince1970: row["expires_at"])
    }
    events = try Self.rows(db, "SELECT * FROM event ORDER BY id") { row in
      EventRow(
        id: row["id"], channel: row["channel"], payload: Payload(Array(row["payload"] as Data)),
        arrivedAtMillisecondsSince1970: row["arrived_at"])
    }
    eventFloors = try Self.rows(db, "SELECT * FROM event_floor ORDER BY channel") { row in
      EventFloor(channel: row["channel"], droppedThrough: row["dropped_through"])
    }
    lastEventID = try Int64.fetchOne(db, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'event'") ?? 0
  }

  private static func rows<Element>(_ db: Database, _ sql: String, _ make: (Row) -> Element) throws -> [Element] {
    var elements: [Element] = []
    let cursor = try Row.fetchCursor(db, sql: sql)
    while let row = try cursor.next() { elements.append(make(row)) }
    return elements
  }
}
