// SPDX-License-Identifier: Apache-2.0
import Bytes
import Wire

/// `RequestParser` against itself, in pieces and whole, and against ``PlainFraming``.
enum HTTPInvariants {
  /// A request without its places.
  struct Request: Hashable {
    var method: [UInt8]
    var target: [UInt8]
    var path: [UInt8]
    var query: [UInt8]?
    var authority: [UInt8]?
    var minorVersion: Int
    var fields: [[UInt8]]
    var contentLength: Int?
    var isChunked: Bool
    var keepsAlive: Bool
    var expectsContinue: Bool
    var body: [UInt8]

    init(_ head: RequestHead, in text: Span<UInt8>) {
      method = head.bytes(head.methodText, in: text)
      target = head.bytes(head.target, in: text)
      path = head.bytes(head.path, in: text)
      query = head.query.map { head.bytes($0, in: text) }
      authority = head.authority.map { head.bytes($0, in: text) }
      minorVersion = head.minorVersion
      fields = head.fields.flatMap { [head.bytes($0.name, in: text), head.bytes($0.value, in: text)] }
      contentLength = head.contentLength
      isChunked = head.isChunked
      keepsAlive = head.keepsAlive
      expectsContinue = head.expectsContinue
      body = head.bytes(head.body, in: text)
    }
  }

  /// What became of the bytes of one connection.
  struct Outcome: Hashable {
    var requests: [Request] = []
    /// Where each request ends in the bytes.
    var ends: [Int] = []
    var fault: HTTPFault?
    var phase = RequestParser.Phase.idle
  }

  /// Bounds that an input of some dozen bytes reaches.
  static let tight: HTTPLimits = {
    var limits = HTTPLimits()
    limits.maxRequestLineBytes = 40
    limits.maxHeadBytes = 160
    limits.maxHeaders = 5
    limits.maxBodyBytes = 12
    limits.maxChunkLineBytes = 10
    limits.maxTrailerBytes = 20
    return limits
  }()

  static func check(_ input: [UInt8]) throws(Violation) {
    for limits in [HTTPLimits(), tight] {
      var random = InputRandom(input)
      var whole: Outcome?
      for cuts in random.waysToCut(input.count) {
        let outcome = try outcome(of: input, cuts: cuts, limits)
        if let whole, whole != outcome {
          throw Violation("cut at \(cuts.prefix(20)): \(outcome); whole: \(whole)")
        }
        whole = outcome
      }
      if let whole { try checkFraming(whole, input, limits) }
    }
  }

  // MARK: feeding

  private static func outcome(
    of input: [UInt8], cuts: [Int], _ limits: HTTPLimits
  ) throws(Violation) -> Outcome {
    var parser = RequestParser()
    var head = RequestHead()
    var outcome = Outcome()
    var start = 0
    for end in cuts + [input.count] {
      try feed(input, start..<end, &parser, &head, limits, &outcome)
      start = end
      if outcome.fault != nil { break }
    }
    outcome.phase = parser.phase
    return outcome
  }

  private static func feed(
    _ input: [UInt8], _ piece: Range<Int>, _ parser: inout RequestParser, _ head: inout RequestHead,
    _ limits: HTTPLimits, _ outcome: inout Outcome
  ) throws(Violation) {
    var start = piece.lowerBound
    repeat {
      let unread = input.span.extracting(start..<piece.upperBound)
      let consumed: Int
      switch parser.parse(unread, limits: limits, into: &head) {
      case .needMore:
        let most = limits.maxHeadBytes + limits.maxBodyBytes + limits.maxChunkLineBytes + limits.maxTrailerBytes
        if parser.bufferedBytes > most { throw Violation("\(parser.bufferedBytes) bytes are kept") }
        return
      case .failed(let fault):
        outcome.fault = fault
        return
      case .inPlace(let count):
        outcome.requests.append(Request(head, in: unread))
        consumed = count
      case .buffered(let count):
        outcome.requests.append(Request(head, in: parser.text.span))
        parser.reset()
        consumed = count
      }
      guard consumed > 0 || start == piece.lowerBound, consumed <= unread.count else {
        throw Violation("\(consumed) of \(unread.count) bytes were consumed")
      }
      start += consumed
      outcome.ends.append(start)
    } while start < piece.upperBound
  }

  // MARK: framing

  /// Every request ends where a plain reader sees its end, has the body that it sees, and means the same when it is
  /// written down again.
  private static func checkFraming(_ outcome: Outcome, _ input: [UInt8], _ limits: HTTPLimits) throws(Violation) {
    var start = 0
    for (request, end) in zip(outcome.requests, outcome.ends) {
      guard let plain = PlainFraming.request(in: input, from: start) else {
        throw Violation("the request at \(start) has no sound framing: \(request)")
      }
      guard plain.end == end, plain.body == request.body else {
        throw Violation("the request from \(start) to \(end) should end at \(plain.end), with body \(plain.body)")
      }
      guard request.body.count <= limits.maxBodyBytes else { throw Violation("a body of \(request.body.count) bytes") }
      try checkRoundTrip(request)
      start = end
    }
  }

  private static func checkRoundTrip(_ request: Request) throws(Violation) {
    var text = request.method + [0x20] + request.target + Array(" HTTP/1.\(request.minorVersion)\r\n".utf8)
    for index in stride(from: 0, to: request.fields.count, by: 2) {
      text += request.fields[index] + Array(": ".utf8) + request.fields[index + 1] + [13, 10]
    }
    text += [13, 10]
    if request.isChunked {
      if !request.body.isEmpty {
        text += Array(String(request.body.count, radix: 16).utf8) + [13, 10] + request.body + [13, 10]
      }
      text += Array("0\r\n\r\n".utf8)
    } else {
      text += request.body
    }
    // The limits of the head count its bytes, of which blanks that were left out are no part.
    var limits = HTTPLimits()
    limits.maxHeadBytes = 1 << 20
    limits.maxRequestLineBytes = 1 << 20
    let again = try outcome(of: text, cuts: [], limits)
    guard again.requests == [request], again.ends == [text.count], again.fault == nil else {
      throw Violation("written down again, \(request) became \(again)")
    }
  }
}
