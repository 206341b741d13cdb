// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

private func parse(_ text: String, limits: HTTPLimits = HTTPLimits()) throws(FormError) -> [FormField] {
  try parse(Array(text.utf8), limits: limits)
}

private func parse(_ bytes: [UInt8], limits: HTTPLimits = HTTPLimits()) throws(FormError) -> [FormField] {
  try Form.parse(bytes.span, limits: limits)
}

@Test(
  arguments: [
    ("", []), ("a=1", ["a=1"]), ("a=1&b=2&a=3", ["a=1", "b=2", "a=3"]), ("a", ["a="]), ("a=", ["a="]), ("=a", ["=a"]),
    ("=", ["="]), ("a=b=c", ["a=b=c"]), ("&&a=1&&b=2&", ["a=1", "b=2"]), ("a=x+y%2B%20z", ["a=x y+ z"]),
    ("%66oo=%E2%82%ac", ["foo=\u{20AC}"]), ("a%3Db=%26", ["a=b=&"]), ("a=1;b=2", ["a=1;b=2"]),
    ("a=\u{E9}", ["a=\u{E9}"]),
    ("notify_by=comet&subject=None&message=hi%0Athere", ["notify_by=comet", "subject=None", "message=hi\nthere"]),
  ] as [(String, [String])])
func aFormIsReadInItsOrder(text: String, fields: [String]) throws {
  #expect(try parse(text).map { $0.name + "=" + $0.value } == fields)
}

@Test(arguments: ["a=%", "a=%4", "a=%4&b=1", "a=%4g", "a=%g4", "a=%%41", "%=a", "a=%+1", "a=%u0041", "a=b%"])
func aBadEscapeIsRefused(text: String) {
  #expect(throws: FormError.badEscape) { try parse(text) }
}

@Test(arguments: ["a=%FF", "a=%C0%80", "a=%ED%A0%80", "a=%E2%82", "%80=a", "a=%F4%90%80%80"])
func textThatIsNotUTF8IsRefused(text: String) {
  #expect(throws: FormError.notUTF8) { try parse(text) }
}

@Test func rawBytesMustBeUTF8Too() {
  #expect(throws: FormError.notUTF8) { try parse([UInt8(ascii: "a"), UInt8(ascii: "="), 0xFF]) }
}

@Test(arguments: [255, 256, 257]) func theFieldsAreCounted(count: Int) throws {
  let text = (0..<count).map { "f\($0)=v" }.joined(separator: "&")
  if count > 256 {
    #expect(throws: FormError.tooManyFields) { try parse(text) }
  } else {
    #expect(try parse(text).count == count)
  }
}

@Test func aFieldIsFoundByItsName() throws {
  let fields = try parse("a=1&b=2&b=3")
  #expect(fields["b"] == "2")
  #expect(fields["c"] == nil)
}

// MARK: paths

private func segments(_ text: String) throws(PathError) -> [String] {
  try PercentCoding.segments(of: Array(text.utf8).span)
}

@Test(
  arguments: [
    ("/", [""]), ("", [""]), ("/a", ["a"]), ("/a/b", ["a", "b"]), ("/a/", ["a", ""]), ("//a", ["", "a"]),
    ("/a%2Fb/c", ["a/b", "c"]), ("/a%2fb", ["a/b"]), ("/%C3%A9", ["\u{E9}"]), ("/a+b", ["a+b"]), ("/...", ["..."]),
    ("/.a/a.", [".a", "a."]),
    ("/genesys/1/service/callback/chat-immediate", ["genesys", "1", "service", "callback", "chat-immediate"]),
    ("/%252e%252e", ["%2e%2e"]), ("/a%5Cb", ["a\\b"]),
  ] as [(String, [String])])
func aPathIsSplitBeforeItIsDecoded(path: String, expected: [String]) throws {
  #expect(try segments(path) == expected)
}

@Test(arguments: [
  ("*", PathError.notAbsolute), ("a/b", .notAbsolute), ("/%", .badEscape), ("/a%2", .badEscape), ("/%zz", .badEscape),
  ("/%00", .controlCharacter), ("/a%0Ab", .controlCharacter), ("/%7f", .controlCharacter), ("/%FF", .notUTF8),
  ("/%C0%AE%C0%AE", .notUTF8), ("/.", .dotSegment), ("/..", .dotSegment), ("/a/../b", .dotSegment),
  ("/%2e%2E/b", .dotSegment), ("/a/.%2e", .dotSegment), ("/a/%2e/", .dotSegment),
])
func aBadPathIsRefused(path: String, error: PathError) {
  #expect(throws: error) { try segments(path) }
}

@Test(arguments: ["", "plain-text_1.2~3", "a b&c=d+e%f", "\u{E9}\u{1F600}/\"'", "\r\n\t"])
func whatIsEncodedIsDecodedAgain(text: String) throws {
  let encoded = PercentCoding.encode(text)
  #expect(encoded.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
  #expect(try parse("a=\(encoded)")["a"] == text)
}

@Test func reservedCharactersAreEncodedInUpperCase() {
  #expect(PercentCoding.encode("a/ é") == "a%2F%20%C3%A9")
}

@Test func everyErrorOfBodiesAndPathsHasASentence() {
  let sentences = FormError.allCases.map(\.sentence) + PathError.allCases.map(\.sentence)
  for sentence in sentences {
    #expect(sentence.count > 10)
    #expect(!sentence.hasSuffix("."))
  }
}
