// SPDX-License-Identifier: Apache-2.0

/// A JSON value as an independent reader sees it, with its place in the text.
public struct StrictValue: Sendable {
  public indirect enum Content: Sendable {
    case null
    case bool(Bool)
    case number
    /// Escapes resolved; half a surrogate pair is U+FFFD.
    case string(String)
    case array([StrictValue])
    case object([(name: String, value: StrictValue)])
  }

  public var content: Content
  /// From its first byte to its last, quotes included.
  public var range: Range<Int>
  /// Brackets that are open at once in it; 0 for a scalar.
  public var depth: Int

  /// The members of an object; nil for anything else.
  public var members: [(name: String, value: StrictValue)]? {
    guard case .object(let members) = content else { return nil }
    return members
  }
}

/// RFC 8259 once more: slow, recursive and plain, so that the broker's scanner can be held against it. It shares no
/// line with `JSONScanner`, knows no limit of depth but that of its own stack, and refuses by returning nil.
public struct StrictJSON {
  /// Nesting beyond which it does not look; more than any limit of the broker.
  public static let maxDepth = 200

  private let text: [UInt8]
  private var at = 0

  private init(_ text: [UInt8]) { self.text = text }

  /// The value that all of `text` is; nil if it is none.
  public static func value(of text: [UInt8]) -> StrictValue? {
    var reader = StrictJSON(text)
    guard let value = reader.value(.none, level: 0), reader.isAtEnd() else { return nil }
    return value
  }

  /// Where one comma before a closing bracket is let pass.
  enum Leniency {
    case none, everywhere
    /// As in `Batch.scan`: in the batch, in its messages, and in their members but `data` and `ext`.
    case batch
  }

  /// The value that all of a request's text is, with the leniency that the broker has for hand-written clients.
  static func batch(of text: [UInt8]) -> StrictValue? {
    var reader = StrictJSON(text)
    guard let value = reader.value(.batch, level: 0), reader.isAtEnd() else { return nil }
    return value
  }

  static func lenientValue(of text: [UInt8]) -> StrictValue? {
    var reader = StrictJSON(text)
    guard let value = reader.value(.everywhere, level: 0), reader.isAtEnd() else { return nil }
    return value
  }

  // MARK: bytes

  private var next: UInt8? { at < text.count ? text[at] : nil }

  private mutating func skipSpace() {
    while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { at += 1 }
  }

  private mutating func isAtEnd() -> Bool {
    skipSpace()
    return next == nil
  }

  private mutating func take(_ character: Character) -> Bool {
    guard let byte = next, byte == character.asciiValue else { return false }
    at += 1
    return true
  }

  // MARK: values

  private mutating func value(_ leniency: Leniency, level: Int) -> StrictValue? {
    skipSpace()
    let start = at
    guard level <= Self.maxDepth, let content = content(leniency, level: level) else { return nil }
    return StrictValue(content: content, range: start..<at, depth: Self.depth(of: content))
  }

  private static func depth(of content: StrictValue.Content) -> Int {
    switch content {
    case .array(let elements): 1 + (elements.map(\.depth).max() ?? 0)
    case .object(let members): 1 + (members.map(\.value.depth).max() ?? 0)
    default: 0
    }
  }

  private mutating func content(_ leniency: Leniency, level: Int) -> StrictValue.Content? {
    switch next {
    case UInt8(ascii: "{"): return object(leniency, level: level)
    case UInt8(ascii: "["): return array(leniency, level: level)
    case UInt8(ascii: "\""): return string().map { .string($0) }
    case UInt8(ascii: "t"): return word("true") ? .bool(true) : nil
    case UInt8(ascii: "f"): return word("false") ? .bool(false) : nil
    case UInt8(ascii: "n"): return word("null") ? .null : nil
    default: return number() ? .number : nil
    }
  }

  private mutating func word(_ word: String) -> Bool {
    guard text[at...].starts(with: word.utf8) else { return false }
    at += word.utf8.count
    return true
  }

  /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`, and then no digit.
  private mutating func number() -> Bool {
    _ = take("-")
    let whole = digits()
    guard !whole.isEmpty, whole.count == 1 || text[whole.lowerBound] != UInt8(ascii: "0") else { return false }
    if take(".") {
      guard !digits().isEmpty else { return false }
    }
    if take("e") || take("E") {
      if !take("+") { _ = take("-") }
      guard !digits().isEmpty else { return false }
    }
    return true
  }

  private mutating func digits() -> Range<Int> {
    let start = at
    while let byte = next, (0x30...0x39).contains(byte) { at += 1 }
    return start..<at
  }

  private mutating func array(_ leniency: Leniency, level: Int) -> StrictValue.Content? {
    guard take("[") else { return nil }
    var elements: [StrictValue] = []
    skipSpace()
    if take("]") { return .array(elements) }
    // A batch is lenient in itself and its messages; an array that is no batch holds values.
    let isLenient = leniency != .none
    while true {
      guard let element = value(leniency, level: level + 1) else { return nil }
      elements.append(element)
      skipSpace()
      if take("]") { return .array(elements) }
      guard take(",") else { return nil }
      skipSpace()
      if isLenient, take("]") { return .array(elements) }
    }
  }

  private mutating func object(_ leniency: Leniency, level: Int) -> StrictValue.Content? {
    guard take("{") else { return nil }
    var members: [(name: String, value: StrictValue)] = []
    skipSpace()
    if take("}") { return .object(members) }
    while true {
      guard let name = string() else { return nil }
      skipSpace()
      guard take(":") else { return nil }
      let inner: Leniency =
        leniency != .batch ? leniency : ["data", "ext"].contains(name) ? .none : .everywhere
      guard let value = value(inner, level: level + 1) else { return nil }
      members.append((name, value))
      skipSpace()
      if take("}") { return .object(members) }
      guard take(",") else { return nil }
      skipSpace()
      if leniency != .none, take("}") { return .object(members) }
    }
  }

  // MARK: strings

  /// A string with its quotes. UTF-8 is judged by the standard library, over the whole of it.
  private mutating func string() -> String? {
    guard take("\"") else { return nil }
    var units: [UInt16] = []
    var run: [UInt8] = []
    while let byte = next {
      at += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard Self.flush(&run, into: &units) else { return nil }
        return String(decoding: units, as: UTF16.self)
      case UInt8(ascii: "\\"):
        guard Self.flush(&run, into: &units), let unit = escape() else { return nil }
        units.append(unit)
      case 0..<0x20: return nil
      default: run.append(byte)
      }
    }
    return nil
  }

  private static func flush(_ run: inout [UInt8], into units: inout [UInt16]) -> Bool {
    guard let string = String(validating: run, as: UTF8.self) else { return false }
    units += string.utf16
    run = []
    return true
  }

  /// The UTF-16 unit of an escape whose backslash is passed.
  private mutating func escape() -> UInt16? {
    guard let byte = next else { return nil }
    at += 1
    let plain: [Character: UInt16] = [
      "\"": 0x22, "\\": 0x5C, "/": 0x2F, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9,
    ]
    if let unit = plain[Character(Unicode.Scalar(byte))] { return unit }
    guard byte == UInt8(ascii: "u"), at + 4 <= text.count else { return nil }
    let digits = text[at..<at + 4]
    guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit && $0 < 0x80 }) else { return nil }
    at += 4
    return UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
  }
}
