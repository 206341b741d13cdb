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

/// Keeps what clients store. The extension point for a store of one's own.
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
  func removeBox(_ box: StorageBox) async throws(StorageError) -> Bool
  /// Forgets what has expired at `now`.
  func sweep(now: Instant) async
}

/// The storage of a broker without a data directory.
public actor MemoryStorage: ServiceStorage {
  private var shelf: StorageShelf

  public init(limits: StorageLimits = StorageLimits()) { shelf = StorageShelf(limits: limits) }

  public func put(_ fields: [StoredField], in name: StorageBox, expires: Instant?) throws(StorageError) {
    try shelf.put(fields, in: name, expires: expires)
  }

  public func fields(of name: StorageBox, now: Instant) -> [StoredField]? { shelf.fields(of: name, now: now) }

  public func removeField(_ key: String, of name: StorageBox) -> Bool { shelf.removeField(key, of: name) }

  @discardableResult
  public func removeBox(_ name: StorageBox) -> Bool { shelf.replace(name, by: nil) != nil }

  public func sweep(now: Instant) {
    for name in shelf.expired(at: now) { shelf.replace(name, by: nil) }
  }
}
