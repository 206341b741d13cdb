// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing
import Wire

/// What is written is what is read, however it is fragmented, interleaved and cut; and no bytes bring the parser down.
struct WebSocketPropertyTests {
  @Test(arguments: 0..<60)
  func whatIsWrittenIsRead(seed: Int) {
    var talk = Conversation(seed: seed, messages: 12, maxBytes: 3000)
    let bytes = talk.bytes
    let end = FrameFeed(talk.side)
    #expect(end.seeing(bytes, cuts: []) == talk.expected)
    for _ in 0..<10 {
      #expect(end.seeing(bytes, cuts: talk.cuts(of: bytes.count, about: 40)) == talk.expected)
    }
    #expect(end.seeing(bytes, cuts: 0..<bytes.count) == talk.expected)
  }

  @Test(arguments: 60..<66)
  func whatIsWrittenIsReadAlsoWhereItIsLong(seed: Int) {
    var talk = Conversation(seed: seed, messages: 3, maxBytes: 300_000)
    let bytes = talk.bytes
    let end = FrameFeed(talk.side)
    #expect(end.seeing(bytes, cuts: []) == talk.expected)
    #expect(end.seeing(bytes, cuts: talk.cuts(of: bytes.count, about: 30)) == talk.expected)
  }

  /// A few bits of a good conversation are turned: whatever that means, it means the same however it is cut.
  @Test(arguments: 100..<400)
  func brokenFramesHaveOneFate(seed: Int) {
    var talk = Conversation(seed: seed, messages: 4, maxBytes: 140)
    var bytes = talk.bytes
    for _ in 0..<Int.random(in: 1...4, using: &talk.random) {
      bytes[Int.random(in: 0..<bytes.count, using: &talk.random)] ^=
        1 << UInt8.random(in: 0..<8, using: &talk.random)
    }
    var limits = WebSocketLimits()
    limits.maxMessageBytes = 400
    let end = FrameFeed(talk.side, allowsCompression: seed % 2 == 0, limits: limits)
    let whole = end.seeing(bytes, cuts: [])
    #expect(end.seeing(bytes, cuts: 0..<bytes.count) == whole)
    for _ in 0..<10 { #expect(end.seeing(bytes, cuts: talk.cuts(of: bytes.count, about: 5)) == whole) }
  }

  /// From the first byte on, of which one in two begins a header that is allowed.
  @Test func anyBytesHaveOneFate() {
    var random = FrameRandom(seed: 7)
    for _ in 0..<5000 {
      let starts: [UInt8] = [0x81, 0x82, 0x01, 0x02, 0x88, 0x89, 0x8A]
      var bytes = random.bytes(Int.random(in: 1...40, using: &random))
      if Bool.random(using: &random) {
        bytes[0] = starts.randomElement(using: &random) ?? 0
        if bytes.count > 1 { bytes[1] |= 0x80 }
      }
      let whole = FrameFeed().seeing(bytes, cuts: [])
      let parts = FrameFeed().seeing(bytes, cuts: 0..<bytes.count)
      if parts != whole { Issue.record("\(bytes): \(parts), whole: \(whole)") }
    }
  }
}

/// The frames of a random conversation, and what they mean.
private struct Conversation {
  let side: FrameParser.Side
  var random: FrameRandom
  private(set) var bytes: [UInt8] = []
  private(set) var expected: [SeenFrame] = []

  init(seed: Int, messages: Int, maxBytes: Int) {
    side = seed % 3 == 0 ? .client : .server
    random = FrameRandom(seed: seed)
    for _ in 0..<messages { message(maxBytes: maxBytes) }
    if Bool.random(using: &random) { close() }
  }

  private mutating func message(maxBytes: Int) {
    let size = Int.random(in: 0...3, using: &random) == 0 ? 0 : Int.random(in: 0...maxBytes, using: &random)
    let isText = Bool.random(using: &random)
    let payload = isText ? random.text(size) : random.bytes(size)
    let cuts = Bool.random(using: &random) ? [] : cuts(of: payload.count, about: 4)
    var start = 0
    for (index, end) in (cuts + [payload.count]).enumerated() {
      let opcode: Opcode = index > 0 ? .continuation : isText ? .text : .binary
      append(opcode, Array(payload[start..<end]), isFinal: index == cuts.count)
      start = end
      if index < cuts.count { control() }
    }
    expected.append(.message(isText ? .text : .binary, payload))
    control()
  }

  /// None, one or several control frames.
  private mutating func control() {
    while Int.random(in: 0...2, using: &random) == 0 {
      let payload = random.bytes(Int.random(in: 0...125, using: &random))
      let isPing = Bool.random(using: &random)
      append(isPing ? .ping : .pong, payload)
      expected.append(isPing ? .ping(payload) : .pong(payload))
    }
  }

  private mutating func close() {
    let code = Bool.random(using: &random) ? CloseCode(rawValue: UInt16.random(in: 3000...4999, using: &random)) : nil
    let reason = code == nil ? "" : String(decoding: random.text(20), as: UTF8.self)
    append(.close, code?.payload(reason: reason) ?? [])
    expected.append(.close(code, reason))
  }

  private mutating func append(_ opcode: Opcode, _ payload: [UInt8], isFinal: Bool = true) {
    var writer = ByteWriter()
    switch side {
    case .server:
      let mask = UInt32.random(in: 0...UInt32.max, using: &random)
      writer.appendMaskedFrame(opcode, payload.span, mask: mask, isFinal: isFinal)
    case .client: writer.appendFrame(opcode, payload.span, isFinal: isFinal)
    }
    bytes += writer.array
  }

  /// Places in order, the same one now and then twice.
  mutating func cuts(of length: Int, about count: Int) -> [Int] {
    (0..<Int.random(in: 0...2 * count, using: &random)).map { _ in Int.random(in: 0...length, using: &random) }.sorted()
  }
}
