// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes
import Wire

/// The cookie that a browser keeps (CometD, `BAYEUX_BROWSER`): for load balancers that keep it on one node, and to know
/// two anonymous sessions for the same browser's. No request is refused because it lacks the cookie.
struct BrowserCookie: Sendable {
  private let name: [UInt8]
  private let attributes: String
  /// Whether anything is decided by it.
  let isRead: Bool

  private static let valueCharacters = 26

  init(_ configuration: ServerConfiguration.BrowserCookie, _ options: BayeuxOptions) {
    name = Array(configuration.name.utf8)
    isRead = options.restoresSessions || options.maxSessionsPerBrowser >= 0
    // In the order of CometD's, and none that is not asked for: the cookie parser of Faye's Ruby client gives up at one
    // that it does not know.
    var attributes = "; Path=\(configuration.path)"
    if let domain = configuration.domain { attributes += "; Domain=\(domain)" }
    if configuration.httpOnly { attributes += "; HttpOnly" }
    if configuration.secure { attributes += "; Secure" }
    if configuration.maxAgeSeconds >= 0 { attributes += "; Max-Age=\(configuration.maxAgeSeconds)" }
    if configuration.sameSite != .notSet { attributes += "; SameSite=\(configuration.sameSite.rawValue)" }
    self.attributes = attributes + "\r\n"
  }

  func isIn(_ head: RequestHead, _ text: Span<UInt8>) -> Bool { head.cookieRange(name, in: text) != nil }

  /// The browser that sent the request; 0 for one without the cookie, and where nobody asks.
  func browser(of head: RequestHead, _ text: Span<UInt8>) -> UInt64 {
    guard isRead, let range = head.cookieRange(name, in: text), !range.isEmpty else { return 0 }
    return Self.number(text.extracting(range))
  }

  /// A new cookie as a header line, and the browser that it stands for.
  ///
  /// - Parameter isWelcome: whether that browser will do.
  func draw(_ isWelcome: (UInt64) -> Bool) -> (field: [UInt8], browser: UInt64) {
    // Boxed, because the system's generator has no size: the thread sanitizer takes all of its variables for the same
    // place in memory, and reports a race between two loops.
    var generator: any RandomNumberGenerator = SystemRandomNumberGenerator()
    while true {
      let value = Identifiers.text(Self.valueCharacters, of: "0123456789abcdefghijklmnopqrstuvwxyz", using: &generator)
      let bytes = Array(value.utf8)
      let browser = Self.number(bytes.span)
      guard isWelcome(browser) else { continue }
      return (Array("Set-Cookie: ".utf8) + name + Array("=\(value)\(attributes)".utf8), browser)
    }
  }

  /// Never 0. Seeded anew in every process, so that nobody outside can look for a value with the same number.
  private static func number(_ value: Span<UInt8>) -> UInt64 {
    var hasher = Hasher()
    value.withUnsafeBytes { hasher.combine(bytes: $0) }
    return max(1, UInt64(UInt(bitPattern: hasher.finalize())))
  }
}
