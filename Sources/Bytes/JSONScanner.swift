// SPDX-License-Identifier: Apache-2.0

/// Why a text is not JSON, and at which byte of it.
public struct JSONError: Error, Hashable, Sendable {
  public enum Reason: String, Hashable, Sendable {
    case unexpectedEnd = "the text ends in the middle of a value"
    case unexpectedByte = "unexpected character"
    case badEscape = "bad escape sequence"
    case badNumber = "bad number"
    case controlCharacter = "control character in a string"
    case notUTF8 = "not UTF-8"
    case tooDeep = "nested too deeply"
    case trailingBytes = "text after the value"
    case duplicateMember = "a member is given twice"
  }
  public let reason: Reason
  public let offset: Int

  public init(_ reason: Reason, at offset: Int) {
    self.reason = reason
    self.offset = offset
  }
}

public enum JSONKind: UInt8, Hashable, Sendable {
  case object, array, string, number, `true`, `false`, null
}

/// Where a JSON value stands in a text. Of a string, `range` is what is between the quotes.
public struct JSONSlice: Hashable, Sendable {
  public let kind: JSONKind
  /// Whether a string holds a backslash, so that its bytes are not yet its content.
  public let isEscaped: Bool
  public let start: Int32
  public let end: Int32

  @inlinable public init(_ kind: JSONKind, _ start: Int, _ end: Int, isEscaped: Bool = false) {
    self.kind = kind
    self.start = Int32(truncatingIfNeeded: start)
    self.end = Int32(truncatingIfNeeded: end)
    self.isEscaped = isEscaped
  }

  @inlinable public var count: Int { Int(end &- start) }
  @inlinable public var range: Range<Int> { Int(start)..<Int(end) }
  /// The value as it stands in the text: with the quotes, where it is a string.
  @inlinable public var outerRange: Range<Int> {
    kind == .string ? Int(start) - 1..<Int(end) + 1 : Int(start)..<Int(end)
  }
}

/// A strict, allocation-free walk over one JSON text (RFC 8259).
///
/// It keeps a position, not the text: each call is handed the same text again. Numbers, escapes and UTF-8 are checked
/// even in values that are only skipped, because the broker passes `data` on as the bytes it came in. Depth is bounded
/// and nothing recurses.
public struct JSONScanner {
  public var position: Int
  /// Nesting that is accepted; at most 63.
  public let maxDepth: Int

  @inlinable public init(at position: Int = 0, maxDepth: Int = 60) {
    precondition(maxDepth <= 63)
    self.position = position
    self.maxDepth = maxDepth
  }

  /// The next byte that is not white space, without passing it; nil at the end.
  @inlinable public mutating func peek(_ text: Span<UInt8>) -> UInt8? {
    while position < text.count {
      let byte = text[position]
      if byte != 0x20, byte != 0x0A, byte != 0x0D, byte != 0x09 { return byte }
      position &+= 1
    }
    return nil
  }

  /// Passes `byte`, and white space before it, if it comes next.
  @inlinable public mutating func take(_ byte: UInt8, _ text: Span<UInt8>) -> Bool {
    guard peek(text) == byte else { return false }
    position &+= 1
    return true
  }

  /// Passes `byte` or throws.
  @inlinable public mutating func expect(_ byte: UInt8, _ text: Span<UInt8>) throws(JSONError) {
    guard let next = peek(text) else { throw JSONError(.unexpectedEnd, at: position) }
    guard next == byte else { throw JSONError(.unexpectedByte, at: position) }
    position &+= 1
  }

  /// Throws unless only white space is left.
  public mutating func expectEnd(_ text: Span<UInt8>) throws(JSONError) {
    if peek(text) != nil { throw JSONError(.trailingBytes, at: position) }
  }

  /// Passes a string and says where it is.
  public mutating func string(_ text: Span<UInt8>) throws(JSONError) -> JSONSlice {
    try expect(UInt8(ascii: "\""), text)
    return try stringTail(text)
  }

  /// Passes one value of any kind.
  ///
  /// - Parameter lenient: tolerates one comma before a closing bracket, as hand-written clients send it.
  public mutating func value(_ text: Span<UInt8>, lenient: Bool = false) throws(JSONError) -> JSONSlice {
    guard let first = peek(text) else { throw JSONError(.unexpectedEnd, at: position) }
    let start = position
    switch first {
    case UInt8(ascii: "\""):
      position &+= 1
      return try stringTail(text)
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      try container(text, lenient: lenient)
      return JSONSlice(first == UInt8(ascii: "{") ? .object : .array, start, position)
    default:
      let kind = try scalar(first, text)
      return JSONSlice(kind, start, position)
    }
  }

  // MARK: the parts

