// SPDX-License-Identifier: Apache-2.0
import Bytes

/// The unguessable name of a session: 32 characters `[0-9a-v]`, five bits each.
///
/// The first eight hold the shard (8 bits) and the slot in its session table (24 bits), so that finding a session is an
/// index, and 8 random bits; the rest are 120 further random bits. Kept as the text itself, in four words.
public struct ClientID: Hashable, Sendable {
  let words: (UInt64, UInt64, UInt64, UInt64)

  public static let textBytes = 32
  private static let alphabet: StaticString = "0123456789abcdefghijklmnopqrstuv"

  public init(shard: UInt8, slot: Int, using generator: inout some RandomNumberGenerator) {
    precondition(slot >= 0 && slot < 1 << 24)
    func word(_ bits: UInt64) -> UInt64 {
      (0..<8).reduce(0) { $0 | UInt64(Self.alphabet.utf8Start[Int(bits >> (5 * $1) & 31)]) << (8 * $1) }
    }
    let place = UInt64(shard) | UInt64(slot) << 8 | UInt64(generator.next() as UInt8) << 32
    words = (word(place), word(generator.next()), word(generator.next()), word(generator.next()))
  }

  /// Nil unless the text has the length of a client id of ours and names a place; what stands behind that is only ever
  /// compared, so it is not looked at here.
  public init?(parsing text: Span<UInt8>) {
    guard text.count == Self.textBytes else { return nil }
    let raw = text.bytes
    words = (
      raw.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt64.self),
      raw.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt64.self),
      raw.unsafeLoadUnaligned(fromByteOffset: 16, as: UInt64.self),
      raw.unsafeLoadUnaligned(fromByteOffset: 24, as: UInt64.self)
    )
    for index in 0..<8 where Self.value(UInt8(truncatingIfNeeded: words.0 >> (8 * UInt64(index)))) == nil {
      return nil
    }
  }

  public init?(_ text: String) {
    let bytes = Array(text.utf8)
    self.init(parsing: bytes.span)
  }

  public var shard: Int { Int(place & 0xFF) }
  var slot: Int { Int(place >> 8 & 0xFF_FFFF) }

  private var place: UInt64 {
    (0..<8).reduce(0) {
      $0 | UInt64(Self.value(UInt8(truncatingIfNeeded: words.0 >> (8 * UInt64($1)))) ?? 0) << (5 * UInt64($1))
    }
  }

  @inline(__always) private static func value(_ character: UInt8) -> UInt8? {
    if ASCII.isDigit(character) { return character - 0x30 }
    return character &- 0x61 < 22 ? character - 0x61 + 10 : nil
  }

  /// Compares without telling by its time how much is equal.
  public static func == (left: ClientID, right: ClientID) -> Bool {
    (left.words.0 ^ right.words.0) | (left.words.1 ^ right.words.1) | (left.words.2 ^ right.words.2)
      | (left.words.3 ^ right.words.3) == 0
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(words.3) }

  func write(to writer: inout ByteWriter) {
    withUnsafeBytes(of: words) { writer.append($0) }
  }

  public var text: String { withUnsafeBytes(of: words) { String(decoding: $0, as: UTF8.self) } }

  /// As much of it as a log may show.
  public var logText: String { String(text.prefix(6)) }
}
