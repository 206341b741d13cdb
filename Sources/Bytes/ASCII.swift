// SPDX-License-Identifier: Apache-2.0

/// Questions about single bytes and short texts that are ASCII by their grammar.
public enum ASCII {
  @inlinable public static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
  @inlinable public static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }
  @inlinable public static func isAlphanumeric(_ byte: UInt8) -> Bool { isDigit(byte) || isLetter(byte) }
  @inlinable public static func lowercase(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

  @inlinable public static func hexValue(_ byte: UInt8) -> UInt8? {
    if isDigit(byte) { return byte - 0x30 }
    let letter = byte | 0x20
    return letter &- 0x61 < 6 ? letter - 0x61 + 10 : nil
  }

  /// Whether `bytes` is `text`, byte for byte.
  @inlinable public static func equal(_ bytes: Span<UInt8>, _ text: StaticString) -> Bool {
    guard bytes.count == text.utf8CodeUnitCount else { return false }
    for index in bytes.indices where bytes[index] != text.utf8Start[index] { return false }
    return true
  }

  /// Whether `bytes` is `lowercaseText` when the case of letters does not count.
  @inlinable public static func equalIgnoringCase(_ bytes: Span<UInt8>, _ lowercaseText: StaticString) -> Bool {
    guard bytes.count == lowercaseText.utf8CodeUnitCount else { return false }
    for index in bytes.indices where lowercase(bytes[index]) != lowercaseText.utf8Start[index] { return false }
    return true
  }

  /// The number that `bytes` is in decimal digits alone; nil for anything else and beyond `Int`.
  @inlinable public static func decimal(_ bytes: Span<UInt8>) -> Int? {
    guard bytes.count > 0, bytes.count < 20 else { return nil }
    var value = 0
    for index in bytes.indices {
      guard isDigit(bytes[index]) else { return nil }
      let (scaled, over) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflow) = scaled.addingReportingOverflow(Int(bytes[index] - 0x30))
      if over || overflow { return nil }
      value = sum
    }
    return value
  }
}

extension String {
  /// The bytes read as UTF-8; what is not UTF-8 becomes U+FFFD.
  public init(_ bytes: Span<UInt8>) {
    self = bytes.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
  }
}

extension [UInt8] {
  /// A copy of the bytes of `span`.
  @inlinable public init(_ span: Span<UInt8>) {
    self = span.withUnsafeBufferPointer { Array($0) }
  }
}
