// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

/// What RFC 8259 allows, in the spirit of JSONTestSuite's `y_` cases.
struct JSONAcceptTests {
  static let scalars: [(text: String, kind: JSONKind)] = [
    ("true", .true), ("false", .false), ("null", .null),
    ("0", .number), ("-0", .number), ("1", .number), ("-1", .number), ("10", .number), ("1234567890", .number),
    ("0.0", .number), ("-0.5", .number), ("3.14159", .number), ("100.001", .number), ("0.000000000001", .number),
    ("1e1", .number), ("1E1", .number), ("1e+1", .number), ("1e-1", .number), ("1E+01", .number), ("0e0", .number),
    ("0E-0", .number), ("-1.5e-300", .number), ("1e400", .number), ("9223372036854775808", .number),
    ("123456789012345678901234567890.12345678901234567890", .number),
    (#""""#, .string), (#""a""#, .string), (#"" ""#, .string), (#""a b c""#, .string),
    (#""0123456789abcdef""#, .string),
    (#""\"""#, .string), (#""\\""#, .string), (#""\/""#, .string), (#""/""#, .string), (#""\b\f\n\r\t""#, .string),
    (#""\u0000""#, .string), (#""\u0041""#, .string), (#""\u00e9""#, .string), (#""\u00E9""#, .string),
    (#""\uD83D\uDE00""#, .string), (#""\ud800""#, .string), (#""\udfff\ud800""#, .string), (#""\\u0041""#, .string),
    (#""\\\\\\""#, .string), (#""\"\"\"""#, .string), (#""[{}],:""#, .string),
    (#""é""#, .string), (#""日本語""#, .string), (#""😀""#, .string), ("\"\u{7F}\"", .string),
    ("\"\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}\"", .string), ("\"\u{2028}\u{2029}\"", .string),
    ("\"\u{FEFF}\"", .string), ("\"\u{FFFE}\"", .string), ("\"e\u{301}\"", .string),
  ]

  static let containers: [String] = [
    "[]", "{}", "[[]]", "[{}]", #"{"a":{}}"#, #"{"a":[]}"#, #"{"":0}"#, #"{"":""}"#, "[1]", "[1,2]", "[1,2,3]",
    "[null,true,false]", #"["a","b"]"#, #"[["a"],["b"]]"#, #"[{"a":1},{"b":2}]"#, #"{"a":1}"#, #"{"a":1,"b":2}"#,
    #"{"a":1,"a":2}"#, #"{"a":[1,{"b":[2,{"c":null}]}]}"#, #"{"\u0061":1}"#, #"{"a\"b":1}"#, #"{"{":"}","[":"]"}"#,
    #"{"a":"b","c":"d","e":[],"f":{}}"#, "[0,-0,0.0,-0.0,0e0]", "[[[[[[[[[[[[]]]]]]]]]]]]",
    #"[[],{},[{}],{"a":[]},"",0,null]"#, #"{"min":-1.0e+28,"max":1.0e+28}"#, #"["\u0022","\u005C"]"#,
    #"[{"channel":"/meta/handshake","version":"1.0","id":"0"}]"#,
  ]

  static let spaced: [String] = [
    " 1", "1 ", "\t1", "1\t", "\n1", "1\n", "\r1", "1\r", "\r\n 1 \t\r\n", " [ ] ", " { } ", "[ 1 , 2 ]",
    "[\n1\n,\n2\n]",
    #"{ "a" : 1 , "b" : 2 }"#, "{\n\t\"a\"\r:\n[\t]\n}\n", " \"a\" ", "  true  ", "[ [ ] , [ ] ]", "[ { } ]",
  ]

  @Test(arguments: scalars)
  func scalarIsPassedAndNamed(_ text: String, _ kind: JSONKind) throws {
    let slice = try scan(text)
    #expect(slice.kind == kind)
    #expect(slice.outerRange == 0..<text.utf8.count)
    #expect(slice.isEscaped == (kind == .string && text.contains("\\")))
    #expect(treeFault(Array(text.utf8)) == nil)
  }

  @Test(arguments: containers)
  func containerIsPassedWhole(_ text: String) throws {
    let slice = try scan(text)
    #expect(slice.kind == (text.hasPrefix("{") ? .object : .array))
    #expect(slice.range == 0..<text.utf8.count)
    #expect(fault(text, lenient: true) == nil)
  }

  @Test(arguments: spaced)
  func whiteSpaceStandsAnywhereBetweenTokens(_ text: String) {
    #expect(fault(text) == nil)
    #expect(treeFault(Array(text.utf8)) == nil)
  }

  /// A value is passed in the same way wherever it stands.
  @Test(arguments: scalars)
  func scalarIsPassedInsideContainers(_ text: String, _ kind: JSONKind) throws {
    let array = Array("[\(text)]".utf8)
    #expect(fault(array) == nil)
    var scanner = JSONScanner(at: 1)
    let slice = try scanner.value(array.span)
    #expect(slice.kind == kind && scanner.position == array.count - 1)
    #expect(fault(#"{"a":\#(text),"b":[\#(text),\#(text)]}"#) == nil)
  }
}
