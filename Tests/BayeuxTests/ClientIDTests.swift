// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

struct ClientIDTests {
  @Test func textHasTheShapeThatClientsKnow() {
    var generator = SeededGenerator(seed: 1)
    for slot in 0..<1000 {
      let text = ClientID(shard: 3, slot: slot, using: &generator).text
      #expect(text.count == ClientID.textBytes && text.allSatisfy { "0123456789abcdefghijklmnopqrstuv".contains($0) })
    }
  }

  @Test(arguments: [0, 1, 127, 254, 255] as [UInt8], [0, 1, 31, 32, 1023, 65_535, (1 << 24) - 1])
  func shardAndSlotAreReadBack(_ shard: UInt8, _ slot: Int) throws {
    var generator = SystemRandomNumberGenerator()
    let id = ClientID(shard: shard, slot: slot, using: &generator)
    #expect(id.shard == Int(shard) && id.slot == slot)
    let parsed = try #require(ClientID(id.text))
    #expect(parsed == id && parsed.shard == Int(shard) && parsed.slot == slot && parsed.hashValue == id.hashValue)
    var writer = ByteWriter()
    id.write(to: &writer)
    let written = writer.array
    #expect(written == Array(id.text.utf8))
  }

  @Test func hundredThousandAreDistinctAlsoInTheirSecretHalf() {
    var generator = SystemRandomNumberGenerator()
    var seen: Set<ClientID> = []
    var secrets: Set<UInt64> = []
    for _ in 0..<100_000 {
      let id = ClientID(shard: 0, slot: 0, using: &generator)
      seen.insert(id)
      secrets.insert(id.words.1)
    }
    #expect(seen.count == 100_000)
    #expect(secrets.count > 99_000, "40 random bits a word")
  }

  @Test func everyCharacterOfTheSecretIsDrawnEvenly() {
    var generator = SeededGenerator(seed: 2)
    var counts: [[Character: Int]] = Array(repeating: [:], count: 32)
    for _ in 0..<3200 {
      for (place, character) in ClientID(shard: 0, slot: 0, using: &generator).text.enumerated() {
        counts[place][character, default: 0] += 1
      }
    }
    for place in 8..<32 {
      #expect(
        counts[place].count == 32 && counts[place].values.allSatisfy { (40...180).contains($0) }, "place \(place)")
    }
  }

  @Test func oneCharacterMakesAnotherID() throws {
    var generator = SeededGenerator(seed: 3)
    let id = ClientID(shard: 1, slot: 2, using: &generator)
    for place in 0..<32 {
      var bytes = Array(id.text.utf8)
      bytes[place] = bytes[place] == UInt8(ascii: "0") ? UInt8(ascii: "1") : UInt8(ascii: "0")
      #expect(try #require(ClientID(String(decoding: bytes, as: UTF8.self))) != id)
    }
  }

  @Test(arguments: [
    "", "0", String(repeating: "0", count: 31), String(repeating: "0", count: 33), String(repeating: "0", count: 64),
    "w0000000000000000000000000000000", "A0000000000000000000000000000000", "0000000w000000000000000000000000",
    "0000 000000000000000000000000000", "0000\u{0}000000000000000000000000000", "-0000000000000000000000000000000",
    "é000000000000000000000000000000", "````````````````````````````````",
  ])
  func textOfAnotherShapeIsNone(_ text: String) {
    #expect(ClientID(text) == nil)
  }

  /// What stands behind the place is only compared, so it may be anything, and finds nobody.
  @Test func foreignCharactersBehindThePlaceFindNobody() {
    let scene = Scene()
    let alice = scene.connectedClient()
    for tail in [String(repeating: "!", count: 24), String(alice.clientID.dropFirst(8)).uppercased()] {
      let id = alice.clientID.prefix(8) + tail
      #expect(scene.send(#"{"channel":"/meta/connect","clientId":"\#(id)"}"#).error == "402::session_unknown")
    }
  }

  @Test func escapedIDIsTheSameID() {
    let alice = Scene().connectedClient()
    let escaped =
      "\\u00" + Identifiers.hex(UInt64(alice.clientID.utf8.first ?? 0), digits: 2) + alice.clientID.dropFirst()
    #expect(alice.send(#"{"channel":"/meta/connect","clientId":"\#(escaped)"}"#).isWaiting)
  }

  @Test func logShowsTooLittleToBeUsed() {
    var generator = SeededGenerator(seed: 4)
    let id = ClientID(shard: 1, slot: 2, using: &generator)
    #expect(id.logText == String(id.text.prefix(6)))
  }
}
