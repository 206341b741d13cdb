// SPDX-License-Identifier: Apache-2.0
import Bytes

/// The character classes of RFC 9110 section 5.6 and RFC 9112 section 2.2.
enum Characters {
  static let carriageReturn: UInt8 = 0x0D
  static let lineFeed: UInt8 = 0x0A
  static let space: UInt8 = 0x20
  static let tab: UInt8 = 0x09

  /// A set of ASCII characters as 128 bits: asking it takes a shift, and no memory.
  struct ASCIISet {
    let low: UInt64
    let high: UInt64

    init(alphanumericAnd others: StaticString) {
      var low: UInt64 = 0
      var high: UInt64 = 0
      for byte in 0..<UInt8(128) where ASCII.isAlphanumeric(byte) {
        if byte < 64 { low |= 1 << UInt64(byte) } else { high |= 1 << UInt64(byte - 64) }
      }
      for index in 0..<others.utf8CodeUnitCount {
        let byte = others.utf8Start[index]
        if byte < 64 { low |= 1 << UInt64(byte) } else { high |= 1 << UInt64(byte - 64) }
      }
      self.low = low
      self.high = high
    }

    @inline(__always) func contains(_ byte: UInt8) -> Bool {
      byte < 128 && (byte < 64 ? low : high) &>> UInt64(byte & 63) & 1 == 1
    }
  }

  /// `tchar`: what methods, field names, media types and their parameters are made of.
  static let token = ASCIISet(alphanumericAnd: "!#$%&'*+-.^_`|~")
  /// `reg-name` of RFC 3986 section 3.2.2.
  static let hostName = ASCIISet(alphanumericAnd: "-._~%!$&'()*+,;=")
  /// `IP-literal` of RFC 3986 without its brackets and zone.
  static let addressLiteral = ASCIISet(alphanumericAnd: ":.")
  /// `unreserved` of RFC 3986 section 2.3.
  static let unreserved = ASCIISet(alphanumericAnd: "-._~")
  /// `bchars` of RFC 2046 section 5.1.1; the space may not be the last one.
  static let boundary = ASCIISet(alphanumericAnd: "'()+_,-./:=? ")

  @inline(__always) static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

  /// Whether a field value may hold it: everything but the controls, TAB excepted. Bytes above 0x7F are opaque.
  @inline(__always) static func isFieldText(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte != 0x7F || byte == tab
  }

  /// `range` without the blanks at its two ends.
  static func trimmed(_ range: Range<Int>, in text: Span<UInt8>) -> Range<Int> {
    var start = range.lowerBound
    var end = range.upperBound
    while start < end, isBlank(text[start]) { start += 1 }
    while end > start, isBlank(text[end - 1]) { end -= 1 }
    return start..<end
  }

  /// The offset behind the first LF at or after `start`; nil where there is none.
  ///
  /// Eight bytes at a time: in `word` an LF is a zero byte, and the borrow of a subtraction finds the first one. The
  /// load is unsafe only in that it makes a number of any bytes; its bounds are checked.
  @inline(__always) static func lineEnd(in text: Span<UInt8>, from start: Int) -> Int? {
    let bytes = text.bytes
    var at = start
    while at + 8 <= text.count {
      let loaded = UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self))
      let word = loaded ^ (ones &* UInt64(lineFeed))
      let zeros = (word &- ones) & ~word & highs
      if zeros != 0 { return at + zeros.trailingZeroBitCount / 8 + 1 }
      at += 8
    }
    while at < text.count {
      if text[at] == lineFeed { return at + 1 }
      at += 1
    }
    return nil
  }

  private static let ones: UInt64 = 0x0101_0101_0101_0101
  private static let highs: UInt64 = 0x8080_8080_8080_8080

  /// The first byte of `range` that a field value may not hold; nil where there is none.
  ///
  /// Eight bytes at a time, until eight of them hold a control or a byte above 0x7E.
  @inline(__always) static func firstControl(in range: Range<Int>, of text: Span<UInt8>) -> Int? {
    let bytes = text.bytes
    var at = range.lowerBound
    while at + 8 <= range.upperBound {
      let word = bytes.unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self)
      guard (word | (word &+ ones) | (word &- ones &* 0x20)) & highs == 0 else { break }
      at += 8
    }
    while at < range.upperBound {
      if !isFieldText(text[at]) { return at }
      at += 1
    }
    return nil
  }

  /// What a line holds, without its CRLF.
  ///
  /// - Parameter line: a line with its LF.
  @inline(__always)
  static func content(of line: Range<Int>, in text: Span<UInt8>) throws(HTTPFault) -> Range<Int> {
    let end = line.upperBound - 2
    guard end >= line.lowerBound, text[end] == carriageReturn else { throw .bareLineFeed }
    return line.lowerBound..<end
  }

  /// Whether a comma-separated list (RFC 9110 section 5.6.1) has this element; case does not count.
  static func lists(_ lowercaseToken: StaticString, in range: Range<Int>, of text: Span<UInt8>) -> Bool {
    var start = range.lowerBound
    while start < range.upperBound {
      var end = start
      while end < range.upperBound, text[end] != UInt8(ascii: ",") { end += 1 }
      if ASCII.equalIgnoringCase(text.extracting(trimmed(start..<end, in: text)), lowercaseToken) { return true }
      start = end + 1
    }
    return false
  }

  /// Whether this is `uri-host [":" port]` (RFC 9110 section 7.2). The empty host is one.
  static func isHost(_ range: Range<Int>, in text: Span<UInt8>) -> Bool {
    var at = range.lowerBound
    let end = range.upperBound
    if at < end, text[at] == UInt8(ascii: "[") {
      let literal = addressLiteral
      at += 1
      let start = at
      while at < end, literal.contains(text[at]) { at += 1 }
      guard at > start, at < end, text[at] == UInt8(ascii: "]") else { return false }
      at += 1
    } else {
      let name = hostName
      while at < end, name.contains(text[at]) { at += 1 }
    }
    if at == end { return true }
    guard text[at] == UInt8(ascii: ":") else { return false }
    at += 1
    while at < end, ASCII.isDigit(text[at]) { at += 1 }
    return at == end
  }
}