  /// What follows the opening quote, up to and including the closing one.
  mutating func stringTail(_ text: Span<UInt8>) throws(JSONError) -> JSONSlice {
    let start = position
    var escaped = false
    let raw = text.bytes
    while true {
      while position &+ 8 <= text.count,
        Self.isPlain(raw.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self))
      {
        position &+= 8
      }
      guard position < text.count else { throw JSONError(.unexpectedEnd, at: position) }
      let byte = text[position]
      switch byte {
      case UInt8(ascii: "\""):
        position &+= 1
        return JSONSlice(.string, start, position - 1, isEscaped: escaped)
      case UInt8(ascii: "\\"):
        escaped = true
        try passEscape(text)
      case 0..<0x20: throw JSONError(.controlCharacter, at: position)
      case 0x20..<0x80: position &+= 1
      default: try passMultibyte(text)
      }
    }
  }

  /// Whether none of eight bytes is a quote, a backslash, a control character or the start of a multi-byte character.
  @inline(__always) static func isPlain(_ word: UInt64) -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    let quote = word ^ (ones &* 0x22)
    let backslash = word ^ (ones &* 0x5C)
    let found =
      (quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (word &- ones &* 0x20) & ~word | word
    return found & highs == 0
  }

  mutating func passEscape(_ text: Span<UInt8>) throws(JSONError) {
    guard position + 1 < text.count else { throw JSONError(.unexpectedEnd, at: position) }
    switch text[position + 1] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      position &+= 2
    case UInt8(ascii: "u"):
      for offset in 2..<6 {
        guard position + offset < text.count else { throw JSONError(.unexpectedEnd, at: position) }
        guard ASCII.hexValue(text[position + offset]) != nil else { throw JSONError(.badEscape, at: position) }
      }
      position &+= 6
    default: throw JSONError(.badEscape, at: position)
    }
  }

  /// Passes one character of two to four bytes (RFC 3629 section 4: no overlong forms, no surrogates).
  mutating func passMultibyte(_ text: Span<UInt8>) throws(JSONError) {
    let lead = text[position]
    let length: Int
    let second: ClosedRange<UInt8>
    switch lead {
    case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xE1...0xEC, 0xEE...0xEF: (length, second) = (3, 0x80...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    default: throw JSONError(.notUTF8, at: position)
    }
    guard position + length <= text.count else { throw JSONError(.unexpectedEnd, at: position) }
    guard second.contains(text[position + 1]) else { throw JSONError(.notUTF8, at: position) }
    for offset in 2..<max(length, 2) where text[position + offset] & 0xC0 != 0x80 {
      throw JSONError(.notUTF8, at: position)
    }
    position &+= length
  }

  mutating func scalar(_ first: UInt8, _ text: Span<UInt8>) throws(JSONError) -> JSONKind {
    switch first {
    case UInt8(ascii: "t"):
      try word("true", text)
      return .true
    case UInt8(ascii: "f"):
      try word("false", text)
      return .false
    case UInt8(ascii: "n"):
      try word("null", text)
      return .null
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      try number(text)
      return .number
    default: throw JSONError(.unexpectedByte, at: position)
    }
  }

  mutating func word(_ expected: StaticString, _ text: Span<UInt8>) throws(JSONError) {
    for offset in 0..<expected.utf8CodeUnitCount {
      guard position + offset < text.count else { throw JSONError(.unexpectedEnd, at: position) }
      guard text[position + offset] == expected.utf8Start[offset] else {
        throw JSONError(.unexpectedByte, at: position + offset)
      }
    }
    position += expected.utf8CodeUnitCount
  }

  mutating func number(_ text: Span<UInt8>) throws(JSONError) {
    if text[position] == UInt8(ascii: "-") { position += 1 }
    if position < text.count, text[position] == UInt8(ascii: "0") {
      position += 1
    } else {
      try digits(text)
    }
    if position < text.count, text[position] == UInt8(ascii: ".") {
      position += 1
      try digits(text)
    }
    if position < text.count, text[position] | 0x20 == UInt8(ascii: "e") {
      position += 1
      if position < text.count, text[position] == UInt8(ascii: "+") || text[position] == UInt8(ascii: "-") {
        position += 1
      }
      try digits(text)
    }
    if position < text.count, ASCII.isDigit(text[position]) { throw JSONError(.badNumber, at: position) }
  }

  mutating func digits(_ text: Span<UInt8>) throws(JSONError) {
    let start = position
    while position < text.count, ASCII.isDigit(text[position]) { position += 1 }
    if position == start {
      throw position < text.count ? JSONError(.badNumber, at: start) : JSONError(.unexpectedEnd, at: start)
    }
  }

  /// Passes an object or array with all it holds. One bit a level says what is open: 1 object, 0 array.
  mutating func container(_ text: Span<UInt8>, lenient: Bool) throws(JSONError) {
    var stack: UInt64 = 0
    var depth = 0
    repeat {
      // A value is due here.
      guard let first = peek(text) else { throw JSONError(.unexpectedEnd, at: position) }
      var closes = false
      if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
        guard depth < maxDepth else { throw JSONError(.tooDeep, at: position) }
        depth += 1
        stack = stack << 1 | (first == UInt8(ascii: "{") ? 1 : 0)
        position += 1
        closes = peek(text) == Self.closing(stack)
        if !closes, stack & 1 == 1 { try key(text) }
      } else {
        _ = try value(text)
        closes = try self.closes(stack, text, lenient: lenient)
      }
      while closes {
        position += 1
        depth -= 1
        stack >>= 1
        if depth == 0 { return }
        closes = try self.closes(stack, text, lenient: lenient)
      }
    } while true
  }

  @inline(__always) static func closing(_ stack: UInt64) -> UInt8 {
    stack & 1 == 1 ? UInt8(ascii: "}") : UInt8(ascii: "]")
  }

  /// After a value: passes the comma (and the next key) and says false, or says true in front of the closing bracket.
  mutating func closes(_ stack: UInt64, _ text: Span<UInt8>, lenient: Bool) throws(JSONError) -> Bool {
    let close = Self.closing(stack)
    guard let next = peek(text) else { throw JSONError(.unexpectedEnd, at: position) }
    if next == close { return true }
    try expect(UInt8(ascii: ","), text)
    if lenient, peek(text) == close { return true }
    if stack & 1 == 1 { try key(text) }
    return false
  }

  mutating func key(_ text: Span<UInt8>) throws(JSONError) {
    _ = try string(text)
    try expect(UInt8(ascii: ":"), text)
  }
}
