// SPDX-License-Identifier: Apache-2.0

/// SplitMix64 seeded by an input itself: where an input is cut is up to the fuzzer, and the same when it is run again.
struct InputRandom: RandomNumberGenerator {
  private var state: UInt64

  /// FNV-1a of the bytes.
  init(_ input: [UInt8]) {
    state = input.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }

  /// The ways to cut `count` bytes: not at all, after every byte, and three times at a few places.
  mutating func waysToCut(_ count: Int) -> [[Int]] {
    var ways = [[], Array(0..<count)]
    for _ in 0..<3 {
      ways.append(
        (0..<Int.random(in: 1...6, using: &self)).map { _ in Int.random(in: 0...count, using: &self) }.sorted())
    }
    return ways
  }
}
