// SPDX-License-Identifier: Apache-2.0

/// More of ``HostileRequest``: what proxies and servers are known to read in two ways, spelling by spelling.
extension HostileRequest {
  static let framing =
    encodingSpellings + lengthSpellings + lineEnds + chunkSpellings + trailerSpellings + targets + hosts + oversized

  /// - Parameter fields: header lines behind `Host`, the last one without its end.
  private static func post(_ fields: String, _ status: Int = 400, body: String = "[]") -> HostileRequest {
    HostileRequest("POST /genesys/cometd HTTP/1.1\r\nHost: x\r\n\(fields)\r\n\r\n\(body)", status)
  }

  private static func chunked(_ body: String, _ status: Int = 400) -> HostileRequest {
    post("Transfer-Encoding: chunked", status, body: body)
  }

  /// Each would be a chunked body to some, and to others none.
  private static let encodingSpellings: [HostileRequest] = [
    "Transfer-Encoding: chunked\r\nContent-Length: 0", "content-length: 3\r\ntransfer-encoding: CHUNKED",
    "Content-Length: 5\r\nX: y\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: x",
    "Transfer-Encoding: chunked\u{C}", "Transfer-Encoding: \u{B}chunked", "Transfer-Encoding: chunked\u{A0}",
    "Transfer-Encoding: \u{A0}chunked", "Transfer-Encoding:\u{1F}chunked", "Transfer-Encoding: chunked\u{0}",
    "Transfer-Encoding: 'chunked'", "Transfer-Encoding: chunked identity", "Transfer-Encoding: chunked;",
    "Transfer-Encoding: ;chunked", "Transfer-Encoding: deflate", "Transfer-Encoding: compress", "Transfer-Encoding: br",
    "Transfer-Encoding: trailers", "Transfer-Encoding: chunked, gzip", "Transfer-Encoding: identity, chunked",
    "Transfer-Encoding: chunked,,", "Transfer-Encoding: x\r\nTransfer-Encoding:",
    "Transfer-Encoding:\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nTransfer-encoding: x",
    "Transfer-Encoding: \u{FF43}hunked", "Transfer-Encoding: chun\u{212A}ed", "Transfer-Encoding: chunk ed",
    "Transfer-Encoding\u{0}: chunked", "Transfer-Encoding\u{A0}: chunked", " Transfer-Encoding: chunked",
    "\tTransfer-Encoding: chunked", "X: y\r\n\rTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r",
    "Transfer-Encoding=chunked", "Transfer-Encoding; chunked", "(Transfer-Encoding: chunked",
    "Transfer Encoding: chunked", "Transfer-Encoding: chunked\r\n , identity", "\"Transfer-Encoding\": chunked",
  ].map { post($0, body: "0\r\n\r\n") }

  private static let lengthSpellings: [HostileRequest] = [
    "Content-Length: 2\r\nContent-Length: 0", "Content-Length: 0\r\nContent-Length: 2",
    "Content-Length: 2\r\nContent-Length:", "Content-Length:\r\nContent-Length: 2",
    "Content-Length: 2\r\nX: y\r\nCONTENT-LENGTH: 2", "Content-Length: ,2", "Content-Length: 2,",
    "Content-Length: 2,2,2",
    "Content-Length: 02x", "Content-Length: 0b10", "Content-Length: 0o2", "Content-Length: 2\t2",
    "Content-Length: 2\u{0}", "Content-Length: \u{0}2", "Content-Length: 2\u{7F}", "Content-Length: \u{A0}2",
    "Content-Length: 2\u{A0}", "Content-Length: \u{662}", "Content-Length: ~2", "Content-Length: 2%",
    "Content-Length: --2", "Content-Length: 2-", "Content-Length: 2+", "Content-Length: 2.", "Content-Length: nan",
    "Content-Length: null", "Content-Length: 9223372036854775808", "Content-Length: 00000000000000000002",
    "Content-Length: 2:2", "Content-Length: 2/2", "Content-Length: '2'", "Content-Length: (2)", "Content-Length\t: 2",
    " Content-Length: 2", "\tContent-Length: 2", "Content-Length\u{0}: 2", "Content Length: 2",
    "\u{FEFF}Content-Length: 2", "X: y\r\n Content-Length: 2", "Content-Length:\r\n 2", "Content-Length: 2\r\n\t3",
    "Content-Length: 2\n", "Content-Length: 2\r", "Content-Length: 2\rX: y", "Content-Length=2", "Content-Length 2",
  ].map { post($0) }

  private static let lineEnds: [HostileRequest] = [
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\n[]", "GET / HTTP/1.1\r\nHost: x\n\r\n",
    "GET / HTTP/1.1\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\n\nHost: x\r\n\r\n", "GET / HTTP/1.1\rHost: x\r\r",
    "GET / HTTP/1.1\r\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\u{85}Host: x\r\n\r\n",
    "GET / HTTP/1.1\u{2028}Host: x\r\n\r\n", "GET / HTTP/1.1\n\rHost: x\n\r\n\r",
    "\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "\r\n\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nX: \r\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nX: y\u{B}\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\n\u{0}\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n \r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\n\t\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n:\r\n\r\n",
  ].map { HostileRequest($0) }

