// SPDX-License-Identifier: Apache-2.0
import Bytes

/// One part of a `multipart/form-data` body.
public struct MultipartPart: Hashable, Sendable {
  public let name: String
  /// Given for a file. Only a name to show: it may hold slashes and anything else.
  public let fileName: String?
  public let contentType: MediaType?
  /// The content, as a range of the text it was parsed from.
  public let body: Range<Int>
}

/// `multipart/form-data` (RFC 7578 on RFC 2046 section 5.1).
///
/// Lines end in CRLF. A line that begins with the boundary must hold nothing else, so that no reader can see other parts
/// than this one. What comes before the first boundary and after the last is dropped.
public enum Multipart {
  /// The parts in their order.
  ///
  /// - Parameter boundary: that of the `Content-Type`, quotes resolved.
  /// - Throws: ``FormError``.
  public static func parse(
    _ body: Span<UInt8>, boundary: String, limits: HTTPLimits
  ) throws(FormError) -> [MultipartPart] {
    let delimiter = Array("\r\n--\(boundary)".utf8)
    guard isBoundary(boundary) else { throw .badBoundary }
    // The first delimiter may stand at the very start, where no line is ended by its CRLF.
    var next: (start: Int, end: Int)
    if starts(body, at: 0, with: delimiter[2...]) {
      next = (0, delimiter.count - 2)
    } else if let found = find(delimiter, in: body, from: 0) {
      next = found
    } else {
      throw .missingDelimiter
    }
    var parts: [MultipartPart] = []
    while let start = try lineBehind(next.end, in: body) {
      guard parts.count < limits.maxFormFields else { throw .tooManyFields }
      let head = try PartHead(body, from: start, limits: limits)
      // The CRLF before a delimiter belongs to it: of an empty part it is also the end of the empty line.
      guard let found = find(delimiter, in: body, from: head.end - 2) else { throw .unfinished }
      next = found
      parts.append(try head.part(body: head.end..<max(head.end, next.start)))
    }
    return parts
  }

  private static func isBoundary(_ text: String) -> Bool {
    guard (1...70).contains(text.utf8.count), text.utf8.last != Characters.space else { return false }
    return text.utf8.allSatisfy { Characters.boundary.contains($0) }
  }

  /// Where the part behind a delimiter begins; nil if the delimiter is the last one.
  private static func lineBehind(_ end: Int, in body: Span<UInt8>) throws(FormError) -> Int? {
    var at = end
    let isLast =
      at + 1 < body.count && body[at] == UInt8(ascii: "-") && body[at + 1] == UInt8(ascii: "-")
    if isLast { at += 2 }
    while at < body.count, Characters.isBlank(body[at]) { at += 1 }
    if isLast, at == body.count { return nil }
    guard at < body.count else { throw .unfinished }
    guard at + 1 < body.count, body[at] == Characters.carriageReturn, body[at + 1] == Characters.lineFeed
    else { throw .badDelimiter }
    return isLast ? nil : at + 2
  }

  /// The first place of `delimiter`. Linear, since its first byte occurs in it once.
  private static func find(_ delimiter: [UInt8], in body: Span<UInt8>, from start: Int) -> (start: Int, end: Int)? {
    var at = start
    while at + delimiter.count <= body.count {
      if body[at] == Characters.carriageReturn, starts(body, at: at, with: delimiter[...]) {
        return (at, at + delimiter.count)
      }
      at += 1
    }
    return nil
  }

  private static func starts(_ body: Span<UInt8>, at start: Int, with prefix: ArraySlice<UInt8>) -> Bool {
    guard start + prefix.count <= body.count else { return false }
    var at = start
    for byte in prefix {
      guard body[at] == byte else { return false }
      at += 1
    }
    return true
  }
}

/// The header lines of a part.
private struct PartHead {
  var disposition: ValueParameters?
  var contentType: MediaType?
  /// The offset behind the empty line.
  var end: Int

  init(_ text: Span<UInt8>, from start: Int, limits: HTTPLimits) throws(FormError) {
    end = start
    while true {
      let lineEnd = Characters.lineEnd(
        in: text.extracting(..<min(text.count, start + limits.maxPartHeadBytes)), from: end)
      guard let lineEnd else {
        throw text.count - start > limits.maxPartHeadBytes ? .partHeadTooLarge : .unfinished
      }
      let line: Range<Int>
      do { line = try Characters.content(of: end..<lineEnd, in: text) } catch { throw .badPartHead }
      end = lineEnd
      if line.isEmpty { return }
      let field: HeaderField
      do { field = try RequestHead.field(text, line) } catch { throw .badPartHead }
      try read(name: text.extracting(field.name), value: text.extracting(field.value))
    }
  }

  private mutating func read(name: Span<UInt8>, value: Span<UInt8>) throws(FormError) {
    if ASCII.equalIgnoringCase(name, "content-disposition") {
      let headEnd = ValueParameters.end(ofHeadIn: value)
      let kind = value.extracting(Characters.trimmed(0..<headEnd, in: value))
      guard disposition == nil, ASCII.equalIgnoringCase(kind, "form-data"),
        let parameters = ValueParameters(parsing: value, from: headEnd, escapes: .quotesOnly)
      else { throw .badDisposition }
      disposition = parameters
    } else if ASCII.equalIgnoringCase(name, "content-type") {
      guard contentType == nil, let type = MediaType(parsing: value) else { throw .badPartHead }
      if type.essence.hasPrefix("multipart/") { throw .nested }
      contentType = type
    } else if ASCII.equalIgnoringCase(name, "content-transfer-encoding") {
      // RFC 7578 section 4.7: not to be used; those that change nothing are let pass.
      let changesNothing =
        ASCII.equalIgnoringCase(value, "7bit") || ASCII.equalIgnoringCase(value, "8bit")
        || ASCII.equalIgnoringCase(value, "binary")
      guard changesNothing else { throw .encodedPart }
    }
  }

  func part(body: Range<Int>) throws(FormError) -> MultipartPart {
    guard let disposition, disposition.count(of: "name") == 1, disposition.count(of: "filename") <= 1,
      let name = disposition["name"]
    else { throw .badDisposition }
    return MultipartPart(
      name: Self.unescaped(name), fileName: disposition["filename"].map(Self.unescaped), contentType: contentType,
      body: body)
  }

  /// Browsers write `"`, CR and LF of a name as `%22`, `%0D`, `%0A`, and no other escape (WHATWG HTML, multipart/form-data).
  private static func unescaped(_ name: String) -> String {
    guard name.utf8.contains(UInt8(ascii: "%")) else { return name }
    var result: [UInt8] = []
    var rest = Array(name.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%"), rest.count >= 2, let high = ASCII.hexValue(rest[rest.startIndex]),
        let low = ASCII.hexValue(rest[rest.startIndex + 1]), [0x22, 0x0D, 0x0A].contains(high << 4 | low)
      else {
        result.append(byte)
        continue
      }
      result.append(high << 4 | low)
      rest = rest.dropFirst(2)
    }
    return String(decoding: result, as: UTF8.self)
  }
}
