// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing
import Wire

private let date = Array("Sun, 10 Jun 2012 08:30:10 GMT".utf8)
private let json: StaticString = "application/json;charset=UTF-8"

/// The bytes of an answer, as text.
private func answer(
  _ status: Int, body: String = "", type: StaticString? = json, fields: String = "", date: [UInt8] = date,
  keepsAlive: Bool = true, minorVersion: Int = 1, bodyBytes: Int? = nil,
  headroom: Int = ResponseHead.recommendedHeadroom
) -> String {
  var writer = ByteWriter(capacity: headroom + 16, headroom: headroom)
  writer.append(body)
  writer.prependHead(
    status: status, contentType: type, fields: Array(fields.utf8), date: date, keepsAlive: keepsAlive,
    minorVersion: minorVersion, bodyBytes: bodyBytes)
  return String(decoding: writer.array, as: UTF8.self)
}

private let golden =
  "HTTP/1.1 200 OK\r\nDate: Sun, 10 Jun 2012 08:30:10 GMT\r\nContent-Type: application/json;charset=UTF-8\r\n"
  + "Cache-Control: no-store\r\nContent-Length: 13\r\n\r\n[{\"id\":\"17\"}]"

@Test func theAnswerIsThisByByte() {
  #expect(answer(200, body: "[{\"id\":\"17\"}]", fields: "Cache-Control: no-store\r\n") == golden)
}

@Test(arguments: [0, 1, 100, 250]) func aHeadThatExceedsTheHeadroomIsTheSame(headroom: Int) {
  #expect(answer(200, body: "[{\"id\":\"17\"}]", fields: "Cache-Control: no-store\r\n", headroom: headroom) == golden)
}

@Test func theUsualHeadIsWrittenInPlace() {
  var writer = ByteWriter(capacity: 1100, headroom: ResponseHead.recommendedHeadroom)
  writer.append("body")
  let before = writer.bytes.baseAddress
  writer.prependHead(
    status: 200, contentType: json, fields: [], date: date, keepsAlive: true, minorVersion: 1, bodyBytes: nil)
  #expect(writer.bytes.baseAddress == before.map { $0 - (writer.count - 4) })
}

@Test func whatWasPrependedBeforeBelongsToTheBody() {
  for headroom in [8, 1000] {
    var writer = ByteWriter(capacity: headroom + 16, headroom: headroom)
    writer.append("x)")
    withUnsafeBytes(of: (UInt8(ascii: "f"), UInt8(ascii: "("))) { writer.prepend($0) }
    writer.prependHead(
      status: 200, contentType: nil, fields: [], date: [], keepsAlive: true, minorVersion: 1, bodyBytes: nil)
    #expect(String(decoding: writer.array, as: UTF8.self) == "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nf(x)")
  }
}

@Test(arguments: [
  (true, 1, ""), (false, 1, "Connection: close\r\n"), (true, 0, "Connection: keep-alive\r\n"),
  (false, 0, "Connection: close\r\n"),
])
func itIsSaidWhetherTheConnectionStays(keepsAlive: Bool, minorVersion: Int, line: String) {
  let text = answer(404, type: nil, date: [], keepsAlive: keepsAlive, minorVersion: minorVersion)
  #expect(text == "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\(line)\r\n")
}

@Test(arguments: [(204, "No Content"), (304, "Not Modified")])
func anAnswerWithoutBodyHasNoLength(status: Int, reason: String) {
  #expect(answer(status, body: "dropped", type: nil, date: []) == "HTTP/1.1 \(status) \(reason)\r\n\r\n")
}

@Test func anInterimAnswerSaysNothingOfTheConnection() {
  let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n"
  #expect(
    answer(101, type: nil, fields: upgrade, date: [], keepsAlive: false)
      == "HTTP/1.1 101 Switching Protocols\r\n\(upgrade)\r\n")
  #expect("\(ResponseHead.continue)" == answer(100, type: nil, date: []))
}

@Test func theAnswerToHeadHasTheLengthOfTheBodyItLeavesOut() {
  #expect(
    answer(200, type: "text/plain", date: [], bodyBytes: 1_234_567)
      == "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1234567\r\n\r\n")
}

@Test(arguments: [0, 9, 10, 99, 100, 65_536]) func theLengthIsThatOfTheBody(count: Int) {
  let text = answer(200, body: String(repeating: "x", count: count), type: nil, date: [])
  #expect(text.hasPrefix("HTTP/1.1 200 OK\r\nContent-Length: \(count)\r\n\r\n"))
  #expect(text.utf8.count == "HTTP/1.1 200 OK\r\nContent-Length: \(count)\r\n\r\n".utf8.count + count)
}

@Test func anUnlistedStatusHasNoReason() {
  #expect(answer(299, type: nil, date: []).hasPrefix("HTTP/1.1 299 \r\n"))
}

@Test(arguments: [
  ("plain", true), ("a\tb \u{E9}\u{1F600}", true), ("", true), ("a\r\nX: y", false), ("a\n", false), ("a\r", false),
  ("\u{0}", false), ("\u{1B}", false), ("\u{7F}", false),
])
func aFieldValueIsSafeOrNot(text: String, isSafe: Bool) {
  #expect(HeaderText.isSafe(text) == isSafe)
  let bytes = Array(text.utf8)
  let isSafeAsBytes = HeaderText.isSafe(bytes.span)
  #expect(isSafeAsBytes == isSafe)
}
