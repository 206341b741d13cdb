// SPDX-License-Identifier: Apache-2.0
import Bytes

/// The `Cookie` field of a request (RFC 6265 section 4.2.1).
public enum Cookies {
  /// Where the value of the first cookie of that name stands in a field value, without the quotes it may have.
  ///
  /// Names of cookies have case. What is malformed is passed over: other servers of the same host set cookies too.
  public static func range(of name: StaticString, in text: Span<UInt8>) -> Range<Int>? {
    var start = 0
    while start < text.count {
      var end = start
      while end < text.count, text[end] != UInt8(ascii: ";") { end += 1 }
      if let value = value(of: name, in: text, pair: Characters.trimmed(start..<end, in: text)) { return value }
      start = end + 1
    }
    return nil
  }

  /// A copy of the value of the first cookie of that name in a field value.
  public static func value(of name: StaticString, in text: Span<UInt8>) -> String? {
    range(of: name, in: text).map { String(text.extracting($0)) }
  }

  private static func value(of name: StaticString, in text: Span<UInt8>, pair: Range<Int>) -> Range<Int>? {
    let nameEnd = pair.lowerBound + name.utf8CodeUnitCount
    guard nameEnd < pair.upperBound, text[nameEnd] == UInt8(ascii: "="),
      ASCII.equal(text.extracting(pair.lowerBound..<nameEnd), name)
    else { return nil }
    let value = nameEnd + 1..<pair.upperBound
    let isQuoted =
      value.count >= 2 && text[value.lowerBound] == UInt8(ascii: "\"")
      && text[value.upperBound - 1] == UInt8(ascii: "\"")
    return isQuoted ? value.lowerBound + 1..<value.upperBound - 1 : value
  }
}

extension RequestHead {
  /// The value of a cookie in any of the `Cookie` fields; some proxies split them.
  public func cookie(_ name: StaticString, in text: Span<UInt8>) -> String? {
    for range in values(of: "cookie", in: text) {
      if let value = Cookies.value(of: name, in: text.extracting(range)) { return value }
    }
    return nil
  }
}
