// SPDX-License-Identifier: Apache-2.0
import Bytes

/// The `Cookie` field of a request (RFC 6265 section 4.2.1).
public enum Cookies {
  /// Where the value of the first cookie of that name stands in a field value, without the quotes it may have.
  ///
  /// Names of cookies have case. What is malformed is passed over: other servers of the same host set cookies too.
  public static func range(of name: StaticString, in text: Span<UInt8>) -> Range<Int>? {
    range(nameBytes: name.utf8CodeUnitCount, in: text) { ASCII.equal($0, name) }
  }

  /// The same for a name that is not known when this is compiled.
  public static func range(of name: [UInt8], in text: Span<UInt8>) -> Range<Int>? {
    range(nameBytes: name.count, in: text) { candidate in
      for index in name.indices where candidate[index] != name[index] { return false }
      return true
    }
  }

  private static func range(
    nameBytes: Int, in text: Span<UInt8>, _ isName: (Span<UInt8>) -> Bool
  ) -> Range<Int>? {
    var start = 0
    while start < text.count {
      var end = start
      while end < text.count, text[end] != UInt8(ascii: ";") { end += 1 }
      let pair = Characters.trimmed(start..<end, in: text)
      if let value = value(nameBytes: nameBytes, in: text, pair: pair, isName) { return value }
      start = end + 1
    }
    return nil
  }

  /// A copy of the value of the first cookie of that name in a field value.
  public static func value(of name: StaticString, in text: Span<UInt8>) -> String? {
    range(of: name, in: text).map { String(text.extracting($0)) }
  }

  private static func value(
    nameBytes: Int, in text: Span<UInt8>, pair: Range<Int>, _ isName: (Span<UInt8>) -> Bool
  ) -> Range<Int>? {
    let nameEnd = pair.lowerBound + nameBytes
    guard nameEnd < pair.upperBound, text[nameEnd] == UInt8(ascii: "="),
      isName(text.extracting(pair.lowerBound..<nameEnd))
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

  /// The values of all cookies of that name, in all `Cookie` fields.
  public func cookies(_ name: StaticString, in text: Span<UInt8>) -> [String] {
    var found: [String] = []
    for field in values(of: "cookie", in: text) {
      var rest = field
      while let range = Cookies.range(of: name, in: text.extracting(rest)) {
        found.append(String(text.extracting(rest.lowerBound + range.lowerBound..<rest.lowerBound + range.upperBound)))
        // On with the next pair.
        var end = rest.lowerBound + range.upperBound
        while end < rest.upperBound, text[end] != UInt8(ascii: ";") { end += 1 }
        rest = min(end + 1, rest.upperBound)..<rest.upperBound
      }
    }
    return found
  }

  /// Where the value of a cookie stands whose name is not known when this is compiled; copies nothing.
  public func cookieRange(_ name: [UInt8], in text: Span<UInt8>) -> Range<Int>? {
    for field in fields where ASCII.equalIgnoringCase(text.extracting(field.name), "cookie") {
      let start = field.value.lowerBound
      if let range = Cookies.range(of: name, in: text.extracting(field.value)) {
        return start + range.lowerBound..<start + range.upperBound
      }
    }
    return nil
  }
}
