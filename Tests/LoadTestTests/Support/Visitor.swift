// SPDX-License-Identifier: Apache-2.0
import Bytes
import Reactor
import Wire

/// A connection of the canned server.
final class Visitor: Connection {
  private unowned let hub: Hub
  private var buffer: [UInt8] = []
  private(set) var isWebSocket = false
  private var frames = FrameParser()

  init(_ hub: Hub, adopting descriptor: Int32) throws(ReactorError) {
    self.hub = hub
    try super.init(on: hub.loop, adopting: descriptor)
  }

  override func closed(_ reason: CloseReason) { hub.visitors.removeAll { $0 === self } }

  override func received(_ bytes: Span<UInt8>) {
    buffer += Array(bytes)
    if isWebSocket { return takeFrames() }
    while let (head, body, length) = request() {
      buffer.removeFirst(length)
      if head.contains("Upgrade: websocket") { return upgrade(head) }
      take(head, body)
      if isClosed { return }
    }
  }

  /// The next whole request.
  private func request() -> (head: String, body: [UInt8], length: Int)? {
    let end = Array("\r\n\r\n".utf8)
    guard let at = buffer.indices.first(where: { buffer[$0...].starts(with: end) }) else { return nil }
    let head = String(decoding: buffer[..<at], as: UTF8.self)
    let length =
      head.split(separator: "\r\n").first { $0.hasPrefix("Content-Length: ") }
      .flatMap { Int($0.dropFirst(16)) } ?? 0
    guard buffer.count >= at + 4 + length else { return nil }
    return (head, Array(buffer[at + 4..<at + 4 + length]), at + 4 + length)
  }

  private func take(_ head: String, _ body: [UInt8]) {
    guard let value = try? JSONValue(parsing: body.span) else { return answer("no", status: 400) }
    if hub.faults.isOdd, !head.contains("Cookie: seen=1"), value[0]?["channel"]?.string != "/meta/handshake" {
      return answer("[]", status: 403)
    }
    if hub.faults.babbles, value[0]?["data"] != nil { return send(Array("what?\r\n\r\n      ".utf8)) }
    if let channel = value["channel"]?.string {
      hub.publish(channel, (value["data"] ?? .null).text)
      return answer("{}")
    }
    let replies = (value.elements ?? []).compactMap { hub.take($0, from: self) }
    if !replies.isEmpty { answer("[\(replies.joined(separator: ","))]") }
  }

  func answer(_ body: String, status: Int = 200) {
    if isWebSocket {
      var out = ByteWriter(capacity: 256)
      let bytes = Array(body.utf8)
      out.appendFrame(.text, bytes.span)
      return send(out.bytes)
    }
    guard hub.faults.isOdd else {
      return send(Array("HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8))
    }
    let middle = body.index(body.startIndex, offsetBy: body.count / 2)
    let parts = [String(body[..<middle]), String(body[middle...])].filter { !$0.isEmpty }
    let chunks = parts.map { "\(String($0.utf8.count, radix: 16));a=b\r\n\($0)\r\n" }.joined()
    let head = "HTTP/1.1 \(status) X\r\nSet-Cookie: seen=1; Path=/\r\nTransfer-Encoding: chunked\r\n\r\n"
    send(Array("\(head)\(chunks)0\r\nT: x\r\n\r\n".utf8))
  }

  // MARK: websocket

  private func upgrade(_ head: String) {
    let field = head.split(separator: "\r\n").first { $0.hasPrefix("Sec-WebSocket-Key: ") }
    let key = Array((field?.dropFirst(19) ?? "").utf8)
    let proof = String(decoding: WebSocketUpgrade.proof(for: key.span), as: UTF8.self)
    let lines = [
      "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: \(proof)",
    ]
    send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8))
    isWebSocket = true
    // A ping has to be answered, or at least borne.
    send([0x89, 0x01, 0x78])
    takeFrames()
  }

  private func takeFrames() {
    let bytes = buffer
    buffer = []
    var at = 0
    var scratch: [UInt8] = []
    while true {
      switch frames.parse(bytes.span.extracting(at..<bytes.count), limits: WebSocketLimits(), scratch: &scratch) {
      case .message(_, _, let consumed):
        at += consumed
        guard let value = try? JSONValue(parsing: scratch.span) else { return close(.local("not JSON")) }
        let replies = (value.elements ?? []).compactMap { hub.take($0, from: self) }
        // One frame each, as some servers do.
        for reply in replies { answer("[\(reply)]") }
      case .ping(let consumed), .pong(let consumed): at += consumed
      case .needMore: return
      case .close, .failed: return close(.peerClosed)
      }
    }
  }
}
