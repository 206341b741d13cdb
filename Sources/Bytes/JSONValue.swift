// SPDX-License-Identifier: Apache-2.0

/// A JSON value as a tree, for places that are not hot: REST bodies, the admin interface, `ext`.
public indirect enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  /// As it stands in the text, so that no digit is lost.
  case number(String)
  case string(String)
  case array([JSONValue])
  /// In the order of the text.
  case object([Member])

  public struct Member: Hashable, Sendable {
    public let name: String
    public let value: JSONValue

    public init(_ name: String, _ value: JSONValue) {
      self.name = name
      self.value = value
    }
  }

  /// Parses one whole text.
  ///
  /// - Throws: ``JSONError``; a member given twice is one too.
  public init(parsing text: Span<UInt8>, maxDepth: Int = 60) throws(JSONError) {
    var scanner = JSONScanner(maxDepth: maxDepth)
    self = try Self.parse(&scanner, text, depth: maxDepth)
    try scanner.expectEnd(text)
  }

  public init(parsing text: String, maxDepth: Int = 60) throws(JSONError) {
    let bytes = Array(text.utf8)
    self = try JSONValue(parsing: bytes.span, maxDepth: maxDepth)
  }

  private static func parse(
    _ scanner: inout JSONScanner, _ text: Span<UInt8>, depth: Int
  ) throws(JSONError) -> JSONValue {
    guard let first = scanner.peek(text) else { throw JSONError(.unexpectedEnd, at: scanner.position) }
    switch first {
    case UInt8(ascii: "{"):
      guard depth > 0 else { throw JSONError(.tooDeep, at: scanner.position) }
      return .object(try parseMembers(&scanner, text, depth: depth - 1))
    case UInt8(ascii: "["):
      guard depth > 0 else { throw JSONError(.tooDeep, at: scanner.position) }
      return .array(try parseElements(&scanner, text, depth: depth - 1))
    default:
      let slice = try scanner.value(text)
      switch slice.kind {
      case .string: return .string(slice.string(in: text))
      case .number: return .number(String(text.extracting(slice.range)))
      case .true: return .bool(true)
      case .false: return .bool(false)
      default: return .null
      }
    }
  }

  private static func parseMembers(
    _ scanner: inout JSONScanner, _ text: Span<UInt8>, depth: Int
  ) throws(JSONError) -> [Member] {
    try scanner.expect(UInt8(ascii: "{"), text)
    var members: [Member] = []
    // By their bytes: `String` takes composed and decomposed letters for equal, JSON does not.
    var names: Set<[UInt8]> = []
    if scanner.take(UInt8(ascii: "}"), text) { return members }
    repeat {
      let key = try scanner.string(text)
      let name = key.string(in: text)
      guard names.insert(Array(name.utf8)).inserted else { throw JSONError(.duplicateMember, at: Int(key.start)) }
      try scanner.expect(UInt8(ascii: ":"), text)
      members.append(Member(name, try parse(&scanner, text, depth: depth)))
    } while scanner.take(UInt8(ascii: ","), text)
    try scanner.expect(UInt8(ascii: "}"), text)
    return members
  }

  private static func parseElements(
    _ scanner: inout JSONScanner, _ text: Span<UInt8>, depth: Int
  ) throws(JSONError) -> [JSONValue] {
    try scanner.expect(UInt8(ascii: "["), text)
    var elements: [JSONValue] = []
    if scanner.take(UInt8(ascii: "]"), text) { return elements }
    repeat {
      elements.append(try parse(&scanner, text, depth: depth))
    } while scanner.take(UInt8(ascii: ","), text)
    try scanner.expect(UInt8(ascii: "]"), text)
    return elements
  }
}

// MARK: reading

extension JSONValue {
  /// The member of that name; nil where there is none or this is no object.
  public subscript(name: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  public subscript(index: Int) -> JSONValue? {
    guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
    return elements[index]
  }

  public var members: [Member]? {
    guard case .object(let members) = self else { return nil }
    return members
  }

  public var elements: [JSONValue]? {
    guard case .array(let elements) = self else { return nil }
    return elements
  }

  public var string: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }

