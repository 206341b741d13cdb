// SPDX-License-Identifier: Apache-2.0
import Bytes

/// Reading a head line by line (RFC 9112 sections 2 to 5).
///
/// A line is judged when it is complete, and lines in their order, so that a request has the same fate in one piece and
/// byte by byte: first that it is not too long, then its end, then its content. What only the whole head can show is
/// judged at the empty line.
extension RequestHead {
  /// Reads the head that begins at `start`.
  ///
  /// - Returns: the offset behind its empty line; nil while it is incomplete.
  mutating func read(
    _ text: Span<UInt8>, from start: Int, limits: HTTPLimits
  ) throws(HTTPFault) -> Int? {
    clear()
    if start < text.count { try Self.checkFirst(text[start]) }
    var lineStart = start
    while true {
      let end = Characters.lineEnd(in: text, from: lineStart)
      try limits.checkHead(bytes: (end ?? text.count) - start, inRequestLine: lineStart == start)
      guard let end else { return nil }
      let line = try Characters.content(of: lineStart..<end, in: text)
      if lineStart == start {
        try readRequestLine(text, line)
      } else if line.isEmpty {
        try settle(text, limits: limits)
        return end
      } else {
        guard fields.count < limits.maxHeaders else { throw .tooManyHeaders }
        fields.append(try Self.field(text, line))
      }
      lineStart = end
    }
  }

  /// Refuses at the first byte what can be no request, such as the greeting of a TLS client.
  static func checkFirst(_ byte: UInt8) throws(HTTPFault) {
    let mayBegin =
      Characters.token.contains(byte) || byte == Characters.carriageReturn || byte == Characters.lineFeed
    guard mayBegin else { throw .badRequestLine }
  }

  /// `method SP request-target SP HTTP-version`, exactly one space each (RFC 9112 section 3).
  mutating func readRequestLine(_ text: Span<UInt8>, _ line: Range<Int>) throws(HTTPFault) {
    let token = Characters.token
    var at = line.lowerBound
    while at < line.upperBound, token.contains(text[at]) { at += 1 }
    guard at > line.lowerBound, at < line.upperBound, text[at] == Characters.space else { throw .badRequestLine }
    methodText = line.lowerBound..<at
    at += 1
    let targetStart = at
    while at < line.upperBound, Self.isTargetText(text[at]) { at += 1 }
    guard at < line.upperBound else { throw .badRequestLine }
    guard text[at] == Characters.space else {
      throw text[at] == Characters.carriageReturn ? .bareCarriageReturn : .badTarget
    }
    guard at > targetStart else { throw .badRequestLine }
    target = targetStart..<at
    minorVersion = try Self.minorVersion(text, at + 1..<line.upperBound)
    try readMethod(text)
    try readTarget(text)
  }

  /// Visible ASCII without `#`: a fragment is never sent.
  @inline(__always) private static func isTargetText(_ byte: UInt8) -> Bool {
    byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "#")
  }

  private static func minorVersion(_ text: Span<UInt8>, _ range: Range<Int>) throws(HTTPFault) -> Int {
    let version = text.extracting(range)
    guard version.count == 8, ASCII.equal(version.extracting(0..<5), "HTTP/"), ASCII.isDigit(version[5]),
      version[6] == UInt8(ascii: "."), ASCII.isDigit(version[7])
    else { throw .badRequestLine }
    guard version[5] == UInt8(ascii: "1"), version[7] <= UInt8(ascii: "1") else { throw .versionNotSupported }
    return Int(version[7] - UInt8(ascii: "0"))
  }

  private mutating func readMethod(_ text: Span<UInt8>) throws(HTTPFault) {
    let name = text.extracting(methodText)
    switch name.count {
    case 3 where ASCII.equal(name, "GET"): method = .get
    case 3 where ASCII.equal(name, "PUT"): method = .put
    case 4 where ASCII.equal(name, "POST"): method = .post
    case 4 where ASCII.equal(name, "HEAD"): method = .head
    case 6 where ASCII.equal(name, "DELETE"): method = .delete
    case 7 where ASCII.equal(name, "OPTIONS"): method = .options
    case 7 where ASCII.equal(name, "CONNECT"): throw .connectRefused
    default: method = .other
    }
  }

  /// origin-form, absolute-form or asterisk-form (RFC 9112 section 3.2).
  private mutating func readTarget(_ text: Span<UInt8>) throws(HTTPFault) {
    let start = target.lowerBound
    if text[start] == UInt8(ascii: "/") { return splitPath(text, from: start) }
    if text[start] == UInt8(ascii: "*") {
      guard target.count == 1, method == .options else { throw .badTarget }
      path = target
      return
    }
    let schemeBytes = hasScheme(text, "http://") ? 7 : hasScheme(text, "https://") ? 8 : 0
    guard schemeBytes > 0 else { throw .badTarget }
    var at = start + schemeBytes
    while at < target.upperBound, text[at] != UInt8(ascii: "/"), text[at] != UInt8(ascii: "?") { at += 1 }
    let authority = start + schemeBytes..<at
    // The host of an address must not be empty, its port alone may.
    guard !authority.isEmpty, text[authority.lowerBound] != UInt8(ascii: ":"), Characters.isHost(authority, in: text)
    else { throw .badTarget }
    self.authority = authority
    splitPath(text, from: at)
  }

  private func hasScheme(_ text: Span<UInt8>, _ scheme: StaticString) -> Bool {
    let length = scheme.utf8CodeUnitCount
    guard target.count > length else { return false }
    return ASCII.equalIgnoringCase(text.extracting(target.lowerBound..<target.lowerBound + length), scheme)
  }

  private mutating func splitPath(_ text: Span<UInt8>, from start: Int) {
    var at = start
    while at < target.upperBound, text[at] != UInt8(ascii: "?") { at += 1 }
    path = start..<at
    query = at < target.upperBound ? at + 1..<target.upperBound : nil
  }

  /// `field-name ":" OWS field-value OWS` (RFC 9112 section 5).
  static func field(_ text: Span<UInt8>, _ line: Range<Int>) throws(HTTPFault) -> HeaderField {
    let token = Characters.token
    var at = line.lowerBound
    if Characters.isBlank(text[at]) { throw .obsoleteFolding }
    while at < line.upperBound, token.contains(text[at]) { at += 1 }
    guard at < line.upperBound else { throw .badHeader }
    guard text[at] == UInt8(ascii: ":") else { throw faultInName(text, at..<line.upperBound) }
    guard at > line.lowerBound else { throw .badHeaderName }
    let value = Characters.trimmed(at + 1..<line.upperBound, in: text)
    if let control = Characters.firstControl(in: value, of: text) {
      throw text[control] == Characters.carriageReturn ? .bareCarriageReturn : .controlCharacter
    }
    return HeaderField(name: line.lowerBound..<at, value: value)
  }

  /// Why a name does not end in a colon; `rest` begins with the byte that is no token.
  private static func faultInName(_ text: Span<UInt8>, _ rest: Range<Int>) -> HTTPFault {
    if text[rest.lowerBound] == Characters.carriageReturn { return .bareCarriageReturn }
    let behindBlanks = Characters.trimmed(rest, in: text).lowerBound
    let isBlankBeforeColon =
      behindBlanks > rest.lowerBound && behindBlanks < rest.upperBound && text[behindBlanks] == UInt8(ascii: ":")
    return isBlankBeforeColon ? .spaceBeforeColon : .badHeaderName
  }
}
