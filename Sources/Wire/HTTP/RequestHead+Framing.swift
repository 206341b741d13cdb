// SPDX-License-Identifier: Apache-2.0
import Bytes

/// What the fields say together: whom the request is for, how long it is, and what becomes of the connection.
///
/// Wherever two readers of the same bytes could disagree (request smuggling, RFC 9112 section 11.2), the request is
/// refused.
extension RequestHead {
  /// Judges the complete head and draws the conclusions from its fields.
  mutating func settle(_ text: Span<UInt8>, limits: HTTPLimits) throws(HTTPFault) {
    var host: Range<Int>?
    var length: Range<Int>?
    var encoding: Range<Int>?
    var closes = false
    var keeps = false
    for field in fields {
      let name = text.extracting(field.name)
      switch name.count {
      case 4 where ASCII.equalIgnoringCase(name, "host"):
        if host != nil { throw .secondHost }
        host = field.value
      case 6 where ASCII.equalIgnoringCase(name, "expect"):
        try readExpectation(text, field.value)
      case 10 where ASCII.equalIgnoringCase(name, "connection"):
        closes = closes || Characters.lists("close", in: field.value, of: text)
        keeps = keeps || Characters.lists("keep-alive", in: field.value, of: text)
      case 14 where ASCII.equalIgnoringCase(name, "content-length"):
        if length != nil { throw .twoContentLengths }
        length = field.value
      case 17 where ASCII.equalIgnoringCase(name, "transfer-encoding"):
        // Two fields are one list, and a list is not exactly `chunked`.
        if encoding != nil { throw .unsupportedTransferEncoding }
        encoding = field.value
      default: break
      }
    }
    keepsAlive = !closes && (minorVersion == 1 || keeps)
    if let host {
      guard Characters.isHost(host, in: text) else { throw .badHost }
    } else if minorVersion == 1 {
      throw .missingHost
    }
    if let encoding {
      try readEncoding(text, encoding, hasLength: length != nil)
    } else if let length {
      try readLength(text, length, limits: limits)
    }
  }

  /// RFC 9110 section 10.1.1. An HTTP/1.0 client cannot mean it.
  private mutating func readExpectation(_ text: Span<UInt8>, _ value: Range<Int>) throws(HTTPFault) {
    guard minorVersion == 1 else { return }
    guard ASCII.equalIgnoringCase(text.extracting(value), "100-continue") else { throw .expectationFailed }
    expectsContinue = true
  }

  private mutating func readEncoding(
    _ text: Span<UInt8>, _ value: Range<Int>, hasLength: Bool
  ) throws(HTTPFault) {
    if minorVersion == 0 { throw .encodingInHTTP10 }
    if hasLength { throw .lengthAndEncoding }
    guard ASCII.equalIgnoringCase(text.extracting(value), "chunked") else { throw .unsupportedTransferEncoding }
    isChunked = true
  }

  private mutating func readLength(
    _ text: Span<UInt8>, _ value: Range<Int>, limits: HTTPLimits
  ) throws(HTTPFault) {
    let digits = text.extracting(value)
    for index in digits.indices where digits[index] == UInt8(ascii: ",") { throw .twoContentLengths }
    guard let length = ASCII.decimal(digits) else { throw .badContentLength }
    guard length <= limits.maxBodyBytes else { throw .bodyTooLarge }
    contentLength = length
  }
}
