// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing
import Wire

/// Frames that are as they should be (RFC 6455 sections 5.4 to 5.7).
struct WebSocketFrameTests {
  static let hello = Array("Hello".utf8)

  /// Section 5.7, in its order.
  @Test func examplesOfTheStandardAreRead() {
    let client = FrameFeed(.client)
    #expect(client.everyWay([0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F]) == [.text("Hello")])
    #expect(
      FrameFeed().everyWay([0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]) == [.text("Hello")])
    #expect(client.everyWay([0x01, 0x03, 0x48, 0x65, 0x6C, 0x80, 0x02, 0x6C, 0x6F]) == [.text("Hello")])
    #expect(client.everyWay([0x89, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F]) == [.ping(Self.hello)])
    #expect(
      FrameFeed().everyWay([0x8A, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]) == [.pong(Self.hello)])
    let short = (0..<256).map { UInt8(truncatingIfNeeded: $0) }
    #expect(client.everyWay([0x82, 0x7E, 0x01, 0x00] + short) == [.binary(short)])
    let long = (0..<65536).map { UInt8(truncatingIfNeeded: $0 / 256 &+ $0) }
    #expect(client.seeing([0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0] + long, cuts: [1, 7, 500, 40_000]) == [.binary(long)])
  }

  @Test(arguments: [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 124, 125, 126, 127, 128, 300])
  func payloadOfAnyLengthIsUnmasked(length: Int) {
    var random = FrameRandom(seed: length)
    let payload = random.bytes(length)
    #expect(FrameFeed().everyWay(frame(0x82, payload, mask: random.bytes(4))) == [.binary(payload)])
    #expect(FrameFeed().everyWay(frame(0x82, payload, mask: [0, 0, 0, 0])) == [.binary(payload)])
  }

  @Test(arguments: [65_535, 65_536, 65_537])
  func longPayloadIsRead(length: Int) {
    let payload = [UInt8](repeating: 0x61, count: length)
    let bytes = frame(0x81, payload) + frame(0x89, "behind")
    let expected: [SeenFrame] = [.message(.text, payload), .ping(Array("behind".utf8))]
    #expect(FrameFeed().seeing(bytes, cuts: []) == expected)
    #expect(FrameFeed().seeing(bytes, cuts: [1, 2, 3, 4, 9, 10, 14, 15, 4096, 65_536]) == expected)
  }

  @Test func manyMessagesInOneReadComeOneByOne() {
    let bytes = frame(0x81, "one") + frame(0x82, [2]) + frame(0x89, "three") + frame(0x81, "") + frame(0x8A, "five")
    #expect(
      FrameFeed().everyWay(bytes) == [
        .text("one"), .binary([2]), .ping(Array("three".utf8)), .text(""), .pong(Array("five".utf8)),
      ])
  }

  @Test func fragmentsAreJoined() {
    let parts = frame(0x01, "Kö") + frame(0x00, "") + frame(0x00, "nig") + frame(0x80, "in")
    #expect(FrameFeed().everyWay(parts + frame(0x82, [1])) == [.text("Königin"), .binary([1])])
    #expect(FrameFeed().everyWay(frame(0x02, [1]) + frame(0x80, [2])) == [.binary([1, 2])])
  }

  @Test func emptyFragmentsMakeAnEmptyMessage() {
    #expect(FrameFeed().everyWay(frame(0x01) + frame(0x00) + frame(0x80)) == [.text("")])
    #expect(FrameFeed().everyWay(frame(0x02) + frame(0x80, [7])) == [.binary([7])])
    #expect(FrameFeed().everyWay(frame(0x02, [7]) + frame(0x80)) == [.binary([7])])
  }

  @Test func controlFramesComeBetweenFragments() {
    let bytes =
      frame(0x01, "a") + frame(0x89, "ping") + frame(0x00, "b") + frame(0x8A, "pong") + frame(0x89)
      + frame(0x80, "c") + frame(0x81, "d")
    #expect(
      FrameFeed().everyWay(bytes) == [
        .ping(Array("ping".utf8)), .pong(Array("pong".utf8)), .ping([]), .text("abc"), .text("d"),
      ])
  }

  /// Even between the bytes of one character.
  @Test func characterMayBeCutByFragmentsAndControlFrames() {
    let character: [UInt8] = [0xF0, 0x9F, 0x98, 0x80]
    let bytes =
      frame(0x01, [character[0]]) + frame(0x89, [0xFF]) + frame(0x00, [character[1]]) + frame(0x00, [character[2]])
      + frame(0x8A, [0xC3]) + frame(0x80, [character[3]])
    #expect(FrameFeed().everyWay(bytes) == [.ping([0xFF]), .pong([0xC3]), .text("\u{1F600}")])
  }

  @Test func controlFrameHoldsUpTo125Bytes() {
    let payload = [UInt8](repeating: 0xFF, count: 125)
    #expect(FrameFeed().everyWay(frame(0x89, payload) + frame(0x8A, payload)) == [.ping(payload), .pong(payload)])
    let reason = String(repeating: "x", count: 123)
    #expect(FrameFeed().everyWay(frame(0x88, closePayload(1000, reason))) == [.close(.normal, reason)])
  }

  @Test func closeFrameMayBeEmpty() {
    #expect(FrameFeed().everyWay(frame(0x88)) == [.close(nil, "")])
  }

  @Test(arguments: [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])
  func closeCodeOfTheRegistryIsTold(code: UInt16) {
    let bytes = frame(0x88, closePayload(code, "grüß"))
    #expect(FrameFeed().everyWay(bytes) == [.close(CloseCode(rawValue: code), "grüß")])
  }

  @Test func closeInsideOfAMessageEndsIt() {
    #expect(FrameFeed().everyWay(frame(0x01, "a") + frame(0x88)) == [.close(nil, "")])
  }

  @Test func nothingIsReadBehindACloseFrame() {
    var end = FrameFeed()
    end.feed(frame(0x88, closePayload(1001)) + frame(0x81, "late") + [0xFF, 0xFF])
    end.feed(frame(0x89, "later"))
    #expect(end.seen == [.close(.goingAway, "")])
    #expect(end.parser.isIdle)
  }

  @Test func faultIsFinal() {
    var end = FrameFeed()
    end.feed([0x83])
    end.feed(frame(0x81, "good"))
    #expect(end.seen == [.failed(.reservedOpcode), .failed(.reservedOpcode)])
    #expect(end.scratch.isEmpty)
  }

  /// What the deadline of a message hangs on.
  @Test func idleIsBetweenMessagesOnly() {
    var end = FrameFeed()
    #expect(end.parser.isIdle)
    for byte in frame(0x01, "ab") {
      end.feed([byte])
      #expect(!end.parser.isIdle)
    }
    end.feed(frame(0x89))
    #expect(!end.parser.isIdle)
    end.feed(frame(0x80))
    #expect(end.parser.isIdle)
    end.feed(frame(0x89).dropLast())
    #expect(!end.parser.isIdle)
  }
}
