// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

struct JSONScannerTests {
  static let long =
    #"[{"channel":"\/meta\/subscribe","clientId":"0123456789abcdef","id":12,"#
    + "\"subscription\":[\"/a/é\",\"/日本/😀\"],"
    + #""data":{"t":"\u00e9\ud83d\ude00\\","n":-1.25e-3,"w":[true,false,null,[],{}]},"ext":{}}]"#

  /// Every prefix of a valid text that is no number is unfinished, whatever it is cut in: a word, an escape, a character.
  @Test func everyPrefixEndsUnexpectedly() {
    let bytes = Array(Self.long.utf8)
    #expect(fault(bytes) == nil)
    for length in 0..<bytes.count {
      #expect(fault(Array(bytes[..<length]))?.reason == .unexpectedEnd, "prefix of \(length) bytes")
      #expect(treeFault(Array(bytes[..<length]))?.reason == .unexpectedEnd, "prefix of \(length) bytes")
    }
  }

  /// No suffix and no single changed byte makes the scanner read outside of the text or go on for ever.
  @Test func everySuffixAndEveryChangedByteComesToAnEnd() {
    let bytes = Array(Self.long.utf8)
    var accepted = 0
    for start in 1..<bytes.count where fault(Array(bytes[start...])) == nil { accepted += 1 }
    #expect(accepted == 0)
    for index in bytes.indices {
      for replacement in [0x00, 0x22, 0x2C, 0x5B, 0x5C, 0x5D, 0x7B, 0x7D, 0x80, 0xC3, 0xE2, 0xF0, 0xFF] as [UInt8] {
        var changed = bytes
        changed[index] = replacement
        if let error = fault(changed) { #expect((0...bytes.count).contains(error.offset)) }
      }
    }
  }

  /// The scanner looks at eight bytes at a time; what ends the plain run is found at every place of such a word, and
  /// behind a run of any length.
  @Test(arguments: 0...17)
  func specialByteIsFoundAtEveryOffset(_ offset: Int) throws {
    let before = String(repeating: "x", count: offset)
    let after = String(repeating: "y", count: 17)
    let plain = try scan("\"\(before)\(after)\"")
    #expect(!plain.isEscaped && plain.range == 1..<18 + offset)
    for (special, length) in [("\\\"", 2), ("\\u0041", 6), ("é", 2), ("日", 3), ("😀", 4), (" ", 1), ("\u{7F}", 1)] {
      let slice = try scan("\"\(before)\(special)\(after)\"")
      #expect(slice.range == 1..<18 + offset + length)
      #expect(slice.isEscaped == special.hasPrefix("\\"))
    }
    for control in 0..<0x20 {
      let text = "\"\(before)\(Unicode.Scalar(UInt8(control)))\(after)\""
      #expect(fault(text) == JSONError(.controlCharacter, at: offset + 1))
    }
    #expect(fault("\"\(before)\"\(after)") == JSONError(.trailingBytes, at: offset + 2))
    #expect(fault("\"\(before)\\q\(after)\"") == JSONError(.badEscape, at: offset + 1))
    for broken in [0x80, 0xC0, 0xF8, 0xFF] as [UInt8] {
      let bytes = Array("\"\(before)".utf8) + [broken] + Array("\(after)\"".utf8)
      #expect(fault(bytes) == JSONError(.notUTF8, at: offset + 1))
    }
    // Two special bytes in one word: a borrow of the first one must not hide the second.
    #expect(try scan("\"\(before)é\"").range == 1..<3 + offset)
    #expect(fault("\"\(before)!\u{1}\(after)\"") == JSONError(.controlCharacter, at: offset + 2))
  }

  @Test(arguments: [1, 2, 7, 59, 60, 63])
  func depthIsBoundedExactly(_ limit: Int) {
    for (open, inner, close) in [("[", "", "]"), (#"{"a":"#, "1", "}"), (#"[{"a":"#, "1", "}]")] {
      let levels = open.hasPrefix("[{") ? 2 : 1
      for depth in [limit - 1, limit, limit + 1] where depth % levels == 0 && depth > 0 {
        let text = nested(depth / levels, open: open, inner: inner, close: close)
        let expected: JSONError.Reason? = depth > limit ? .tooDeep : nil
        #expect(fault(text, maxDepth: limit)?.reason == expected, "\(depth) levels of \(open)")
        #expect(treeFault(Array(text.utf8), maxDepth: limit)?.reason == expected, "\(depth) levels of \(open)")
      }
    }
  }

  @Test func depthIsThatOfOneBranchAndNotTheirSum() {
    let branch = nested(59)
    #expect(fault("[" + Array(repeating: branch, count: 20).joined(separator: ",") + "]", maxDepth: 60) == nil)
  }

  @Test func aHundredThousandOpeningBracketsAreRefusedAtTheLimit() {
    #expect(fault(String(repeating: "[", count: 100_000)) == JSONError(.tooDeep, at: 60))
    #expect(fault(String(repeating: #"{"a":"#, count: 100_000)) == JSONError(.tooDeep, at: 300))
  }

  static let lenientOnly = [
    "[1,]", "[1 , ]", "{\"a\":1,}", "{\"a\":1 ,\n}", "[[1,],]", "[{\"a\":1,},]", "{\"a\":[1,2,],}", "[[],]", "[{},]",
    "[\"a\",]", "{\"a\":{\"b\":[],},}",
  ]

  @Test(arguments: lenientOnly)
  func oneTrailingCommaPassesOnlyWhereLeniencyIsAskedFor(_ text: String) {
    #expect(fault(text) != nil)
    #expect(fault(text, lenient: true) == nil)
    #expect(treeFault(Array(text.utf8)) != nil)
  }

  @Test(arguments: [
    "[,]", "{,}", "[1,,]", "[,1]", "{\"a\":1,,}", "{\"a\":,}", "{\"a\",}", "[1 2]", "[1,", "{\"a\":1,", "[1],", "[1,}",
    "{\"a\":1,]", ",", "[01,]", "[\"\u{1},\"]", "{a:1,}", "['a',]",
  ])
  func leniencyIsAboutOneCommaAndNothingElse(_ text: String) {
    #expect(fault(text, lenient: true) != nil)
  }

  @Test func stringsAndTokensAreTakenOneByOne() throws {
    let text = Array(#" { "key" : "a\"b" , "n" : 12 } x"#.utf8)
    var scanner = JSONScanner()
    try scanner.expect(UInt8(ascii: "{"), text.span)
    let isEmpty = scanner.take(UInt8(ascii: "}"), text.span)
    let key = try scanner.string(text.span)
    #expect(!isEmpty && content(key, in: text) == "key")
    try scanner.expect(UInt8(ascii: ":"), text.span)
    let value = try scanner.value(text.span)
    #expect(value.isEscaped && content(value, in: text) == "a\"b" && value.count == 4)
    try scanner.expect(UInt8(ascii: ","), text.span)
    _ = try scanner.string(text.span)
    try scanner.expect(UInt8(ascii: ":"), text.span)
    let number = try scanner.value(text.span)
    #expect(number.kind == .number && content(number, in: text) == "12")
    try scanner.expect(UInt8(ascii: "}"), text.span)
    let next = scanner.peek(text.span)
    #expect(next == UInt8(ascii: "x") && scanner.position == text.count - 1)
    #expect(throws: JSONError(.trailingBytes, at: text.count - 1)) { try scanner.expectEnd(text.span) }
    #expect(throws: JSONError(.unexpectedByte, at: text.count - 1)) { try scanner.string(text.span) }
  }
}
