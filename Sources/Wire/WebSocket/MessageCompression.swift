// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// permessage-deflate without context takeover (RFC 7692): each message is compressed by itself, so one pair of
/// compressors serves all connections of a loop and a waiting connection owns none.
///
/// The codec knows no DEFLATE. It marks and refuses the bit that says so (``FrameParser/init(side:allowsCompression:)``,
/// ``WebSocketUpgrade/Options/allowsCompression``), and whoever links a library for it adopts this.
public protocol MessageCompression: AnyObject {
  /// Appends what `message` was compressed from.
  ///
  /// - Parameters:
  ///   - message: as it stood in its frames: a raw DEFLATE stream without its last four bytes, `00 00 FF FF` (section
  ///     7.2.2).
  ///   - maxBytes: what it may become. It is not to be produced beyond that, since a thousand bytes become a million.
  /// - Throws: ``WebSocketFault/badCompression``, ``WebSocketFault/messageTooBig``.
  func decompress(_ message: Span<UInt8>, into plain: inout [UInt8], maxBytes: Int) throws(WebSocketFault)

  /// Appends `message` as it is to stand in a frame, the last four bytes left out (section 7.2.1).
  func compress(_ message: Span<UInt8>, into writer: inout ByteWriter)
}

extension MessageCompression {
  /// Opens a message that the parser called compressed, and checks what could not be checked before.
  ///
  /// - Parameters:
  ///   - message: the scratch of the parser.
  ///   - plain: is cleared, keeping its memory, and filled.
  /// - Throws: those of ``decompress(_:into:maxBytes:)``; ``WebSocketFault/notUTF8``.
  public func open(
    _ kind: MessageKind, _ message: Span<UInt8>, into plain: inout [UInt8], limits: WebSocketLimits
  ) throws(WebSocketFault) {
    plain.removeAll(keepingCapacity: true)
    try decompress(message, into: &plain, maxBytes: limits.maxMessageBytes)
    guard kind == .text else { return }
    var text = UTF8Check()
    guard text.take(plain.span), text.isComplete else { throw .notUTF8 }
  }
}
