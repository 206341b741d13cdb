// SPDX-License-Identifier: Apache-2.0

/// Every bound of the HTTP layer: name, unit, default and why.
///
/// Sizes are reached, not exceeded: a request of exactly the limit passes. The status in brackets is what one byte more
/// is answered with, see ``HTTPFault``.
public struct HTTPLimits: Sendable {
  /// The request line with its CRLF (414). RFC 9112 section 3 asks for 8000 at least; JSONP carries a batch in it.
  public var maxRequestLineBytes = 8192
  /// Request line, fields and the empty line behind them (431). Browsers send up to 8 KiB of cookies.
  public var maxHeadBytes = 16_384
  /// Header fields of one request (431). Browsers behind two proxies send about 30.
  public var maxHeaders = 100
  /// The body, chunks decoded (413). A batch of eight 64 KiB messages fits.
  public var maxBodyBytes = 524_288
  /// Fields of a form or a query string, parts of a multipart body (``FormError/tooManyFields``).
  public var maxFormFields = 256
  /// Header lines of one part of a multipart body (``FormError/partHeadTooLarge``). One or two lines are usual.
  public var maxPartHeadBytes = 4096
  /// A chunk's size line with its extension and CRLF (400). Nobody sends extensions; a signature in one is 90 bytes.
  public var maxChunkLineBytes = 256
  /// The trailer section of a chunked body (431). It is read and dropped.
  public var maxTrailerBytes = 4096
  /// From the first byte of a head to its last (408). The codec has no clock: the owner of the connection keeps this.
  public var headTimeout: Duration = .seconds(10)
  /// The slowest pace of a body (408), measured on ``RequestParser/receivedBodyBytes``. Kept by the owner likewise.
  public var minBodyBytesPerSecond = 1024

  public init() {}
}

extension HTTPLimits {
  /// - Parameter bytes: from the first byte of the request line to the end of the current line, so far as it is known.
  func checkHead(bytes: Int, inRequestLine: Bool) throws(HTTPFault) {
    if inRequestLine, bytes > maxRequestLineBytes { throw .requestLineTooLong }
    if bytes > maxHeadBytes { throw .headTooLarge }
  }
}
