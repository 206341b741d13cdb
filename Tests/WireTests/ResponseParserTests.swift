// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Wire

@Suite struct ResponseParserTests {
  private static let limits = ResponseLimits(maxBodyBytes: 16 << 20)
  private static let plain = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"
  private static let chunked =
    "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, Chunked\r\n\r\n3;x=y\r\n[{}\r\n1\r\n]\r\n0\r\nTrailer: x\r\n\r\n"

  private func parse(_ text: String, ended: Bool = false) throws -> ParsedResponse? {
    let bytes = Array(text.utf8)
    guard
      case .complete(let response) = try ResponseParser.parse(bytes.span, from: 0, limits: Self.limits, ended: ended)
    else { return nil }
    return response
  }

  @Test func aPlainResponseIsFoundInPlace() throws {
    let response = try #require(try parse(Self.plain + "HTTP/1.1 500"))
    #expect(response.status == 200)
    #expect(response.keepsAlive)
    #expect(response.end == Self.plain.utf8.count)
    #expect(response.body == Self.plain.utf8.count - 2..<Self.plain.utf8.count)
  }

  @Test func aChunkedBodyIsPutTogether() throws {
    let response = try #require(try parse(Self.chunked))
    #expect(response.chunks == Array("[{}]".utf8))
    #expect(response.end == Self.chunked.utf8.count)
  }

  @Test(arguments: [plain, chunked]) func noResponseIsCompleteBeforeItsLastByte(_ text: String) throws {
    let bytes = Array(text.utf8)
    for count in 0..<bytes.count {
      let part = Array(bytes[..<count])
      guard case .incomplete(let atLeast) = try ResponseParser.parse(part.span, from: 0, limits: Self.limits) else {
        Issue.record("complete after \(count) bytes")
        return
      }
      #expect(atLeast > count && atLeast <= bytes.count)
    }
  }

  @Test(arguments: [plain, chunked]) func anEndInTheMiddleIsAFault(_ text: String) {
    let bytes = Array(text.utf8.dropLast())
    #expect(throws: ResponseFault.truncated) {
      _ = try ResponseParser.parse(bytes.span, from: 0, limits: Self.limits, ended: true)
    }
  }

  @Test func withoutALengthABodyLastsUntilTheEnd() throws {
    let text = "HTTP/1.1 200 OK\r\n\r\n[]"
    #expect(try parse(text) == nil)
    let response = try #require(try parse(text, ended: true))
    #expect(response.body.count == 2)
    #expect(!response.keepsAlive)
  }

  @Test(arguments: [
    ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", false),
    ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false),
    ("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n", true),
    ("HTTP/1.1 204 No Content\r\n\r\n", true), ("HTTP/1.1 304 Not Modified\nETag: x\n\n", true),
  ]) func whetherTheConnectionStays(_ text: String, _ stays: Bool) throws {
    #expect(try #require(try parse(text)).keepsAlive == stays)
  }

  @Test func everyCookieIsFound() throws {
    let text = "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nset-cookie:b=2\r\nContent-Length: 0\r\n\r\n"
    let bytes = Array(text.utf8)
    let response = try #require(try parse(text))
    #expect(response.cookies.map { String(decoding: bytes[$0], as: UTF8.self) } == ["a=1; Path=/", "b=2"])
  }

  @Test(arguments: [
    ("SSH-2.0-OpenSSH_9.2p1\r\n", ResponseFault.notHTTP), ("HTTP/1.1 abc\r\n\r\n", .notHTTP),
    ("HTTP/1.1 200 OK\r\ncontent-length: 1x\r\n\r\n", .badLength),
    ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", .badLength),
    ("HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n", .bodyTooLong),
    ("HTTP/1.1 200 OK\r\nconnection\r\n\r\n", .badField),
    ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n", .badChunk),
    ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n", .badChunk),
    ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffff\r\n", .bodyTooLong),
    ("HTTP/1.1 200 OK\r\nx: " + String(repeating: "x", count: 70_000), .headTooLong),
  ]) func whatIsNoResponseIsRefused(_ text: String, _ fault: ResponseFault) {
    let bytes = Array(text.utf8)
    #expect(throws: fault) { _ = try ResponseParser.parse(bytes.span, from: 0, limits: Self.limits) }
  }

  @Test(arguments: 0..<200) func aMutatedResponseNeverTraps(seed: Int) {
    var random = FrameRandom(seed: seed)
    var bytes = Array((seed % 2 == 0 ? Self.plain : Self.chunked).utf8)
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
    }
    let outcome = Result { try ResponseParser.parse(bytes.span, from: 0, limits: Self.limits, ended: true) }
    if case .success(.complete(let response)) = outcome { #expect(response.end <= bytes.count) }
  }
}
