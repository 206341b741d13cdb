// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

/// What RFC 8259 does not allow, in the spirit of JSONTestSuite's `n_` cases, with the reason and the byte it is told at.
struct JSONRefuseTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let text: String
    let reason: JSONError.Reason
    let offset: Int

    init(_ text: String, _ reason: JSONError.Reason, _ offset: Int) {
      (self.text, self.reason, self.offset) = (text, reason, offset)
    }
    var testDescription: String { "\(text.debugDescription): \(reason) at \(offset)" }
  }

  static let numbers: [Case] = [
    Case("+1", .unexpectedByte, 0), Case("-", .unexpectedEnd, 1), Case("--1", .badNumber, 1),
    Case("-a", .badNumber, 1), Case(".5", .unexpectedByte, 0), Case("-.5", .badNumber, 1),
    Case("5.", .unexpectedEnd, 2),
    Case("5.e1", .badNumber, 2), Case("01", .badNumber, 1), Case("-01", .badNumber, 2), Case("00", .badNumber, 1),
    Case("1e", .unexpectedEnd, 2), Case("1e+", .unexpectedEnd, 3), Case("1e-", .unexpectedEnd, 3),
    Case("1e+-1", .badNumber, 3), Case("1ee1", .badNumber, 2), Case("1.2.3", .trailingBytes, 3),
    Case("1e1.5", .trailingBytes, 3), Case("0x1F", .trailingBytes, 1), Case("1_000", .trailingBytes, 1),
    Case("1a", .trailingBytes, 1), Case("1 2", .trailingBytes, 2), Case("NaN", .unexpectedByte, 0),
    Case("Infinity", .unexpectedByte, 0), Case("-Infinity", .badNumber, 1), Case("[1e]", .badNumber, 3),
    Case("[-]", .badNumber, 2), Case("[01]", .badNumber, 2), Case("[1.]", .badNumber, 3),
    Case("[+1]", .unexpectedByte, 1),
    Case("١", .unexpectedByte, 0), Case("1\u{FF11}", .trailingBytes, 1), Case("2.e3", .badNumber, 2),
    Case("-0-1", .trailingBytes, 2), Case("1,5", .trailingBytes, 1), Case("[1 000]", .unexpectedByte, 3),
  ]

  static let words: [Case] = [
    Case("", .unexpectedEnd, 0), Case(" ", .unexpectedEnd, 1), Case("t", .unexpectedEnd, 0),
    Case("tru", .unexpectedEnd, 0), Case("True", .unexpectedByte, 0), Case("TRUE", .unexpectedByte, 0),
    Case("truE", .unexpectedByte, 3), Case("true1", .trailingBytes, 4), Case("truetrue", .trailingBytes, 4),
    Case("fals", .unexpectedEnd, 0), Case("falsy", .unexpectedByte, 4), Case("nul", .unexpectedEnd, 0),
    Case("nil", .unexpectedByte, 1), Case("nulll", .trailingBytes, 4), Case("undefined", .unexpectedByte, 0),
    Case("[nul]", .unexpectedByte, 4), Case("[tru", .unexpectedEnd, 1), Case("\u{FEFF}[]", .unexpectedByte, 0),
    Case("a", .unexpectedByte, 0), Case("*", .unexpectedByte, 0), Case("\u{0}", .unexpectedByte, 0),
    Case("\u{A0}1", .unexpectedByte, 0), Case("1\u{C}", .trailingBytes, 1), Case("\u{B}1", .unexpectedByte, 0),
    Case("/* c */1", .unexpectedByte, 0), Case("1// c", .trailingBytes, 1), Case("#", .unexpectedByte, 0),
  ]

  static let strings: [Case] = [
    Case("\"", .unexpectedEnd, 1), Case("\"a", .unexpectedEnd, 2), Case(#""\"#, .unexpectedEnd, 1),
    Case(#""\""#, .unexpectedEnd, 3), Case(#""\a""#, .badEscape, 1), Case(#""\'""#, .badEscape, 1),
    Case(#""\x41""#, .badEscape, 1), Case(#""\0""#, .badEscape, 1), Case(#""\U0041""#, .badEscape, 1),
    Case(#""\é""#, .badEscape, 1), Case(#""\u""#, .badEscape, 1), Case(#""\u0""#, .badEscape, 1),
    Case(#""\u00""#, .badEscape, 1), Case(#""\u004""#, .badEscape, 1), Case(#""\u004g""#, .badEscape, 1),
    Case(#""\u 041""#, .badEscape, 1), Case(#""\u+041""#, .badEscape, 1), Case(#""\u004"#, .unexpectedEnd, 1),
    Case(#""ab\u12"#, .unexpectedEnd, 3), Case("\"\u{0}\"", .controlCharacter, 1), Case("\"\n\"", .controlCharacter, 1),
    Case("\"\t\"", .controlCharacter, 1), Case("\"a\r\"", .controlCharacter, 2),
    Case("\"\u{1F}\"", .controlCharacter, 1),
    Case("'a'", .unexpectedByte, 0), Case("a\"", .unexpectedByte, 0), Case(#""a"b"#, .trailingBytes, 3),
    Case(#""a" "b""#, .trailingBytes, 4), Case("\"\\\n\"", .badEscape, 1), Case(#""\\\""#, .unexpectedEnd, 5),
    Case("“a”", .unexpectedByte, 0),
  ]

  static let arrays: [Case] = [
    Case("[", .unexpectedEnd, 1), Case("[1", .unexpectedEnd, 2), Case("[1,", .unexpectedEnd, 3),
    Case("]", .unexpectedByte, 0), Case("[1]]", .trailingBytes, 3), Case("[1}", .unexpectedByte, 2),
    Case("[,]", .unexpectedByte, 1), Case("[,1]", .unexpectedByte, 1), Case("[1,]", .unexpectedByte, 3),
    Case("[1,,2]", .unexpectedByte, 3), Case("[1 2]", .unexpectedByte, 3), Case("[1:2]", .unexpectedByte, 2),
    Case("[\"a\":1]", .unexpectedByte, 4), Case("[[]", .unexpectedEnd, 3), Case("[][]", .trailingBytes, 2),
    Case("[],", .trailingBytes, 2), Case("[1;2]", .unexpectedByte, 2), Case("[*]", .unexpectedByte, 1),
    Case("[\"a\"", .unexpectedEnd, 4), Case("[{}", .unexpectedEnd, 3), Case("[}", .unexpectedByte, 1),
  ]

  static let objects: [Case] = [
    Case("{", .unexpectedEnd, 1), Case("{\"a\"", .unexpectedEnd, 4), Case("{\"a\":", .unexpectedEnd, 5),
    Case("{\"a\":1", .unexpectedEnd, 6), Case("{\"a\":1,", .unexpectedEnd, 7), Case("}", .unexpectedByte, 0),
    Case("{]", .unexpectedByte, 1), Case("{,}", .unexpectedByte, 1), Case("{\"a\"}", .unexpectedByte, 4),
    Case("{\"a\":}", .unexpectedByte, 5), Case("{\"a\":1,}", .unexpectedByte, 7),
    Case("{\"a\":1,,}", .unexpectedByte, 7),
    Case("{\"a\" 1}", .unexpectedByte, 5), Case("{\"a\"::1}", .unexpectedByte, 5), Case("{:1}", .unexpectedByte, 1),
    Case("{a:1}", .unexpectedByte, 1), Case("{'a':1}", .unexpectedByte, 1), Case("{1:1}", .unexpectedByte, 1),
    Case("{null:1}", .unexpectedByte, 1), Case("{[]:1}", .unexpectedByte, 1), Case("{\"a\":1]", .unexpectedByte, 6),
    Case("{\"a\":1 \"b\":2}", .unexpectedByte, 7), Case("{\"a\":1,2}", .unexpectedByte, 7),
    Case("{\"a\":1}{\"a\":1}", .trailingBytes, 7), Case("{\"a\":1};", .trailingBytes, 7),
    Case("{\"a\",1}", .unexpectedByte, 4),
    Case("{\"a\n\":1}", .controlCharacter, 3), Case("{\"a\":[1,{\"b\":}]}", .unexpectedByte, 13),
    Case("{\"a\":truf}", .unexpectedByte, 8), Case("{\"a\":\"b}", .unexpectedEnd, 8),
    Case("{\"\\x\":1}", .badEscape, 2),
  ]

  @Test(arguments: numbers + words + strings + arrays + objects)
  func textIsRefusedWithReasonAndPlace(_ refused: Case) {
    #expect(fault(refused.text) == JSONError(refused.reason, at: refused.offset))
  }

  /// The tree parser and the scanner are two readers of one grammar.
  @Test(arguments: numbers + words + strings + arrays + objects)
  func treeParserRefusesItToo(_ refused: Case) {
    #expect(treeFault(Array(refused.text.utf8)) == JSONError(refused.reason, at: refused.offset))
  }

  @Test func tablesAreNotShorterThanPromised() {
    let accepted = JSONAcceptTests.scalars.count + JSONAcceptTests.containers.count + JSONAcceptTests.spaced.count
    let refused = Self.numbers.count + Self.words.count + Self.strings.count + Self.arrays.count + Self.objects.count
    #expect(accepted + refused >= 150)
  }
}
