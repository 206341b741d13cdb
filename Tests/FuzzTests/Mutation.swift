// SPDX-License-Identifier: Apache-2.0

/// SplitMix64: the same seed gives the same numbers on every machine, so that a random test can be repeated.
struct SeededGenerator: RandomNumberGenerator, Sendable {
  var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}

/// Damage to an input.
enum Mutation {
  /// Changes one to four places: a byte, some bytes gone or doubled, or a piece of another input.
  static func apply(to bytes: inout [UInt8], with others: [[UInt8]], using generator: inout SeededGenerator) {
    for _ in 0..<Int.random(in: 1...4, using: &generator) {
      let at = Int.random(in: 0...bytes.count, using: &generator)
      let end = min(bytes.count, at + Int.random(in: 0...12, using: &generator))
      switch Int.random(in: 0..<6, using: &generator) {
      case 0 where at < bytes.count: bytes[at] = UInt8.random(in: .min ... .max, using: &generator)
      case 1 where at < bytes.count: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 2: bytes.removeSubrange(at..<end)
      case 3: bytes.insert(contentsOf: bytes[at..<end], at: Int.random(in: 0...bytes.count, using: &generator))
      case 4:
        let other = others.randomElement(using: &generator) ?? []
        let start = Int.random(in: 0...other.count, using: &generator)
        bytes.insert(contentsOf: other[start..<min(other.count, start + 20)], at: at)
      default:
        let punctuation = Array("\"\\{}[]:,.-0eu/*\r\n\t \u{1}".utf8)
        bytes.insert(punctuation.randomElement(using: &generator) ?? 0, at: at)
      }
    }
  }
}
