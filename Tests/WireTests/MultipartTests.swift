// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

/// A part as a test compares it.
private struct SeenPart: Hashable {
  var name: String
  var fileName: String?
  var type: String?
  var body: String
}

private func parts(
  _ text: String, boundary: String = "b", limits: HTTPLimits = HTTPLimits()
) throws(FormError) -> [SeenPart] {
  let bytes = Array(text.utf8)
  return try Multipart.parse(bytes.span, boundary: boundary, limits: limits).map {
    SeenPart(
      name: $0.name, fileName: $0.fileName, type: $0.contentType?.essence,
      body: String(decoding: bytes[$0.body], as: UTF8.self))
  }
}

/// A body of one part.
private func single(_ head: String, _ content: String = "v") -> String {
  "--b\r\n\(head)\r\n\r\n\(content)\r\n--b--\r\n"
}

private let named = "Content-Disposition: form-data; name=\"n\""

@Test func theFormOfACallbackRequestIsRead() throws {
  let boundary = "---WebKitFormBoundaryYbCe8VCHJCMGeynE"
  let fields = [
    ("_customer_number", "6502388511"), ("usr_customer_name", "Bob Markel"), ("usr_reason", "billing question"),
    ("_device_notification_id", "b16416334828b1d26ef14f329628b55b5a8c631d8928a371a5584722dd7fb673"),
    ("_device_os", "comet"),
  ]
  let body =
    fields.map { "--\(boundary)\r\nContent-Disposition: form-data; name=\"\($0)\"\r\n\r\n\($1)\r\n" }.joined()
    + "--\(boundary)--\r\n"
  #expect(try parts(body, boundary: boundary) == fields.map { SeenPart(name: $0, body: $1) })
}

@Test func aFileHasItsNameAndType() throws {
  let head =
    "Content-Disposition: form-data; name=\"f\"; filename=\"a b.txt\"; filename*=UTF-8''x\r\n"
    + "content-type: Text/Plain; charset=utf-8\r\nX-Other: y"
  #expect(
    try parts(single(head, "1\r\n2\n")) == [
      SeenPart(name: "f", fileName: "a b.txt", type: "text/plain", body: "1\r\n2\n")
    ]
  )
}

@Test(arguments: [
  ("name=\"n\"", "n"), ("NAME=n", "n"), ("name=\"a%22b\"", "a\"b"), ("name=\"a\\\"b\"", "a\"b"), ("name=\"\"", ""),
  ("name=\"\u{E9}\u{1F600}\"", "\u{E9}\u{1F600}"), ("name=\"a%0D%0ab\"", "a\r\nb"), ("name=\"100%\"", "100%"),
  ("name=\"%41%2\"", "%41%2"), ("name=\"c:\\dir\"", "c:\\dir"), ("name=\"a;b\"", "a;b"), ("name = \"a\" ; x=y", "a"),
])
func aNameIsReadAsBrowsersWriteIt(parameter: String, name: String) throws {
  #expect(try parts(single("Content-Disposition: Form-Data; \(parameter)")).map(\.name) == [name])
}

@Test(arguments: [
  "", "\r\n", "-", "--", "a--b", "\n--b--", "\r--b", "\r\n--", "\r\n--B", "\r\n-b\r\n\r\r\n", "a\r\nb\r\n",
])
func theContentMayBeAnythingButADelimiter(content: String) throws {
  #expect(try parts(single(named, content)).map(\.body) == [content])
}

@Test(arguments: [
  ("--b--", 0), ("--b--\r\n", 0), ("preamble\r\n--b\r\n\(named)\r\n\r\nv\r\n--b--", 1),
  ("\r\n--b\r\n\(named)\r\n\r\nv\r\n--b--", 1), ("--b \t\r\n\(named)\r\n\r\nv\r\n--b-- \r\nepilogue\r\n--b\r\n", 1),
  ("--b\r\n\(named)\r\n\r\n\r\n--b\r\n\(named)\r\n\r\n--b--", 2),
])
func whatStandsAroundThePartsIsDropped(text: String, count: Int) throws {
  #expect(try parts(text).count == count)
}

