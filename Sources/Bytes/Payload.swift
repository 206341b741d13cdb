// SPDX-License-Identifier: Apache-2.0

/// Bytes that were encoded once and never change again, shared by every queue and every thread they are in.
///
/// Copying a payload copies a reference; the bytes themselves are written to a socket from this one place.
public struct Payload: Sendable, Hashable {
  public let bytes: [UInt8]

  @inlinable public init(_ bytes: [UInt8]) { self.bytes = bytes }
  public init(_ text: String) { bytes = Array(text.utf8) }

  @inlinable public var count: Int { bytes.count }

  /// Whether it is the very same: not only equal bytes, but the same ones.
  public func isSame(as other: Payload) -> Bool {
    bytes.withUnsafeBufferPointer { own in
      other.bytes.withUnsafeBufferPointer { own.baseAddress == $0.baseAddress && own.count == $0.count }
    }
  }

  /// The bytes read as UTF-8, for tests and messages to people.
  public var text: String { String(decoding: bytes, as: UTF8.self) }
}
