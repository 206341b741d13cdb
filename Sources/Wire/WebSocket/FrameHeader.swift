// SPDX-License-Identifier: Apache-2.0
import Bytes

// What stands in front of each payload (RFC 6455 section 5.2), most significant bit first:
//
//   byte 0   F R R R O O O O     F: the message ends with this frame. R: reserved; the first marks a compressed
//                                message (RFC 7692). O: the opcode.
//   byte 1   M L L L L L L L     M: a mask follows. L: 0 to 125 is the length of the payload,
//                                126: the length is in the next 2 bytes, 127: in the next 8, in network order.
//   0, 2 or 8 bytes              the length, where 7 bits do not hold it; always the shortest of the three forms.
//   4 bytes, where M is set      the mask. Byte i of the payload is sent as byte i XOR byte (i mod 4) of it.
//
// What a client sends is masked and what a server sends is not (section 5.1), so the header of a frame has 2 to 14
// bytes, and that of a server 2 to 10.

/// What a frame is (RFC 6455 section 5.2).
public enum Opcode: UInt8, Hashable, Sendable {
  case continuation = 0
  case text = 1
  case binary = 2
  case close = 8
  case ping = 9
  case pong = 10

  /// Whether it may stand between the fragments of a message, is whole, and has 125 bytes at most (section 5.5).
  @inlinable public var isControl: Bool { rawValue >= 8 }
}

/// The header of a frame, taken apart.
struct FrameHeader {
  static let maxBytes = 14
  static let maxControlBytes = 125

  var opcode = Opcode.continuation
  var isFinal = false
  var isCompressed = false
  /// Its first byte in the lowest eight bits. 0, which changes nothing, where the frame is not masked.
  var mask: UInt32 = 0
  var payloadBytes = 0
  /// Of the header itself.
  var headerBytes = 0

  /// What a header is held against.
  struct Rules {
    /// Whether frames have to be masked, as those of a client; else they may not be.
    var isMasked: Bool
    var allowsCompression: Bool
    /// Whether a message has begun and not ended.
    var isInMessage: Bool
    /// What the message may still grow by.
    var roomBytes: Int
  }

  /// Reads the header that `bytes` begin with. Each of its bytes is judged before the next one, so that a header has the
  /// same fate in one piece and byte by byte.
  ///
  /// - Returns: nil while it is incomplete.
  static func read(_ bytes: Span<UInt8>, _ rules: Rules) throws(WebSocketFault) -> FrameHeader? {
    if bytes.isEmpty { return nil }
    var header = FrameHeader()
    try header.readFirst(bytes[0], rules)
    if bytes.count == 1 { return nil }
    let hasMask = bytes[1] & 0x80 != 0
    let short = Int(bytes[1] & 0x7F)
    if hasMask != rules.isMasked { throw hasMask ? .masked : .unmasked }
    if header.opcode.isControl, short > maxControlBytes { throw .controlTooLong }

    let lengthEnd = short < 126 ? 2 : short == 126 ? 4 : 10
    if bytes.count < lengthEnd { return nil }
    header.payloadBytes = short < 126 ? short : try longLength(bytes.extracting(2..<lengthEnd))
    if !header.opcode.isControl, header.payloadBytes > rules.roomBytes { throw .messageTooBig }

    header.headerBytes = lengthEnd + (hasMask ? 4 : 0)
    if bytes.count < header.headerBytes { return nil }
    for index in lengthEnd..<header.headerBytes {
      header.mask |= UInt32(bytes[index]) << UInt32(8 * (index - lengthEnd))
    }
    return header
  }

  private mutating func readFirst(_ byte: UInt8, _ rules: Rules) throws(WebSocketFault) {
    guard let opcode = Opcode(rawValue: byte & 0x0F) else { throw .reservedOpcode }
    self.opcode = opcode
    isFinal = byte & 0x80 != 0
    isCompressed = byte & 0x40 != 0
    let mayBeCompressed = rules.allowsCompression && (opcode == .text || opcode == .binary)
    if byte & 0x30 != 0 || isCompressed && !mayBeCompressed { throw .reservedBits }
    if opcode.isControl {
      if !isFinal { throw .fragmentedControl }
    } else if rules.isInMessage != (opcode == .continuation) {
      throw rules.isInMessage ? .messageInMessage : .strayContinuation
    }
  }

  /// - Parameter bytes: 2 or 8, in network order.
  private static func longLength(_ bytes: Span<UInt8>) throws(WebSocketFault) -> Int {
    var length: UInt64 = 0
    for index in bytes.indices { length = length << 8 | UInt64(bytes[index]) }
    if length < (bytes.count == 2 ? 126 : 65536) { throw .longLength }
    guard let length = Int(exactly: length) else { throw .badLength }
    return length
  }
}
