// SPDX-License-Identifier: Apache-2.0
import Bytes

/// Percent-encoding (RFC 3986 section 2.1) of paths, and what forms have in common with it.
public enum PercentCoding {
  /// The decoded segments of a path: what stands between its slashes.
  ///
  /// The path is split before it is decoded, so `%2F` is a slash within a segment. `/` and the empty path of an address
  /// without one are `[""]`; `/a/` is `["a", ""]`.
  ///
  /// - Throws: ``PathError``, also for a segment `.` or `..` in any spelling: nothing here resolves them, and a file
  ///   server behind it must never see one.
  public static func segments(of path: Span<UInt8>) throws(PathError) -> [String] {
    guard !path.isEmpty else { return [""] }
    guard path[0] == UInt8(ascii: "/") else { throw .notAbsolute }
    var segments: [String] = []
    var start = 1
    while start <= path.count {
      var end = start
      while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
      segments.append(try segment(path.extracting(start..<end)))
      start = end + 1
    }
    return segments
  }

  private static func segment(_ text: Span<UInt8>) throws(PathError) -> String {
    guard let bytes = decode(text, plusIsSpace: false) else { throw .badEscape }
    for byte in bytes where byte < 0x20 || byte == 0x7F { throw .controlCharacter }
    guard let segment = String(validating: bytes, as: UTF8.self) else { throw .notUTF8 }
    guard segment != ".", segment != ".." else { throw .dotSegment }
    return segment
  }

  /// `text` with all but the unreserved characters encoded, fit for a path segment, a query or a form.
  public static func encode(_ text: String) -> String {
    let digits: StaticString = "0123456789ABCDEF"
    var result: [UInt8] = []
    for byte in text.utf8 {
      if Characters.unreserved.contains(byte) {
        result.append(byte)
      } else {
        result.append(UInt8(ascii: "%"))
        result.append(digits.utf8Start[Int(byte >> 4)])
        result.append(digits.utf8Start[Int(byte & 15)])
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The bytes that `text` stands for; nil if a `%` is not followed by two hexadecimal digits.
  static func decode(_ text: Span<UInt8>, plusIsSpace: Bool) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var at = 0
    while at < text.count {
      let byte = text[at]
      if byte == UInt8(ascii: "%") {
        guard at + 2 < text.count, let high = ASCII.hexValue(text[at + 1]), let low = ASCII.hexValue(text[at + 2])
        else { return nil }
        result.append(high << 4 | low)
        at += 3
      } else {
        result.append(plusIsSpace && byte == UInt8(ascii: "+") ? Characters.space : byte)
        at += 1
      }
    }
    return result
  }
}
