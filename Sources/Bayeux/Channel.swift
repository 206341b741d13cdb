// SPDX-License-Identifier: Apache-2.0
import Bytes

/// A channel name, or a pattern with a wildcard as its last segment, that parsed.
///
/// Parsed once at the edge and then trusted: authorisation and routing look at this same value, so a name that one of
/// them reads differently can not exist. Names follow the grammar that CometD accepts; they hold no quote, backslash or
/// control character, hence stand in JSON as they are.
public struct Channel: Hashable, Sendable {
  public enum Kind: Hashable, Sendable { case meta, service, broadcast }
  /// What the last segment is: a name, `*` (one segment) or `**` (any number of them).
  public enum Reach: Hashable, Sendable { case exact, oneLevel, anyDepth }

  /// Without the trailing slash and outer white space that clients may send.
  public let name: String
  public let kind: Kind
  public let reach: Reach

  /// The channel on which events for one `gms_user` are delivered; never published to.
  public static let genesys = Channel(trusted: "/_genesys", kind: .broadcast)

  private init(trusted name: String, kind: Kind) {
    self.name = name
    self.kind = kind
    reach = .exact
  }

  public init?(_ text: String, maxBytes: Int = BayeuxLimits().maxChannelBytes) {
    let bytes = Array(text.utf8)
    self.init(parsing: bytes.span, maxBytes: maxBytes)
  }

  /// Nil if the text is no channel: wrong characters, an empty segment, a wildcard that is not the whole last segment,
  /// or more than `maxBytes`.
  public init?(parsing text: Span<UInt8>, maxBytes: Int) {
    var low = 0
    var high = text.count
    while low < high, text[low] <= 0x20 { low += 1 }
    while high > low, text[high - 1] <= 0x20 { high -= 1 }
    if high - low > 1, text[high - 1] == UInt8(ascii: "/") { high -= 1 }
    guard high - low >= 2, high - low <= maxBytes, text[low] == UInt8(ascii: "/") else { return nil }
    guard let reach = Self.check(text, low, high) else { return nil }
    name = String(text.extracting(low..<high))
    self.reach = reach
    kind = Self.kind(of: text.extracting(low..<high))
  }

  /// What a name is by its first segment alone.
  private static func kind(of name: Span<UInt8>) -> Kind {
    func begins(_ segment: StaticString) -> Bool {
      let length = segment.utf8CodeUnitCount
      guard name.count >= length, ASCII.equal(name.extracting(0..<length), segment) else { return false }
      return name.count == length || name[length] == UInt8(ascii: "/")
    }
    if begins("/meta") { return .meta }
    return begins("/service") ? .service : .broadcast
  }

  private static func check(_ text: Span<UInt8>, _ low: Int, _ high: Int) -> Reach? {
    var segment = low + 1
    var stars = 0
    var reach = Reach.exact
    for index in low + 1...high {
      if index == high || text[index] == UInt8(ascii: "/") {
        guard index > segment, reach == .exact else { return nil }
        switch (stars, index - segment) {
        case (0, _): break
        case (1, 1): reach = .oneLevel
        case (2, 2): reach = .anyDepth
        default: return nil
        }
        (segment, stars) = (index + 1, 0)
      } else {
        guard isAllowed(text[index]) else { return nil }
        if text[index] == UInt8(ascii: "*") { stars += 1 }
      }
    }
    return reach
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    if ASCII.isAlphanumeric(byte) { return true }
    switch byte {
    case UInt8(ascii: " "), UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "("),
      UInt8(ascii: ")"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "/"), UInt8(ascii: "@"), UInt8(ascii: "_"), UInt8(ascii: "{"), UInt8(ascii: "~"),
      UInt8(ascii: "}"):
      return true
    default: return false
    }
  }

  /// The patterns, besides the name itself, whose subscribers receive what is published here:
  /// of `/a/b/c` these are `/a/b/*`, `/a/b/**`, `/a/**` and `/**`.
  public var patterns: [String] {
    var found: [String] = []
    var prefix = Substring(name)
    while let slash = prefix.lastIndex(of: "/") {
      prefix = prefix[..<slash]
      if found.isEmpty { found.append(prefix + "/*") }
      found.append(prefix + "/**")
    }
    return found
  }

  /// Whether a message published to `other` reaches subscribers of this pattern.
  public func matches(_ other: Channel) -> Bool {
    reach == .exact ? name == other.name : other.patterns.contains(name)
  }
}
