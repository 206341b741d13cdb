// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// All boxes and what they may hold: the rules of the storage as a value, for whoever keeps them.
public struct StorageShelf: Sendable {
  /// What stands under one name.
  public struct Box: Sendable, Hashable {
    public fileprivate(set) var values: [String: StoredValue] = [:]
    public fileprivate(set) var expires = Instant.distantFuture
    fileprivate var byteCount = 0

    fileprivate init() {}

    /// A box as it was kept.
    public init(_ fields: [StoredField], expires: Instant) {
      for field in fields { values[field.key] = field.value }
      byteCount = fields.reduce(0) { $0 + $1.byteCount }
      self.expires = expires
    }
  }

  private let limits: StorageLimits
  private var boxes: [StorageBox: Box] = [:]
  private var byteCount = 0
  private var nextExpiry = Instant.distantFuture

  public init(limits: StorageLimits = StorageLimits()) { self.limits = limits }

  public func box(_ name: StorageBox) -> Box? { boxes[name] }

  /// Adds values to a box, or replaces those of the same keys; all of them or none.
  ///
  /// - Parameter expires: when the box goes; nil leaves the time that it has, and for a new box is for ever.
  /// - Throws: ``StorageError/full``, ``StorageError/badKey``.
  public mutating func put(_ fields: [StoredField], in name: StorageBox, expires: Instant?) throws(StorageError) {
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
    replace(name, by: box)
  }

  /// The values in the order of their keys; nil where there is no such box at `now`.
  public func fields(of name: StorageBox, now: Instant) -> [StoredField]? {
    guard let box = boxes[name], box.expires > now else { return nil }
    return box.values.sorted { $0.key < $1.key }.map { StoredField(key: $0.key, value: $0.value) }
  }

  /// - Returns: whether there was such a value.
  public mutating func removeField(_ key: String, of name: StorageBox) -> Bool {
    guard var box = boxes[name], let removed = box.values.removeValue(forKey: key) else { return false }
    box.byteCount -= removed.bytes.count + key.utf8.count
    replace(name, by: box)
    return true
  }

  /// Puts a box in the place of another, whatever the limits say: one that was kept, or that was there before.
  ///
  /// - Returns: what was there.
  @discardableResult
  public mutating func replace(_ name: StorageBox, by box: Box?) -> Box? {
    let old = boxes.removeValue(forKey: name)
    byteCount += (box?.byteCount ?? 0) - (old?.byteCount ?? 0)
    if let box {
      boxes[name] = box
      nextExpiry = min(nextExpiry, box.expires)
    }
    return old
  }

  /// The boxes whose time is over at `now`, for the caller to remove.
  public mutating func expired(at now: Instant) -> [StorageBox] {
    guard now >= nextExpiry else { return [] }
    nextExpiry = boxes.values.reduce(.distantFuture) { $1.expires > now ? min($0, $1.expires) : $0 }
    return boxes.filter { $0.value.expires <= now }.map(\.key)
  }
}
