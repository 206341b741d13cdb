// SPDX-License-Identifier: Apache-2.0
import Bytes

/// The `id` of a message as it stands between the quotes, escapes and all, to be echoed in its reply.
///
/// Up to 15 bytes lie inline, so that a held connect keeps no memory for it.
struct MessageID: Equatable {
  private var low: UInt64 = 0
  private var high: UInt64 = 0
  private var rest: [UInt8]?

  /// No id: the reply carries none either.
  static let none = MessageID()

  private init() {}

  init(_ text: Span<UInt8>) {
    guard text.count <= 15 else {
      rest = Array(text)
      return
    }
    for index in text.indices {
      if index < 8 {
        low |= UInt64(text[index]) << (8 * UInt64(index))
      } else {
        high |= UInt64(text[index]) << (8 * UInt64(index - 8))
      }
    }
    high |= UInt64(text.count + 1) << 56
  }

  var isPresent: Bool { rest != nil || high >> 56 > 0 }

  /// Writes `"id":"…",`, or nothing where there is none.
  func writeMember(to writer: inout ByteWriter) {
    guard isPresent else { return }
    writer.append("\"id\":\"")
    if let rest {
      writer.append(rest)
    } else {
      withUnsafeBytes(of: (low.littleEndian, high.littleEndian)) {
        writer.append(UnsafeRawBufferPointer(rebasing: $0[..<(Int(high >> 56) - 1)]))
      }
    }
    writer.append("\",")
  }
}
