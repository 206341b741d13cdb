// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing
import Wire

/// The opening handshake (RFC 6455 section 4).
struct WebSocketUpgradeTests {
  /// The request of section 1.3, without its optional parts; a test exchanges or adds lines.
  private static func request(
    _ start: String = "GET /chat HTTP/1.1", connection: String = "Upgrade", upgrade: String = "websocket",
    version: String = "13", key: String = "dGhlIHNhbXBsZSBub25jZQ==", _ more: String...
  ) -> String {
    let lines = [
      ("Connection", connection), ("Upgrade", upgrade), ("Sec-WebSocket-Version", version), ("Sec-WebSocket-Key", key),
    ]
    let present = lines.filter { $0.1 != "-" }.map { "\($0.0): \($0.1)" }
    return ([start, "Host: example.com"] + present + more).joined(separator: "\r\n") + "\r\n\r\n"
  }

  /// What came of it: an upgrade, or why not.
  private static func outcome(
    _ request: String, subprotocol: String? = nil, allowsCompression: Bool = false
  ) -> Result<WebSocketUpgrade, UpgradeFault> {
    let connection = TestConnection(request)
    let text = connection.text
    var options = WebSocketUpgrade.Options()
    options.subprotocol = subprotocol
    options.allowsCompression = allowsCompression
    return Result { () throws(UpgradeFault) in
      try WebSocketUpgrade(connection.head, in: text.span, options: options)
    }
  }

  private static func fault(_ request: String, subprotocol: String? = nil) -> UpgradeFault? {
    if case .failure(let fault) = outcome(request, subprotocol: subprotocol) { return fault }
    return nil
  }

  private static func response(
    _ request: String, subprotocol: String? = nil, allowsCompression: Bool = false, fields: String = ""
  ) throws -> String {
    let upgrade = try outcome(request, subprotocol: subprotocol, allowsCompression: allowsCompression).get()
    var writer = ByteWriter()
    upgrade.appendResponse(to: &writer, fields: Array(fields.utf8))
    return String(decoding: writer.array, as: UTF8.self)
  }

  private static let plainResponse =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

