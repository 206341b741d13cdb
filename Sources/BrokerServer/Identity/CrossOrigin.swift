// SPDX-License-Identifier: Apache-2.0
import Bytes
import Wire

/// Which pages of other origins may read answers (Fetch standard, section 3.2). Same-origin needs none of this.
struct CrossOrigin: Sendable {
  private enum Rule: Sendable {
    case exact([UInt8])
    /// Scheme and the part of the host behind the star, dot included: `https://` and `.example.com`.
    case suffix(scheme: [UInt8], suffix: [UInt8])
  }
  private let rules: [Rule]
  private let allowsAny: Bool
  private let userHeaders: [String]
  /// Longer ones are no origins that a browser sends; they must not fill the response head.
  private static let maxOriginBytes = 512

  /// - Parameter userHeaders: the headers that a page may name its user by.
  init(_ origins: [String], userHeaders: [String]) throws(ConfigurationError) {
    self.userHeaders = userHeaders
    allowsAny = origins.contains("*")
    var rules: [Rule] = []
    for origin in origins where origin != "*" {
      guard let rule = Self.rule(origin.lowercased()) else { throw .badOrigin(origin) }
      rules.append(rule)
    }
    self.rules = rules
  }

  private static func rule(_ origin: String) -> Rule? {
    let schemes = ["http://", "https://"]
    guard let scheme = schemes.first(where: { origin.hasPrefix($0) }) else { return nil }
    let host = origin.dropFirst(scheme.utf8.count)
    let isPlain = host.utf8.allSatisfy {
      ASCII.isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":")
        || $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "]")
    }
    if host.hasPrefix("*.") {
      let suffix = host.dropFirst()
      guard suffix.count > 1, !suffix.contains("*") else { return nil }
      return .suffix(scheme: Array(scheme.utf8), suffix: Array(suffix.utf8))
    }
    guard isPlain, !host.isEmpty else { return nil }
    return .exact(Array(origin.utf8))
  }

  var isClosed: Bool { rules.isEmpty && !allowsAny }

  func allows(_ origin: Span<UInt8>) -> Bool {
    guard origin.count > 0, origin.count <= Self.maxOriginBytes else { return false }
    if allowsAny { return !ASCII.equal(origin, "null") }
    let lowered = Array(origin).map { ASCII.lowercase($0) }
    return rules.contains { rule in
      switch rule {
      case .exact(let exact): lowered == exact
      case .suffix(let scheme, let suffix):
        lowered.count > scheme.count + suffix.count && lowered.starts(with: scheme)
          && lowered[(lowered.count - suffix.count)...].elementsEqual(suffix)
          && lowered[scheme.count...].allSatisfy { ASCII.isAlphanumeric($0) || $0 == 0x2D || $0 == 0x2E || $0 == 0x3A }
      }
    }
  }

  /// Header lines of an answer to that origin; empty where it may not read it.
  func fields(for origin: Span<UInt8>) -> [UInt8] {
    if isClosed { return [] }
    guard allows(origin) else { return Array("Vary: Origin\r\n".utf8) }
    return Array("Access-Control-Allow-Origin: ".utf8) + Array(origin)
      + Array("\r\nAccess-Control-Allow-Credentials: true\r\nVary: Origin\r\n".utf8)
  }

  /// Header lines of the answer to a preflight. It never asks for a user: browsers send none with it.
  ///
  /// - Parameter more: methods that are taken besides `POST` and `GET`.
  func preflightFields(for origin: Span<UInt8>, taking more: [HTTPMethod] = []) -> [UInt8] {
    let methods = (["POST", "GET"] + more.map { "\($0)".uppercased() } + ["OPTIONS"]).joined(separator: ", ")
    let allow = Array("Allow: \(methods)\r\n".utf8)
    guard allows(origin) else { return allow + fields(for: origin) }
    return allow + fields(for: origin)
      + Array(
        """
        Access-Control-Allow-Methods: \(methods)\r
        Access-Control-Allow-Headers: \(userHeaders.joined(separator: ", ")), Content-Type, X-Requested-With, Accept, \
        Authorization, Origin\r
        Access-Control-Max-Age: 86400\r\n
        """.utf8)
  }
}
