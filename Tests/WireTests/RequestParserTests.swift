// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing
import Wire

private let pollBody =
  #"[{"channel":"/meta/connect","connectionType":"long-polling","id":"7","clientId":"Un1q31d3nt1f13r"}]"#
private let poll =
  "POST /genesys/cometd/connect HTTP/1.1\r\nHost: localhost:8080\r\nContent-Type: application/json\r\n"
  + "gms_user: b16416334828b1d2\r\nContent-Length: \(pollBody.utf8.count)\r\n\r\n\(pollBody)"

@Test func aTypicalPollIsParsedWhereItLies() {
  var connection = TestConnection()
  #expect(connection.parse(poll + pipelined) == .inPlace(consumed: poll.utf8.count))
  #expect(connection.parser.bufferedBytes == 0)
  #expect(connection.parser.phase == .idle)
  #expect(connection.request.body == pollBody)
  #expect(connection.value(of: "gms_user") == "b16416334828b1d2")
}

@Test func anIdleParserIsSmall() {
  #expect(MemoryLayout<RequestParser>.size < 48)
  #expect(MemoryLayout<HeaderField>.stride == 16)
}

@Test func aPollIsTheSameHoweverItArrives() throws {
  let seen = try request(poll)
  #expect(seen.method == .post)
  #expect(seen.path == "/genesys/cometd/connect")
  #expect(seen.query == nil)
  #expect(seen.fields.count == 4)
  #expect(seen.fields[0] == "Host=localhost:8080")
  #expect(seen.body == pollBody)
  #expect(seen.keepsAlive)
}

