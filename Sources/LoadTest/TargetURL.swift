// SPDX-License-Identifier: Apache-2.0

/// Where requests go: an absolute URL of `http`, `https`, `ws` or `wss`, split (RFC 3986 section 3).
public struct TargetURL: Hashable, Sendable, CustomStringConvertible {
  /// Without brackets.
  public let host: String
  public let port: Int
  /// Path and query; at least `/`.
  public let path: String
  /// Whether the scheme is `ws` or `wss`.
  public let isWebSocket: Bool
  /// Whether the scheme is `https` or `wss`.
  public let isSecure: Bool

  /// - Throws: ``LoadTestError/badURL(_:_:)``.
  public init(_ text: String) throws(LoadTestError) {
    guard let colon = text.range(ofFirst: "://") else {
      throw .badURL(text, "not a URL; it has to be like http://127.0.0.1:8080/genesys/cometd")
    }
    let scheme = text[..<colon.lowerBound].lowercased()
    guard ["http", "https", "ws", "wss"].contains(scheme) else {
      throw .badURL(text, "the scheme has to be http, https, ws or wss")
    }
    isWebSocket = scheme.hasPrefix("ws")
    isSecure = scheme == "https" || scheme == "wss"
    let rest = text[colon.upperBound...]
    let slash = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
    let authority = rest[..<slash]
    guard !authority.contains("@") else { throw .badURL(text, "a user in a URL is not supported; use --header") }
    var tail = rest[slash...].prefix { $0 != "#" }
    if !tail.hasPrefix("/") { tail = "/" + tail }
    guard tail.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw .badURL(text, "a path holds printable ASCII alone")
    }
    path = String(tail)
    (host, port) = try Self.split(authority, of: text, usualPort: Self.usualPort(isSecure))
  }

  private static func usualPort(_ isSecure: Bool) -> Int { isSecure ? 443 : 80 }

  private static func split(
    _ authority: Substring, of text: String, usualPort: Int
  ) throws(LoadTestError) -> (String, Int) {
    var host = authority
    var port = usualPort
    let closing = authority.lastIndex(of: "]") ?? authority.startIndex
    if let colon = authority[closing...].lastIndex(of: ":") {
      guard let number = Int(authority[authority.index(after: colon)...]), (1...65_535).contains(number) else {
        throw .badURL(text, "the port has to be 1 to 65535")
      }
      port = number
      host = authority[..<colon]
    }
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw .badURL(text, "no host") }
    return (String(host), port)
  }

  /// As a `Host` header gives it.
  public var authority: String {
    (host.contains(":") ? "[\(host)]" : host) + (port == Self.usualPort(isSecure) ? "" : ":\(port)")
  }

  public var description: String { "\(isWebSocket ? "ws" : "http")\(isSecure ? "s" : "")://\(authority)\(path)" }
}

extension StringProtocol {
  /// Where `text` stands first.
  func range(ofFirst text: String) -> Range<Index>? {
    var at = startIndex
    while at < endIndex {
      if self[at...].hasPrefix(text) { return at..<index(at, offsetBy: text.count) }
      at = index(after: at)
    }
    return nil
  }
}
