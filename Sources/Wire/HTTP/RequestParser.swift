// SPDX-License-Identifier: Apache-2.0
import Bytes

/// What came of a call of ``RequestParser/parse(_:limits:into:)``.
public enum ParseStep: Hashable, Sendable {
  /// All of the input was taken, and the request goes on. `sendContinue` is true once, when the client waits for
  /// `100 Continue` before it sends its body.
  case needMore(sendContinue: Bool)
  /// The request lies whole in the input, in its first `consumed` bytes; the head's ranges are ranges of the input.
  case inPlace(consumed: Int)
  /// The request is complete in ``RequestParser/text``, of which the head's ranges are ranges. `consumed` bytes of the
  /// input belonged to it.
  case buffered(consumed: Int)
  /// The request is refused, and the connection has lost its framing.
  case failed(HTTPFault)
}

/// Takes the bytes of a connection apart into requests (RFC 9112).
///
/// A request that arrives in one piece is parsed where it lies, with no copy and no allocation. Anything else is
/// gathered in ``text``: the head as it came, and behind it the decoded body. Lines of chunk framing stand there only
/// until they are complete. Each byte is looked at a bounded number of times, however it arrives.
///
/// An idle parser is 32 bytes and owns no memory, for one sits in every connection.
public struct RequestParser: Sendable {
  /// How far a request has come; each phase has its own deadline.
  public enum Phase: Hashable, Sendable { case idle, head, body }

  private enum Stage: UInt8 {
    case requestLine, fields, sizedBody, chunkSize, chunkData, chunkDataEnd, trailers, complete
  }

  /// The gathered text, after a step ``ParseStep/buffered(consumed:)`` the whole request.
  public private(set) var text: [UInt8] = []
  /// Bytes that are still due: of the body, or of the current chunk. In trailers, bytes of them so far.
  private var count = 0
  /// Where the current line begins in ``text``. In a chunked body that is the end of what is decoded.
  private var lineStart: Int32 = 0
  /// The length of the head in ``text`` once it is complete.
  private var headBytes: Int32 = 0
  private var fieldCount: Int32 = 0
  private var stage = Stage.requestLine
  private var hasSkippedEmptyLine = false
  private var fault: HTTPFault?

  public init() {}

  public var phase: Phase {
    switch stage {
    case .requestLine: text.isEmpty ? .idle : .head
    case .fields: .head
    default: .body
    }
  }

  /// Bytes of memory that hold a request in the making.
  public var bufferedBytes: Int { text.count }

  /// Bytes of the decoded body so far, to measure the pace of its sender.
  public var receivedBodyBytes: Int {
    switch stage {
    case .requestLine, .fields: 0
    case .sizedBody, .chunkData: text.count - Int(headBytes)
    case .chunkSize, .chunkDataEnd, .trailers, .complete: Int(lineStart - headBytes)
    }
  }

  /// Forgets the request that was buffered, and gives its memory back.
  public mutating func reset() { self = RequestParser() }

  /// Takes one request, or a part of one, from `input`.
  ///
  /// Call again with what is left of the input while requests come out, and with the next bytes of the connection after
  /// ``ParseStep/needMore(sendContinue:)``. A fault is final: every later call repeats it.
  ///
  /// - Parameters:
  ///   - input: the bytes that were not consumed yet; never a byte twice.
  ///   - head: what the request says, after a step that completes one; else of no meaning.
  public mutating func parse(
    _ input: Span<UInt8>, limits: HTTPLimits, into head: inout RequestHead
  ) -> ParseStep {
    if let fault { return .failed(fault) }
    if stage == .complete { reset() }
    do throws(HTTPFault) {
      if stage == .requestLine, text.isEmpty, let step = try begin(input, limits: limits, &head) { return step }
      return try gather(input, from: 0, limits: limits, &head)
    } catch {
      reset()
      fault = error
      return .failed(error)
    }
  }
}

// MARK: in place

