// SPDX-License-Identifier: Apache-2.0

/// Whether a text that comes in parts is UTF-8 (RFC 3629 section 4), told at the first byte that cannot belong to any.
struct UTF8Check: Sendable {
  /// Continuation bytes that the current character still needs.
  private var due: UInt8 = 0
  /// What the next continuation byte may be. Narrower behind four of the leads, which keeps out overlong forms,
  /// surrogates and what is beyond U+10FFFF.
  private var low: UInt8 = 0x80
  private var high: UInt8 = 0xBF

  /// Whether the text may end here.
  var isComplete: Bool { due == 0 }

  /// Takes the next part.
  ///
  /// - Returns: false if the text is not UTF-8, whatever follows. The check is of no use then.
  mutating func take(_ bytes: Span<UInt8>) -> Bool {
    let raw = bytes.bytes
    var at = 0
    while at < bytes.count {
      if due == 0 {
        while at + 8 <= bytes.count,
          raw.unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
        {
          at += 8
        }
        if at == bytes.count { return true }
      }
      guard take(bytes[at]) else { return false }
      at += 1
    }
    return true
  }

  @inline(__always) private mutating func take(_ byte: UInt8) -> Bool {
    if due > 0 {
      guard byte >= low, byte <= high else { return false }
      due -= 1
      (low, high) = (0x80, 0xBF)
      return true
    }
    switch byte {
    case 0x00...0x7F: break
    case 0xC2...0xDF: due = 1
    case 0xE0: (due, low) = (2, 0xA0)
    case 0xED: (due, high) = (2, 0x9F)
    case 0xE1...0xEF: due = 2
    case 0xF0: (due, low) = (3, 0x90)
    case 0xF1...0xF3: due = 3
    case 0xF4: (due, high) = (3, 0x8F)
    default: return false
    }
    return true
  }
}
