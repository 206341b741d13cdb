// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

struct IdentifiersTests {
  /// Answers with the same bits always, so that every bit of an identifier that is not fixed shows.
  struct ConstantGenerator: RandomNumberGenerator {
    let value: UInt64
    mutating func next() -> UInt64 { value }
  }

  @Test func version4HasItsBitsWhateverIsDrawn() {
    var zeros = ConstantGenerator(value: 0)
    var ones = ConstantGenerator(value: .max)
    #expect(Identifiers.uuid4(using: &zeros) == "00000000-0000-4000-8000-000000000000")
    #expect(Identifiers.uuid4(using: &ones) == "ffffffff-ffff-4fff-bfff-ffffffffffff")
  }

  @Test func version4IsShapedAndDistinct() {
    var generator = SeededGenerator(seed: 4)
    var seen: Set<String> = []
    for _ in 0..<1000 {
      let text = Identifiers.uuid4(using: &generator)
      #expect(text.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12])
      #expect(text.allSatisfy { "0123456789abcdef-".contains($0) })
      #expect(text.dropFirst(14).first == "4" && "89ab".contains(text.dropFirst(19).first ?? "?"))
      seen.insert(text)
    }
    #expect(seen.count == 1000)
  }

  /// `data.id` of the first event in the chat API's own sample, made 4 ms before 22:20:07.
  @Test func version1OfTheSampleIsItsMoment() throws {
    let id = "ccd229401d5f11e200000805691661bf"
    func field(_ from: Int, _ count: Int) throws -> UInt64 {
      try #require(UInt64(id.dropFirst(from).prefix(count), radix: 16))
    }
    let ticks = try field(0, 8) | field(8, 4) << 32 | (field(12, 4) & 0xFFF) << 48
    let nanoseconds = Int64(ticks - Identifiers.uuidTicks(nanosecondsSince1970: 0)) * 100
    #expect(UTCTime(secondsSince1970: (nanoseconds + 4_000_000) / 1_000_000_000).iso8601 == "2012-10-23T22:20:07Z")
    #expect(Identifiers.uuidTicks(nanosecondsSince1970: nanoseconds) == ticks)
    let ours = Identifiers.uuid1(ticks: ticks, clockSequence: 0, node: try field(20, 12))
    #expect(ours == "ccd229401d5f11e280000805691661bf", "the same, but with the variant bits of RFC 9562")
  }

  @Test func version1HasItsBitsWhateverIsGiven() {
    #expect(Identifiers.uuid1(ticks: 0, clockSequence: 0, node: 0) == "00000000000010008000000000000000")
    #expect(Identifiers.uuid1(ticks: .max, clockSequence: .max, node: .max) == "ffffffffffff1fffbfffffffffffffff")
    #expect(
      Identifiers.uuid1(ticks: 0x0123_4567_89AB_CDEF, clockSequence: 0x2345, node: 0x0123_4567_89AB)
        == "89abcdef45671123a3450123456789ab")
  }

  @Test func theEpochOfUUIDTimeIsTheGregorianReform() {
    #expect(Identifiers.uuidTicks(nanosecondsSince1970: 0) == 122_192_928_000_000_000)
    #expect(Identifiers.uuidTicks(nanosecondsSince1970: 199) == 122_192_928_000_000_001)
  }

  @Test func textIsDrawnFromTheWholeAlphabetAndNothingElse() {
    var generator = SeededGenerator(seed: 9)
    let text = Identifiers.text(2000, of: "abc", using: &generator)
    #expect(text.count == 2000 && Set(text) == ["a", "b", "c"])
    #expect(Set(Identifiers.text(2000, using: &generator)) == Set("0123456789abcdef"))
    #expect(Identifiers.text(0, using: &generator).isEmpty)
  }

  @Test func hexadecimalIsPaddedAndNeverCut() {
    #expect(Identifiers.hex(0, digits: 4) == "0000" && Identifiers.hex(0xAB, digits: 4) == "00ab")
    #expect(Identifiers.hex(0x12345, digits: 4) == "12345" && Identifiers.hex(.max, digits: 16) == "ffffffffffffffff")
  }
}
