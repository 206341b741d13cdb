// SPDX-License-Identifier: Apache-2.0
import Bytes

/// An `http://host[:port][/path][?query]` that requests go to. There is no TLS here: a gateway in front of the server
/// has it.
struct WebURL: Sendable, Hashable {
  let host: String
  let port: Int
  /// Path and query.
  let target: String

  /// Bytes of a URL; longer ones are none that a provider gives out.
  private static let maxBytes = 2_048

  init?(_ text: String) {
    guard text.utf8.count <= Self.maxBytes, text.lowercased().hasPrefix("http://"),
      text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { return nil }
    let rest = text.dropFirst(7)
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let path = rest.dropFirst(authority.count).prefix { $0 != "#" }
    guard !authority.contains("@") else { return nil }
    target = path.hasPrefix("/") ? String(path) : "/" + path
    let bracket = authority.lastIndex(of: "]") ?? authority.startIndex
    if let colon = authority[bracket...].lastIndex(of: ":") {
      let digits = Array(authority[authority.index(after: colon)...].utf8)
      guard let number = ASCII.decimal(digits.span), (1...65_535).contains(number) else { return nil }
      port = number
      host = String(authority[..<colon])
    } else {
      port = 80
      host = String(authority)
    }
    guard !host.isEmpty else { return nil }
  }

  private init(_ base: WebURL, target: String) {
    host = base.host
    port = base.port
    self.target = target
  }

  var authority: String { port == 80 ? host : "\(host):\(port)" }

  /// The address of what lies at `path` below this one.
  ///
  /// - Parameter path: percent-encoded, without a slash before it.
  func appending(_ path: String) -> WebURL {
    WebURL(self, target: target.hasSuffix("/") ? target + path : "\(target)/\(path)")
  }
}
