// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService
import Store

/// What clients store, kept in the data directory: read from memory, written before the reply.
///
/// A value that cannot be written is refused and everything stays as it was: one that is too large for the disk must not
/// stand in line before all that would fit. A removal stays in line, as it needs no room.
actor JournalStorage: ServiceStorage {
  private let journal: Journal
  private let clock: any ChatClock
  private var shelf: StorageShelf
  /// Boxes that somebody writes to, each with those who wait for their turn, in order.
  private var busy: [StorageBox: [CheckedContinuation<Void, Never>]] = [:]

  init(_ journal: Journal, limits: StorageLimits, clock: any ChatClock) {
    self.journal = journal
    self.clock = clock
    shelf = StorageShelf(limits: limits)
  }

  /// Puts in place what was kept, and has the rest removed: boxes that expired, and those of services that are gone.
  ///
  /// - Parameter services: the ids of those that were restored.
  func restore(_ rows: [ValueRow], services: Set<String>) {
    let offset = clock.secondsSince1970()
    let now = clock.now()
    var orphans: [Change] = []
    for (space, rows) in Dictionary(grouping: rows, by: \.space) {
      guard let name = StorageBox(space: space) else { continue }
      let head = rows.first { $0.key.isEmpty }
      var isWanted = head != nil
      if case .service(let id) = name { isWanted = services.contains(id) }
      guard isWanted else {
        orphans += rows.map { .removeValue(space: space, key: $0.key) }
        continue
      }
      let expires = head?.expiresAtSecondsSince1970.map { now + .seconds($0 - offset) } ?? .distantFuture
      let fields = rows.filter { !$0.key.isEmpty }.map { StoredField(key: $0.key, value: StoredValue(row: $0.value)) }
      shelf.replace(name, by: StorageShelf.Box(fields, expires: expires))
    }
    if !orphans.isEmpty { journal.commit(orphans, isKept: true) { _ in } }
  }

  // MARK: ServiceStorage

  func put(_ fields: [StoredField], in name: StorageBox, expires: Instant?) async throws(StorageError) {
    await enter(name)
    defer { leave(name) }
    let before = shelf.box(name)
    try shelf.put(fields, in: name, expires: expires)
    var rows = fields.map { Change.putValue(ValueRow(space: name.space, key: $0.key, value: $0.value.row)) }
    if before == nil || expires != nil {
      rows.append(
        .putValue(ValueRow(space: name.space, key: "", value: [], expiresAtSecondsSince1970: wallTime(of: expires))))
    }
    guard await commit(rows, isKept: false) else {
      shelf.replace(name, by: before)
      throw .unavailable
    }
  }

  func fields(of name: StorageBox, now: Instant) async -> [StoredField]? {
    // What is being written may still be taken back.
    await enter(name)
    defer { leave(name) }
    return shelf.fields(of: name, now: now)
  }

  func removeField(_ key: String, of name: StorageBox) async throws(StorageError) -> Bool {
    await enter(name)
    defer { leave(name) }
    guard shelf.removeField(key, of: name) else { return false }
    guard await commit([.removeValue(space: name.space, key: key)], isKept: true) else { throw .unavailable }
    return true
  }

  func removeBox(_ name: StorageBox) async throws(StorageError) -> Bool {
    await enter(name)
    defer { leave(name) }
    guard let box = shelf.replace(name, by: nil) else { return false }
    guard await commit(removal(of: name, box), isKept: true) else { throw .unavailable }
    return true
  }

  func sweep(now: Instant) {
    for name in shelf.expired(at: now) {
      guard let box = shelf.replace(name, by: nil) else { continue }
      if busy[name] == nil {
        journal.commit(removal(of: name, box), isKept: true) { _ in }
      } else {
        // It is being written to; looked at again the next time.
        shelf.replace(name, by: box)
      }
    }
  }

  private func removal(of name: StorageBox, _ box: StorageShelf.Box) -> [Change] {
    (box.values.keys + [""]).map { .removeValue(space: name.space, key: $0) }
  }

  private func commit(_ changes: [Change], isKept: Bool) async -> Bool {
    await withCheckedContinuation { continuation in
      journal.commit(changes, isKept: isKept) { result in
        if case .success = result {
          continuation.resume(returning: true)
        } else {
          continuation.resume(returning: false)
        }
      }
    }
  }

  /// Rounded up, so that nothing goes before its time.
  private func wallTime(of expires: Instant?) -> Int64? {
    guard let expires, expires < .distantFuture else { return nil }
    return clock.secondsSince1970() + (expires - clock.now()).components.seconds + 1
  }

  // MARK: one at a time

  private func enter(_ name: StorageBox) async {
    guard busy[name] != nil else {
      busy[name] = []
      return
    }
    await withCheckedContinuation { busy[name]?.append($0) }
  }

  private func leave(_ name: StorageBox) {
    guard busy[name]?.isEmpty == false, let next = busy[name]?.removeFirst() else {
      busy[name] = nil
      return
    }
    next.resume()
  }
}

extension StorageBox {
  /// Where its values stand in the store: a JSON array, in which no name can pass for two.
  var space: String {
    let words: [String] =
      switch self {
      case .service(let id): ["service", id]
      case .free(let id): ["free", id]
      case .custom(let id, let user): ["custom", id, user]
      }
    return JSONValue.array(words.map { .string($0) }).text
  }

  /// Nil where it is not what ``space`` writes.
  init?(space: String) {
    let words = ((try? JSONValue(parsing: space))?.elements ?? []).compactMap(\.string)
    switch (words.first, words.count) {
    case ("service", 2): self = .service(words[1])
    case ("free", 2): self = .free(words[1])
    case ("custom", 3): self = .custom(words[1], user: words[2])
    default: return nil
    }
  }
}

extension StoredValue {
  /// The length of the type in one byte, the type, the bytes. A type that is longer than any real one is left out.
  fileprivate var row: [UInt8] {
    let type = Array((contentType ?? "").utf8)
    return type.count > 255 ? [0] + bytes : [UInt8(type.count)] + type + bytes
  }

  fileprivate init(row: [UInt8]) {
    let count = min(Int(row.first ?? 0), max(0, row.count - 1))
    let type = row.dropFirst().prefix(count)
    self.init(
      bytes: Array(row.dropFirst(1 + count)), contentType: type.isEmpty ? nil : String(decoding: type, as: UTF8.self))
  }
}
