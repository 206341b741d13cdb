// SPDX-License-Identifier: Apache-2.0
import Bytes

/// Why bytes are no HTTP/1.1 response.
public enum ResponseFault: String, Error, Sendable {
  case notHTTP = "not an HTTP/1 response"
  case badField = "a malformed header field"
  case badLength = "a malformed Content-Length"
  case badChunk = "a malformed chunk"
  case headTooLong = "the head of the response is too long"
  case bodyTooLong = "the response is too long"
  case truncated = "the connection ended in the middle of a response"
}

/// One response, found in a buffer. Offsets count from the start of that buffer.
public struct ParsedResponse: Sendable {
  public fileprivate(set) var status = 0
  /// Whether the connection may carry another request.
  public fileprivate(set) var keepsAlive = true
  /// The whole body where the response is not chunked.
  public fileprivate(set) var body = 0..<0
  /// The body where the response is chunked, put together.
  public fileprivate(set) var chunks: [UInt8]?
  /// What the response took of the buffer.
  public fileprivate(set) var end = 0
  /// Values of `Set-Cookie`.
  public fileprivate(set) var cookies: [Range<Int>] = []
}

/// What a response may measure, so that no server fills our memory.
public struct ResponseLimits: Sendable, Hashable {
  /// Status line and fields. Four times what servers write in their worst.
  public var maxHeadBytes = 64 << 10
  public var maxBodyBytes: Int

  public init(maxBodyBytes: Int) { self.maxBodyBytes = maxBodyBytes }
}

public enum ParsedOutcome: Sendable {
  case complete(ParsedResponse)
  /// The response is not all there; it cannot be before the buffer holds so many bytes.
  case incomplete(atLeast: Int)
}

/// Finds responses in what a server sent (RFC 9112 sections 4, 6 and 7).
///
/// It keeps nothing: an unfinished response is looked at again with more bytes, and `atLeast` keeps that from being
/// done in vain. Nothing is copied unless a body is chunked.
public enum ResponseParser {
  /// - Parameters:
  ///   - bytes: all that came and was not used yet.
  ///   - limits: what is longer is a fault.
  ///   - ended: whether the server sent its end; a response without a length ends there.
  public static func parse(
    _ bytes: Span<UInt8>, from start: Int, limits: ResponseLimits, ended: Bool = false
  ) throws(ResponseFault) -> ParsedOutcome {
    guard bytes.count - start >= 12 else { return try unfinished(bytes, ended, start + 12) }
    guard ASCII.equal(bytes.extracting(start..<start + 7), "HTTP/1."),
      let status = ASCII.decimal(bytes.extracting(start + 9..<start + 12)), status >= 100
    else { throw .notHTTP }
    var response = ParsedResponse()
    response.status = status
    response.keepsAlive = bytes[start + 7] != UInt8(ascii: "0")
    var fields = Fields()
    var line = start
    // The status line counts as a line without meaning.
    var isFirst = true
    while true {
      guard let feed = lineFeed(bytes, from: line) else {
        if bytes.count - start > limits.maxHeadBytes { throw .headTooLong }
        return try unfinished(bytes, ended, bytes.count + 1)
      }
      let end = feed > line && bytes[feed - 1] == 0x0D ? feed - 1 : feed
      if end == line { return try body(bytes, from: feed + 1, fields, response, limits, ended) }
      if !isFirst { try fields.take(bytes, line..<end, limits, &response) }
      isFirst = false
      line = feed + 1
    }
  }

  private static func lineFeed(_ bytes: Span<UInt8>, from start: Int) -> Int? {
    var at = start
    while at < bytes.count {
      if bytes[at] == 0x0A { return at }
      at &+= 1
    }
    return nil
  }

  private static func unfinished(
    _ bytes: Span<UInt8>, _ ended: Bool, _ atLeast: Int
  ) throws(ResponseFault) -> ParsedOutcome {
    if ended { throw .truncated }
    return .incomplete(atLeast: max(atLeast, bytes.count + 1))
  }

  /// What the head says of the body.
  private struct Fields {
    var length: Int?
    var isChunked = false

