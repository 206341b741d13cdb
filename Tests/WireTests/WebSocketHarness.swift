// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing
import Wire

/// What a connection's bytes became, with payloads instead of places.
enum SeenFrame: Hashable, CustomStringConvertible {
  case message(MessageKind, [UInt8], isCompressed: Bool = false)
  case ping([UInt8])
  case pong([UInt8])
  case close(CloseCode?, String)
  case failed(WebSocketFault)

  static func text(_ text: String) -> SeenFrame { .message(.text, Array(text.utf8)) }
  static func binary(_ bytes: [UInt8]) -> SeenFrame { .message(.binary, bytes) }

  /// Short, for a message may have 64 KiB.
  var description: String {
    switch self {
    case .message(let kind, let bytes, let isCompressed):
      "\(kind)\(isCompressed ? " compressed" : "") \(bytes.count) \(bytes.prefix(8))"
    case .ping(let bytes): "ping \(bytes.count) \(bytes.prefix(8))"
    case .pong(let bytes): "pong \(bytes.count) \(bytes.prefix(8))"
    case .close(let code, let reason): "close \(code?.rawValue ?? 0) \(reason)"
    case .failed(let fault): "failed \(fault)"
    }
  }
}

/// One end of a WebSocket, fed by a test. Its functions take no `Span`, which the macro `#expect` cannot carry.
struct FrameFeed {
  var parser: FrameParser
  var limits: WebSocketLimits
  var scratch: [UInt8] = []
  var seen: [SeenFrame] = []

  init(
    _ side: FrameParser.Side = .server, allowsCompression: Bool = false, limits: WebSocketLimits = WebSocketLimits()
  ) {
    parser = FrameParser(side: side, allowsCompression: allowsCompression)
    self.limits = limits
  }

  /// Gives one read of the connection to the parser, as its owner would.
  mutating func feed(_ bytes: some Collection<UInt8>) {
    let input = Array(bytes)
    var start = 0
    while let consumed = step(input, from: start) { start += consumed }
  }

  /// A copy that does not share its memory with the scratch, which would have to move then.
  private var payload: [UInt8] { [UInt8](scratch.span) }

  /// - Returns: what was consumed; nil when there is nothing more to come.
  private mutating func step(_ input: [UInt8], from start: Int) -> Int? {
    switch parser.parse(input.span.extracting(start...), limits: limits, scratch: &scratch) {
    case .needMore: return nil
    case .failed(let fault):
      seen.append(.failed(fault))
      return nil
    case .message(let kind, let isCompressed, let consumed):
      seen.append(.message(kind, payload, isCompressed: isCompressed))
      return consumed
    case .ping(let consumed):
      seen.append(.ping(payload))
      return consumed
    case .pong(let consumed):
      seen.append(.pong(payload))
      return consumed
    case .close(let code, let consumed):
      seen.append(.close(code, String(decoding: scratch, as: UTF8.self)))
      return consumed
    }
  }

  /// Feeds `bytes` in pieces that end at `cuts`; stops at a fault.
  func seeing(_ bytes: [UInt8], cuts: some Sequence<Int>) -> [SeenFrame] {
    var end = self
    var start = 0
    for cut in cuts {
      end.feed(bytes[start..<cut])
      start = cut
      if case .failed = end.seen.last { return end.seen }
    }
    end.feed(bytes[start...])
    return end.seen
  }

  /// What `bytes` become, after checking that it is the same in one piece, byte by byte and cut at every offset.
  ///
  /// What has more than 1000 bytes is cut at fewer places, for the sake of time.
  func everyWay(_ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) -> [SeenFrame] {
    let whole = seeing(bytes, cuts: [])
    #expect(seeing(bytes, cuts: 0..<bytes.count) == whole, "byte by byte", sourceLocation: sourceLocation)
    for cut in stride(from: 1, to: bytes.count, by: bytes.count / 1000 + 1) {
      let split = seeing(bytes, cuts: [cut])
      if split != whole {
        Issue.record("cut at \(cut): \(split), whole: \(whole)", sourceLocation: sourceLocation)
        break
      }
    }
    return whole
  }

  /// How many of the bytes it takes until a fault is told, and which one.
  func faultPoint(_ bytes: [UInt8]) -> (bytes: Int, fault: WebSocketFault)? {
    var end = self
    for (index, byte) in bytes.enumerated() {
      end.feed([byte])
      if case .failed(let fault) = end.seen.last { return (index + 1, fault) }
    }
    return nil
  }
}

/// A frame put together by hand, so that the parser is not tested by the writer alone.
///
/// - Parameters:
///   - first: its first byte.
///   - lengthBytes: 0, 2 or 8, how many bytes the length takes besides the first seven bits; the shortest form if nil.
///   - mask: nil for a frame of a server.
func frame(
  _ first: UInt8, _ payload: [UInt8] = [], lengthBytes: Int? = nil, mask: [UInt8]? = [0x37, 0xFA, 0x21, 0x3D]
) -> [UInt8] {
  let lengthBytes = lengthBytes ?? (payload.count < 126 ? 0 : payload.count < 65536 ? 2 : 8)
  var bytes = [
    first, (mask == nil ? 0 : 0x80) | (lengthBytes == 0 ? UInt8(payload.count) : lengthBytes == 2 ? 126 : 127),
  ]
  for index in (0..<lengthBytes).reversed() { bytes.append(UInt8(truncatingIfNeeded: payload.count >> (8 * index))) }
  guard let mask else { return bytes + payload }
  return bytes + mask + payload.enumerated().map { $1 ^ mask[$0 % 4] }
}

func frame(_ first: UInt8, _ text: String, mask: [UInt8]? = [0x37, 0xFA, 0x21, 0x3D]) -> [UInt8] {
  frame(first, Array(text.utf8), mask: mask)
}

/// The payload of a close frame.
func closePayload(_ code: UInt16, _ reason: String = "") -> [UInt8] {
  [UInt8(code >> 8), UInt8(code & 0xFF)] + Array(reason.utf8)
}

/// SplitMix64: the same numbers for the same seed on every machine.
struct FrameRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: Int) { state = UInt64(seed) }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }

  mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }

  /// UTF-8 of about `count` bytes, characters of all lengths mixed.
  mutating func text(_ count: Int) -> [UInt8] {
    let ranges: [ClosedRange<UInt32>] = [0...0x7F, 0x80...0x7FF, 0x800...0xD7FF, 0xE000...0xFFFF, 0x10000...0x10FFFF]
    var text = ""
    while text.utf8.count < count {
      let range = Bool.random(using: &self) ? 0x20...0x7E : ranges[Int.random(in: 0..<5, using: &self)]
      text.unicodeScalars.append(Unicode.Scalar(UInt32.random(in: range, using: &self)) ?? "?")
    }
    return Array(text.utf8)
  }
}
