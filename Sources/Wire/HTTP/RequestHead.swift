// SPDX-License-Identifier: Apache-2.0
import Bytes

/// The method of a request. Any token is a method; those not spoken of here are ``other``.
public enum HTTPMethod: UInt8, Hashable, Sendable {
  case get, head, post, put, delete, options, other
}

/// Where a header field stands in the text of its request. The value is without the blanks around it.
public struct HeaderField: Hashable, Sendable {
  let nameStart: Int32
  let nameEnd: Int32
  let valueStart: Int32
  let valueEnd: Int32

  init(name: Range<Int>, value: Range<Int>) {
    nameStart = Int32(truncatingIfNeeded: name.lowerBound)
    nameEnd = Int32(truncatingIfNeeded: name.upperBound)
    valueStart = Int32(truncatingIfNeeded: value.lowerBound)
    valueEnd = Int32(truncatingIfNeeded: value.upperBound)
  }

  public var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
  public var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }
}

/// What the head of a request says, as ranges of the text it stands in.
///
/// Nothing is copied out of the text: a range means something only together with the text that the parser named
/// (``ParseStep``). Make one head for each loop and parse every request into it; its memory is used again.
public struct RequestHead: Sendable {
  public internal(set) var method = HTTPMethod.other
  /// The method as it was written; of use where it is ``HTTPMethod/other``.
  public internal(set) var methodText = 0..<0
  /// 1 for HTTP/1.1, 0 for HTTP/1.0.
  public internal(set) var minorVersion = 1
  /// The request target as it was written (RFC 9112 section 3.2).
  public internal(set) var target = 0..<0
  /// The path, still percent-encoded; `*` for `OPTIONS *`. Empty for an address without one, which means `/`.
  public internal(set) var path = 0..<0
  /// What follows the first `?`, still encoded.
  public internal(set) var query: Range<Int>?
  /// The `host:port` of a target that is an address; nil for the usual path.
  public internal(set) var authority: Range<Int>?
  /// In the order of the text, none left out.
  public internal(set) var fields: [HeaderField] = []
  public internal(set) var contentLength: Int?
  public internal(set) var isChunked = false
  /// Whether the client wants the connection to outlive the answer (RFC 9112 section 9.3).
  public internal(set) var keepsAlive = true
  /// Whether the client said `Expect: 100-continue`. ``ParseStep/needMore(sendContinue:)`` says when to serve it.
  public internal(set) var expectsContinue = false
  /// The body, in the same text; chunks are decoded.
  public internal(set) var body = 0..<0

  public init() { fields.reserveCapacity(24) }

  mutating func clear() {
    method = .other
    methodText = 0..<0
    minorVersion = 1
    target = 0..<0
    path = 0..<0
    query = nil
    authority = nil
    fields.removeAll(keepingCapacity: true)
    contentLength = nil
    isChunked = false
    keepsAlive = true
    expectsContinue = false
    body = 0..<0
  }
}

// MARK: asking

extension RequestHead {
  /// The value of the first field of that name, which is given in lower case; case does not count in the text.
  public func value(of lowercaseName: StaticString, in text: Span<UInt8>) -> Range<Int>? {
    for field in fields where isNamed(field, lowercaseName, in: text) { return field.value }
    return nil
  }

  /// The values of all fields of that name, in order.
  public func values(of lowercaseName: StaticString, in text: Span<UInt8>) -> [Range<Int>] {
    var values: [Range<Int>] = []
    for field in fields where isNamed(field, lowercaseName, in: text) { values.append(field.value) }
    return values
  }

  /// How many fields have that name.
  public func count(of lowercaseName: StaticString, in text: Span<UInt8>) -> Int {
    var count = 0
    for field in fields where isNamed(field, lowercaseName, in: text) { count += 1 }
    return count
  }

  /// Whether a field of that name lists `lowercaseToken` among its comma-separated elements; case does not count.
  ///
  /// For `Connection: keep-alive, Upgrade` and its like (RFC 9110 section 5.6.1).
  public func lists(_ lowercaseToken: StaticString, in lowercaseName: StaticString, of text: Span<UInt8>) -> Bool {
    for field in fields where isNamed(field, lowercaseName, in: text) {
      if Characters.lists(lowercaseToken, in: field.value, of: text) { return true }
    }
    return false
  }

  /// Where the request is for: the authority of an absolute target, else the value of `Host` (RFC 9112 section 3.2.2).
  public func host(in text: Span<UInt8>) -> Range<Int>? { authority ?? value(of: "host", in: text) }

  /// A copy of the text in `range`, read as UTF-8; what is not UTF-8 becomes U+FFFD.
  public func string(_ range: Range<Int>, in text: Span<UInt8>) -> String { String(text.extracting(range)) }

  /// A copy of the bytes in `range`.
  public func bytes(_ range: Range<Int>, in text: Span<UInt8>) -> [UInt8] { [UInt8](text.extracting(range)) }

  @inline(__always)
  private func isNamed(_ field: HeaderField, _ lowercaseName: StaticString, in text: Span<UInt8>) -> Bool {
    Int(field.nameEnd - field.nameStart) == lowercaseName.utf8CodeUnitCount
      && ASCII.equalIgnoringCase(text.extracting(field.name), lowercaseName)
  }
}