extension RequestParser {
  /// Parses a request from its first byte on.
  ///
  /// - Returns: nil if not even its head is complete.
  private mutating func begin(
    _ input: Span<UInt8>, limits: HTTPLimits, _ head: inout RequestHead
  ) throws(HTTPFault) -> ParseStep? {
    var start = 0
    // One empty line before the request line is forgiven (RFC 9112 section 2.2): old clients end a body with one.
    if !hasSkippedEmptyLine, input.count >= 2, input[0] == Characters.carriageReturn,
      input[1] == Characters.lineFeed
    {
      start = 2
    }
    guard let headEnd = try head.read(input, from: start, limits: limits) else { return nil }
    let end = headEnd + (head.contentLength ?? 0)
    if !head.isChunked, end <= input.count {
      head.body = headEnd..<end
      hasSkippedEmptyLine = false
      return .inPlace(consumed: end)
    }
    append(input, start..<headEnd)
    beginBody(head)
    let isAwaited = head.expectsContinue && headEnd == input.count
    let step = try gather(input, from: headEnd, limits: limits, &head)
    return isAwaited ? .needMore(sendContinue: true) : step
  }
}

// MARK: gathering

extension RequestParser {
  /// Takes the input from `start` on into ``text``, until the request is complete or the input is used up.
  private mutating func gather(
    _ input: Span<UInt8>, from start: Int, limits: HTTPLimits, _ head: inout RequestHead
  ) throws(HTTPFault) -> ParseStep {
    var at = start
    var sendContinue = false
    while stage != .complete {
      let wasInHead = stage == .fields
      guard try advance(input, &at, limits: limits, &head) else { return .needMore(sendContinue: sendContinue) }
      if wasInHead, stage != .fields { sendContinue = head.expectsContinue && at == input.count }
    }
    let bodyEnd = text.count
    lineStart = Int32(truncatingIfNeeded: bodyEnd)
    // The caller's head has served other connections since this one's was complete.
    _ = try head.read(text.span, from: 0, limits: limits)
    head.body = Int(headBytes)..<bodyEnd
    return .buffered(consumed: at)
  }

  /// Takes the next line, or the next stretch of body.
  ///
  /// - Returns: false when the input is used up before its end.
  private mutating func advance(
    _ input: Span<UInt8>, _ at: inout Int, limits: HTTPLimits, _ head: inout RequestHead
  ) throws(HTTPFault) -> Bool {
    switch stage {
    case .requestLine, .fields:
      return try takeHeadLine(input, &at, limits: limits, &head)
    case .sizedBody:
      guard take(input, &at) else { return false }
      stage = .complete
    case .chunkSize:
      guard let line = try takeLine(input, &at, limits.maxChunkLineBytes, .chunkLineTooLong) else { return false }
      try readChunkSize(line, limits: limits)
    case .chunkData:
      guard take(input, &at) else { return false }
      lineStart = Int32(truncatingIfNeeded: text.count)
      stage = .chunkDataEnd
    case .chunkDataEnd:
      guard let line = try takeLine(input, &at, 2, .badChunk) else { return false }
      guard line.count == 2, text[line.lowerBound] == Characters.carriageReturn else { throw .badChunk }
      dropLine()
      stage = .chunkSize
    case .trailers:
      return try takeTrailer(input, &at, limits: limits)
    case .complete:
      return false
    }
    return true
  }