    mutating func take(
      _ bytes: Span<UInt8>, _ line: Range<Int>, _ limits: ResponseLimits, _ response: inout ParsedResponse
    ) throws(ResponseFault) {
      // Most fields are of no concern; their first letter tells.
      let first = bytes[line.lowerBound] | 0x20
      guard first == UInt8(ascii: "c") || first == UInt8(ascii: "t") || first == UInt8(ascii: "s") else { return }
      var colon = line.lowerBound
      while colon < line.upperBound, bytes[colon] != UInt8(ascii: ":") { colon += 1 }
      guard colon < line.upperBound else { throw .badField }
      let name = bytes.extracting(line.lowerBound..<colon)
      var start = colon + 1
      var end = line.upperBound
      while start < end, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
      while end > start, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
      let value = bytes.extracting(start..<end)
      if ASCII.equalIgnoringCase(name, "content-length") {
        guard let length = ASCII.decimal(value), self.length == nil || self.length == length else { throw .badLength }
        guard length <= limits.maxBodyBytes else { throw .bodyTooLong }
        self.length = length
      } else if ASCII.equalIgnoringCase(name, "connection") {
        if ASCII.equalIgnoringCase(value, "close") { response.keepsAlive = false }
        if ASCII.equalIgnoringCase(value, "keep-alive") { response.keepsAlive = true }
      } else if ASCII.equalIgnoringCase(name, "transfer-encoding") {
        isChunked = value.count >= 7 && ASCII.equalIgnoringCase(value.extracting(last: 7), "chunked")
      } else if ASCII.equalIgnoringCase(name, "set-cookie") {
        response.cookies.append(start..<end)
      }
    }
  }

  private static func body(
    _ bytes: Span<UInt8>, from start: Int, _ fields: Fields, _ head: ParsedResponse, _ limits: ResponseLimits,
    _ ended: Bool
  ) throws(ResponseFault) -> ParsedOutcome {
    var response = head
    let hasNone = response.status < 200 || response.status == 204 || response.status == 304
    if !hasNone, fields.isChunked { return try chunked(bytes, from: start, response, limits, ended) }
    let length: Int
    if hasNone {
      length = 0
    } else if let given = fields.length {
      length = given
    } else {
      // It lasts until the server ends.
      guard bytes.count - start <= limits.maxBodyBytes else { throw .bodyTooLong }
      guard ended else { return .incomplete(atLeast: bytes.count + 1) }
      response.keepsAlive = false
      length = bytes.count - start
    }
    guard bytes.count - start >= length else { return try unfinished(bytes, ended, start + length) }
    response.body = start..<start + length
    response.end = start + length
    return .complete(response)
  }

  private static func chunked(
    _ bytes: Span<UInt8>, from start: Int, _ head: ParsedResponse, _ limits: ResponseLimits, _ ended: Bool
  ) throws(ResponseFault) -> ParsedOutcome {
    var response = head
    var body: [UInt8] = []
    var at = start
    while true {
      guard let feed = lineFeed(bytes, from: at) else { return try unfinished(bytes, ended, bytes.count + 1) }
      let size = try chunkSize(bytes, at..<feed, limits)
      at = feed + 1
      if size == 0 { break }
      guard body.count + size <= limits.maxBodyBytes else { throw .bodyTooLong }
      guard bytes.count >= at + size + 2 else { return try unfinished(bytes, ended, at + size + 2) }
      bytes.extracting(at..<at + size).withUnsafeBufferPointer { body.append(contentsOf: $0) }
      guard bytes[at + size] == 0x0D, bytes[at + size + 1] == 0x0A else { throw .badChunk }
      at += size + 2
    }
    // Trailers end with an empty line.
    while true {
      guard let feed = lineFeed(bytes, from: at) else { return try unfinished(bytes, ended, bytes.count + 1) }
      let isEmpty = feed == at || feed == at + 1 && bytes[at] == 0x0D
      at = feed + 1
      if isEmpty { break }
    }
    response.chunks = body
    response.end = at
    return .complete(response)
  }

  private static func chunkSize(
    _ bytes: Span<UInt8>, _ line: Range<Int>, _ limits: ResponseLimits
  ) throws(ResponseFault) -> Int {
    var size = 0
    var digits = 0
    for at in line {
      guard let digit = ASCII.hexValue(bytes[at]) else {
        let byte = bytes[at]
        guard byte == UInt8(ascii: ";") || byte == 0x0D || byte == 0x20 else { throw .badChunk }
        break
      }
      digits += 1
      size = size << 4 | Int(digit)
      guard size <= limits.maxBodyBytes else { throw .bodyTooLong }
    }
    guard digits > 0 else { throw .badChunk }
    return size
  }
}
