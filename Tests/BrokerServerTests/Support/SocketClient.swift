// SPDX-License-Identifier: Apache-2.0
import Bytes
import Deflate
import Synchronization
import Wire

/// A WebSocket to a broker, frame by frame.
final class SocketClient: Sendable {
  enum Frame: Equatable {
    case messages([JSONValue])
    case ping([UInt8])
    case pong([UInt8])
    case close(UInt16?)
  }

  private struct State {
    var parser = FrameParser(side: .client)
    var unread: [UInt8] = []
    /// Messages that came compressed.
    var compressed = 0
  }

  let line: RawClient
  private let state = Mutex(State())

  /// Opens the connection, and the WebSocket on it.
  ///
  /// - Parameter compresses: whether it offers permessage-deflate, and fails unless the broker agrees.
  init(
    _ broker: RunningBroker, user: String? = nil, query: String = "", fields: [String] = [], compresses: Bool = false
  ) throws {
    line = try broker.client()
    let offer = compresses ? ["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"] : []
    try line.send(Self.request(line, query: query, (user.map { ["gms_user: \($0)"] } ?? []) + fields + offer))
    var head: [UInt8] = []
    while !head.suffix(4).elementsEqual([13, 10, 13, 10]) { head += try line.read(atMost: 1) }
    let text = String(decoding: head, as: UTF8.self)
    if compresses { state.withLock { $0.parser = FrameParser(side: .client, allowsCompression: true) } }
    let agreement = "permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
    guard text.hasPrefix("HTTP/1.1 101 "), text.contains(agreement) == compresses,
      text.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")
    else {
      throw ClientError.malformed(text)
    }
  }

  static func request(_ line: RawClient, query: String = "", _ fields: [String]) -> String {
    line.text(
      "GET", "/genesys/cometd\(query)", nil,
      ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: \(key)"] + fields)
  }

  private static let key = "dGhlIHNhbXBsZSBub25jZQ=="

  func send(_ messages: JSONValue...) throws { try send(.text, JSONValue.array(messages).encoded) }

  func send(_ opcode: Opcode, _ payload: [UInt8]) throws {
    var writer = ByteWriter(capacity: payload.count + 32)
    writer.appendMaskedFrame(opcode, payload.span, mask: 0x1234_5678)
    try line.send(writer.array)
  }

  /// Sends messages compressed.
  func sendCompressed(_ text: [UInt8]) throws {
    guard let deflate = Deflate() else { throw ClientError.malformed("no memory") }
    var packed = ByteWriter(capacity: text.count + 64)
    deflate.compress(text.span, into: &packed)
    let payload = packed.array
    var writer = ByteWriter(capacity: payload.count + 32)
    writer.appendMaskedFrame(.text, payload.span, mask: 0x1234_5678, isCompressed: true)
    try line.send(writer.array)
  }

  /// How many messages came compressed so far.
  var compressedMessages: Int { state.withLock { $0.compressed } }

  func receive() throws -> Frame {
    while true {
      if let frame = try state.withLock({ try Self.next(&$0) }) { return frame }
      let bytes = try line.read()
      if bytes.isEmpty { throw ClientError.ended(after: "") }
      state.withLock { $0.unread += bytes }
    }
  }

  /// The messages of the next frame.
  func messages() throws -> [JSONValue] {
    let frame = try receive()
    guard case .messages(let messages) = frame else { throw ClientError.malformed("\(frame)") }
    return messages
  }

  func call(_ messages: JSONValue...) throws -> [JSONValue] {
    try send(.text, JSONValue.array(messages).encoded)
    return try self.messages()
  }

  /// Shakes hands and connects once; the session.
  func shake() throws -> String {
    let id = try call(["channel": "/meta/handshake", "version": "1.0"])[0]["clientId"]?.string ?? ""
    _ = try call(["channel": "/meta/connect", "clientId": .string(id), "connectionType": "websocket"])
    return id
  }

  private static func next(_ state: inout State) throws -> Frame? {
    if state.unread.isEmpty { return nil }
    var scratch: [UInt8] = []
    let unread = state.unread
    func taken(_ count: Int, _ frame: Frame) -> Frame {
      state.unread.removeFirst(count)
      return frame
    }
    switch state.parser.parse(unread.span, limits: WebSocketLimits(), scratch: &scratch) {
    case .needMore:
      state.unread = []
      return nil
    case .message(let kind, true, let consumed):
      state.compressed += 1
      guard let deflate = Deflate() else { throw ClientError.malformed("no memory") }
      var plain: [UInt8] = []
      try deflate.open(kind, scratch.span, into: &plain, limits: WebSocketLimits())
      return taken(consumed, .messages(try JSONValue(parsing: plain.span).elements ?? []))
    case .message(_, false, let consumed):
      return taken(consumed, .messages(try JSONValue(parsing: scratch.span).elements ?? []))
    case .ping(let consumed): return taken(consumed, .ping(scratch))
    case .pong(let consumed): return taken(consumed, .pong(scratch))
    case .close(let code, let consumed): return taken(consumed, .close(code?.rawValue))
    case .failed(let fault): throw ClientError.malformed(fault.sentence)
    }
  }
}
