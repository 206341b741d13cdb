// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing
import Wire

/// A request as a test compares it: no ranges, only what they mean.
struct SeenRequest: Hashable {
  var method = HTTPMethod.get
  var methodText = "GET"
  var target = "/"
  var path = "/"
  var query: String?
  var minorVersion = 1
  var fields: [String] = []
  var body = ""
  var keepsAlive = true

  init() {}

  init(_ head: RequestHead, in text: Span<UInt8>) {
    method = head.method
    methodText = head.string(head.methodText, in: text)
    target = head.string(head.target, in: text)
    path = head.string(head.path, in: text)
    query = head.query.map { head.string($0, in: text) }
    minorVersion = head.minorVersion
    fields = head.fields.map { head.string($0.name, in: text) + "=" + head.string($0.value, in: text) }
    body = head.string(head.body, in: text)
    keepsAlive = head.keepsAlive
  }
}

/// What became of a connection's bytes.
struct Outcome: Hashable {
  var requests: [SeenRequest] = []
  var fault: HTTPFault?
  /// Where the parser is at the end.
  var phase = RequestParser.Phase.idle
}

enum Feed {
  /// Gives `bytes` to one parser in pieces that end at `cuts`, as the owner of a connection would.
  static func outcome(of bytes: [UInt8], cuts: some Sequence<Int>, limits: HTTPLimits = HTTPLimits()) -> Outcome {
    var parser = RequestParser()
    var head = RequestHead()
    var outcome = Outcome()
    var start = 0
    for cut in cuts {
      feed(bytes, start..<cut, &parser, &head, limits, &outcome)
      start = cut
      if outcome.fault != nil { return outcome }
    }
    feed(bytes, start..<bytes.count, &parser, &head, limits, &outcome)
    outcome.phase = parser.phase
    return outcome
  }

  private static func feed(
    _ bytes: [UInt8], _ piece: Range<Int>, _ parser: inout RequestParser, _ head: inout RequestHead,
    _ limits: HTTPLimits, _ outcome: inout Outcome
  ) {
    var start = piece.lowerBound
    repeat {
      let input = bytes.span.extracting(start..<piece.upperBound)
      switch parser.parse(input, limits: limits, into: &head) {
      case .needMore: return
      case .failed(let fault):
        outcome.fault = fault
        return
      case .inPlace(let consumed):
        outcome.requests.append(SeenRequest(head, in: input))
        start += consumed
      case .buffered(let consumed):
        outcome.requests.append(SeenRequest(head, in: parser.text.span))
        parser.reset()
        start += consumed
      }
    } while start < piece.upperBound
  }

  /// The outcome of the whole, after checking that it is the same byte by byte and cut at every offset.
  ///
  /// Texts of more than 1000 bytes are cut at fewer places: a million bytes are parsed at most.
  static func everyWay(
    _ bytes: [UInt8], limits: HTTPLimits = HTTPLimits(), sourceLocation: SourceLocation = #_sourceLocation
  ) -> Outcome {
    let whole = outcome(of: bytes, cuts: [], limits: limits)
    #expect(outcome(of: bytes, cuts: 0..<bytes.count, limits: limits) == whole, sourceLocation: sourceLocation)
    for cut in stride(from: 1, to: bytes.count, by: bytes.count * bytes.count / 1_000_000 + 1) {
      let split = outcome(of: bytes, cuts: [cut], limits: limits)
      if split != whole {
        Issue.record("cut at \(cut): \(split), whole: \(whole)", sourceLocation: sourceLocation)
        break
      }
    }
    return whole
  }

  static func everyWay(
    _ text: String, limits: HTTPLimits = HTTPLimits(), sourceLocation: SourceLocation = #_sourceLocation
  ) -> Outcome {
    everyWay(Array(text.utf8), limits: limits, sourceLocation: sourceLocation)
  }
}

/// What stands behind a request on its connection, to see that the request ends where it should.
let pipelined = "GET /next HTTP/1.1\r\nHost: n\r\n\r\n"

/// Checks that `text` is one request, whichever way it comes and whatever follows, and returns it.
func request(
  _ text: String, limits: HTTPLimits = HTTPLimits(), sourceLocation: SourceLocation = #_sourceLocation
) throws -> SeenRequest {
  let outcome = Feed.everyWay(text + pipelined, limits: limits, sourceLocation: sourceLocation)
  #expect(outcome.fault == nil, sourceLocation: sourceLocation)
  #expect(outcome.phase == .idle, sourceLocation: sourceLocation)
  #expect(outcome.requests.count == 2, sourceLocation: sourceLocation)
  #expect(outcome.requests.last?.path == "/next", sourceLocation: sourceLocation)
  return try #require(outcome.requests.first, sourceLocation: sourceLocation)
}

/// Checks that `text` is refused, whichever way it comes and whatever follows.
func fault(
  _ text: String, limits: HTTPLimits = HTTPLimits(), sourceLocation: SourceLocation = #_sourceLocation
) -> HTTPFault? {
  let outcome = Feed.everyWay(text + pipelined, limits: limits, sourceLocation: sourceLocation)
  #expect(outcome.requests.isEmpty, sourceLocation: sourceLocation)
  return outcome.fault
}

/// A parser with its head, fed with text.
///
/// Its functions take no `Span`, which the macro `#expect` cannot carry.
struct TestConnection {
  var parser = RequestParser()
  var head = RequestHead()
  var limits = HTTPLimits()
  private var input: [UInt8] = []
  private var step = ParseStep.needMore(sendContinue: false)

  init() {}

  /// A connection that has parsed `text`.
  init(_ text: String) { _ = parse(text) }

  mutating func parse(_ text: some StringProtocol) -> ParseStep {
    let bytes = Array(text.utf8)
    input = bytes
    step = parser.parse(bytes.span, limits: limits, into: &head)
    return step
  }

  /// The text that the head's ranges are ranges of.
  var text: [UInt8] {
    if case .buffered = step { return parser.text }
    return input
  }

  var request: SeenRequest { SeenRequest(head, in: text.span) }

  func string(_ range: Range<Int>?) -> String? { range.map { head.string($0, in: text.span) } }
  func value(of name: StaticString) -> String? { string(head.value(of: name, in: text.span)) }
  func values(of name: StaticString) -> [String?] { head.values(of: name, in: text.span).map(string) }
  func count(of name: StaticString) -> Int { head.count(of: name, in: text.span) }
  func lists(_ token: StaticString, in name: StaticString) -> Bool { head.lists(token, in: name, of: text.span) }
  func cookie(_ name: StaticString) -> String? { head.cookie(name, in: text.span) }
  var host: String? { string(head.host(in: text.span)) }
}
