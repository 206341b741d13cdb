// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

/// Passes one whole text through the scanner.
///
/// - Throws: what is wrong with it, what stands behind the value included.
@discardableResult
func scan(_ bytes: [UInt8], lenient: Bool = false, maxDepth: Int = 60) throws(JSONError) -> JSONSlice {
  var scanner = JSONScanner(maxDepth: maxDepth)
  let slice = try scanner.value(bytes.span, lenient: lenient)
  try scanner.expectEnd(bytes.span)
  return slice
}

@discardableResult
func scan(_ text: String, lenient: Bool = false, maxDepth: Int = 60) throws(JSONError) -> JSONSlice {
  try scan(Array(text.utf8), lenient: lenient, maxDepth: maxDepth)
}

/// What is wrong with a text; nil if nothing is.
func fault(_ bytes: [UInt8], lenient: Bool = false, maxDepth: Int = 60) -> JSONError? {
  do throws(JSONError) {
    try scan(bytes, lenient: lenient, maxDepth: maxDepth)
    return nil
  } catch {
    return error
  }
}

func fault(_ text: String, lenient: Bool = false, maxDepth: Int = 60) -> JSONError? {
  fault(Array(text.utf8), lenient: lenient, maxDepth: maxDepth)
}

/// The tree of a text. `#expect` takes no `Span`, hence these functions over arrays.
func tree(_ bytes: [UInt8]) throws(JSONError) -> JSONValue { try JSONValue(parsing: bytes.span) }

func content(_ slice: JSONSlice, in bytes: [UInt8]) -> String { slice.string(in: bytes.span) }

/// What is wrong with a text for the tree parser.
func treeFault(_ bytes: [UInt8], maxDepth: Int = 60) -> JSONError? {
  do throws(JSONError) {
    _ = try JSONValue(parsing: bytes.span, maxDepth: maxDepth)
    return nil
  } catch {
    return error
  }
}

/// `count` opening brackets, and as many closing ones.
func nested(_ count: Int, open: String = "[", inner: String = "", close: String = "]") -> String {
  String(repeating: open, count: count) + inner + String(repeating: close, count: count)
}
