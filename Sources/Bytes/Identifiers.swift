// SPDX-License-Identifier: Apache-2.0

/// Random identifiers as text. The generator is an argument, so that a test can repeat them.
public enum Identifiers {
  /// A version 4 UUID (RFC 9562 section 5.4) in lower-case hexadecimal with dashes.
  public static func uuid4(using generator: inout some RandomNumberGenerator) -> String {
    let high = generator.next() & ~0xF000 | 0x4000
    let low = generator.next() & ~(0b11 << 62) | 0b10 << 62
    return dashed(high, low)
  }

  /// A version 1 UUID (RFC 9562 section 5.1) as 32 hexadecimal digits without dashes.
  ///
  /// - Parameters:
  ///   - ticks: units of 100 ns since 1582-10-15, see ``uuidTicks(nanosecondsSince1970:)``.
  ///   - clockSequence: 14 bits.
  ///   - node: 48 bits.
  public static func uuid1(ticks: UInt64, clockSequence: UInt16, node: UInt64) -> String {
    let timeLow = ticks & 0xFFFF_FFFF
    let timeMiddle = ticks >> 32 & 0xFFFF
    let timeHigh = ticks >> 48 & 0x0FFF
    let high = timeLow << 32 | timeMiddle << 16 | 0x1000 | timeHigh
    let low = (UInt64(clockSequence & 0x3FFF) | 0x8000) << 48 | node & 0xFFFF_FFFF_FFFF
    return hex(high, digits: 16) + hex(low, digits: 16)
  }

  /// The UUID time of a moment: 100 ns units since the Gregorian reform.
  public static func uuidTicks(nanosecondsSince1970 nanoseconds: Int64) -> UInt64 {
    UInt64(bitPattern: nanoseconds / 100) &+ 0x01B2_1DD2_1381_4000
  }

  /// `count` characters of `alphabet`, each drawn evenly.
  public static func text(
    _ count: Int, of alphabet: StaticString = "0123456789abcdef", using generator: inout some RandomNumberGenerator
  ) -> String {
    String(
      decoding: (0..<count).map { _ in
        alphabet.utf8Start[Int.random(in: 0..<alphabet.utf8CodeUnitCount, using: &generator)]
      }, as: UTF8.self)
  }

  public static func hex(_ value: UInt64, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  private static func dashed(_ high: UInt64, _ low: UInt64) -> String {
    let digits = Array((hex(high, digits: 16) + hex(low, digits: 16)).utf8)
    let parts = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32]
    return parts.map { String(decoding: digits[$0], as: UTF8.self) }.joined(separator: "-")
  }
}
