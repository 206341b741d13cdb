// SPDX-License-Identifier: Apache-2.0
import Bytes
import Deflate
import Testing
import Wire

/// permessage-deflate with a real compressor.
struct DeflateTests {
  private static func compressed(_ plain: [UInt8], by deflate: Deflate) -> [UInt8] {
    var writer = ByteWriter()
    deflate.compress(plain.span, into: &writer)
    return writer.array
  }

  private static func opened(
    _ message: [UInt8], by deflate: Deflate, kind: MessageKind = .binary, maxBytes: Int = 1 << 20
  ) -> Result<[UInt8], WebSocketFault> {
    var limits = WebSocketLimits()
    limits.maxMessageBytes = maxBytes
    return Result { () throws(WebSocketFault) in
      var plain: [UInt8] = [1, 2, 3]
      try deflate.open(kind, message.span, into: &plain, limits: limits)
      return plain
    }
  }

  private static func noise(_ count: Int) -> [UInt8] {
    var state: UInt64 = 42
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 33)
    }
  }

  static let plains: [[UInt8]] = [
    [], [0], Array("Hello".utf8), Array(repeating: 0x61, count: 300_000), noise(1), noise(16_384), noise(70_000),
    Array("[{\"channel\":\"/meta/connect\",\"successful\":true}]".utf8),
  ]

  @Test(arguments: plains) func whatIsCompressedOpensAgain(plain: [UInt8]) throws {
    let deflate = try #require(Deflate())
    let message = Self.compressed(plain, by: deflate)
    #expect(!message.suffix(4).elementsEqual([0x00, 0x00, 0xFF, 0xFF]))
    #expect(Self.opened(message, by: deflate) == .success(plain))
  }

  @Test func textGetsSmaller() throws {
    let deflate = try #require(Deflate())
    let text = Array(String(repeating: "{\"channel\":\"/news\",\"data\":1}", count: 100).utf8)
    #expect(Self.compressed(text, by: deflate).count < text.count / 20)
  }

  /// No context is taken over: the same message is the same bytes whatever went before, and opens by itself.
  @Test func messagesStandForThemselves() throws {
    let deflate = try #require(Deflate())
    let first = Self.compressed(Array("Hello Hello Hello".utf8), by: deflate)
    _ = Self.compressed(Self.noise(1000), by: deflate)
    #expect(Self.compressed(Array("Hello Hello Hello".utf8), by: deflate) == first)
    #expect(Self.opened(first, by: try #require(Deflate())) == .success(Array("Hello Hello Hello".utf8)))
  }

  /// RFC 7692 section 7.2.3: compressed, in two blocks, not compressed, and with a last block.
  @Test(
    arguments: [
      [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
      [0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
      [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00],
      [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],
      [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
    ] as [[UInt8]])
  func examplesOfTheStandardOpen(message: [UInt8]) throws {
    #expect(Self.opened(message, by: try #require(Deflate())) == .success(Array("Hello".utf8)))
  }

  @Test(arguments: [-1, 0, 1]) func whatItBecomesIsBounded(excess: Int) throws {
    let deflate = try #require(Deflate())
    let plain = [UInt8](repeating: 0x61, count: 100_000 + excess)
    let message = Self.compressed(plain, by: deflate)
    #expect(message.count < 500)
    let opened = Self.opened(message, by: deflate, maxBytes: 100_000)
    #expect(opened == (excess > 0 ? .failure(.messageTooBig) : .success(plain)))
    #expect(Self.opened(Self.compressed([1], by: deflate), by: deflate) == .success([1]), "it is of use afterwards")
  }

  @Test(
    arguments: [
      [0xFF], [0x06], [0x00, 0x05], [0x00, 0x05, 0x00, 0xFA, 0xFE, 0x48], [0xF2, 0x48, 0xCD, 0xC9],
      [0xED, 0x00, 0x01],
    ] as [[UInt8]])
  func brokenStreamsAreFaults(message: [UInt8]) throws {
    let deflate = try #require(Deflate())
    #expect(Self.opened(message, by: deflate) == .failure(.badCompression))
    #expect(Self.opened(Self.compressed([1], by: deflate), by: deflate) == .success([1]), "it is of use afterwards")
  }

  @Test func everyCutOfAMessageIsAFaultOrShorter() throws {
    let deflate = try #require(Deflate())
    let plain = Self.noise(50) + [UInt8](repeating: 7, count: 500)
    let message = Self.compressed(plain, by: deflate)
    for count in 0..<message.count {
      switch Self.opened(Array(message[..<count]), by: deflate) {
      case .success(let opened): #expect(opened.count < plain.count && plain.starts(with: opened))
      case .failure(let fault): #expect(fault == .badCompression)
      }
    }
  }

  @Test func textIsCheckedWhenItIsOpen() throws {
    let deflate = try #require(Deflate())
    let message = Self.compressed([0x61, 0xC3], by: deflate)
    #expect(Self.opened(message, by: deflate, kind: .text) == .failure(.notUTF8))
  }
}
