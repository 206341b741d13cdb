// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

/// Text is UTF-8 (RFC 6455 section 8.1), checked while it comes.
struct WebSocketTextTests {
  /// The rows of RFC 3629 section 4 at their edges.
  static let characters: [[UInt8]] = [
    [0x00], [0x7F], [0xC2, 0x80], [0xDF, 0xBF], [0xE0, 0xA0, 0x80], [0xE0, 0xBF, 0xBF], [0xE1, 0x80, 0x80],
    [0xEC, 0xBF, 0xBF], [0xED, 0x80, 0x80], [0xED, 0x9F, 0xBF], [0xEE, 0x80, 0x80], [0xEF, 0xBF, 0xBF],
    [0xF0, 0x90, 0x80, 0x80], [0xF0, 0xBF, 0xBF, 0xBF], [0xF1, 0x80, 0x80, 0x80], [0xF3, 0xBF, 0xBF, 0xBF],
    [0xF4, 0x80, 0x80, 0x80], [0xF4, 0x8F, 0xBF, 0xBF],
  ]

  /// Bytes of which the last one, and none before it, cannot be part of any text.
  static let failures: [[UInt8]] = [
    // A continuation byte where none is due.
    [0x80], [0xBF], [0x41, 0x80], [0xC3, 0xA9, 0xA9], [0xF0, 0x9F, 0x98, 0x80, 0x80],
    // Leads that do not exist.
    [0xC0], [0xC1], [0xF5], [0xF8], [0xFC], [0xFE], [0xFF],
    // Overlong forms, surrogates, beyond U+10FFFF.
    [0xE0, 0x80], [0xE0, 0x9F], [0xF0, 0x80], [0xF0, 0x8F], [0xED, 0xA0], [0xED, 0xBF], [0xF4, 0x90], [0xF4, 0xBF],
    // A character that is not finished.
    [0xC3, 0x41], [0xC3, 0xC3], [0xE2, 0x41], [0xE2, 0x82, 0x41], [0xE2, 0x82, 0xC2], [0xF0, 0x9F, 0x41],
    [0xF0, 0x9F, 0x98, 0x41], [0xF0, 0x9F, 0x98, 0xF0], [0xC2, 0x7F], [0xC2, 0xC0], [0xE1, 0x7F], [0xE1, 0x80, 0xC0],
    [0xF1, 0x80, 0x80, 0x7F],
    // The end of a narrower range does not outlive its byte.
    [0xE0, 0xA0, 0xC0], [0xED, 0x9F, 0xC0], [0xF4, 0x8F, 0xBF, 0xC0], [0xED, 0x9F, 0xBF, 0xED, 0xA0],
  ]

  /// So that the failure is found by the loop over eight bytes, behind it, and in between.
  static let prefixes = [0, 1, 5, 7, 8, 9, 16, 23].map { [UInt8](repeating: 0x61, count: $0) }

  @Test(arguments: characters)
  func characterPasses(_ character: [UInt8]) {
    for prefix in Self.prefixes {
      let text = prefix + character + prefix
      #expect(FrameFeed().everyWay(frame(0x81, text)) == [.message(.text, text)])
    }
  }

  @Test(arguments: failures)
  func textFailsAtTheFirstByteThatCannotBe(_ failure: [UInt8]) {
    for prefix in Self.prefixes {
      let text = prefix + failure
      let bytes = frame(0x81, text + [UInt8](repeating: 0x61, count: 20))
      #expect(FrameFeed().everyWay(bytes) == [.failed(.notUTF8)])
      let point = FrameFeed().faultPoint(bytes)
      #expect(point?.bytes == 6 + text.count)
      #expect(point?.fault == .notUTF8)
    }
  }

  /// Nor does it matter where the fragments are cut, and that others would follow.
  @Test(arguments: failures)
  func fragmentFailsAtTheFirstByteThatCannotBe(_ failure: [UInt8]) {
    let text = [0x61, 0x62] + failure
    for cut in 0..<text.count {
      let first = frame(0x01, Array(text[..<cut])) + frame(0x89, [0xFF])
      let second = frame(0x00, Array(text[cut...]) + [0x61, 0x61])
      #expect(FrameFeed().everyWay(first + second) == [.ping([0xFF]), .failed(.notUTF8)])
      #expect(FrameFeed().faultPoint(first + second)?.bytes == first.count + 6 + text.count - cut)
    }
  }

  @Test(arguments: characters.filter { $0.count > 1 })
  func textMayNotEndInACharacter(_ character: [UInt8]) {
    for length in 1..<character.count {
      let text = [0x61] + character.prefix(length)
      #expect(FrameFeed().everyWay(frame(0x81, text)) == [.failed(.notUTF8)])
      #expect(FrameFeed().everyWay(frame(0x01, text) + frame(0x80)) == [.failed(.notUTF8)])
      // A fragment may, if the next one goes on.
      let rest = Array(character.dropFirst(length))
      #expect(FrameFeed().everyWay(frame(0x01, text) + frame(0x80, rest)) == [.message(.text, [0x61] + character)])
    }
  }

  /// All pairs of bytes, and longer ones behind the leads that have narrower ranges.
  @Test func verdictIsThatOfTheStandardLibrary() {
    func compare(_ text: [UInt8]) {
      let isText = String(validating: text, as: UTF8.self) != nil
      let expected: SeenFrame = isText ? .message(.text, text) : .failed(.notUTF8)
      let seen = FrameFeed().seeing(frame(0x81, text), cuts: [])
      if seen != [expected] { Issue.record("\(text): \(seen)") }
    }
    for first in UInt8(0x7F)...0xFF {
      for second in UInt8(0x7F)...0xFF {
        compare([first, second])
        if [0xE0, 0xE1, 0xED, 0xEF].contains(first) { compare([first, second, 0x80]) }
        if [0xF0, 0xF1, 0xF4, 0xF5].contains(first) { compare([first, second, 0x80, 0xBF]) }
      }
    }
  }

  @Test func textBeginsAnewWithEachMessage() {
    let bytes = frame(0x81, [0xC3, 0xA9]) + frame(0x01, [0xC3]) + frame(0x80, [0xA9]) + frame(0x81, [0x61])
    #expect(FrameFeed().everyWay(bytes) == [.text("é"), .text("é"), .text("a")])
  }

  @Test(arguments: failures)
  func binaryAndPongsMayBeAnything(_ bytes: [UInt8]) {
    let seen = FrameFeed().everyWay(frame(0x82, bytes) + frame(0x8A, bytes) + frame(0x02, bytes) + frame(0x80, bytes))
    #expect(seen == [.binary(bytes), .pong(bytes), .binary(bytes + bytes)])
  }
}