  private static let chunkSpellings: [HostileRequest] =
    [
      "2\r\n[]\r\n", "2\r\n[]\r\n0\n\r\n", "2\r\n[]\r\n0\r\n\n", "2\r\n[]\r\n0\r\r\n\r\n", "2\r\n[]\r\n\r\n0\r\n\r\n",
      "2\r\n[]0\r\n\r\n", "2\r\n[]\n\r\n0\r\n\r\n", "2\r\n[]\r0\r\n\r\n", "3\r\n[]\r\n0\r\n\r\n",
      "1\r\n[]\r\n0\r\n\r\n",
      "02 \r\n[]\r\n0\r\n\r\n", "2 ; a\r\n[]\r\n0\r\n\r\n", "\t2\r\n[]\r\n0\r\n\r\n", "0x02\r\n[]\r\n0\r\n\r\n",
      "2h\r\n[]\r\n", "#2\r\n[]\r\n", "2#\r\n[]\r\n", "\"2\"\r\n[]\r\n", "2\u{0}\r\n[]\r\n", "2\u{C}\r\n[]\r\n",
      "2\u{A0}\r\n[]\r\n", "\u{662}\r\n[]\r\n", "2;a\nb\r\n[]\r\n", "2;\r\r\n[]\r\n", "2;\u{1B}\r\n[]\r\n",
      "2;a=\"\r\n\"\r\n[]\r\n0\r\n\r\n", "2=a\r\n[]\r\n", "2:a\r\n[]\r\n", "-0\r\n\r\n", "+0\r\n\r\n", "0 \r\n\r\n",
      " 0\r\n\r\n", "0x0\r\n\r\n", "00000000000000000\r\n\r\n", "8000000000000000\r\n", "fffffffffffffffe\r\n",
      "2\r\n[]\r\nx\r\n\r\n", "2\r\n[]\r\nHTTP/1.1 200 OK\r\n\r\n", "2\n[]\n0\n\n", "2\r\r\n[]\r\n0\r\n\r\n",
      "two\r\n[]\r\n", "2\r\n[]\u{0}\r\n0\r\n\r\n",
    ].map { chunked($0) }
    + ["100000000\r\n[]\r\n", "7ffffffffffffff\r\n", "1\r\n[\r\n80000\r\n"].map { chunked($0, 413) }

  private static let trailerSpellings: [HostileRequest] =
    [
      "X: y\rz\r\n\r\n", "X: y\r\n folded\r\n\r\n", "X: y\r\n\tfolded\r\n\r\n", "(: y\r\n\r\n", "X\u{0}: y\r\n\r\n",
      "X: \u{7F}\r\n\r\n", "\r\r\n", "X: y\n\n", "X=y\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\n\r\n", "\u{E4}: y\r\n\r\n",
    ].map { chunked("2\r\n[]\r\n0\r\n" + $0) }
    + [chunked("0\r\n" + String(repeating: "X: y\r\n", count: 800) + "\r\n", 431)]

  private static let targets: [HostileRequest] =
    [
      "GET / HTTP/1.1 HTTP/1.1", "GET /a b HTTP/1.1", "GET / HTTP/1.1\u{A0}", "GET / HTTP/\u{FF11}.1",
      "GET / HTTP/1.1;x", "GET / HTTP/1.1,HTTP/1.0", "GET / hTTP/1.1", "GET / HTTP/0001.1", "GET / HTTP/-1.1",
      "GET / HTTP/1 .1", "GET / HTTP /1.1", "GET / \u{0}HTTP/1.1", "GET https:// HTTP/1.1", "GET https:///x HTTP/1.1",
      "GET http://a:b/ HTTP/1.1", "GET http://a b/ HTTP/1.1", "GET ws://a/ HTTP/1.1", "GET javascript:x HTTP/1.1",
      "GET data:,x HTTP/1.1", "GET x:443 HTTP/1.1", "OPTIONS */ HTTP/1.1", "POST * HTTP/1.1", "GET ../ HTTP/1.1",
      "GET & HTTP/1.1", "connect x:443 HTTP/1.1", "GET\u{7F} / HTTP/1.1", "GE T / HTTP/1.1", "GET? / HTTP/1.1",
      "GET; / HTTP/1.1", "GET http://\u{E4}/ HTTP/1.1", "GET /\u{85} HTTP/1.1", "GET http://a\\@b/ HTTP/1.1",
    ].map { HostileRequest($0 + "\r\nHost: x\r\n\r\n") }
    + ["GET / HTTP/1.3", "GET / HTTP/2.1", "GET / HTTP/0.0", "GET / HTTP/5.5", "GET / HTTP/1.8"].map {
      HostileRequest($0 + "\r\nHost: x\r\n\r\n", 505)
    }

  private static let hosts: [HostileRequest] =
    [
      "Host: x\r\nHost:", "Host:\r\nHost: x", "Host: x\r\nX: y\r\nHOST: x", "Host: x\u{0}", "Host: x?y", "Host: x#y",
      "Host: x:8O", "Host: x:-1", "Host: x: 80", "Host: [::1]:80:80", "Host: ]", "Host: x]", "Host: {x}", "Host: x|y",
      "Host: x^y", "Host: `x`", "Host:\r\n x", "Host : x", "Host: x\r\n y", "Host: \u{A0}x",
    ].map { HostileRequest("GET / HTTP/1.1\r\n\($0)\r\n\r\n") }
    + ["100-continue;x", "101-continue", "\"100-continue\"", "100-continue,"].map {
      post("Expect: \($0)\r\nContent-Length: 2", 417)
    }

  private static let oversized: [HostileRequest] = [
    HostileRequest("GET /?" + String(repeating: "x", count: 8192) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    HostileRequest("POST http://" + String(repeating: "x", count: 8192) + "/ HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    post(String(repeating: "X", count: 17_000), 431), post("Cookie: " + String(repeating: "x", count: 17_000), 431),
    post("X: y" + String(repeating: "\r\nX: y", count: 99), 431), post("Content-Length: 1000000000", 413),
    post("Content-Length: 0000000000000524289", 413), post("Content-Length: 99999999999", 413),
  ]
}
