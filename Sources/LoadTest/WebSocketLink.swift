// SPDX-License-Identifier: Apache-2.0
import Bytes
import Reactor
import Wire

/// A client's connection as a websocket (RFC 6455): an upgrade, then a text frame for each array of messages.
final class WebSocketLink: ClientLink {
  private var parser = FrameParser(side: .client)
  /// What the client wanted to send before the upgrade was through.
  private var waiting: [UInt8] = []
  private let key: String
  private static let limits: WebSocketLimits = {
    var limits = WebSocketLimits()
    limits.maxMessageBytes = LoadLimits.responseBytes
    return limits
  }()

  init(upgrading client: LoadClient) throws {
    var random = SystemRandomNumberGenerator()
    // 16 bytes in base64, of which the last character can only be one of four.
    let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    key = Identifiers.text(21, of: alphabet, using: &random) + "A=="
    try super.init(client)
    let plan = client.generator.plan
    let user =
      plan.sendsUsers && client.index >= 0 ? ["\(plan.options.userHeader): \(plan.user(client.index))"] : []
    let lines =
      [
        "GET \(plan.url.path) HTTP/1.1", "Host: \(plan.url.authority)", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Key: \(key)", "Sec-WebSocket-Version: 13",
      ] + plan.options.headers + user
    write(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8))
  }

  /// A mask of zero leaves the payload as it is, so that a poll is built once and only its id is changed. The mask keeps
  /// browsers from writing what they like into a connection; here nobody else decides what is written.
  override func frame(_ body: [UInt8], _ writer: RequestWriter) -> [UInt8] {
    var out = ByteWriter(capacity: body.count + FrameWriter.maxMaskedHeaderBytes)
    out.appendMaskedFrame(.text, body.span, mask: 0)
    return out.array
  }

  override func transmit(_ bytes: UnsafeRawBufferPointer) {
    if isRaw { write(bytes) } else { waiting += bytes }
  }

  override func responded(_ response: ParsedResponse, _ body: Span<UInt8>, _ text: Span<UInt8>) {
    noteReceived()
    for cookie in response.cookies { client.took(cookie: text.extracting(cookie)) }
    let proof = WebSocketUpgrade.proof(for: Array(key.utf8).span)
    guard response.status == 101, Self.contains(text.extracting(0..<response.end), proof) else {
      client.broken("no websocket: HTTP status \(response.status)")
      return close(.local("no websocket"))
    }
    isRaw = true
    write(waiting)
    waiting = []
  }

  private static func contains(_ text: Span<UInt8>, _ part: [UInt8]) -> Bool {
    guard text.count >= part.count else { return false }
    return (0...text.count - part.count).contains { start in
      part.indices.allSatisfy { text[start + $0] == part[$0] }
    }
  }

  override func receivedRaw(_ bytes: Span<UInt8>) {
    let generator = client.generator
    generator.counters.bytesReceived += bytes.count
    var scratch = generator.frameScratch
    generator.frameScratch = []
    defer { generator.frameScratch = scratch }
    var at = 0
    while !isClosed {
      switch parser.parse(bytes.extracting(at..<bytes.count), limits: Self.limits, scratch: &scratch) {
      case .needMore: return
      case .message(_, _, let consumed):
        at += consumed
        generator.counters.responses += 1
        client.took(scratch.span, isWholeAnswer: false)
      case .ping(let consumed):
        at += consumed
        var out = ByteWriter(capacity: scratch.count + FrameWriter.maxMaskedHeaderBytes)
        out.appendMaskedFrame(.pong, scratch.span, mask: 0)
        write(out.bytes)
      case .pong(let consumed): at += consumed
      case .close: return close(.peerClosed)
      case .failed(let fault):
        client.broken("websocket: \(fault)")
        return close(.local("broken websocket"))
      }
    }
  }
}
