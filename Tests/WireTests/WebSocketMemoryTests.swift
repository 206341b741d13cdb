// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

/// A parser sits in every connection, and nearly all of them wait.
struct WebSocketMemoryTests {
  private static func address(_ bytes: inout [UInt8]) -> UInt {
    bytes.withUnsafeMutableBytes { UInt(bitPattern: $0.baseAddress) }
  }

  @Test func parserIsSmall() {
    #expect(MemoryLayout<FrameParser>.size <= 48)
  }

  /// The scratch stays where it is and the parser has no memory: nothing was allocated for them.
  @Test func messagesInOneReadAreParsedInTheMemoryOfTheScratch() {
    var end = FrameFeed()
    end.scratch.reserveCapacity(4096)
    let before = Self.address(&end.scratch)
    let read = frame(0x81, [UInt8](repeating: 0x61, count: 220)) + frame(0x89, "x") + frame(0x82, [1, 2, 3])
    for _ in 0..<1000 {
      end.feed(read)
      end.seen = []
      #expect(end.parser.bufferedBytes == 0)
    }
    #expect(Self.address(&end.scratch) == before)
  }

  @Test func headerInPartsNeedsNoMemory() {
    var end = FrameFeed()
    for byte in frame(0x82, [UInt8](repeating: 0, count: 70_000)).prefix(14) {
      end.feed([byte])
      #expect(end.parser.bufferedBytes == 0)
    }
  }

  /// Reads of which the first leaves something behind, and the last ends it.
  static let gathered: [[[UInt8]]] = [
    halves(frame(0x81, "in two reads")),
    [frame(0x01, "two "), frame(0x80, "fragments")],
    halves(frame(0x89, "ping in two reads")),
    [frame(0x01, "a")] + halves(frame(0x89, "ping in two reads")) + [frame(0x80)],
    [frame(0x01, "left"), frame(0x88)],
    [frame(0x01, "left"), [0x83]],
  ]

  private static func halves(_ bytes: [UInt8]) -> [[UInt8]] { [Array(bytes.prefix(9)), Array(bytes.dropFirst(9))] }

  @Test(arguments: gathered)
  func memoryGoesWithTheMessage(_ reads: [[UInt8]]) {
    var end = FrameFeed()
    end.feed(reads[0])
    #expect(end.parser.bufferedBytes > 0)
    for read in reads.dropFirst() { end.feed(read) }
    #expect(end.parser.bufferedBytes == 0)
  }

  /// A gathered message of usual size does not take the room of the scratch away.
  @Test func scratchKeepsItsRoom() {
    var end = FrameFeed()
    end.scratch.reserveCapacity(4096)
    let before = Self.address(&end.scratch)
    end.feed(frame(0x01, "a"))
    end.feed(frame(0x80, "b"))
    #expect(end.seen == [.text("ab")])
    #expect(Self.address(&end.scratch) == before)
  }
}
