// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing
import Wire

/// FIPS 180-4, by the vectors that NIST gives for it and by the lengths where padding changes.
struct SHA1Tests {
  private static func hex(_ text: String) -> String {
    let bytes = Array(text.utf8)
    return SHA1.digest(of: bytes.span).map { Identifiers.hex(UInt64($0), digits: 2) }.joined()
  }

  @Test(arguments: [
    ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"), ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
    ),
    (
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      "a49b2446a02c645bf419f995b67091253a04a259"
    ),
  ])
  func vectorIsMet(text: String, digest: String) {
    #expect(Self.hex(text) == digest)
  }

  @Test func longMessageIsDigested() {
    #expect(Self.hex(String(repeating: "a", count: 1_000_000)) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f")
  }

  /// Where the length does not fit the last block, and where it does.
  @Test(arguments: [
    (54, "b05d71c64979cb95fa74a33cdb31a40d258ae02e"),
    (55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"),
    (56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"),
    (57, "f08f24908d682555111be7ff6f004e78283d989a"),
    (60, "13d956033d9af449bfe2c4ef78c17c20469c4bf1"),
    (63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5"),
    (64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"),
    (65, "11655326c708d70319be2610e8a57d9a5b959d3b"),
    (119, "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56"),
    (120, "f34c1488385346a55709ba056ddd08280dd4c6d6"),
    (128, "ad5b3fdbcb526778c2839d2f151ea753995e26a0"),
  ])
  func paddingIsRight(length: Int, digest: String) {
    #expect(Self.hex(String(repeating: "a", count: length)) == digest)
  }
}
