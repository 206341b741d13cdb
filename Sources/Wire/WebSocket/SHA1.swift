// SPDX-License-Identifier: Apache-2.0

/// SHA-1 (FIPS 180-4 section 6.1), for the one thing that RFC 6455 wants of it: to prove that a server understood the
/// request for an upgrade.
///
/// Our own, because nothing secret or trusted depends on it there, and 60 lines are less than the C library that this
/// target would otherwise import. Not for anything else: SHA-1 is broken.
package enum SHA1 {
  /// The 20 bytes of the digest.
  package static func digest(of message: Span<UInt8>) -> [UInt8] {
    var state: InlineArray<5, UInt32> = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
    var start = 0
    while start + 64 <= message.count {
      mix(message.extracting(start..<start + 64), into: &state)
      start += 64
    }
    // A one bit, zeros, and the length in bits as eight bytes, to the end of a block.
    var rest = [UInt8](unsafeUninitializedCapacity: 128) { _, count in count = 0 }
    for index in start..<message.count { rest.append(message[index]) }
    rest.append(0x80)
    while rest.count % 64 != 56 { rest.append(0) }
    append(UInt64(message.count) * 8, bytes: 8, to: &rest)
    for block in stride(from: 0, to: rest.count, by: 64) {
      mix(rest.span.extracting(block..<block + 64), into: &state)
    }
    var digest: [UInt8] = []
    for index in state.indices { append(UInt64(state[index]), bytes: 4, to: &digest) }
    return digest
  }

  private static func append(_ value: UInt64, bytes: UInt64, to target: inout [UInt8]) {
    for index in (0..<bytes).reversed() { target.append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
  }

  private static func mix(_ block: Span<UInt8>, into state: inout InlineArray<5, UInt32>) {
    var words = InlineArray<80, UInt32>(repeating: 0)
    for index in 0..<16 {
      for byte in 0..<4 { words[index] = words[index] << 8 | UInt32(block[4 * index + byte]) }
    }
    for index in 16..<80 {
      words[index] = rotated(words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], by: 1)
    }
    var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
    for index in 0..<80 {
      let (choice, constant) = round(index, b, c, d)
      let next = rotated(a, by: 5) &+ choice &+ e &+ constant &+ words[index]
      (e, d, c, b, a) = (d, c, rotated(b, by: 30), a, next)
    }
    state[0] &+= a
    state[1] &+= b
    state[2] &+= c
    state[3] &+= d
    state[4] &+= e
  }

  private static func round(_ index: Int, _ b: UInt32, _ c: UInt32, _ d: UInt32) -> (UInt32, constant: UInt32) {
    switch index {
    case 0..<20: (b & c | ~b & d, 0x5A82_7999)
    case 20..<40: (b ^ c ^ d, 0x6ED9_EBA1)
    case 40..<60: (b & c | b & d | c & d, 0x8F1B_BCDC)
    default: (b ^ c ^ d, 0xCA62_C1D6)
    }
  }

  private static func rotated(_ word: UInt32, by bits: UInt32) -> UInt32 { word << bits | word >> (32 - bits) }
}
