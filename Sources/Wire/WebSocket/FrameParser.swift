// SPDX-License-Identifier: Apache-2.0
import Bytes

public enum MessageKind: UInt8, Hashable, Sendable { case text, binary }

/// What came of a call of ``FrameParser/parse(_:limits:scratch:)``. Payloads are in the caller's scratch, unmasked.
public enum FrameStep: Hashable, Sendable {
  /// All of the input was taken, and more is needed; after a close frame, nothing more is looked at.
  case needMore
  /// A message is complete. A text is UTF-8, unless it is compressed: then the scratch holds what it was compressed to,
  /// see ``MessageCompression``.
  case message(MessageKind, isCompressed: Bool, consumed: Int)
  /// To be answered with a pong of the same payload.
  case ping(consumed: Int)
  case pong(consumed: Int)
  /// The peer sends no more; it is to be answered with a close frame of the same code, unless ours went out before. nil
  /// where it gave no code. The reason, UTF-8, is in the scratch.
  case close(CloseCode?, consumed: Int)
  /// The connection has lost its framing.
  case failed(WebSocketFault)
}

/// Takes the bytes of a connection apart into messages and control frames (RFC 6455 sections 5 and 8.1), strictly.
///
/// A message that arrives in one frame and one read goes straight into the caller's scratch, with no allocation.
/// Anything else is gathered here: fragments, and behind them the part of a frame that is not complete. A length over
/// the limit is refused before its bytes come, and a text at its first byte that is not UTF-8.
///
/// Between messages a parser is 48 bytes and owns no memory, for one sits in every connection.
public struct FrameParser: Sendable {
  /// Which end of the connection it parses for: a server is sent masked frames, a client unmasked ones.
  public enum Side: UInt8, Sendable { case server, client }

  private enum Stage: UInt8 { case header, payload, closed }

  /// The message so far and, at its end, the payload so far of a control frame that came in between.
  private var gathered: [UInt8] = []
  /// Of the payload of the current frame.
  private var dueBytes = 0
  /// For the next byte of the payload.
  private var mask: UInt32 = 0
  /// A header that is not complete.
  private var header = InlineArray<14, UInt8>(repeating: 0)
  private var headerBytes: UInt8 = 0
  /// How many bytes at the end of `gathered` are of a control frame.
  private var controlBytes: UInt8 = 0
  private var opcode = Opcode.continuation
  private var isFinal = false
  private var stage = Stage.header
  /// The message that has begun; nil between messages.
  private var kind: MessageKind?
  private var isCompressed = false
  private var text = UTF8Check()
  private var fault: WebSocketFault?
  private let side: Side
  private let allowsCompression: Bool

  /// - Parameter allowsCompression: whether permessage-deflate was agreed, see ``WebSocketUpgrade/isCompressed``.
  public init(side: Side = .server, allowsCompression: Bool = false) {
    self.side = side
    self.allowsCompression = allowsCompression
  }

  /// Whether no part of a message or frame waits for its rest; while it does, ``WebSocketLimits/messageTimeout`` runs.
  public var isIdle: Bool { stage != .payload && headerBytes == 0 && kind == nil }

  /// Bytes of memory that hold a message in the making; 0 between messages.
  public var bufferedBytes: Int { gathered.capacity }

  /// Takes one message or control frame, or a part of one, from `input`.
  ///
  /// Call again with what is left of the input until it says ``FrameStep/needMore``, and then with the next bytes of the
  /// connection. A fault is final: every later call repeats it.
  ///
  /// - Parameters:
  ///   - input: the bytes that were not consumed yet; never a byte twice.
  ///   - scratch: is cleared, and filled where the step says so. One serves all connections of a loop. It keeps its
  ///     memory, up to ``WebSocketLimits/maxMessageBytes``, as long as nobody keeps a copy that shares it.
  public mutating func parse(_ input: Span<UInt8>, limits: WebSocketLimits, scratch: inout [UInt8]) -> FrameStep {
    scratch.removeAll(keepingCapacity: true)
    if let fault { return .failed(fault) }
    if stage == .closed { return .needMore }
    do throws(WebSocketFault) {
      var at = 0
      while true {
        if stage == .header {
          guard let header = try takeHeader(input, &at, limits) else { return .needMore }
          begin(header)
        }
        if let step = try takePayload(input, &at, &scratch) { return step }
        if stage == .payload { return .needMore }
      }
    } catch {
      gathered = []
      fault = error
      return .failed(error)
    }
  }
}

// MARK: the parts of a frame

