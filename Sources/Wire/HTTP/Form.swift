// SPDX-License-Identifier: Apache-2.0

/// One field of a form or a query string, decoded.
public struct FormField: Hashable, Sendable {
  public let name: String
  public let value: String

  public init(name: String, value: String) {
    self.name = name
    self.value = value
  }
}

extension [FormField] {
  /// The value of the first field of that name.
  public subscript(name: String) -> String? { first { $0.name == name }?.value }
}

/// `application/x-www-form-urlencoded` (WHATWG URL section 5), of a body or a query string.
public enum Form {
  /// The fields in their order. `+` is a space; a field without `=` has an empty value; nothing between two `&` is
  /// nothing.
  ///
  /// - Throws: ``FormError/badEscape``, ``FormError/notUTF8``, ``FormError/tooManyFields``. Unlike a browser, this does
  ///   not guess: what was mangled on its way must not reach a chat as other text.
  public static func parse(_ text: Span<UInt8>, limits: HTTPLimits) throws(FormError) -> [FormField] {
    var fields: [FormField] = []
    var start = 0
    while start < text.count {
      var end = start
      var equals: Int?
      while end < text.count, text[end] != UInt8(ascii: "&") {
        if equals == nil, text[end] == UInt8(ascii: "=") { equals = end }
        end += 1
      }
      if end > start {
        guard fields.count < limits.maxFormFields else { throw .tooManyFields }
        let name = try decode(text.extracting(start..<(equals ?? end)))
        let value = try decode(text.extracting(min((equals ?? end) + 1, end)..<end))
        fields.append(FormField(name: name, value: value))
      }
      start = end + 1
    }
    return fields
  }

  private static func decode(_ text: Span<UInt8>) throws(FormError) -> String {
    guard let bytes = PercentCoding.decode(text, plusIsSpace: true) else { throw .badEscape }
    guard let string = String(validating: bytes, as: UTF8.self) else { throw .notUTF8 }
    return string
  }
}
