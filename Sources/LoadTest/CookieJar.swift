// SPDX-License-Identifier: Apache-2.0
import Bytes

/// The cookies of one client (RFC 6265, without domains, paths and expiry: one client speaks to one server).
struct CookieJar: Sendable {
  /// `name=value; name=value`, as the `Cookie` header wants it.
  private(set) var header: [UInt8] = []

  /// Takes the value of one `Set-Cookie` field.
  ///
  /// - Returns: whether ``header`` is another now.
  @discardableResult mutating func take(_ field: Span<UInt8>) -> Bool {
    var length = 0
    while length < field.count, field[length] != UInt8(ascii: ";") { length += 1 }
    let pair = Array(field.extracting(0..<length)).trimmed
    guard let equals = pair.firstIndex(of: UInt8(ascii: "=")), equals > 0 else { return false }
    let name = pair[...equals]
    var cookies = header.split(separator: UInt8(ascii: ";")).map { Array($0).trimmed }
    if let known = cookies.firstIndex(where: { $0.starts(with: name) }) {
      cookies[known] = pair
    } else {
      cookies.append(pair)
    }
    let joined = Array(cookies.joined(separator: Array("; ".utf8)))
    if joined == header { return false }
    header = joined
    return true
  }
}

extension [UInt8] {
  /// Without spaces at both ends.
  var trimmed: [UInt8] {
    let start = firstIndex { $0 != 0x20 && $0 != 0x09 } ?? endIndex
    let end = lastIndex { $0 != 0x20 && $0 != 0x09 }.map { $0 + 1 } ?? start
    return Array(self[start..<Swift.max(start, end)])
  }
}