  @Test func exampleOfTheStandardIsAnswered() throws {
    let request = Self.request(
      "GET /chat HTTP/1.1", "Origin: http://example.com", "Sec-WebSocket-Protocol: chat, superchat")
    #expect(try Self.response(request) == Self.plainResponse + "\r\n")
    #expect(
      try Self.response(request, subprotocol: "chat") == Self.plainResponse + "Sec-WebSocket-Protocol: chat\r\n\r\n")
  }

  @Test func fieldsOfTheOwnerAreAdded() throws {
    #expect(
      try Self.response(Self.request(), fields: "Set-Cookie: a=b\r\n") == Self.plainResponse + "Set-Cookie: a=b\r\n\r\n"
    )
  }

  @Test(arguments: [
    request(connection: "keep-alive, Upgrade"), request(connection: "upgrade"), request(connection: "UPGRADE,foo"),
    request(upgrade: "WebSocket"), request(upgrade: "h2c, websocket"), request(version: " 13 "),
    request("GET /chat HTTP/1.1", connection: "close", "Connection: Upgrade"),
    request("GET http://example.com/chat HTTP/1.1"), request("GET / HTTP/1.1", "Content-Length: 0"),
    // The last four bits are not zero, and are not used.
    request(key: "abcdefghijklmnopqrstuv=="), request(key: "AAAAAAAAAAAAAAAAAAAAA/=="),
    request("GET / HTTP/1.1", "Sec-WebSocket-Protocol: cometd"),
  ])
  func requestIsAccepted(_ request: String) {
    #expect(Self.fault(request) == nil)
  }

  @Test(arguments: [
    (request("POST / HTTP/1.1"), UpgradeFault.notGET), (request("HEAD / HTTP/1.1"), .notGET),
    (request("GET / HTTP/1.0"), .notHTTP11),
    (request("GET / HTTP/1.1", "Content-Length: 0", "X: y") + "", nil),
    (request("GET / HTTP/1.1", "Content-Length: 2") + "{}", .hasBody),
    (request("GET / HTTP/1.1", "Transfer-Encoding: chunked") + "0\r\n\r\n", .hasBody),
    (request(connection: "-"), .noConnectionUpgrade), (request(connection: "keep-alive"), .noConnectionUpgrade),
    (request(connection: "upgraded"), .noConnectionUpgrade),
    (request(upgrade: "-"), .noWebSocket), (request(upgrade: "h2c"), .noWebSocket),
    (request(upgrade: "websocket/13"), .noWebSocket),
    (request(version: "-"), .versionNotSupported), (request(version: "8"), .versionNotSupported),
    (request(version: "0"), .versionNotSupported), (request(version: "14"), .versionNotSupported),
    (request(version: "013"), .versionNotSupported), (request(version: "13, 8"), .versionNotSupported),
    (request("GET / HTTP/1.1", "Sec-WebSocket-Version: 13"), .versionNotSupported),
    (request(key: "-"), .badKey), (request(key: ""), .badKey), (request(key: "dGhlIHNhbXBsZSBub25jZQ="), .badKey),
    (request(key: "dGhlIHNhbXBsZSBub25jZQ"), .badKey), (request(key: "dGhlIHNhbXBsZSBub25jZQQ="), .badKey),
    (request(key: "dGhlIHNhbXBsZSBub25jZQQQ"), .badKey), (request(key: "dGhlIHNhbXBsZSBub25jZQAAAA=="), .badKey),
    (request(key: "dGhl_HNhbXBsZSBub25jZQ=="), .badKey), (request(key: "dGhl HNhbXBsZSBub25jZQ=="), .badKey),
    (request("GET / HTTP/1.1", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), .badKey),
  ])
  func requestIsRefused(_ request: String, fault: UpgradeFault?) {
    #expect(Self.fault(request) == fault)
  }

  /// A version that is not ours is answered with ours; nothing else has such fields.
  @Test(arguments: UpgradeFault.allCases)
  func refusalHasAStatusASentenceAndItsFields(_ fault: UpgradeFault) {
    #expect(fault.status == (fault == .versionNotSupported ? 426 : 400))
    #expect(
      String(decoding: fault.fields, as: UTF8.self)
        == (fault == .versionNotSupported ? "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" : ""))
    #expect(!fault.sentence.isEmpty && !fault.sentence.hasSuffix("."))
  }

  @Test(arguments: [
    (request(), true), (request("POST / HTTP/1.0", version: "8", key: ""), true), (request(upgrade: "WEBSOCKET"), true),
    (request(upgrade: "-"), false), (request(upgrade: "h2c"), false),
  ])
  func upgradeThatIsAskedForIsSeen(_ request: String, isAsked: Bool) {
    let connection = TestConnection(request)
    let text = connection.text
    let seen = WebSocketUpgrade.isAsked(by: connection.head, in: text.span)
    #expect(seen == isAsked)
  }

  @Test(arguments: [
    ("Sec-WebSocket-Protocol: cometd", true), ("Sec-WebSocket-Protocol: a, cometd ,b", true),
    ("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: \tcometd", true), ("Sec-WebSocket-Protocol: Cometd", false),
    ("Sec-WebSocket-Protocol: cometd2, com, etd", false), ("Sec-WebSocket-Protocol:", false), ("X: cometd", false),
  ])
  func subprotocolHasToBeOffered(_ line: String, isOffered: Bool) throws {
    let request = Self.request("GET / HTTP/1.1", line)
    #expect(Self.fault(request, subprotocol: "cometd") == (isOffered ? nil : .subprotocolMissing))
    // A server that speaks none does not mind.
    #expect(try Self.outcome(request).get().subprotocol == nil)
  }

  private static let deflateResponse =
    plainResponse + "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
    + "client_no_context_takeover\r\n\r\n"

  @Test(arguments: [
    "permessage-deflate", "permessage-deflate; client_max_window_bits", "permessage-deflate;client_max_window_bits=8",
    "permessage-deflate; client_max_window_bits=\"15\"", "foo, permessage-deflate",
    "permessage-deflate; server_max_window_bits=10, permessage-deflate", "foo; bar=1; baz=\"x\" ,, permessage-deflate",
    "permessage-deflate; server_no_context_takeover ; client_no_context_takeover; client_max_window_bits = 10",
    "foo\r\nSec-WebSocket-Extensions: permessage-deflate",
  ])
  func compressionIsAgreedToWhereItIsWanted(_ offers: String) throws {
    let request = Self.request("GET / HTTP/1.1", "Sec-WebSocket-Extensions: \(offers)")
    #expect(try Self.response(request, allowsCompression: true) == Self.deflateResponse)
    #expect(try Self.outcome(request, allowsCompression: true).get().isCompressed)
    #expect(try Self.response(request) == Self.plainResponse + "\r\n")
  }

  @Test(arguments: [
    "", "foo", "x-webkit-deflate-frame", "Permessage-Deflate", "permessage-deflate2",
    "permessage-deflate; server_max_window_bits=15", "permessage-deflate; server_max_window_bits",
    "permessage-deflate; client_max_window_bits=7", "permessage-deflate; client_max_window_bits=16",
    "permessage-deflate; client_max_window_bits=x", "permessage-deflate; unknown",
    "permessage-deflate; server_no_context_takeover=1", "permessage-deflate; client_no_context_takeover=true",
    "permessage-deflate; client_max_window_bits; client_max_window_bits",
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
  ])
  func otherOffersAreDeclined(_ offers: String) throws {
    let request = Self.request("GET / HTTP/1.1", "Sec-WebSocket-Extensions: \(offers)")
    #expect(try Self.response(request, allowsCompression: true) == Self.plainResponse + "\r\n")
  }

  @Test(arguments: [
    "foo bar", "foo;", "foo; ;bar", "foo; =1", "foo; bar=", "foo; bar=\"", "foo; bar=\"x", "foo; bar=\"\"",
    "foo; bar=\"a b\"", "foo; bar=a b", ";foo", "foo=1", "foo; bar=1=2", "\"foo\"", "foo; bar=\"x\"y",
    "permessage-deflate; (",
  ])
  func malformedOffersAreRefused(_ offers: String) {
    let request = Self.request("GET / HTTP/1.1", "Sec-WebSocket-Extensions: \(offers)")
    #expect(Self.fault(request) == .badExtensions)
  }
}
