// SPDX-License-Identifier: Apache-2.0
import Bytes

/// The value of a `Content-Type` field (RFC 9110 section 8.3.1): `application/json; charset=UTF-8`.
public struct MediaType: Hashable, Sendable {
  /// `type/subtype` in lower case.
  public let essence: String
  private let parameters: ValueParameters

  /// Reads the value of a field. Blanks around `;` and `=` are tolerated, empty parameters too.
  ///
  /// - Returns: nil if it is no media type.
  public init?(parsing text: Span<UInt8>) {
    let end = ValueParameters.end(ofHeadIn: text)
    let range = Characters.trimmed(0..<end, in: text)
    guard Self.isEssence(text.extracting(range)) else { return nil }
    guard let parameters = ValueParameters(parsing: text, from: end) else { return nil }
    essence = String(text.extracting(range)).lowercased()
    self.parameters = parameters
  }

  /// The first parameter of that name, which is given in lower case; its quotes resolved, its case kept.
  public func parameter(_ lowercaseName: String) -> String? { parameters[lowercaseName] }

  /// Whether a field value is of this type, whatever its parameters. Allocates nothing.
  public static func matches(_ text: Span<UInt8>, _ lowercaseEssence: StaticString) -> Bool {
    let range = Characters.trimmed(0..<ValueParameters.end(ofHeadIn: text), in: text)
    return ASCII.equalIgnoringCase(text.extracting(range), lowercaseEssence)
  }

  /// `token "/" token`.
  private static func isEssence(_ text: Span<UInt8>) -> Bool {
    let token = Characters.token
    var slash: Int?
    for index in text.indices {
      if text[index] == UInt8(ascii: "/"), slash == nil {
        slash = index
      } else if !token.contains(text[index]) {
        return false
      }
    }
    guard let slash else { return false }
    return slash > 0 && slash < text.count - 1
  }
}

/// The `; name=value` tail of a field value (RFC 9110 section 5.6.6), of media types and content dispositions.
struct ValueParameters: Hashable, Sendable {
  /// How a backslash in a quoted string reads.
  enum Escapes {
    /// It gives the next character, whichever that is.
    case all
    /// It does so for a quote and a backslash only; elsewhere it is itself, as in the path of a Windows browser.
    case quotesOnly
  }

  /// Names in lower case, in the order of the text.
  private(set) var all: [(name: String, value: String)] = []

  subscript(lowercaseName: String) -> String? { all.first { $0.name == lowercaseName }?.value }

  func count(of lowercaseName: String) -> Int { all.count { $0.name == lowercaseName } }

  /// Where the first parameter's semicolon stands, or the text ends.
  static func end(ofHeadIn text: Span<UInt8>) -> Int {
    for index in text.indices where text[index] == UInt8(ascii: ";") { return index }
    return text.count
  }

  /// - Parameter start: the first semicolon, or the end of the text.
  init?(parsing text: Span<UInt8>, from start: Int, escapes: Escapes = .all) {
    var scanner = Scanner(at: start, escapes: escapes)
    while scanner.at < text.count {
      guard text[scanner.at] == UInt8(ascii: ";") else { return nil }
      scanner.at += 1
      scanner.skipBlanks(text)
      if scanner.at == text.count || text[scanner.at] == UInt8(ascii: ";") { continue }
      guard let name = scanner.token(text) else { return nil }
      scanner.skipBlanks(text)
      guard scanner.at < text.count, text[scanner.at] == UInt8(ascii: "=") else { return nil }
      scanner.at += 1
      scanner.skipBlanks(text)
      guard let value = scanner.value(text) else { return nil }
      scanner.skipBlanks(text)
      all.append((name.lowercased(), value))
    }
  }

  static func == (left: Self, right: Self) -> Bool { left.all.elementsEqual(right.all) { $0 == $1 } }

  func hash(into hasher: inout Hasher) {
    for (name, value) in all {
      hasher.combine(name)
      hasher.combine(value)
    }
  }
}

private struct Scanner {
  var at: Int
  let escapes: ValueParameters.Escapes

  mutating func skipBlanks(_ text: Span<UInt8>) {
    while at < text.count, Characters.isBlank(text[at]) { at += 1 }
  }

  mutating func token(_ text: Span<UInt8>) -> String? {
    let start = at
    while at < text.count, Characters.token.contains(text[at]) { at += 1 }
    return at > start ? String(text.extracting(start..<at)) : nil
  }

  /// What stands without quotes. More than a token: boundaries such as `----=_Part_1` come bare.
  private mutating func bareValue(_ text: Span<UInt8>) -> String? {
    let start = at
    while at < text.count, text[at] > 0x20, text[at] < 0x7F, text[at] != UInt8(ascii: ";"),
      text[at] != UInt8(ascii: "\"")
    {
      at += 1
    }
    return at > start ? String(text.extracting(start..<at)) : nil
  }

  /// A bare value or a quoted string; nil also for one that is not UTF-8.
  mutating func value(_ text: Span<UInt8>) -> String? {
    guard at < text.count, text[at] == UInt8(ascii: "\"") else { return bareValue(text) }
    at += 1
    var content: [UInt8] = []
    while at < text.count {
      var byte = text[at]
      at += 1
      if byte == UInt8(ascii: "\"") { return String(validating: content, as: UTF8.self) }
      if byte == UInt8(ascii: "\\"), at < text.count, isEscapable(text[at]) {
        byte = text[at]
        at += 1
      }
      guard Characters.isFieldText(byte) else { return nil }
      content.append(byte)
    }
    return nil
  }

  private func isEscapable(_ byte: UInt8) -> Bool {
    escapes == .all || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
  }
}
