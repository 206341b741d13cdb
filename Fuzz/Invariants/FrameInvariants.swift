// SPDX-License-Identifier: Apache-2.0
import Bytes
import Wire

/// `FrameParser` against itself, in pieces and whole, and against ``PlainFrames``; and what it read, written again.
enum FrameInvariants {
  enum Event: Hashable {
    case message(MessageKind, [UInt8], isCompressed: Bool)
    case ping([UInt8])
    case pong([UInt8])
    case close(UInt16?, reason: [UInt8])
    case failed(WebSocketFault)
  }

  struct Setting {
    var side = FrameParser.Side.server
    var allowsCompression = false
    var limits = WebSocketLimits()

    /// - Parameter byte: bit 0 is a client, bit 1 compression, bit 2 a limit that short inputs reach.
    init(_ byte: UInt8) {
      if byte & 1 != 0 { side = .client }
      allowsCompression = byte & 2 != 0
      if byte & 4 != 0 { limits.maxMessageBytes = 20 }
    }
  }

  static func check(_ input: [UInt8]) throws(Violation) {
    guard let first = input.first else { return }
    let setting = Setting(first)
    let bytes = Array(input.dropFirst())
    var random = InputRandom(input)
    var whole: [Event]?
    for cuts in random.waysToCut(bytes.count) {
      let events = try events(of: bytes, cuts: cuts, setting)
      if let whole, whole != events { throw Violation("cut at \(cuts.prefix(20)): \(events); whole: \(whole)") }
      whole = events
    }
    guard let whole else { return }
    try compare(whole, bytes, setting)
    try checkRoundTrip(whole, setting)
  }

  // MARK: feeding

  private static func events(of bytes: [UInt8], cuts: [Int], _ setting: Setting) throws(Violation) -> [Event] {
    var parser = FrameParser(side: setting.side, allowsCompression: setting.allowsCompression)
    var scratch: [UInt8] = []
    var events: [Event] = []
    var start = 0
    for end in cuts + [bytes.count] {
      while true {
        let unread = bytes.span.extracting(start..<end)
        let step = parser.parse(unread, limits: setting.limits, scratch: &scratch)
        guard let (event, consumed) = event(step, scratch) else { break }
        events.append(event)
        if case .failed = event { return events }
        guard consumed > 0, consumed <= unread.count else {
          throw Violation("\(consumed) of \(unread.count) bytes were consumed")
        }
        start += consumed
      }
      start = end
    }
    return events
  }

  /// - Returns: nil when more input is needed.
  private static func event(_ step: FrameStep, _ scratch: [UInt8]) -> (Event, consumed: Int)? {
    let payload = [UInt8](scratch.span)
    switch step {
    case .needMore: return nil
    case .message(let kind, let isCompressed, let consumed):
      return (.message(kind, payload, isCompressed: isCompressed), consumed)
    case .ping(let consumed): return (.ping(payload), consumed)
    case .pong(let consumed): return (.pong(payload), consumed)
    case .close(let code, let consumed): return (.close(code?.rawValue, reason: payload), consumed)
    case .failed(let fault): return (.failed(fault), 0)
    }
  }

  // MARK: comparing

  /// What was accepted is what a plain reader sees, and nothing that it refuses was accepted.
  private static func compare(_ events: [Event], _ bytes: [UInt8], _ setting: Setting) throws(Violation) {
    var frames = PlainFrames(bytes: bytes, setting: setting)
    let expected = frames.events()
    guard case .failed(let fault) = events.last else {
      if frames.isBroken || events != expected {
        throw Violation("\(events), a plain reader: \(expected), broken: \(frames.isBroken)")
      }
      return
    }
    let sound = Array(events.dropLast())
    // A text is refused at its first wrong byte; the plain reader looks at whole messages, and at the controls between.
    let agree = fault == .notUTF8 ? expected.starts(with: sound) : sound == expected
    guard agree else { throw Violation("\(fault) after \(sound), a plain reader: \(expected)") }
  }

  private static func checkRoundTrip(_ events: [Event], _ setting: Setting) throws(Violation) {
    var writer = ByteWriter()
    var sound = events
    if case .failed = sound.last { sound.removeLast() }
    for event in sound {
      switch event {
      case .message(let kind, let payload, let isCompressed):
        append(kind == .text ? .text : .binary, payload, isCompressed, setting, &writer)
      case .ping(let payload): append(.ping, payload, false, setting, &writer)
      case .pong(let payload): append(.pong, payload, false, setting, &writer)
      case .close(let code, let reason):
        let prefix = code.map { [UInt8($0 >> 8), UInt8($0 & 0xFF)] } ?? []
        append(.close, prefix + reason, false, setting, &writer)
      case .failed: break
      }
    }
    let again = try self.events(of: writer.array, cuts: [], setting)
    if again != sound { throw Violation("written again, \(sound) became \(again)") }
  }

  private static func append(
    _ opcode: Opcode, _ payload: [UInt8], _ isCompressed: Bool, _ setting: Setting, _ writer: inout ByteWriter
  ) {
    if setting.side == .server {
      writer.appendMaskedFrame(opcode, payload.span, mask: 0xA1B2_C3D4, isCompressed: isCompressed)
    } else {
      writer.appendFrame(opcode, payload.span, isCompressed: isCompressed)
    }
  }
}