extension FrameParser {
  /// - Returns: nil when the input ends before the header does.
  private mutating func takeHeader(
    _ input: Span<UInt8>, _ at: inout Int, _ limits: WebSocketLimits
  ) throws(WebSocketFault) -> FrameHeader? {
    let rules = FrameHeader.Rules(
      isMasked: side == .server, allowsCompression: allowsCompression, isInMessage: kind != nil,
      roomBytes: limits.maxMessageBytes - gathered.count)
    if headerBytes == 0, let whole = try FrameHeader.read(input.extracting(at...), rules) {
      at += whole.headerBytes
      return whole
    }
    while at < input.count {
      header[Int(headerBytes)] = input[at]
      headerBytes += 1
      at += 1
      if let whole = try FrameHeader.read(header.span.extracting(first: Int(headerBytes)), rules) {
        headerBytes = 0
        return whole
      }
    }
    return nil
  }

  private mutating func begin(_ header: FrameHeader) {
    stage = .payload
    opcode = header.opcode
    isFinal = header.isFinal
    mask = header.mask
    dueBytes = header.payloadBytes
    if opcode == .text || opcode == .binary {
      kind = opcode == .text ? .text : .binary
      isCompressed = header.isCompressed
    }
  }

  /// Takes what there is of the payload, into the scratch where that is all of it and of the message, else into memory
  /// of our own.
  ///
  /// - Returns: nil when it is not complete, or was a fragment with others to follow.
  private mutating func takePayload(
    _ input: Span<UInt8>, _ at: inout Int, _ scratch: inout [UInt8]
  ) throws(WebSocketFault) -> FrameStep? {
    let part = input.extracting(at..<at + min(dueBytes, input.count - at))
    at += part.count
    dueBytes -= part.count
    if opcode.isControl { takeControl(part, &scratch) } else { try takeData(part, &scratch) }
    mask = Masking.advanced(mask, by: part.count)
    if dueBytes > 0 { return nil }
    stage = .header
    if opcode.isControl { return try finishControl(&scratch, consumed: at) }
    return isFinal ? try finishMessage(&scratch, consumed: at) : nil
  }

  private mutating func takeControl(_ part: Span<UInt8>, _ scratch: inout [UInt8]) {
    if dueBytes == 0, controlBytes == 0 { return Self.unmask(part, mask, into: &scratch) }
    Self.unmask(part, mask, into: &gathered)
    controlBytes += UInt8(part.count)
  }

  private mutating func takeData(_ part: Span<UInt8>, _ scratch: inout [UInt8]) throws(WebSocketFault) {
    var check = text
    var isGood = true
    // What is compressed is no text yet.
    let isText = kind == .text && !isCompressed
    if dueBytes == 0, isFinal, gathered.isEmpty {
      Self.unmask(part, mask, into: &scratch)
      if isText { isGood = check.take(scratch.span) }
    } else {
      Self.unmask(part, mask, into: &gathered)
      if isText { isGood = check.take(gathered.span.extracting(last: part.count)) }
    }
    text = check
    if !isGood { throw .notUTF8 }
  }

  private static func unmask(_ part: Span<UInt8>, _ mask: UInt32, into target: inout [UInt8]) {
    let start = target.count
    part.withUnsafeBufferPointer { target.append(contentsOf: $0) }
    Masking.apply(mask, to: &target, from: start)
  }

  private mutating func finishMessage(
    _ scratch: inout [UInt8], consumed: Int
  ) throws(WebSocketFault) -> FrameStep? {
    guard let kind else { return nil }
    if !text.isComplete { throw .notUTF8 }
    if !gathered.isEmpty {
      // The scratch of a loop keeps its room for the many small messages.
      if scratch.capacity >= gathered.count { scratch += gathered } else { scratch = gathered }
      gathered = []
    }
    self.kind = nil
    return .message(kind, isCompressed: isCompressed, consumed: consumed)
  }

  private mutating func finishControl(
    _ scratch: inout [UInt8], consumed: Int
  ) throws(WebSocketFault) -> FrameStep {
    if controlBytes > 0 {
      scratch += gathered.suffix(Int(controlBytes))
      gathered.removeLast(Int(controlBytes))
      controlBytes = 0
      if gathered.isEmpty { gathered = [] }
    }
    switch opcode {
    case .ping: return .ping(consumed: consumed)
    case .pong: return .pong(consumed: consumed)
    default: return .close(try finishClose(&scratch), consumed: consumed)
    }
  }

  /// A close frame holds nothing, or a code and a reason (RFC 6455 section 5.5.1). Leaves the reason in the scratch.
  private mutating func finishClose(_ scratch: inout [UInt8]) throws(WebSocketFault) -> CloseCode? {
    stage = .closed
    gathered = []
    kind = nil
    if scratch.isEmpty { return nil }
    if scratch.count == 1 { throw .shortClose }
    let code = CloseCode(rawValue: UInt16(scratch[0]) << 8 | UInt16(scratch[1]))
    if !code.mayBeSent { throw .badCloseCode }
    scratch.removeFirst(2)
    var reason = UTF8Check()
    guard reason.take(scratch.span), reason.isComplete else { throw .notUTF8 }
    return code
  }
}
