// SPDX-License-Identifier: Apache-2.0

/// Requests as nobody writes them, but sound: they are served, and so is what stands behind them.
enum StrangeRequests {
  private static let end = "Content-Length: 2\r\n\r\n[]"

  /// Each is answered with `[]` and keeps its connection.
  static let all =
    heads
    + fields.map { "POST /genesys/cometd HTTP/1.1\r\nHost: x\r\n\($0)\r\n\(end)" }
    + chunks.map { "POST /genesys/cometd HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\($0)" }

  private static let heads = [
    "POST /genesys/cometd HTTP/1.1\r\nHost: x\r\n\(end)", "\r\nPOST /genesys/cometd HTTP/1.1\r\nHost: x\r\n\(end)",
    "POST http://any.example/genesys/cometd HTTP/1.1\r\nHost: x\r\n\(end)",
    "POST HTTP://any.example:80/genesys/cometd?x HTTP/1.1\r\nHost:\r\n\(end)",
    "POST /genesys/cometd HTTP/1.1\r\nHOST:x\r\nX:\r\nY: \t \r\nZ: \u{E4}\u{FFFF}\r\n\(end)",
    "POST /genesys/cometd HTTP/1.1\r\nHost: [::1]:80\r\nConnection: keep-alive, x\r\n\(end)",
    "POST /genesys/cometd HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\tChunked \r\n\r\n0002;a=\"b\"\r\n[]\r\n000\r\nContent-Length: 9\r\n\r\n",
    "POST /genesys/cometd HTTP/1.1\r\nHost: x\r\nContent-Length:   0002 \r\n\r\n[]",
    "POST /genesys/cometd HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\(end)",
    "POST /genesys/cometd HTTP/1.1\r\nHost: x\r\nTransfer_Encoding: chunked\r\n\(end)",
    "POST /genesys/cometd HTTP/1.1\r\nHost: x\r\nContent-Type: \"\r\nCookie: ;;=;a\r\nOrigin: \t\r\n\(end)",
    "POST https://any.example/genesys/cometd HTTP/1.1\r\nHost: other\r\n\(end)",
    "POST /genesys/cometd HTTP/1.0\r\nConnection: keep-alive\r\n\(end)",
    "POST /genesys/cometd HTTP/1.1\r\nHost: x\r\nContent-Length: 0000000000000000002\r\n\r\n[]",
    "POST /genesys/cometd HTTP/1.1\r\nHost: x\r\nContent-Length:\t2\t\r\n\r\n[]",
    "POST /genesys/cometd HTTP/1.1\r\nHost: x\r\ntransfer-encoding:CHUNKED\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
    "POST /genesys/cometd HTTP/1.1\r\nHost: a.b-c_d~e%20!$&'()*+,;=:\r\n\(end)",
  ]

  /// What looks as if it meant the framing, and does not.
  private static let fields = [
    "Content-Length-X: 9", "X-Content-Length: 9", "Content_Length: 9", "ContentLength: 9",
    "Transfer-Encoding-X: chunked",
    "X-Transfer-Encoding: chunked", "TransferEncoding: chunked", "Connection: Content-Length",
    "Connection: keep-alive\r\nConnection: Host", "TE: trailers, chunked", "Trailer: Content-Length",
    "Content-Encoding: chunked", "Keep-Alive: timeout=5, max=0", "X-HTTP-Method-Override: GET", "Via: 1.0 a, 1.1 b",
    "Proxy-Connection: close", "X: Content-Length: 9", "X: \\\r\nY: \"", "!#$%&'*+-.^_`|~: y",
    "X: y" + String(repeating: "\r\nX: y", count: 97), "X: " + String(repeating: "y", count: 8000),
  ]

  private static let chunks = [
    "1\r\n[\r\n1\r\n]\r\n0\r\n\r\n", "2;a;b=c;d=\"e;f\"\r\n[]\r\n0;x\r\n\r\n", "2;\r\n[]\r\n0\r\n\r\n",
    "2; a = b\t\r\n[]\r\n0\r\n\r\n", "000000000000002\r\n[]\r\n000000000000000\r\n\r\n",
    "2\r\n[]\r\n0\r\nX:\r\nTransfer-Encoding: chunked\r\nHost: y\r\n\r\n", "3\r\n[]\n\r\n0\r\n\r\n",
    "4\r\n\r\n[]\r\n0\r\n\r\n", "A\r\n[        ]\r\n0\r\n\r\n", "a\r\n[        ]\r\n0\r\n\r\n",
  ]
}
