// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing
import Wire

/// DEFLATE with stored blocks alone (RFC 1951 section 3.2.4): what it writes is a valid stream, and it compresses nothing.
private final class StoredBlocks: MessageCompression {
  func decompress(_ message: Span<UInt8>, into plain: inout [UInt8], maxBytes: Int) throws(WebSocketFault) {
    let bytes = [UInt8](message) + [0x00, 0x00, 0xFF, 0xFF]
    var at = 0
    while at < bytes.count {
      guard at + 5 <= bytes.count, bytes[at] <= 1 else { throw .badCompression }
      let length = Int(bytes[at + 1]) | Int(bytes[at + 2]) << 8
      guard bytes[at + 3] == ~bytes[at + 1], bytes[at + 4] == ~bytes[at + 2] else { throw .badCompression }
      at += 5
      guard at + length <= bytes.count else { throw .badCompression }
      guard plain.count + length <= maxBytes else { throw .messageTooBig }
      plain += bytes[at..<at + length]
      at += length
    }
  }

  func compress(_ message: Span<UInt8>, into writer: inout ByteWriter) {
    let length = UInt16(message.count)
    for byte in [0, UInt8(length & 0xFF), UInt8(length >> 8)] { writer.append(byte) }
    for byte in [~UInt8(length & 0xFF), ~UInt8(length >> 8)] { writer.append(byte) }
    writer.append(message)
    writer.append(0)
  }
}

/// The seam for permessage-deflate: which messages are compressed, and what is checked when.
struct WebSocketCompressionTests {
  private static let end = FrameFeed(allowsCompression: true)

  private static func open(
    _ kind: MessageKind, _ message: [UInt8], maxBytes: Int = 100
  ) -> Result<[UInt8], WebSocketFault> {
    var limits = WebSocketLimits()
    limits.maxMessageBytes = maxBytes
    return Result { () throws(WebSocketFault) in
      var plain: [UInt8] = [9, 9, 9]
      try StoredBlocks().open(kind, message.span, into: &plain, limits: limits)
      return plain
    }
  }

  private static func compressed(_ bytes: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    StoredBlocks().compress(bytes.span, into: &writer)
    return writer.array
  }

  /// RFC 7692 section 7.2.3.1: the first bit marks the message, in one frame and in two. The content is not text.
  @Test func examplesOfTheStandardAreMarked() {
    let hello: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
    let seen: [SeenFrame] = [.message(.text, hello, isCompressed: true)]
    #expect(Self.end.everyWay(frame(0xC1, hello)) == seen)
    #expect(Self.end.everyWay(frame(0x41, Array(hello[..<3])) + frame(0x80, Array(hello[3...]))) == seen)
  }

  /// Section 7.2.3.3: a block without compression.
  @Test func storedBlockOfTheStandardIsOpened() {
    let message: [UInt8] = [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00]
    #expect(Self.end.everyWay(frame(0xC1, message)) == [.message(.text, message, isCompressed: true)])
    #expect(Self.open(.text, message) == .success(Array("Hello".utf8)))
    #expect(Self.compressed(Array("Hello".utf8)) == message)
  }

  @Test func plainMessagesComeBetweenCompressedOnes() {
    let message = Self.compressed([0xFF])
    let bytes =
      frame(0xC2, message) + frame(0x81, "é") + frame(0x89) + frame(0x01, "a") + frame(0x80, "b") + frame(0xC1, message)
    #expect(
      Self.end.everyWay(bytes) == [
        .message(.binary, message, isCompressed: true), .text("é"), .ping([]), .text("ab"),
        .message(.text, message, isCompressed: true),
      ])
  }

  @Test func textIsCheckedWhenItIsOpen() {
    #expect(Self.open(.text, Self.compressed([0x61, 0xC3])) == .failure(.notUTF8))
    #expect(Self.open(.text, Self.compressed([0xFF])) == .failure(.notUTF8))
    #expect(Self.open(.binary, Self.compressed([0xFF])) == .success([0xFF]))
  }

  @Test(arguments: [-1, 0, 1])
  func openMessageIsBoundedAgain(excess: Int) {
    let plain = [UInt8](repeating: 0x61, count: 100 + excess)
    #expect(Self.open(.text, Self.compressed(plain)) == (excess > 0 ? .failure(.messageTooBig) : .success(plain)))
  }

  @Test func brokenStreamIsAFault() {
    #expect(Self.open(.binary, [0x00, 0x05]) == .failure(.badCompression))
  }

  @Test func compressedMessageIsWrittenAndReadBack() {
    let plain = Array("[{\"channel\":\"/meta/connect\"}]".utf8)
    var writer = ByteWriter(capacity: 256, headroom: FrameWriter.maxHeaderBytes)
    StoredBlocks().compress(plain.span, into: &writer)
    let message = writer.array
    writer.prependFrameHeader(.text, isCompressed: true)
    let seen = FrameFeed(.client, allowsCompression: true).everyWay(writer.array)
    #expect(seen == [.message(.text, message, isCompressed: true)])
    #expect(Self.open(.text, message) == .success(plain))
  }
}
