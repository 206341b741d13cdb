// SPDX-License-Identifier: Apache-2.0

/// Bytes after which nobody can know where the next request begins, and the status that says so.
struct HostileRequest: Sendable {
  let bytes: [UInt8]
  let status: Int

  init(_ bytes: [UInt8], _ status: Int = 400) {
    self.bytes = bytes
    self.status = status
  }

  init(_ text: String, _ status: Int = 400) { self.init(Array(text.utf8), status) }

  static let all = greetings + requestLines + headers + lengths + smuggled + chunks + trailers + tooLarge + framing

  /// What speaks another protocol.
  static let greetings = [
    HostileRequest([0]), HostileRequest([0xFF, 0xFE, 0xFD]), HostileRequest([0x80, 0x2E, 0x01]),
    HostileRequest([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03]),
    HostileRequest([0x16, 0x03, 0x03, 0x0D, 0x0A, 0x0D, 0x0A]), HostileRequest([0x05, 0x01, 0x00]),
    HostileRequest("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505), HostileRequest("SSH-2.0-OpenSSH_9.2\r\n"),
    HostileRequest("EHLO mail.example\r\n"), HostileRequest("*1\r\n$4\r\nPING\r\n"), HostileRequest("quit\r\n"),
    HostileRequest("RTSP / RTSP/1.0\r\n\r\n"), HostileRequest("{\"channel\":\"/meta/handshake\"}\r\n\r\n"),
    HostileRequest("<policy-file-request/>\u{0}"), HostileRequest("() { :; }; echo\r\n\r\n"),
    HostileRequest("HTTP/1.1 200 OK\r\n\r\n"), HostileRequest("\u{FEFF}GET / HTTP/1.1\r\n\r\n"),
  ]

  static let requestLines: [HostileRequest] =
    [
      "GET", "GET /", "GET / HTTP/1.1 ", " GET / HTTP/1.1", "GET  / HTTP/1.1", "GET /  HTTP/1.1", "GET\t/ HTTP/1.1",
      "GET / HTTP/1.1\t", "GET / HTTP/1", "GET / HTTP/1.", "GET / HTTP/.1", "GET / http/1.1", "GET / HTTPS/1.1",
      "GET / HTTP/1.1.1", "GET / HTTP/11", "GET / HTTP/1.x", "GET / HTTP/+1.1", "GET / HTTP 1.1", "GET / /HTTP/1.1",
      "GET /\u{1} HTTP/1.1", "GET /\u{7F} HTTP/1.1", "GET /\u{E4} HTTP/1.1", "GET /\u{2028} HTTP/1.1",
      "GET /a#b HTTP/1.1",
      "GET a HTTP/1.1", "GET * HTTP/1.1", "GET ? HTTP/1.1", "GET \\ HTTP/1.1", "CONNECT x:443 HTTP/1.1",
      "CONNECT / HTTP/1.1",
      "GET ftp://x/ HTTP/1.1", "GET http:// HTTP/1.1", "GET http://:80/ HTTP/1.1", "GET http:///x HTTP/1.1",
      "GET http://a@b/ HTTP/1.1", "GET http://[::1/ HTTP/1.1", "GET file:///etc/passwd HTTP/1.1", "G@T / HTTP/1.1",
      "G[T / HTTP/1.1", "GET, / HTTP/1.1", "GET: / HTTP/1.1", "GET\u{0} / HTTP/1.1", "GET /\u{0} HTTP/1.1",
      "GET / HTTP/1.1\u{0}", "GET / HTTP/1.1\rX: y", "GET /\rX HTTP/1.1",
    ].map { HostileRequest($0 + "\r\nHost: x\r\n\r\n") }
    + ["GET / HTTP/2.0", "GET / HTTP/1.2", "GET / HTTP/1.9", "GET / HTTP/0.9", "GET / HTTP/3.0", "GET / HTTP/9.9"].map {
      HostileRequest($0 + "\r\nHost: x\r\n\r\n", 505)
    } + [
      HostileRequest("GET / HTTP/1.1\nHost: x\n\n"), HostileRequest("\n\n"), HostileRequest("\r\n\r\n\r\n"),
      HostileRequest("\r\r\n"), HostileRequest("GET / HTTP/1.1\r\rHost: x\r\n\r\n"),
    ]

  private static func request(_ fields: String, _ status: Int = 400, host: String = "Host: x\r\n") -> HostileRequest {
    HostileRequest("POST /genesys/cometd HTTP/1.1\r\n\(host)\(fields)\r\n\r\n", status)
  }

  static let headers: [HostileRequest] =
    [
      "X", "X y", "X y: z", ": y", " : y", "X : y", "X\t: y", "X:y\r\n folded", "X: y\r\n\tfolded", "X: a\u{0}b",
      "X: a\u{1}b",
      "X: a\u{8}", "X: a\u{1B}[0m", "X: a\u{7F}", "X: a\rb", "X: a\nb", "X: a\r\r\nY: b", "X\u{0}: y", "X\u{E4}: y",
      "X(: y",
      "X@: y", "X\": y", "X/y: z", "X[]: y", "X=: y", "\u{0}", "X: y\n", "Host: y", "host: x",
    ].map { request($0) }
    + [
      "", "Host: a b\r\n", "Host: a/b\r\n", "Host: a:b\r\n", "Host: [::1\r\n", "Host: a@b\r\n", "Host: a:80:80\r\n",
      "Host: \u{E4}\r\n", "Host: a,b\r\nHost: c\r\n", "Host: <x>\r\n", "Host: a\\b\r\n", " Host: x\r\n",
    ].map { request("X: y", host: $0) }
    + ["200-ok", "100-continue, 100-continue", "100", "continue", ""].map { request("Expect: \($0)", 417) }

  static let lengths: [HostileRequest] =
    [
      "Content-Length: 2\r\nContent-Length: 2", "Content-Length: 2\r\nContent-Length: 3",
      "Content-Length: 2\r\ncontent-length: 2",
      "Content-Length: 2, 2", "Content-Length: 2,3", "Content-Length: +2", "Content-Length: -2", "Content-Length: 0x2",
      "Content-Length: 2e0", "Content-Length: 2.0", "Content-Length: 2 2", "Content-Length: ", "Content-Length: a",
      "Content-Length: \u{FF12}", "Content-Length: 2;", "Content-Length: \"2\"", "Content-Length: 2\u{B}",
      "Content-Length: 2_0",
      "Content-Length : 2", "Content-Length: 184467440737095516170", "Content-Length: 99999999999999999999999999",
      "Content-Length: -9223372036854775808",
    ].map { request($0 + "\r\n\r\n[]") }

  /// Where two readers could disagree about the end of a request.
  static let smuggled: [HostileRequest] =
    [
      "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
      "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
      "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", "Transfer-Encoding: identity\r\n\r\n",
      "Transfer-Encoding: gzip\r\n\r\n",
      "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n",
      "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
      "Transfer-Encoding: chunked\u{B}\r\n\r\n0\r\n\r\n", "Transfer-Encoding: \u{0}chunked\r\n\r\n0\r\n\r\n",
      "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding\r\n: chunked\r\n\r\n0\r\n\r\n",
      "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding:\r\n\r\n0\r\n\r\n",
      "Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n",
      "X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "Transfer-Encoding: cow\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "Content-Length: 0\r\nTransfer-Encoding: identity\r\n\r\n",
    ].map { request($0) } + [
      HostileRequest("POST /genesys/cometd HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
      HostileRequest("GET http://x/ HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"),
    ]

  private static func chunked(_ body: String, _ status: Int = 400) -> HostileRequest {
    request("Transfer-Encoding: chunked\r\n\r\n\(body)", status)
  }

  static let chunks: [HostileRequest] =
    [
      "g\r\n", "\r\n[]\r\n0\r\n\r\n", "-2\r\n[]\r\n", "+2\r\n[]\r\n", "0x2\r\n[]\r\n", "2 \r\n[]\r\n", " 2\r\n[]\r\n",
      "2\t;x\r\n[]\r\n",
      "2\n[]\r\n", "2\r\n[]\n", "2\r\n[]x\r\n", "2\r\n[]\r\r\n", "2\r\n[]2\r\n", "2;\u{0}\r\n[]\r\n",
      "2;a=\"\u{7F}\"\r\n[]\r\n",
      "2\r[]\r\n", "\u{FF12}\r\n[]\r\n", "ffffffffffffffff\r\n", "10000000000000002\r\n[]\r\n",
      "00000000000000002\r\n[]\r\n",
      "2_0\r\n", "2.0\r\n[]\r\n", "2,2\r\n[]\r\n", ";\r\n", "\u{0}\r\n",
      "2;" + String(repeating: "x", count: 300) + "\r\n[]\r\n",
    ].map { chunked($0) } + ["fffffffffffffff\r\n", "7fffffff\r\n", "80001\r\n"].map { chunked($0, 413) }

  static let trailers: [HostileRequest] =
    ["X\r\n\r\n", "X y: z\r\n\r\n", " X: y\r\n\r\n", "X: a\u{0}\r\n\r\n", ": y\r\n\r\n", "X : y\r\n\r\n", "X: y\n\r\n"]
    .map {
      chunked("0\r\n" + $0)
    } + [chunked("0\r\nX: " + String(repeating: "y", count: 5000) + "\r\n\r\n", 431)]

  static let tooLarge = [
    HostileRequest("GET /" + String(repeating: "x", count: 9000) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    HostileRequest(String(repeating: "G", count: 9000), 414),
    HostileRequest("GET / HTTP/1.1\r\nX: " + String(repeating: "y", count: 17_000), 431),
    HostileRequest("GET / HTTP/1.1\r\n" + String(repeating: "X: y\r\n", count: 120) + "\r\n", 431),
    request("Content-Length: 524289", 413), request("Content-Length: 9223372036854775807", 413),
  ]
}
