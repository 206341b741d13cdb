// SPDX-License-Identifier: Apache-2.0

/// Text from outside on its way to a terminal or a log: one line, nothing that moves the cursor or turns the writing
/// direction.
package enum Printable {
  /// With `\n`, `\r`, `\t` and `\u{1b}` in place of characters that are not seen.
  package static func escaped(_ text: String) -> String {
    if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
    return text.unicodeScalars.map { scalar in
      switch scalar {
      case "\n": "\\n"
      case "\r": "\\r"
      case "\t": "\\t"
      default: isHidden(scalar) ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
      }
    }.joined()
  }

  /// Whether a character acts instead of being seen. The joiners of emoji and of Indic scripts are harmless.
  package static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    case .format: scalar != "\u{200C}" && scalar != "\u{200D}"
    default: false
    }
  }
}
