// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

/// A request that must be refused, and as what. Each runs whole, byte by byte and cut everywhere, with a decent request
/// behind it that must not be reached.
struct Hostile: Sendable, CustomTestStringConvertible {
  let text: String
  let fault: HTTPFault

  init(_ text: String, _ fault: HTTPFault) {
    self.text = text
    self.fault = fault
  }

  var testDescription: String { "\(fault): \(text.prefix(60).debugDescription)" }

  static func line(_ line: String, _ fault: HTTPFault) -> Hostile { Hostile("\(line)\r\nHost: a\r\n\r\n", fault) }

  /// A field line behind a good Host.
  static func field(_ field: String, _ fault: HTTPFault) -> Hostile {
    Hostile("POST / HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n", fault)
  }

  static func chunked(_ body: String, _ fault: HTTPFault) -> Hostile {
    Hostile("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(body)", fault)
  }
}

private let requestLines: [Hostile] = [
  .line("GET /", .badRequestLine),
  .line("GET", .badRequestLine),
  .line("GET ", .badRequestLine),
  .line("GET  / HTTP/1.1", .badRequestLine),
  .line("GET /  HTTP/1.1", .badRequestLine),
  .line("GET / HTTP/1.1 ", .badRequestLine),
  .line(" GET / HTTP/1.1", .badRequestLine),
  .line("\tGET / HTTP/1.1", .badRequestLine),
  .line("GET\t/ HTTP/1.1", .badRequestLine),
  .line("GET /\tHTTP/1.1", .badTarget),
  .line("GET / a HTTP/1.1", .badRequestLine),
  .line("GET HTTP/1.1", .badRequestLine),
  .line("/ HTTP/1.1", .badRequestLine),
  .line("G(T / HTTP/1.1", .badRequestLine),
  .line("G\u{E9}T / HTTP/1.1", .badRequestLine),
  .line("G\u{0}T / HTTP/1.1", .badRequestLine),
  .line("GET: / HTTP/1.1", .badRequestLine),
  .line("\"GET\" / HTTP/1.1", .badRequestLine),
  .line("GET / http/1.1", .badRequestLine),
  .line("GET / HTTP/1", .badRequestLine),
  .line("GET / HTTP/1.", .badRequestLine),
  .line("GET / HTTP/.1", .badRequestLine),
  .line("GET / HTTP/1.1.1", .badRequestLine),
  .line("GET / HTTP/1.10", .badRequestLine),
  .line("GET / HTTP/01.1", .badRequestLine),
  .line("GET / HTTP/1,1", .badRequestLine),
  .line("GET / HTTP/a.b", .badRequestLine),
  .line("GET / HTTP1.1", .badRequestLine),
  .line("GET / ICY/1.1", .badRequestLine),
  .line("GET / HTTP/0.9", .versionNotSupported),
  .line("GET / HTTP/1.2", .versionNotSupported),
  .line("GET / HTTP/2.0", .versionNotSupported),
  .line("GET / HTTP/3.0", .versionNotSupported),
  Hostile("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .versionNotSupported),
  Hostile("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}", .badRequestLine),
  Hostile("\u{0}GET / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequestLine),
  Hostile("{\"a\":1}\r\n", .badRequestLine),
  Hostile("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequestLine),
  Hostile("\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .bareLineFeed),
  Hostile("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequestLine),
  Hostile("\r\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequestLine),
]

private let targets: [Hostile] = [
  .line("GET a HTTP/1.1", .badTarget),
  .line("GET ?a HTTP/1.1", .badTarget),
  .line("GET * HTTP/1.1", .badTarget),
  .line("OPTIONS ** HTTP/1.1", .badTarget),
  .line("OPTIONS *? HTTP/1.1", .badTarget),
  .line("GET /\u{E9} HTTP/1.1", .badTarget),
  .line("GET /\u{0} HTTP/1.1", .badTarget),
  .line("GET /\u{1F} HTTP/1.1", .badTarget),
  .line("GET /\u{7F} HTTP/1.1", .badTarget),
  .line("GET /a#b HTTP/1.1", .badTarget),
  .line("GET /a\r/b HTTP/1.1", .bareCarriageReturn),
  .line("GET ftp://h/ HTTP/1.1", .badTarget),
  .line("GET http:/h/ HTTP/1.1", .badTarget),
  .line("GET http:// HTTP/1.1", .badTarget),
  .line("GET http:///p HTTP/1.1", .badTarget),
  .line("GET http://?q HTTP/1.1", .badTarget),
  .line("GET http://:80/ HTTP/1.1", .badTarget),
  .line("GET http://u@h/ HTTP/1.1", .badTarget),
  .line("GET http://h:8o/ HTTP/1.1", .badTarget),
  .line("GET http://[::1/ HTTP/1.1", .badTarget),
  .line("GET http://h\\x/ HTTP/1.1", .badTarget),
  .line("GET h:80 HTTP/1.1", .badTarget),
  .line("CONNECT h:80 HTTP/1.1", .connectRefused),
  .line("CONNECT / HTTP/1.1", .connectRefused),
  .line("CONNECT http://h/ HTTP/1.1", .connectRefused),
]

private let fieldLines: [Hostile] = [
  .field("Name : x", .spaceBeforeColon),
  .field("Name\t: x", .spaceBeforeColon),
  .field("Name \t : x", .spaceBeforeColon),
  .field("Content-Length : 5", .spaceBeforeColon),
  .field("Transfer-Encoding : chunked", .spaceBeforeColon),
  .field(" folded", .obsoleteFolding),
  .field("X: a\r\n b", .obsoleteFolding),
  .field("X: a\r\n\tb", .obsoleteFolding),
  .field("X: a\r\n ", .obsoleteFolding),
  .field("Transfer-Encoding:\r\n chunked", .obsoleteFolding),
  Hostile("GET / HTTP/1.1\r\n Host: a\r\n\r\n", .obsoleteFolding),
  .field("NoColon", .badHeader),
  .field(": value", .badHeaderName),
  .field(":", .badHeaderName),
  .field("Na me: x", .badHeaderName),
  .field("Na(me: x", .badHeaderName),
  .field("Na\u{E9}me: x", .badHeaderName),
  .field("Na\u{0}me: x", .badHeaderName),
  .field("\u{B}Name: x", .badHeaderName),
  .field("Na\rme: x", .bareCarriageReturn),
  .field("\rName: x", .bareCarriageReturn),
  .field("[Name]: x", .badHeaderName),
  .field("X=1", .badHeaderName),
  .field("X: a\rb", .bareCarriageReturn),
  .field("X: a\r", .bareCarriageReturn),
  .field("X: a\rTransfer-Encoding: chunked", .bareCarriageReturn),
  .field("X: a\nY: b", .bareLineFeed),
  .field("X: a\n", .bareLineFeed),
  .field("X: a\n\nGET /smuggled HTTP/1.1", .bareLineFeed),
  Hostile("GET / HTTP/1.1\nHost: a\n\n", .bareLineFeed),
  Hostile("GET / HTTP/1.1\nHost: a\r\n\r\n", .bareLineFeed),
  Hostile("GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed),
  Hostile("GET / HTTP/1.1\r\nHost: a\r\n\r\r\n", .bareCarriageReturn),
  .field("X: a\u{0}b", .controlCharacter),
  .field("X: \u{1}", .controlCharacter),
  .field("X: a\u{B}", .controlCharacter),
  .field("X: a\u{1B}[31m", .controlCharacter),
  .field("X: a\u{7F}", .controlCharacter),
]

private let hosts: [Hostile] = [
  Hostile("GET / HTTP/1.1\r\n\r\n", .missingHost),
  Hostile("GET / HTTP/1.1\r\nX-Host: a\r\n\r\n", .missingHost),
  Hostile("GET http://a/ HTTP/1.1\r\n\r\n", .missingHost),
  .field("Host: a", .secondHost),
  .field("hOST: b", .secondHost),
  Hostile("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", .secondHost),
  Hostile("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .badHost),
  Hostile("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .badHost),
  Hostile("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", .badHost),
  Hostile("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", .badHost),
  Hostile("GET / HTTP/1.1\r\nHost: a:80:81\r\n\r\n", .badHost),
  Hostile("GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", .badHost),
  Hostile("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", .badHost),
  Hostile("GET / HTTP/1.1\r\nHost: []\r\n\r\n", .badHost),
  Hostile("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", .badHost),
  Hostile("GET / HTTP/1.1\r\nHost: http://a\r\n\r\n", .badHost),
  Hostile("GET / HTTP/1.1\r\nHost: a\"b\r\n\r\n", .badHost),
  Hostile("GET / HTTP/1.1\r\nHost: \u{E9}\r\n\r\n", .badHost),
  Hostile("GET / HTTP/1.0\r\nHost: a?b\r\n\r\n", .badHost),
]

private let lengths: [Hostile] = [
  .field("Content-Length: 5\r\nContent-Length: 5", .twoContentLengths),
  .field("Content-Length: 5\r\ncontent-length: 6", .twoContentLengths),
  .field("Content-Length: 5\r\nX: y\r\nContent-Length:", .twoContentLengths),
  .field("Content-Length: 5, 5", .twoContentLengths),
  .field("Content-Length: 5,6", .twoContentLengths),
  .field("Content-Length: 5,", .twoContentLengths),
  .field("Content-Length: +5", .badContentLength),
  .field("Content-Length: -1", .badContentLength),
  .field("Content-Length: -0", .badContentLength),
  .field("Content-Length:", .badContentLength),
  .field("Content-Length: 0x5", .badContentLength),
  .field("Content-Length: 5 5", .badContentLength),
  .field("Content-Length: 5.0", .badContentLength),
  .field("Content-Length: 5e1", .badContentLength),
  .field("Content-Length: \"5\"", .badContentLength),
  .field("Content-Length: \u{FF15}", .badContentLength),
  .field("Content-Length: five", .badContentLength),
  .field("Content-Length: 9223372036854775808", .badContentLength),
  .field("Content-Length: 18446744073709551621", .badContentLength),
  .field("Content-Length: 99999999999999999999999999", .badContentLength),
  .field("Content-Length: 9223372036854775807", .bodyTooLarge),
  .field("Content-Length: 524289", .bodyTooLarge),
]

private let encodings: [Hostile] = [
  .field("Content-Length: 5\r\nTransfer-Encoding: chunked", .lengthAndEncoding),
  .field("Transfer-Encoding: chunked\r\nContent-Length: 5", .lengthAndEncoding),
  .field("Transfer-Encoding: identity\r\nContent-Length: 5", .lengthAndEncoding),
  .field("Transfer-Encoding: chunked\r\nContent-Length: 0x", .lengthAndEncoding),
  .field("Transfer-Encoding:", .unsupportedTransferEncoding),
  .field("Transfer-Encoding: identity", .unsupportedTransferEncoding),
  .field("Transfer-Encoding: gzip", .unsupportedTransferEncoding),
  .field("Transfer-Encoding: gzip, chunked", .unsupportedTransferEncoding),
  .field("Transfer-Encoding: chunked, chunked", .unsupportedTransferEncoding),
  .field("Transfer-Encoding: chunked,", .unsupportedTransferEncoding),
  .field("Transfer-Encoding: xchunked", .unsupportedTransferEncoding),
  .field("Transfer-Encoding: \"chunked\"", .unsupportedTransferEncoding),
  .field("Transfer-Encoding: chunked;q=1", .unsupportedTransferEncoding),
  .field("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", .unsupportedTransferEncoding),
  .field("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", .unsupportedTransferEncoding),
  .field("Transfer-Encoding: chunked\u{B}", .controlCharacter),
  Hostile("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", .encodingInHTTP10),
  Hostile("POST / HTTP/1.0\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", .encodingInHTTP10),
  .field("Expect: 200-ok", .expectationFailed),
  .field("Expect:", .expectationFailed),
  .field("Expect: 100-continue, x", .expectationFailed),
  .field("Expect: 100-continue\r\nExpect: y", .expectationFailed),
]

private let chunks: [Hostile] = [
  .chunked("\r\n", .badChunk),
  .chunked(";x\r\n", .badChunk),
  .chunked("g\r\n", .badChunk),
  .chunked("-1\r\n", .badChunk),
  .chunked("+1\r\na\r\n0\r\n\r\n", .badChunk),
  .chunked("0x1\r\na\r\n0\r\n\r\n", .badChunk),
  .chunked(" 1\r\na\r\n0\r\n\r\n", .badChunk),
  .chunked("1 \r\na\r\n0\r\n\r\n", .badChunk),
  .chunked("1 ;x\r\na\r\n0\r\n\r\n", .badChunk),
  .chunked("1\t\r\na\r\n0\r\n\r\n", .badChunk),
  .chunked("1_0\r\n", .badChunk),
  .chunked("1,1\r\n", .badChunk),
  .chunked("0000000000000001\r\na\r\n0\r\n\r\n", .badChunk),
  .chunked("ffffffffffffffff\r\n", .badChunk),
  .chunked("10000000000000000\r\n", .badChunk),
  .chunked("fffffffffffffff\r\n", .bodyTooLarge),
  .chunked("80001\r\n", .bodyTooLarge),
  .chunked("1;a\u{0}\r\na\r\n0\r\n\r\n", .badChunk),
  .chunked("1;a\rb\r\na\r\n0\r\n\r\n", .badChunk),
  .chunked("1;a\r\r\na\r\n0\r\n\r\n", .badChunk),
  .chunked("1;\nGET /x HTTP/1.1\r\n", .bareLineFeed),
  .chunked("1\na\r\n0\r\n\r\n", .bareLineFeed),
  .chunked("1\r\nab\r\n0\r\n\r\n", .badChunk),
  .chunked("1\r\na0\r\n\r\n", .badChunk),
  .chunked("1\r\na\n0\r\n\r\n", .badChunk),
  .chunked("1\r\na\r0\r\n\r\n", .badChunk),
  .chunked("1\r\na\r\r\n0\r\n\r\n", .badChunk),
  .chunked("1\r\na\r\n\r\n", .badChunk),
  .chunked("2\r\na\r\n0\r\n\r\n", .badChunk),
  .chunked("0\r\nBad Name: x\r\n\r\n", .badTrailer),
  .chunked("0\r\nBad : x\r\n\r\n", .badTrailer),
  .chunked("0\r\n folded\r\n\r\n", .badTrailer),
  .chunked("0\r\nNoColon\r\n\r\n", .badTrailer),
  .chunked("0\r\nX: \u{0}\r\n\r\n", .badTrailer),
  .chunked("0\r\nX: a\n\r\n", .bareLineFeed),
  .chunked("0\r\n\n", .bareLineFeed),
  .chunked("0\r\nGET /x HTTP/1.1\r\nHost: b\r\n\r\n", .badTrailer),
]

@Test(arguments: requestLines) func aBadRequestLineIsRefused(_ hostile: Hostile) {
  #expect(fault(hostile.text) == hostile.fault)
}

@Test(arguments: targets) func aBadTargetIsRefused(_ hostile: Hostile) {
  #expect(fault(hostile.text) == hostile.fault)
}

@Test(arguments: fieldLines) func aBadFieldLineIsRefused(_ hostile: Hostile) {
  #expect(fault(hostile.text) == hostile.fault)
}

@Test(arguments: hosts) func aBadHostIsRefused(_ hostile: Hostile) {
  #expect(fault(hostile.text) == hostile.fault)
}

@Test(arguments: lengths) func aBadLengthIsRefused(_ hostile: Hostile) {
  #expect(fault(hostile.text) == hostile.fault)
}

@Test(arguments: encodings) func aBadEncodingIsRefused(_ hostile: Hostile) {
  #expect(fault(hostile.text) == hostile.fault)
}

@Test(arguments: chunks) func aBadChunkIsRefused(_ hostile: Hostile) {
  #expect(fault(hostile.text) == hostile.fault)
}

@Test func bytesThatAreNoTextAreRefused() {
  let bytes: [UInt8] = Array("GET /".utf8) + [0xFF] + Array(" HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
  #expect(Feed.everyWay(bytes).fault == .badTarget)
  let opaque: [UInt8] = Array("GET / HTTP/1.1\r\nHost: a\r\nX: ".utf8) + [0x80, 0xFF] + Array("\r\n\r\n".utf8)
  #expect(Feed.everyWay(opaque).requests.count == 1, "a value may hold opaque bytes")
}

@Test(arguments: UInt8.min ... .max) func everyByteOfAValueIsJudgedWhereverItStands(byte: UInt8) {
  let isText = byte >= 0x20 && byte != 0x7F || byte == 0x09
  for position in 1..<24 {
    var bytes = Array("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "v", count: 25))\r\n\r\n".utf8)
    bytes[bytes.count - 29 + position] = byte
    let outcome = Feed.outcome(of: bytes, cuts: [])
    let expected: HTTPFault? =
      isText ? nil : byte == 0x0A ? .bareLineFeed : byte == 0x0D ? .bareCarriageReturn : .controlCharacter
    #expect(outcome.fault == expected, "at \(position)")
    #expect(outcome.requests.count == (isText ? 1 : 0))
  }
}

@Test(arguments: HTTPFault.allCases) func everyFaultHasAStatusAndASentence(_ fault: HTTPFault) {
  #expect([400, 408, 413, 414, 417, 431, 505].contains(fault.status))
  #expect(ResponseHead.reason(fault.status).utf8CodeUnitCount > 0)
  #expect(fault.sentence.count > 10)
  #expect(!fault.sentence.hasSuffix("."))
}

@Test func everyFaultOfTheParserIsProvoked() {
  let provoked = Set([requestLines, targets, fieldLines, hosts, lengths, encodings, chunks].joined().map(\.fault))
  // The limits have tests of their own, and time is no affair of the parser.
  let elsewhere: Set<HTTPFault> = [
    .requestLineTooLong, .headTooLarge, .tooManyHeaders, .chunkLineTooLong, .trailersTooLarge, .timeout,
  ]
  #expect(provoked.union(elsewhere) == Set(HTTPFault.allCases))
  #expect(provoked.isDisjoint(with: elsewhere))
}
