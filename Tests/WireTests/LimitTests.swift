// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

/// Each limit below itself, at itself, and one above.
private let around = [-1, 0, 1]

private func expectAround(
  _ excess: Int, _ expected: HTTPFault, _ text: String, _ limits: HTTPLimits = HTTPLimits(),
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let outcome = Feed.everyWay(text, limits: limits, sourceLocation: sourceLocation)
  #expect(outcome.fault == (excess > 0 ? expected : nil), sourceLocation: sourceLocation)
  #expect(outcome.requests.count == (excess > 0 ? 0 : 1), sourceLocation: sourceLocation)
}

private func filler(_ count: Int) -> String { String(repeating: "x", count: count) }

@Test(arguments: around) func theRequestLineIsBounded(excess: Int) {
  let frame = "GET / HTTP/1.1\r\n".utf8.count
  let text = "GET /\(filler(8192 + excess - frame)) HTTP/1.1\r\nHost: a\r\n\r\n"
  expectAround(excess, .requestLineTooLong, text)
}

@Test(arguments: around) func theHeadIsBounded(excess: Int) {
  let frame = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".utf8.count
  expectAround(excess, .headTooLarge, "GET / HTTP/1.1\r\nHost: a\r\nX: \(filler(16_384 + excess - frame))\r\n\r\n")
}

@Test(arguments: around) func theHeadersAreCounted(excess: Int) {
  let fields = String(repeating: "X: y\r\n", count: 99 + excess)
  expectAround(excess, .tooManyHeaders, "GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
}

@Test(arguments: around) func theBodyIsBounded(excess: Int) {
  var limits = HTTPLimits()
  limits.maxBodyBytes = 100
  let body = filler(100 + excess)
  let sized = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
  expectAround(excess, .bodyTooLarge, sized, limits)
  let chunks = "32\r\n\(filler(50))\r\n" + "\(String(50 + excess, radix: 16))\r\n\(filler(50 + excess))\r\n0\r\n\r\n"
  expectAround(
    excess, .bodyTooLarge, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)", limits)
}

@Test(arguments: around) func theChunkLineIsBounded(excess: Int) {
  let line = "1;\(filler(256 + excess - 4))\r\n"
  expectAround(
    excess, .chunkLineTooLong,
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(line)a\r\n0\r\n\r\n")
}

@Test(arguments: around) func theTrailersAreBounded(excess: Int) {
  let trailers = "A: b\r\nX: \(filler(4096 + excess - 13))\r\n\r\n"
  #expect(trailers.utf8.count == 4096 + excess)
  expectAround(
    excess, .trailersTooLarge, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\(trailers)")
}

@Test(arguments: [
  ("GET /" + filler(8187), HTTPFault.requestLineTooLong),
  ("GET / HTTP/1.1\r\nX: " + filler(16_365), .headTooLarge),
  ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;" + filler(254), .chunkLineTooLong),
  ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + filler(4093), .trailersTooLarge),
])
func aLineThatNeverEndsIsRefusedAtItsLimit(endless: String, expected: HTTPFault) {
  var connection = TestConnection()
  #expect(connection.parse(endless) == .needMore(sendContinue: false))
  #expect(connection.parse("x") == .failed(expected))
}

@Test func anAnnouncedBodyIsRefusedBeforeItComes() {
  var connection = TestConnection()
  let text = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 524289\r\n\r\n"
  #expect(connection.parse(text) == .failed(.bodyTooLarge))
}

@Test func anAnnouncementTakesNoMemory() {
  let connection = TestConnection("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 524288\r\n\r\na")
  #expect(connection.parser.phase == .body)
  #expect(connection.parser.text.capacity < 1024)
}

@Test func theLargestBodyPasses() {
  let body = filler(524_288)
  let text = Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 524288\r\n\r\n\(body)".utf8)
  let outcome = Feed.outcome(of: text, cuts: stride(from: 65_536, to: text.count, by: 65_536))
  #expect(outcome.requests.first?.body == body)
}

/// Sixteen times the bytes, one at a time, take sixteen times as long; in a square they would take 256 times. The bound
/// between the two leaves room for a busy machine.
@Test func aHeadThatComesByteByByteCostsLinearTime() {
  func duration(_ lines: Int) -> Duration {
    var limits = HTTPLimits()
    limits.maxHeadBytes = .max
    limits.maxHeaders = .max
    let text = Array("GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "Name: value\r\n", count: lines))\r\n".utf8)
    return ContinuousClock().measure {
      #expect(Feed.outcome(of: text, cuts: 0..<text.count, limits: limits).requests.count == 1)
    }
  }
  let short = (0..<3).map { _ in duration(250) }.min() ?? .zero
  let long = (0..<3).map { _ in duration(4000) }.min() ?? .zero
  #expect(long < short * 100)
}
