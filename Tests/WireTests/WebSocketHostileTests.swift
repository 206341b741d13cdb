// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

/// Bytes that are no WebSocket, with the fault and the number of bytes that show it. No byte is waited for that cannot
/// change the verdict.
struct HostileFrames: CustomTestStringConvertible, Sendable {
  let name: String
  let bytes: [UInt8]
  let fault: WebSocketFault
  let shownAt: Int
  var side = FrameParser.Side.server
  var allowsCompression = false
  var testDescription: String { name }

  init(_ name: String, _ bytes: [UInt8], _ fault: WebSocketFault, at shownAt: Int) {
    self.name = name
    self.bytes = bytes
    self.fault = fault
    self.shownAt = shownAt
  }

  /// The same behind the begin of a text.
  var inMessage: HostileFrames {
    let begin = frame(0x01, "begin")
    return HostileFrames("\(name), inside of a message", begin + bytes, fault, at: begin.count + shownAt)
  }

  func from(_ side: FrameParser.Side, compressing: Bool = false) -> HostileFrames {
    var copy = self
    copy.side = side
    copy.allowsCompression = compressing
    return copy
  }
}

struct WebSocketHostileTests {
  static let kibi = [UInt8](repeating: 0x61, count: 1024)

  static let firstBytes: [HostileFrames] =
    [0x91, 0xA1, 0xB1, 0xC1, 0xD1, 0xE1, 0xF1, 0x92, 0xC2, 0x99, 0xA9, 0xC9, 0xCA, 0xC8, 0x41, 0x11].map {
      HostileFrames("reserved bits \(String($0, radix: 16))", frame($0, "x"), .reservedBits, at: 1)
    }
    + [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map {
      HostileFrames("opcode \($0)", frame(0x80 | $0, "x"), .reservedOpcode, at: 1)
    }
    + [3, 7, 11, 15].map { HostileFrames("fragment of opcode \($0)", frame($0), .reservedOpcode, at: 1) }
    + [8, 9, 10].map { HostileFrames("fragment of control \($0)", frame($0, "x"), .fragmentedControl, at: 1) }

  static let lengths: [HostileFrames] = [
    HostileFrames("close of 126 bytes", frame(0x88, Array(kibi.prefix(126))), .controlTooLong, at: 2),
    HostileFrames("ping of 126 bytes", frame(0x89, Array(kibi.prefix(126))), .controlTooLong, at: 2),
    HostileFrames("pong of 70000 bytes", frame(0x8A, [UInt8](repeating: 0, count: 70_000)), .controlTooLong, at: 2),
    HostileFrames(
      "short ping with a long length", frame(0x89, "x".utf8.map { $0 }, lengthBytes: 2), .controlTooLong, at: 2),
    HostileFrames("0 in two bytes", frame(0x82, [], lengthBytes: 2), .longLength, at: 4),
    HostileFrames("125 in two bytes", frame(0x82, Array(kibi.prefix(125)), lengthBytes: 2), .longLength, at: 4),
    HostileFrames("0 in eight bytes", frame(0x82, [], lengthBytes: 8), .longLength, at: 10),
    HostileFrames("125 in eight bytes", frame(0x82, Array(kibi.prefix(125)), lengthBytes: 8), .longLength, at: 10),
    HostileFrames("1024 in eight bytes", frame(0x82, kibi, lengthBytes: 8), .longLength, at: 10),
    HostileFrames(
      "65535 in eight bytes", [0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 1, 2, 3, 4], .longLength, at: 10),
    HostileFrames("highest bit", [0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4], .badLength, at: 10),
    HostileFrames("all bits", [0x82, 0xFF] + [UInt8](repeating: 0xFF, count: 12), .badLength, at: 10),
    HostileFrames("2^63 - 1", [0x82, 0xFF, 0x7F] + [UInt8](repeating: 0xFF, count: 11), .messageTooBig, at: 10),
    HostileFrames("1 GiB", [0x81, 0xFF, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4], .messageTooBig, at: 10),
  ]

  static let masks: [HostileFrames] = [0x81, 0x82, 0x88, 0x89, 0x8A].flatMap { first in
    [
      HostileFrames("\(first) not masked", frame(first, [3, 0xE8], mask: nil), .unmasked, at: 2),
      HostileFrames("\(first) masked by a server", frame(first, [3, 0xE8]), .masked, at: 2).from(.client),
    ]
  }

  static let order: [HostileFrames] = [
    HostileFrames("continuation of nothing", frame(0x80, "x"), .strayContinuation, at: 1),
    HostileFrames("fragment of nothing", frame(0x00, "x"), .strayContinuation, at: 1),
    HostileFrames("continuation behind a message", frame(0x81, "a") + frame(0x80, "b"), .strayContinuation, at: 8),
    HostileFrames(
      "continuation behind fragments", frame(0x01, "a") + frame(0x80, "b") + frame(0x00, "c"), .strayContinuation,
      at: 15),
    HostileFrames("text in text", frame(0x01, "a") + frame(0x81, "b"), .messageInMessage, at: 8),
    HostileFrames("binary in text", frame(0x01, "a") + frame(0x82, "b"), .messageInMessage, at: 8),
    HostileFrames("fragment of text in binary", frame(0x02, "a") + frame(0x01, "b"), .messageInMessage, at: 8),
    HostileFrames(
      "text behind a ping in text", frame(0x01, "a") + frame(0x89) + frame(0x81), .messageInMessage, at: 14),
  ]

  static let closes: [HostileFrames] =
    [HostileFrames("close of one byte", frame(0x88, [3]), .shortClose, at: 7)]
    + [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map {
      HostileFrames("close code \($0)", frame(0x88, closePayload($0, "why")), .badCloseCode, at: 11)
    }
    + [
      HostileFrames("reason not UTF-8", frame(0x88, closePayload(1000) + [0xCE, 0xFF]), .notUTF8, at: 10),
      HostileFrames("reason ends in a character", frame(0x88, closePayload(1000) + [0xE2, 0x82]), .notUTF8, at: 10),
    ]

  static let compression: [HostileFrames] = [
    HostileFrames("compressed continuation", frame(0x41, "a") + frame(0xC0, "b"), .reservedBits, at: 8),
    HostileFrames("compressed ping", frame(0xC9, "a"), .reservedBits, at: 1),
    HostileFrames("compressed close", frame(0xC8), .reservedBits, at: 1),
    HostileFrames("another bit", frame(0xD1), .reservedBits, at: 1),
    HostileFrames("plain text not UTF-8", frame(0x81, [0xFF]), .notUTF8, at: 7),
  ].map { $0.from(.server, compressing: true) }

  @Test(arguments: [firstBytes, lengths, masks, order, closes, compression].joined())
  func frameIsRefused(_ hostile: HostileFrames) {
    expectRefused(hostile)
  }

  /// Nothing gathered so far changes the verdict. (Of the lengths, all are over the limit or malformed anyway.)
  @Test(
    arguments: [firstBytes.filter { $0.bytes[0] & 0x0F != 1 && $0.bytes[0] & 0x0F != 2 }, closes].joined().map(
      \.inMessage))
  func frameIsRefusedInsideOfAMessage(_ hostile: HostileFrames) {
    expectRefused(hostile)
  }

  private func expectRefused(_ hostile: HostileFrames) {
    let end = FrameFeed(hostile.side, allowsCompression: hostile.allowsCompression)
    #expect(end.everyWay(hostile.bytes + frame(0x81, "behind")).last == .failed(hostile.fault))
    let point = end.faultPoint(hostile.bytes)
    #expect(point?.fault == hostile.fault)
    #expect(point?.bytes == hostile.shownAt)
  }

  @Test func whatCameBeforeAFaultIsTold() {
    let bytes = frame(0x81, "a") + frame(0x89, "b") + frame(0x83)
    #expect(FrameFeed().everyWay(bytes) == [.text("a"), .ping([0x62]), .failed(.reservedOpcode)])
  }

  @Test(arguments: WebSocketFault.allCases)
  func faultHasACodeThatMayBeSentAndASentenceThatFits(_ fault: WebSocketFault) {
    #expect(fault.closeCode.mayBeSent)
    #expect(!fault.sentence.isEmpty && fault.sentence.utf8.count <= CloseCode.maxReasonBytes)
    #expect(!fault.sentence.hasSuffix("."))
  }

  @Test func codesAreThoseOfTheStandard() {
    let others: [WebSocketFault: CloseCode] = [
      .messageTooBig: .messageTooBig, .notUTF8: .invalidPayload, .badCompression: .invalidPayload,
    ]
    for fault in WebSocketFault.allCases { #expect(fault.closeCode == others[fault] ?? .protocolError) }
  }
}