@Test(arguments: [
  ("", FormError.missingDelimiter), ("--c--", .missingDelimiter), ("x--b--", .missingDelimiter),
  ("\n--b--", .missingDelimiter), ("--b", .unfinished), ("--b-", .badDelimiter), ("--b\r\n", .unfinished),
  ("--bb--", .badDelimiter), ("--b--x", .badDelimiter), ("--b x\r\n", .badDelimiter),
  ("--b\n\(named)\n\nv\n--b--", .badDelimiter),
  ("--b\r\n\(named)\n\r\nv\r\n--b--", .badPartHead), ("--b\r\n\(named)\r\n\r\nv\n--b--", .unfinished),
  ("--b\r\n\(named)\r\n\r\nv", .unfinished), ("--b\r\n\(named)\r\n\r\nv\r\n--b", .unfinished),
  ("--b\r\n\(named)\r\n\r\nv\r\n--bx", .badDelimiter), ("--b\r\n\(named)", .unfinished),
  ("--b\r\n\r\nv\r\n--b--", .badDisposition), ("--b\r\n--b--\r\n\r\n", .badPartHead),
])
func aBodyThatIsNotWellDelimitedIsRefused(text: String, error: FormError) {
  #expect(throws: error) { try parts(text) }
}

@Test(arguments: [
  ("X: y", FormError.badDisposition), ("Content-Disposition: form-data", .badDisposition),
  ("Content-Disposition: attachment; name=\"n\"", .badDisposition), ("\(named); name=\"m\"", .badDisposition),
  ("\(named)\r\n\(named)", .badDisposition), ("\(named); filename=a; filename=b", .badDisposition),
  ("Content-Disposition: form-data; name=\"n", .badDisposition),
  ("Content-Disposition: form-data; name=\"n\"x", .badDisposition),
  ("Content-Disposition: form-data; name=a b", .badDisposition),
  ("Content-Disposition : form-data; name=n", .badPartHead),
  ("\(named)\r\n folded", .badPartHead), ("\(named)\r\nNoColon", .badPartHead), ("\(named)\r\nX: \u{0}", .badPartHead),
  ("\(named)\r\nContent-Type: nonsense", .badPartHead),
  ("\(named)\r\nContent-Type: a/b\r\nContent-Type: a/b", .badPartHead),
  ("\(named)\r\nContent-Type: multipart/mixed; boundary=c", .nested),
  ("\(named)\r\nContent-Transfer-Encoding: base64", .encodedPart),
  ("\(named)\r\nContent-Transfer-Encoding: quoted-printable", .encodedPart),
])
func aBadPartHeadIsRefused(head: String, error: FormError) {
  #expect(throws: error) { try parts(single(head)) }
}

@Test(arguments: ["7bit", "8BIT", "binary"]) func anEncodingThatChangesNothingPasses(encoding: String) throws {
  #expect(try parts(single("\(named)\r\nContent-Transfer-Encoding: \(encoding)")).count == 1)
}

@Test(arguments: [
  ("", false), (String(repeating: "x", count: 70), true), (String(repeating: "x", count: 71), false), ("a b", true),
  ("a ", false), ("a\"b", false), ("a\r\nb", false), ("\u{E9}", false),
])
func aBoundaryIsOneTo70PermittedCharacters(boundary: String, isPermitted: Bool) throws {
  if isPermitted {
    #expect(try parts("--\(boundary)--", boundary: boundary).isEmpty)
  } else {
    #expect(throws: FormError.badBoundary) { try parts("--\(boundary)--", boundary: boundary) }
  }
}

@Test(arguments: [-1, 0, 1]) func theHeadOfAPartIsBounded(excess: Int) throws {
  let frame = "\(named)\r\nX: \r\n\r\n".utf8.count
  let body = single("\(named)\r\nX: \(String(repeating: "x", count: 4096 + excess - frame))")
  if excess > 0 {
    #expect(throws: FormError.partHeadTooLarge) { try parts(body) }
  } else {
    #expect(try parts(body).count == 1)
  }
}

@Test(arguments: [255, 256, 257]) func thePartsAreCounted(count: Int) throws {
  let body = String(repeating: "--b\r\n\(named)\r\n\r\nv\r\n", count: count) + "--b--"
  if count > 256 {
    #expect(throws: FormError.tooManyFields) { try parts(body) }
  } else {
    #expect(try parts(body).count == count)
  }
}

@Test func bytesThatAreNoTextPassInAPart() throws {
  let bytes = Array("--b\r\n\(named)\r\n\r\n".utf8) + [0xFF, 0x00, 0x0D, 0x0A, 0xFE] + Array("\r\n--b--".utf8)
  let part = try #require(try Multipart.parse(bytes.span, boundary: "b", limits: HTTPLimits()).first)
  #expect(Array(bytes[part.body]) == [0xFF, 0x00, 0x0D, 0x0A, 0xFE])
}