  private mutating func takeHeadLine(
    _ input: Span<UInt8>, _ at: inout Int, limits: HTTPLimits, _ head: inout RequestHead
  ) throws(HTTPFault) -> Bool {
    if text.isEmpty, at < input.count { try RequestHead.checkFirst(input[at]) }
    let end = Characters.lineEnd(in: input, from: at)
    let stop = end ?? input.count
    try limits.checkHead(bytes: text.count + stop - at, inRequestLine: stage == .requestLine)
    append(input, at..<stop)
    at = stop
    guard end != nil else { return false }
    let line = try Characters.content(of: Int(lineStart)..<text.count, in: text.span)
    if stage == .requestLine {
      if line.isEmpty, !hasSkippedEmptyLine {
        text = []
        hasSkippedEmptyLine = true
        return true
      }
      try head.readRequestLine(text.span, line)
      stage = .fields
    } else if line.isEmpty {
      _ = try head.read(text.span, from: 0, limits: limits)
      beginBody(head)
      return true
    } else {
      guard Int(fieldCount) < limits.maxHeaders else { throw .tooManyHeaders }
      _ = try RequestHead.field(text.span, line)
      fieldCount += 1
    }
    lineStart = Int32(truncatingIfNeeded: text.count)
    return true
  }

  /// ``text`` holds the complete head, which `head` describes.
  private mutating func beginBody(_ head: RequestHead) {
    headBytes = Int32(truncatingIfNeeded: text.count)
    lineStart = headBytes
    count = head.contentLength ?? 0
    stage = head.isChunked ? .chunkSize : count > 0 ? .sizedBody : .complete
  }

  /// Takes body bytes until none is due.
  private mutating func take(_ input: Span<UInt8>, _ at: inout Int) -> Bool {
    let length = min(count, input.count - at)
    append(input, at..<at + length)
    at += length
    count -= length
    return count == 0
  }

  /// Takes a line into the end of ``text``.
  ///
  /// - Returns: the complete line with its LF; nil when the input ends before it.
  private mutating func takeLine(
    _ input: Span<UInt8>, _ at: inout Int, _ maxBytes: Int, _ tooLong: HTTPFault
  ) throws(HTTPFault) -> Range<Int>? {
    let end = Characters.lineEnd(in: input, from: at)
    let stop = end ?? input.count
    guard text.count - Int(lineStart) + stop - at <= maxBytes else { throw tooLong }
    append(input, at..<stop)
    at = stop
    return end == nil ? nil : Int(lineStart)..<text.count
  }

  private mutating func dropLine() { text.removeSubrange(Int(lineStart)...) }

  private mutating func append(_ input: Span<UInt8>, _ range: Range<Int>) {
    input.extracting(range).withUnsafeBufferPointer { text.append(contentsOf: $0) }
  }
}

// MARK: chunks

extension RequestParser {
  /// `chunk-size [ chunk-ext ] CRLF` (RFC 9112 section 7.1). Extensions are passed over.
  private mutating func readChunkSize(_ line: Range<Int>, limits: HTTPLimits) throws(HTTPFault) {
    let content = try Characters.content(of: line, in: text.span)
    var at = content.lowerBound
    var size = 0
    while at < content.upperBound, let digit = ASCII.hexValue(text[at]) {
      size = size << 4 | Int(digit)
      at += 1
      // 15 digits cannot overflow, and no honest chunk has as many.
      guard at - content.lowerBound <= 15 else { throw .badChunk }
    }
    guard at > content.lowerBound, at == content.upperBound || text[at] == UInt8(ascii: ";") else { throw .badChunk }
    for index in at..<content.upperBound where !Characters.isFieldText(text[index]) { throw .badChunk }
    dropLine()
    guard size <= limits.maxBodyBytes - receivedBodyBytes else { throw .bodyTooLarge }
    stage = size == 0 ? .trailers : .chunkData
    count = size
  }

  /// The trailer section (RFC 9112 section 7.1.2): read as strictly as the head, and dropped.
  private mutating func takeTrailer(
    _ input: Span<UInt8>, _ at: inout Int, limits: HTTPLimits
  ) throws(HTTPFault) -> Bool {
    guard let line = try takeLine(input, &at, limits.maxTrailerBytes - count, .trailersTooLarge) else { return false }
    count += line.count
    let content = try Characters.content(of: line, in: text.span)
    if content.isEmpty {
      stage = .complete
    } else {
      do { _ = try RequestHead.field(text.span, content) } catch { throw .badTrailer }
    }
    dropLine()
    return true
  }
}
