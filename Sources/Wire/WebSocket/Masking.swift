// SPDX-License-Identifier: Apache-2.0
import Bytes

/// Masking of payloads (RFC 6455 section 5.3). It keeps a client's bytes from looking like another protocol to what
/// stands in between; it hides nothing.
enum Masking {
  /// Masks what stands in `bytes` from `start` on, eight bytes at a time; doing it twice does nothing.
  ///
  /// - Parameter mask: its first byte in the lowest bits.
  static func apply(_ mask: UInt32, to bytes: inout [UInt8], from start: Int) {
    if mask == 0 { return }
    // In memory order on any machine.
    let word = doubled(mask).littleEndian
    bytes.withUnsafeMutableBytes { memory in
      var at = start
      while at + 8 <= memory.count {
        let plain = memory.loadUnaligned(fromByteOffset: at, as: UInt64.self) ^ word
        memory.storeBytes(of: plain, toByteOffset: at, as: UInt64.self)
        at += 8
      }
      var rest = doubled(mask)
      while at < memory.count {
        memory[at] ^= UInt8(truncatingIfNeeded: rest)
        rest >>= 8
        at += 1
      }
    }
  }

  /// The mask for what follows `count` masked bytes.
  static func advanced(_ mask: UInt32, by count: Int) -> UInt32 {
    let bits = UInt32(count & 3) * 8
    return mask >> bits | mask << (32 - bits)
  }

  private static func doubled(_ mask: UInt32) -> UInt64 { UInt64(mask) << 32 | UInt64(mask) }

  /// Appends `payload` masked, without a copy in between.
  static func append(_ payload: Span<UInt8>, _ mask: UInt32, to writer: inout ByteWriter) {
    let word = doubled(mask)
    let raw = payload.bytes
    var at = 0
    writer.reserve(payload.count)
    while at + 8 <= payload.count {
      let masked = raw.unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self) ^ word.littleEndian
      withUnsafeBytes(of: masked) { writer.append($0) }
      at += 8
    }
    var rest = word
    while at < payload.count {
      writer.append(payload[at] ^ UInt8(truncatingIfNeeded: rest))
      rest >>= 8
      at += 1
    }
  }
}
