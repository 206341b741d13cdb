// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

struct JSONValueTests {
  @Test(arguments: [
    "null", "true", "false", "0", "-1.50e+3", "\"\"", "[]", "{}", #"[1,"a",null,{"b":[true]}]"#,
    #"{"z":1,"a":{"":[]},"é":"日本😀"}"#, #""\"\\\n\r\t\u0001\u001f""#, "12345678901234567890.12345678901234567890",
  ])
  func compactTextComesBackAsItWas(_ text: String) throws {
    #expect(try JSONValue(parsing: text).text == text)
  }

  @Test func whatIsWrittenIsReadBack() throws {
    var generator = SeededGenerator(seed: 7)
    for number in 0..<300 {
      let value = Self.random(depth: 4, using: &generator)
      #expect(try JSONValue(parsing: value.text) == value, "value \(number)")
    }
  }

  @Test func membersKeepTheOrderOfTheText() throws {
    let value = try JSONValue(parsing: #"{ "b" : 1 , "a" : 2 , "c" : 3 }"#)
    #expect(value.members?.map(\.name) == ["b", "a", "c"])
    #expect(value.text == #"{"b":1,"a":2,"c":3}"#)
  }

  @Test(arguments: [
    (#"{"a":1,"a":2}"#, 8), (#"{"a":1,"b":{"c":1,"c":1}}"#, 19), (#"{"a":1,"\u0061":2}"#, 8), (#"{"":1,"":1}"#, 7),
  ])
  func memberGivenTwiceIsRefusedAtTheSecond(_ text: String, _ offset: Int) {
    #expect(treeFault(Array(text.utf8)) == JSONError(.duplicateMember, at: offset))
  }

  /// Names are compared byte by byte: composed and decomposed letters are two names (RFC 8259 section 8.3).
  @Test func sameNameInSiblingsOrInOtherBytesIsNoDuplicate() {
    #expect(treeFault(Array(#"[{"a":1},{"a":2},{"b":{"a":1},"a":1}]"#.utf8)) == nil)
    #expect(treeFault(Array("{\"\u{E9}\":1,\"e\u{301}\":2}".utf8)) == nil)
    #expect(treeFault(Array(#"{"A":1,"a":2}"#.utf8)) == nil)
  }

  @Test func valuesAreReadByTheirKind() throws {
    let value = try JSONValue(
      parsing: #"{"s":"x","i":-12,"d":1.5,"big":9223372036854775808,"t":true,"n":null,"a":[1,2],"o":{}}"#)
    #expect(value["s"]?.string == "x" && value["s"]?.scalarText == "x" && value["s"]?.int == nil)
    #expect(value["i"]?.int == -12 && value["i"]?.scalarText == "-12" && value["i"]?.string == nil)
    #expect(value["d"]?.int == nil && value["d"]?.scalarText == "1.5")
    #expect(value["big"]?.int == nil && value["big"]?.scalarText == "9223372036854775808")
    #expect(value["t"]?.bool == true && value["t"]?.scalarText == "true" && value["t"]?.int == nil)
    #expect(value["n"] == .null && value["n"]?.scalarText == nil && value["n"]?.bool == nil)
    #expect(value["a"]?.elements == [1, 2] && value["a"]?[1] == 2 && value["a"]?[2] == nil && value["a"]?[-1] == nil)
    #expect(value["o"]?.members?.isEmpty == true && value["a"]?.members == nil && value["o"]?.elements == nil)
    #expect(value["absent"] == nil && value["s"]?["x"] == nil && value["a"]?.scalarText == nil)
  }

  @Test func literalsMakeValues() {
    let value: JSONValue = ["text": "a", "number": 3, "flag": true, "list": ["x", 1, false], "none": .null]
    #expect(value.text == #"{"text":"a","number":3,"flag":true,"list":["x",1,false],"none":null}"#)
    #expect(JSONValue(Int.min).text == "-9223372036854775808")
  }

  static let escapes: [(text: String, content: String)] = [
    (#"\""#, "\""), (#"\\"#, "\\"), (#"\/"#, "/"), (#"\b\f\n\r\t"#, "\u{8}\u{C}\n\r\t"), (#"\u0041"#, "A"),
    (#"\u00e9"#, "\u{E9}"), (#"\u00E9"#, "\u{E9}"), (#"\u20ac"#, "€"), (#"\uFFFF"#, "\u{FFFF}"), (#"\u0000"#, "\u{0}"),
    (#"\ud83d\ude00"#, "😀"), (#"\uDBFF\uDFFF"#, "\u{10FFFF}"), (#"\uD800\uDC00"#, "\u{10000}"),
    (#"a\u0062c"#, "abc"), (#"\\u0041"#, "\\u0041"), (#"\\\u0041"#, "\\A"), ("\\u0041é日😀\\n", "Aé日😀\n"),
    // Half of a pair, alone, reversed, or followed by something else.
    (#"\ud800"#, "\u{FFFD}"), (#"\udc00"#, "\u{FFFD}"), (#"\ud800x"#, "\u{FFFD}x"), (#"\ud800\n"#, "\u{FFFD}\n"),
    (#"\udc00\ud800"#, "\u{FFFD}\u{FFFD}"), (#"\ud800\u0041"#, "\u{FFFD}A"), (#"\ud800\ud83d\ude00"#, "\u{FFFD}😀"),
    (#"\ud83d\\ude00"#, "\u{FFFD}\\ude00"),
  ]

  @Test(arguments: escapes)
  func escapesAreResolved(_ text: String, _ content: String) throws {
    let bytes = Array("\"\(text)\"".utf8)
    #expect(try tree(bytes).string == content)
    let slice = try scan(bytes)
    let unescaped = slice.unescaped(in: bytes.span)
    #expect(unescaped == Array(content.utf8))
  }

  @Test func textBehindTheValueIsRefused() {
    #expect(treeFault(Array("{} x".utf8)) == JSONError(.trailingBytes, at: 3))
  }

  private static func random(depth: Int, using generator: inout SeededGenerator) -> JSONValue {
    switch Int.random(in: 0..<(depth > 0 ? 6 : 4), using: &generator) {
    case 0: return .null
    case 1: return .bool(Bool.random(using: &generator))
    case 2: return JSONValue(Int(truncatingIfNeeded: generator.next()))
    case 3:
      let scalars = (0..<Int.random(in: 0...12, using: &generator)).compactMap { _ in
        Unicode.Scalar(
          UInt32.random(in: 0...0x1_0FFF, using: &generator) >> UInt32.random(in: 0...16, using: &generator))
      }
      return .string(String(String.UnicodeScalarView(scalars)))
    case 4:
      return .array(
        (0..<Int.random(in: 0...4, using: &generator)).map { _ in random(depth: depth - 1, using: &generator) })
    default:
      return .object(
        (0..<Int.random(in: 0...4, using: &generator)).map {
          JSONValue.Member("name \($0)", random(depth: depth - 1, using: &generator))
        })
    }
  }
}