  public var bool: Bool? {
    guard case .bool(let value) = self else { return nil }
    return value
  }

  /// The number, if it is a whole one that fits `Int`.
  public var int: Int? {
    guard case .number(let text) = self else { return nil }
    return Int(text)
  }

  /// What a form field of this value would hold: the text of a string or number, `true`, `false`; nil for the others.
  public var scalarText: String? {
    switch self {
    case .string(let text), .number(let text): text
    case .bool(let value): value ? "true" : "false"
    case .null, .array, .object: nil
    }
  }
}

// MARK: writing

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int) { self = .number(String(value)) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  /// Keeps the order of the literal.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(elements.map { Member($0.0, $0.1) })
  }
  public init(_ value: Int) { self = .number(String(value)) }

  /// The compact text of this value.
  public var text: String { String(decoding: encoded, as: UTF8.self) }

  /// The compact text of this value, as UTF-8.
  public var encoded: [UInt8] {
    var writer = ByteWriter(capacity: 256)
    write(to: &writer)
    return writer.array
  }

  public func write(to writer: inout ByteWriter) {
    switch self {
    case .null: writer.append("null")
    case .bool(let value): writer.append(value ? "true" : "false")
    case .number(let text): writer.append(text)
    case .string(let text): writer.append(jsonString: text)
    case .array(let elements):
      writer.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { writer.append(UInt8(ascii: ",")) }
        element.write(to: &writer)
      }
      writer.append(UInt8(ascii: "]"))
    case .object(let members):
      writer.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { writer.append(UInt8(ascii: ",")) }
        writer.append(jsonString: member.name)
        writer.append(UInt8(ascii: ":"))
        member.value.write(to: &writer)
      }
      writer.append(UInt8(ascii: "}"))
    }
  }
}

extension JSONSlice {
  /// The content of a string, escapes resolved; of anything else, its text. A lone surrogate becomes U+FFFD.
  public func string(in text: Span<UInt8>) -> String {
    isEscaped ? String(decoding: unescaped(in: text), as: UTF8.self) : String(text.extracting(range))
  }

  /// The content of a string as UTF-8, escapes resolved. The slice must come from a scanner, which checked it.
  public func unescaped(in text: Span<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(count)
    var at = Int(start)
    while at < Int(end) {
      let byte = text[at]
      guard byte == UInt8(ascii: "\\") else {
        result.append(byte)
        at += 1
        continue
      }
      switch text[at + 1] {
      case UInt8(ascii: "n"): result.append(0x0A)
      case UInt8(ascii: "r"): result.append(0x0D)
      case UInt8(ascii: "t"): result.append(0x09)
      case UInt8(ascii: "b"): result.append(0x08)
      case UInt8(ascii: "f"): result.append(0x0C)
      case UInt8(ascii: "u"):
        let (scalar, length) = Self.scalar(at: at, in: text, end: Int(end))
        result.append(contentsOf: String(Character(scalar)).utf8)
        at += length
        continue
      case let plain: result.append(plain)
      }
      at += 2
    }
    return result
  }

  /// The character of the `\u` escape at `at`, a surrogate pair taken together, and the bytes it takes in the text.
  private static func scalar(at: Int, in text: Span<UInt8>, end: Int) -> (Unicode.Scalar, length: Int) {
    func unit(_ at: Int) -> UInt32 {
      (2..<6).reduce(0) { $0 << 4 | UInt32(ASCII.hexValue(text[at + $1]) ?? 0) }
    }
    let first = unit(at)
    if first & 0xFC00 == 0xD800, at + 12 <= end, text[at + 6] == UInt8(ascii: "\\"), text[at + 7] == UInt8(ascii: "u") {
      let second = unit(at + 6)
      if second & 0xFC00 == 0xDC00 {
        return (Unicode.Scalar(0x10000 + (first & 0x3FF) << 10 + second & 0x3FF) ?? "\u{FFFD}", 12)
      }
    }
    return (Unicode.Scalar(first) ?? "\u{FFFD}", 6)
  }
}
