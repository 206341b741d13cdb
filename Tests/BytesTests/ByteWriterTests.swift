// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

struct ByteWriterTests {
  /// What a writer holds. `#expect` takes no value that can not be copied.
  struct Content {
    let bytes: [UInt8]
    let count: Int
    let isEmpty: Bool
    let headroomLeft: Int
    var text: String { Payload(bytes).text }

    init(_ writer: borrowing ByteWriter) {
      bytes = writer.array
      (count, isEmpty, headroomLeft) = (writer.count, writer.isEmpty, writer.headroomLeft)
    }
  }

  @Test func growthKeepsWhatWasWritten() {
    var writer = ByteWriter(capacity: 2, headroom: 1)
    var expected: [UInt8] = []
    for value in 0..<2000 {
      let byte = UInt8(truncatingIfNeeded: value)
      writer.append(byte)
      expected.append(byte)
    }
    #expect(Content(writer).bytes == expected && Content(writer).count == 2000 && !Content(writer).isEmpty)
    writer.append([UInt8](repeating: 7, count: 100_000))
    #expect(Content(writer).count == 102_000 && Content(writer).bytes.prefix(2000) == expected[...])
    #expect(Content(writer).bytes.suffix(100_000).allSatisfy { $0 == 7 })
  }

  @Test func everySourceOfBytesIsAppended() {
    var writer = ByteWriter(capacity: 1)
    let bytes = Array("array ".utf8)
    writer.append("static ")
    writer.append("string é ".description)
    writer.append(bytes)
    writer.append(bytes.span.extracting(0..<3))
    writer.append(Payload(" payload"))
    bytes.withUnsafeBytes { writer.append(UnsafeRawBufferPointer(rebasing: $0[5...])) }
    writer.append(UnsafeRawBufferPointer(start: nil, count: 0))
    writer.append([])
    #expect(Content(writer).text == "static string é array arr payload ")
  }

  @Test func whatIsPrependedStandsInFront() {
    var writer = ByteWriter(capacity: 64, headroom: 10)
    writer.append("body")
    #expect(Content(writer).headroomLeft == 10)
    for part in ["world ", "hel"] { Array(part.utf8).withUnsafeBytes { writer.prepend($0) } }
    #expect(Content(writer).text == "helworld body" && Content(writer).headroomLeft == 1)
    writer.append([UInt8](repeating: 0x2E, count: 200))
    writer.prepend(UnsafeRawBufferPointer(start: nil, count: 0))
    #expect(Content(writer).bytes.prefix(13).elementsEqual("helworld body".utf8) && Content(writer).count == 213)
    writer.clear()
    #expect(Content(writer).isEmpty && Content(writer).headroomLeft == 10)
  }

  @Test func truncatingDropsTheEndAlone() {
    var writer = ByteWriter(capacity: 32, headroom: 4)
    writer.append("abcdef")
    Array("12".utf8).withUnsafeBytes { writer.prepend($0) }
    writer.truncate(to: 8)
    #expect(Content(writer).text == "12abcdef")
    writer.truncate(to: 3)
    writer.append("!")
    #expect(Content(writer).text == "12a!")
    writer.truncate(to: 0)
    #expect(Content(writer).isEmpty && Content(writer).bytes.isEmpty)
  }

  @Test func clearingGivesLargeMemoryBackAndGoesOn() {
    var writer = ByteWriter(capacity: 16, headroom: 8)
    writer.append([UInt8](repeating: 1, count: 100_000))
    writer.clear(keepingAtMost: 64)
    #expect(Content(writer).isEmpty)
    writer.append("after")
    Array("head".utf8).withUnsafeBytes { writer.prepend($0) }
    #expect(Content(writer).text == "headafter")
    writer.clear(keepingAtMost: 4)
    writer.append("again")
    #expect(Content(writer).text == "again" && Content(writer).headroomLeft == 8)
  }

  @Test func decimalsAreWrittenAsSwiftPrintsThem() {
    var values = [0, 1, 9, 10, 11, 99, 100, 101, 12345, Int.max, Int.min, -1, -9, -10, -90]
    var power = 1
    for _ in 0..<18 {
      power *= 10
      values += [power - 1, power, power + 1, -power]
    }
    for value in values {
      var writer = ByteWriter(capacity: 1)
      writer.append(decimal: value)
      #expect(Content(writer).text == String(value))
    }
  }

  @Test func everyScalarBelowTwoHundredFiftySixSurvivesAsJSONString() throws {
    let content = String(String.UnicodeScalarView((0...255).compactMap { Unicode.Scalar($0 as Int) })) + "日本😀"
    var writer = ByteWriter(capacity: 8)
    writer.append(jsonString: content)
    let written = writer.array
    #expect(written.first == 0x22 && written.last == 0x22)
    #expect(written.allSatisfy { $0 >= 0x20 })
    #expect(try tree(written).string == content)
  }

  @Test func jsonStringsAreEscapedInTheShortestForm() {
    var writer = ByteWriter()
    writer.append(jsonString: "a\"b\\c/d\n\r\t\u{0}\u{8}\u{1F}\u{7F}é")
    #expect(Content(writer).text == #""a\"b\\c/d\n\r\t\u0000\u0008\u001f"# + "\u{7F}é\"")
  }

  @Test func payloadsAreValues() {
    #expect(Payload("é") == Payload([0xC3, 0xA9]) && Payload("é").count == 2)
    #expect(Payload([0xFF]).text == "\u{FFFD}")
  }
}
