// SPDX-License-Identifier: Apache-2.0
import Bytes

/// What a text setting has to look like, so that a slip shows at the start and not at the first request.
public enum TextRule: Hashable, Sendable, CaseIterable {
  case any
  case host
  case authority
  case mountPath
  case origin
  case network
  case baseURL
  case httpURL
  case headerName
  case bearerToken
  case absolutePath
  case directory
  case token
  case cookiePath

  public var expectation: String {
    switch self {
    case .any: "a text"
    case .host: "a host name or an IP address, without port"
    case .authority: "a host name or an IP address, with or without a port"
    case .mountPath:
      "a path such as \"/genesys/cometd\": plain segments, no \"/\" at the end, outside \"/genesys/1\" and not above it"
    case .origin: "an origin: \"https://host[:port]\", \"https://*.host\" or \"*\" alone"
    case .network: "an IP address or a network such as \"10.0.0.0/8\" or \"fd00::/8\""
    case .baseURL: "an absolute URL such as \"https://chat.example.com\", without query or fragment"
    case .httpURL: "an absolute URL such as \"http://127.0.0.1:9090/chat\", http alone, without query or fragment"
    case .headerName: "the name of an HTTP header"
    case .bearerToken: "a text of visible ASCII characters without spaces"
    case .absolutePath: "a path that begins with \"/\""
    case .directory: "the path of a directory"
    case .token: "a word of the characters that the name of an HTTP header may have"
    case .cookiePath: "a path that begins with \"/\" and holds no \";\""
    }
  }

  /// Whether `text` follows the rule.
  func accepts(_ text: String) -> Bool {
    switch self {
    case .any: !text.utf8.contains { $0 < 0x20 || $0 == 0x7F }
    case .host: HostText.isHost(text)
    case .authority: OriginText.normalised("http://\(text)") != nil && !text.contains("*")
    case .mountPath: PathText.isMountPath(text)
    case .origin: OriginText.normalised(text) != nil
    case .network: HostText.isNetwork(text)
    case .baseURL: OriginText.isBaseURL(text)
    case .httpURL: OriginText.isBaseURL(text) && text.lowercased().hasPrefix("http://")
    case .headerName, .token: !text.isEmpty && text.utf8.allSatisfy(Self.isTokenByte)
    case .bearerToken: !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    case .directory: !text.isEmpty && !text.utf8.contains { $0 < 0x20 || $0 == 0x7F }
    case .absolutePath: text.hasPrefix("/") && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    case .cookiePath: Self.absolutePath.accepts(text) && !text.contains(";")
    }
  }

  /// The one spelling that the server compares with.
  func normalised(_ text: String) -> String {
    switch self {
    case .origin: OriginText.normalised(text) ?? text
    case .headerName: text.lowercased()
    case .baseURL, .httpURL: text.hasSuffix("/") ? String(text.dropLast()) : text
    default: text
    }
  }

  /// RFC 9110 section 5.6.2.
  private static func isTokenByte(_ byte: UInt8) -> Bool {
    ASCII.isAlphanumeric(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
  }
}

/// Paths of requests.
enum PathText {
  /// What the broker serves itself; a mount path above one of them would swallow it.
  static let reserved = ["/genesys/1", "/demo"]

  static func isMountPath(_ path: String) -> Bool {
    guard path.hasPrefix("/"), path.utf8.count > 1 else { return false }
    let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    let plain = segments.allSatisfy { segment in
      !segment.isEmpty && segment != "." && segment != ".."
        && segment.utf8.allSatisfy { ASCII.isAlphanumeric($0) || "-._~".utf8.contains($0) }
    }
    return plain && !reserved.contains { contains($0, path) || contains(path, $0) }
  }

  /// Whether `path` is `base` or lies below it.
  static func contains(_ base: String, _ path: String) -> Bool { path == base || path.hasPrefix(base + "/") }
}

/// Origins (RFC 6454 section 6.2) and absolute URLs.
enum OriginText {
  /// In lower case and without the scheme's own port, as browsers send it; nil if it is no origin.
  static func normalised(_ text: String) -> String? {
    if text == "*" { return text }
    guard let (scheme, rest) = split(text.lowercased()) else { return nil }
    guard let (host, port) = hostAndPort(rest) else { return nil }
    let name = host.hasPrefix("*.") ? String(host.dropFirst(2)) : host
    guard !host.contains("%"), HostText.isHost(name) else { return nil }
    guard let port, port != (scheme == "https" ? 443 : 80) else { return "\(scheme)://\(host)" }
    return "\(scheme)://\(host):\(port)"
  }

  static func isBaseURL(_ text: String) -> Bool {
    guard let (scheme, rest) = split(text), !text.contains("*") else { return false }
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }) else {
      return false
    }
    return normalised("\(scheme)://\(rest.prefix { $0 != "/" })") != nil
  }

  private static func split(_ text: String) -> (scheme: String, rest: String)? {
    for scheme in ["https", "http"] where text.lowercased().hasPrefix("\(scheme)://") {
      return (scheme, String(text.dropFirst(scheme.count + 3)))
    }
    return nil
  }

  private static func hostAndPort(_ text: String) -> (host: String, port: Int?)? {
    let afterAddress = text.hasPrefix("[") ? text.firstIndex(of: "]") ?? text.endIndex : text.startIndex
    guard let colon = text[afterAddress...].firstIndex(of: ":") else { return (text, nil) }
    let digits = text[text.index(after: colon)...]
    guard digits.utf8.allSatisfy(ASCII.isDigit), let port = Int(digits), (1...65_535).contains(port) else { return nil }
    return (String(text[..<colon]), port)
  }
}
