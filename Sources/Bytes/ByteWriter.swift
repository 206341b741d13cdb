// SPDX-License-Identifier: Apache-2.0

/// A reusable output buffer: one per loop, so that building a response allocates nothing.
///
/// Bytes are appended behind a reserve of `headroom` bytes. What must stand in front of them but is known only when
/// they are complete (an HTTP head with its Content-Length) is then prepended in place, and head and body leave in one
/// system call.
public struct ByteWriter: ~Copyable {
  @usableFromInline var base: UnsafeMutableRawPointer
  @usableFromInline var capacity: Int
  @usableFromInline var start: Int
  @usableFromInline var end: Int
  /// Bytes kept free in front of the first appended byte.
  public let headroom: Int

  public init(capacity: Int = 4096, headroom: Int = 0) {
    precondition(headroom >= 0 && capacity > headroom)
    base = .allocate(byteCount: capacity, alignment: 16)
    self.capacity = capacity
    self.headroom = headroom
    start = headroom
    end = headroom
  }

  deinit { base.deallocate() }

  @inlinable public var count: Int { end - start }
  @inlinable public var isEmpty: Bool { end == start }
  /// Bytes that can still be prepended.
  @inlinable public var headroomLeft: Int { start }

  /// The bytes written so far; valid until the next mutation.
  @inlinable public var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base + start, count: end - start)
  }

  /// A copy of the bytes written so far.
  public var array: [UInt8] { Array(bytes) }

  /// Forgets the content, and gives memory above `keptCapacity` bytes back.
  public mutating func clear(keepingAtMost keptCapacity: Int = .max) {
    if capacity > keptCapacity, keptCapacity > headroom {
      base.deallocate()
      base = .allocate(byteCount: keptCapacity, alignment: 16)
      capacity = keptCapacity
    }
    start = headroom
    end = headroom
  }

  /// Drops what was appended after the writer held `count` bytes.
  public mutating func truncate(to count: Int) {
    precondition(count >= 0 && count <= self.count)
    end = start + count
  }

  @inlinable public mutating func reserve(_ additional: Int) {
    if end &+ additional > capacity { grow(by: additional) }
  }

  @usableFromInline mutating func grow(by additional: Int) {
    let wanted = Swift.max(capacity * 2, end + additional)
    let larger = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 16)
    larger.copyMemory(from: base, byteCount: end)
    base.deallocate()
    base = larger
    capacity = wanted
  }

  @inlinable public mutating func append(_ byte: UInt8) {
    reserve(1)
    (base + end).storeBytes(of: byte, as: UInt8.self)
    end &+= 1
  }

  @inlinable public mutating func append(_ text: StaticString) {
    let length = text.utf8CodeUnitCount
    reserve(length)
    (base + end).copyMemory(from: text.utf8Start, byteCount: length)
    end &+= length
  }

  @inlinable public mutating func append(_ source: UnsafeRawBufferPointer) {
    guard let from = source.baseAddress, source.count > 0 else { return }
    reserve(source.count)
    (base + end).copyMemory(from: from, byteCount: source.count)
    end &+= source.count
  }

  @inlinable public mutating func append(_ source: [UInt8]) {
    source.withUnsafeBytes { append($0) }
  }

  @inlinable public mutating func append(_ source: Payload) { append(source.bytes) }

  @inlinable public mutating func append(_ source: Span<UInt8>) {
    source.withUnsafeBytes { append($0) }
  }

  public mutating func append(_ text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  /// Appends `value` in decimal.
  @inlinable public mutating func append(decimal value: Int) {
    if value < 0 { append(UInt8(ascii: "-")) }
    var rest = value.magnitude
    var length = 1
    var probe = rest
    while probe >= 10 {
      probe /= 10
      length += 1
    }
    reserve(length)
    var at = end + length
    repeat {
      at -= 1
      (base + at).storeBytes(of: UInt8(truncatingIfNeeded: rest % 10) + 0x30, as: UInt8.self)
      rest /= 10
    } while rest > 0
    end += length
  }

  /// Puts `source` in front of everything written so far.
  ///
  /// - Precondition: `source` fits the headroom that is left.
  @inlinable public mutating func prepend(_ source: UnsafeRawBufferPointer) {
    guard let from = source.baseAddress, source.count > 0 else { return }
    precondition(source.count <= start, "no headroom left")
    start -= source.count
    (base + start).copyMemory(from: from, byteCount: source.count)
  }

  /// Appends `text` as a JSON string with its quotes (RFC 8259 section 7).
  public mutating func append(jsonString text: String) {
    var text = text
    text.withUTF8 { append(jsonString: $0) }
  }

  /// Appends UTF-8 bytes as a JSON string with its quotes. The bytes are not checked to be UTF-8.
  public mutating func append(jsonString utf8: UnsafeBufferPointer<UInt8>) {
    reserve(utf8.count + 2)
    append(UInt8(ascii: "\""))
    for byte in utf8 {
      switch byte {
      case UInt8(ascii: "\""): append("\\\"")
      case UInt8(ascii: "\\"): append("\\\\")
      case 0x0A: append("\\n")
      case 0x0D: append("\\r")
      case 0x09: append("\\t")
      case 0..<0x20:
        append("\\u00")
        append(Self.hexDigit(byte >> 4))
        append(Self.hexDigit(byte & 15))
      default: append(byte)
      }
    }
    append(UInt8(ascii: "\""))
  }

  @inlinable static func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? value + UInt8(ascii: "0") : value - 10 + UInt8(ascii: "a")
  }
}
