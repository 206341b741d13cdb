// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// Whose values are meant.
public enum StorageBox: Sendable, Hashable {
  /// Of one service; goes with it.
  case service(String)
  /// Of nobody in particular: whoever knows the id may read it.
  case free(String)
  /// Of one user, under an id that the client chose.
  case custom(String, user: String)
}

/// A value as a client gave it.
public struct StoredValue: Sendable, Hashable {
  public let bytes: [UInt8]
  /// Of a file; nil for the value of a form field.
  public let contentType: String?

  public init(bytes: [UInt8], contentType: String? = nil) {
    self.bytes = bytes
    self.contentType = contentType
  }

  /// The bytes read as UTF-8.
  public var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// A value under its key.
public struct StoredField: Sendable, Hashable {
  public let key: String
  public let value: StoredValue

  public init(key: String, value: StoredValue) {
    self.key = key
    self.value = value
  }

  var byteCount: Int { key.utf8.count + value.bytes.count }
}

/// Why something was not stored or found.
public enum StorageError: Error, Sendable, Hashable, CaseIterable {
  /// A limit of ``StorageLimits``, or the disk.
  case full
  case badKey
  /// The store cannot be reached now.
  case unavailable
}

/// Every bound of the storage, with its reason.
public struct StorageLimits: Sendable, Hashable {
  /// Boxes at once; beyond it 507. As many as there may be services.
  public var maxBoxes = 200_000
  /// Keys of one box; beyond it 507. As many as a form has fields.
  public var maxKeys = 128
  /// UTF-8 bytes of a key; more is 400.
  public var maxKeyBytes = 256
  /// Bytes of one box, keys included; beyond it 507. A photo of a phone fits.
  public var maxBoxBytes = 4 << 20
  /// Bytes of all boxes together; beyond it 507.
  public var maxTotalBytes = 256 << 20
  /// What a time to live counts as that is no positive number (GMS: 30 s).
  public var standardTTL: Duration = .seconds(30)
  /// The longest time to live; a longer one is cut to it. A week, as services that are kept longest.
  public var maxTTL: Duration = .seconds(604_800)

  public init() {}
}

/// Keeps what clients store. The extension point for a store that survives a restart.
public protocol ServiceStorage: Sendable {
  /// Adds values to a box, or replaces those of the same keys; all of them or none.
  ///
  /// - Parameter expires: when the box goes; nil leaves the time that it has, and for a new box is for ever.
  func put(_ fields: [StoredField], in box: StorageBox, expires: Instant?) async throws(StorageError)
  /// The values in the order of their keys; nil where there is no such box at `now`.
  func fields(of box: StorageBox, now: Instant) async throws(StorageError) -> [StoredField]?
  /// - Returns: whether there was such a value.
  func removeField(_ key: String, of box: StorageBox) async throws(StorageError) -> Bool
  /// - Returns: whether there was such a box.
  @discardableResult
  func removeBox(_ box: StorageBox) async -> Bool
  /// Forgets what has expired at `now`.
  func sweep(now: Instant) async
}

/// The storage of a broker without a data directory.
public actor MemoryStorage: ServiceStorage {
  private struct Box {
    var values: [String: StoredValue] = [:]
    var byteCount = 0
    var expires = Instant.distantFuture
  }
  private let limits: StorageLimits
  private var boxes: [StorageBox: Box] = [:]
  private var byteCount = 0
  private var nextExpiry = Instant.distantFuture

  public init(limits: StorageLimits = StorageLimits()) { self.limits = limits }

  public func put(_ fields: [StoredField], in name: StorageBox, expires: Instant?) throws(StorageError) {
    let old = boxes[name]
    guard old != nil || boxes.count < limits.maxBoxes else { throw .full }
    var box = old ?? Box()
    for field in fields {
      guard !field.key.isEmpty, field.key.utf8.count <= limits.maxKeyBytes else { throw .badKey }
      if let replaced = box.values.updateValue(field.value, forKey: field.key) {
        box.byteCount -= replaced.bytes.count + field.key.utf8.count
      }
      box.byteCount += field.byteCount
    }
    let total = byteCount - (old?.byteCount ?? 0) + box.byteCount
    guard box.values.count <= limits.maxKeys, box.byteCount <= limits.maxBoxBytes, total <= limits.maxTotalBytes
    else { throw .full }
    if let expires { box.expires = expires }
    boxes[name] = box
    byteCount = total
    nextExpiry = min(nextExpiry, box.expires)
  }

  public func fields(of name: StorageBox, now: Instant) -> [StoredField]? {
    guard let box = boxes[name], box.expires > now else { return nil }
    return box.values.sorted { $0.key < $1.key }.map { StoredField(key: $0.key, value: $0.value) }
  }

  public func removeField(_ key: String, of name: StorageBox) -> Bool {
    guard let removed = boxes[name]?.values.removeValue(forKey: key) else { return false }
    let count = removed.bytes.count + key.utf8.count
    boxes[name]?.byteCount -= count
    byteCount -= count
    return true
  }

  @discardableResult
  public func removeBox(_ name: StorageBox) -> Bool {
    guard let box = boxes.removeValue(forKey: name) else { return false }
    byteCount -= box.byteCount
    return true
  }

  public func sweep(now: Instant) {
    guard now >= nextExpiry else { return }
    for (name, box) in boxes where box.expires <= now { removeBox(name) }
    nextExpiry = boxes.values.reduce(.distantFuture) { min($0, $1.expires) }
  }
}
