// SPDX-License-Identifier: Apache-2.0
import Wire

/// RFC 6455 section 5 once more, over input that lies there whole: what it holds up to the first frame that is
/// incomplete or not allowed.
struct PlainFrames {
  let bytes: [UInt8]
  let setting: FrameInvariants.Setting
  /// Whether it stopped at a frame that is not allowed.
  private(set) var isBroken = false
  private var at = 0
  private var message: (kind: MessageKind, payload: [UInt8], isCompressed: Bool)?

  init(bytes: [UInt8], setting: FrameInvariants.Setting) {
    self.bytes = bytes
    self.setting = setting
  }

  private struct Frame {
    var first: UInt8
    var payload: [UInt8]
    var opcode: UInt8 { first & 15 }
    var isFinal: Bool { first & 0x80 != 0 }
    var isCompressed: Bool { first & 0x40 != 0 }
  }

  mutating func events() -> [FrameInvariants.Event] {
    var events: [FrameInvariants.Event] = []
    while let frame = frame() {
      guard let event = take(frame) else { continue }
      guard !isBroken else { return events }
      events.append(event)
      if case .close = event { return events }
    }
    return events
  }

  private mutating func number(_ count: Int) -> Int? {
    guard bytes.count - at >= count else { return nil }
    defer { at += count }
    return bytes[at..<at + count].reduce(0) { $0 << 8 | Int($1) }
  }

  /// - Returns: nil at the end, at an incomplete frame, and at a length that is not allowed.
  private mutating func frame() -> Frame? {
    guard !isBroken, let first = number(1), let second = number(1) else { return nil }
    var length = second & 0x7F
    if length == 126 {
      guard let long = number(2) else { return nil }
      if long < 126 { isBroken = true }
      length = long
    } else if length == 127 {
      guard let long = number(8) else { return nil }
      if long < 65536 { isBroken = true }
      length = long
    }
    let isMasked = second & 0x80 != 0
    if isMasked != (setting.side == .server) { isBroken = true }
    if isBroken { return nil }
    var mask: [UInt8] = [0, 0, 0, 0]
    if isMasked {
      guard bytes.count - at >= 4 else { return nil }
      mask = Array(bytes[at..<at + 4])
      at += 4
    }
    guard bytes.count - at >= length else { return nil }
    defer { at += length }
    let payload = bytes[at..<at + length].enumerated().map { $1 ^ mask[$0 % 4] }
    return Frame(first: UInt8(first), payload: payload)
  }

  /// - Returns: nil for a fragment that others follow; anything, with ``isBroken`` set, where the frame is not allowed.
  private mutating func take(_ frame: Frame) -> FrameInvariants.Event? {
    let refused = FrameInvariants.Event.failed(.reservedBits)
    isBroken = frame.first & 0x30 != 0 || ![0, 1, 2, 8, 9, 10].contains(frame.opcode)
    if frame.opcode >= 8 {
      isBroken = isBroken || !frame.isFinal || frame.isCompressed || frame.payload.count > 125
      return isBroken ? refused : control(frame)
    }
    let begins = frame.opcode != 0
    isBroken = isBroken || begins == (message != nil)
    isBroken = isBroken || frame.isCompressed && !(setting.allowsCompression && begins)
    if isBroken { return refused }
    if begins { message = (frame.opcode == 1 ? .text : .binary, [], frame.isCompressed) }
    message?.payload += frame.payload
    guard let whole = message else { return nil }
    let isTooLong = whole.payload.count > setting.limits.maxMessageBytes
    guard frame.isFinal, !isTooLong else {
      isBroken = isTooLong
      return isTooLong ? refused : nil
    }
    message = nil
    isBroken = whole.kind == .text && !whole.isCompressed && String(validating: whole.payload, as: UTF8.self) == nil
    return .message(whole.kind, whole.payload, isCompressed: whole.isCompressed)
  }

  private mutating func control(_ frame: Frame) -> FrameInvariants.Event {
    switch frame.opcode {
    case 9: return .ping(frame.payload)
    case 10: return .pong(frame.payload)
    default:
      guard frame.payload.count >= 2 else {
        isBroken = !frame.payload.isEmpty
        return .close(nil, reason: [])
      }
      let code = UInt16(frame.payload[0]) << 8 | UInt16(frame.payload[1])
      let reason = Array(frame.payload.dropFirst(2))
      let isAllowed =
        (1000...1014).contains(code) && ![1004, 1005, 1006].contains(code) || (3000...4999).contains(code)
      isBroken = !isAllowed || String(validating: reason, as: UTF8.self) == nil
      return .close(code, reason: reason)
    }
  }
}