@Test(arguments: [
  ("GET", HTTPMethod.get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("DELETE", .delete), ("OPTIONS", .options),
  ("PATCH", .other), ("get", .other), ("X-y!", .other), ("CONNECTS", .other), ("PUTT", .other),
])
func everyTokenIsAMethod(text: String, method: HTTPMethod) throws {
  let seen = try request("\(text) / HTTP/1.1\r\nHost: a\r\n\r\n")
  #expect(seen.method == method)
  #expect(seen.methodText == text)
}

@Test(
  arguments: [
    ("/", "/", nil, nil), ("/a/b?c=d?e", "/a/b", "c=d?e", nil), ("/?", "/", "", nil), ("//x", "//x", nil, nil),
    ("http://h/p?q", "/p", "q", "h"), ("HTTPS://h.example:8443/p", "/p", nil, "h.example:8443"),
    ("http://h", "", nil, "h"), ("http://[::1]:80?q", "", "q", "[::1]:80"), ("/%7Bx%7D|\"", "/%7Bx%7D|\"", nil, nil),
  ] as [(String, String, String?, String?)])
func theTargetIsTakenApart(target: String, path: String, query: String?, authority: String?) throws {
  let text = "GET \(target) HTTP/1.1\r\nHost: other\r\n\r\n"
  let seen = try request(text)
  #expect(seen.target == target)
  #expect(seen.path == path)
  #expect(seen.query == query)
  let connection = TestConnection(text)
  #expect(connection.string(connection.head.authority) == authority)
  #expect(connection.host == authority ?? "other")
}

@Test func theAsteriskIsForOptions() throws {
  #expect(try request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").path == "*")
}

@Test(arguments: [
  ("HTTP/1.1", "", true), ("HTTP/1.1", "Connection: close\r\n", false), ("HTTP/1.1", "Connection: CLOSE\r\n", false),
  ("HTTP/1.1", "Connection: Upgrade, Close\r\n", false), ("HTTP/1.1", "Connection: keep-alive\r\n", true),
  ("HTTP/1.1", "connection: ,x ,\t\r\nConnection: close\r\n", false), ("HTTP/1.1", "Connection: closed\r\n", true),
  ("HTTP/1.1", "Connection: keep-alive, close\r\n", false), ("HTTP/1.0", "", false),
  ("HTTP/1.0", "Connection: Keep-Alive\r\n", true), ("HTTP/1.0", "Connection: close\r\n", false),
  ("HTTP/1.0", "Connection: close, keep-alive\r\n", false),
])
func theConnectionFieldSaysWhetherItStays(version: String, lines: String, keepsAlive: Bool) throws {
  #expect(try request("GET / \(version)\r\nHost: a\r\n\(lines)\r\n").keepsAlive == keepsAlive)
}

@Test func fieldsKeepTheirOrderAndLoseTheirBlanks() throws {
  let seen = try request(
    "GET / HTTP/1.1\r\nHost:a\r\nX: \t b c\t \r\nEmpty:\r\nempty: \r\nUtf: \u{E9}\u{1F600}\r\n\r\n")
  #expect(seen.fields == ["Host=a", "X=b c", "Empty=", "empty=", "Utf=\u{E9}\u{1F600}"])
}

@Test func fieldsAreFoundWithoutRegardToCase() {
  let connection = TestConnection(
    "GET / HTTP/1.1\r\nHOST: a\r\nX-a: 1\r\nx-A: 2\r\nUpgrade: h2c , WebSocket\r\n\r\n")
  #expect(connection.values(of: "x-a") == ["1", "2"])
  #expect(connection.value(of: "x-a") == "1")
  #expect(connection.count(of: "x-a") == 2)
  #expect(connection.count(of: "x-b") == 0)
  #expect(connection.value(of: "x-b") == nil)
  #expect(connection.lists("websocket", in: "upgrade"))
  #expect(!connection.lists("socket", in: "upgrade"))
}

@Test(arguments: [
  "", "a", "a:", "a:80", "127.0.0.1:8080", "[::1]", "[fe80::1]:1", "under_score.example", "x%41", "a,b",
])
func aHostMayBe(host: String) throws {
  #expect(try request("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n").fields == ["Host=\(host)"])
}

@Test func http10NeedsNoHost() throws {
  let seen = try request("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
  #expect(seen.minorVersion == 0)
}

@Test(arguments: [("0", ""), ("5", "\r\n\r\nx"), ("0000000005", "hello"), ("18", "GET / HTTP/1.1\r\n\r\n")])
func theBodyHasItsLength(length: String, body: String) throws {
  #expect(try request("PUT / HTTP/1.1\r\nHost: a\r\ncontent-length: \(length) \r\n\r\n\(body)").body == body)
}

@Test(arguments: [
  ("0\r\n\r\n", ""), ("5\r\nhello\r\n0\r\n\r\n", "hello"), ("5\r\nhello\r\n6\r\n world\r\n000\r\n\r\n", "hello world"),
  ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789"), ("a;x=\"y\";z\r\n0123456789\r\n0;last\r\n\r\n", "0123456789"),
  ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n"), ("000000000000001\r\na\r\n0\r\n\r\n", "a"),
  ("1\r\na\r\n0\r\nTrailer: x\r\nContent-Length: 9\r\n\r\n", "a"), ("1; a = b \r\na\r\n0\r\n\r\n", "a"),
])
func chunksAreDecoded(raw: String, body: String) throws {
  let seen = try request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n\(raw)")
  #expect(seen.body == body)
  #expect(seen.fields.count == 2)
}

@Test func oneEmptyLineBeforeARequestIsForgiven() throws {
  #expect(try request("\r\n" + poll).body == pollBody)
  let twice = Feed.everyWay(poll + "\r\n" + poll + "\r\n")
  #expect(twice.requests.count == 2)
  #expect(twice.phase == .idle)
  #expect(fault("\r\n\r\n" + poll) == .badRequestLine)
}

@Test func manyRequestsShareAPiece() {
  let outcome = Feed.everyWay(String(repeating: poll + pipelined, count: 4))
  #expect(outcome.requests.count == 8)
  #expect(outcome.fault == nil)
}

@Test func thePhaseAndTheCountsFollowTheRequest() {
  var connection = TestConnection()
  let waits = ParseStep.needMore(sendContinue: false)
  #expect(connection.parse("") == waits)
  #expect(connection.parse("\r\n") == waits)
  #expect(connection.parser.phase == .idle)
  #expect(connection.parse("PO") == waits)
  #expect(connection.parser.phase == .head)
  #expect(connection.parser.bufferedBytes == 2)
  #expect(connection.parse("ST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n") == waits)
  #expect(connection.parser.phase == .body)
  #expect(connection.parser.receivedBodyBytes == 0)
  #expect(connection.parse("abc") == waits)
  #expect(connection.parser.receivedBodyBytes == 3)
  #expect(connection.parse("dGET") == .buffered(consumed: 1))
  #expect(connection.parser.receivedBodyBytes == 4)
  #expect(connection.request.body == "abcd")
  connection.parser.reset()
  #expect(connection.parser.phase == .idle)
  #expect(connection.parser.bufferedBytes == 0)
}

@Test func theNextCallForgetsABufferedRequestByItself() {
  var connection = TestConnection("POST /gen")
  #expect(connection.parse(poll.dropFirst(9)) == .buffered(consumed: poll.utf8.count - 9))
  #expect(connection.parse(poll) == .inPlace(consumed: poll.utf8.count))
}

@Test func receivedBodyBytesDoNotCountChunkFraming() {
  let text = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;ext=aaaaaaa"
  let connection = TestConnection(text)
  #expect(connection.parser.phase == .body)
  #expect(connection.parser.receivedBodyBytes == 3)
}

@Test func aFaultIsFinal() {
  var connection = TestConnection()
  #expect(connection.parse("GET\r\n") == .failed(.badRequestLine))
  #expect(connection.parse(poll) == .failed(.badRequestLine))
  #expect(connection.parser.bufferedBytes == 0)
}

@Test func aHeadThatServedAnotherConnectionMeanwhileDoesNotDisturb() {
  var connection = TestConnection(String(poll.dropLast(20)))
  connection.head = TestConnection(pipelined).head
  #expect(connection.parse(poll.suffix(20)) == .buffered(consumed: 20))
  #expect(connection.request.body == pollBody)
  #expect(connection.request.path == "/genesys/cometd/connect")
}

// MARK: Expect: 100-continue

private func steps(_ pieces: [String]) -> [ParseStep] {
  var connection = TestConnection()
  return pieces.map { connection.parse($0) }
}

private let expecting = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n"

@Test func continueIsDueOnceWhenTheBodyIsAwaited() {
  let waits = ParseStep.needMore(sendContinue: false)
  let due = ParseStep.needMore(sendContinue: true)
  #expect(steps([expecting, "a", "b"]) == [due, waits, .buffered(consumed: 1)])
  let cut = String(expecting.utf8.dropLast(1)) ?? ""
  #expect(steps([cut, "\n", "", "ab"]) == [waits, due, waits, .buffered(consumed: 2)])
  let chunked = expecting.replacing("Content-Length: 2", with: "Transfer-Encoding: chunked")
  #expect(steps([chunked, "0\r\n", "\r\n"]) == [due, waits, .buffered(consumed: 2)])
}

@Test func continueIsNotDueWhenTheBodyIsOnItsWayOrThereIsNone() {
  #expect(steps([expecting + "a"]) == [.needMore(sendContinue: false)])
  #expect(steps([expecting + "ab"]) == [.inPlace(consumed: expecting.utf8.count + 2)])
  let empty = expecting.replacing("Length: 2", with: "Length: 0")
  #expect(steps([empty]) == [.inPlace(consumed: empty.utf8.count)])
  let old = expecting.replacing("HTTP/1.1", with: "HTTP/1.0")
  #expect(steps([old]) == [.needMore(sendContinue: false)])
}
