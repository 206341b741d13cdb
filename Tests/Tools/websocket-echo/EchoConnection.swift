// SPDX-License-Identifier: Apache-2.0
import Bytes
import Reactor
import Wire

/// What the connections of one loop share.
final class EchoMemory {
  var head = RequestHead()
  var scratch: [UInt8] = []
  var writer = ByteWriter(capacity: 65536, headroom: ResponseHead.recommendedHeadroom)
  let httpLimits = HTTPLimits()
  let limits: WebSocketLimits

  init(maxMessageBytes: Int) {
    var limits = WebSocketLimits()
    limits.maxMessageBytes = maxMessageBytes
    self.limits = limits
  }
}

/// Becomes a WebSocket, and sends each message back as it came.
final class EchoConnection: Connection {
  private let memory: EchoMemory
  private var requests = RequestParser()
  /// Once the connection is a WebSocket.
  private var frames: FrameParser?
  private var isEnding = false

  init(on loop: EventLoop, adopting descriptor: Int32, memory: EchoMemory) throws(ReactorError) {
    self.memory = memory
    try super.init(on: loop, adopting: descriptor)
  }

  override func received(_ bytes: Span<UInt8>) {
    let consumed = frames == nil ? receiveRequest(bytes) : 0
    if let consumed, !isEnding { receiveFrames(bytes.extracting(consumed...)) }
    // A peer that does not read gets nothing more to be sent.
    if pendingBytes > 0 { pauseReading() }
  }

  override func drained() { resumeReading() }

  /// - Returns: what the upgrade took of the bytes; nil while there is none.
  private func receiveRequest(_ bytes: Span<UInt8>) -> Int? {
    switch requests.parse(bytes, limits: memory.httpLimits, into: &memory.head) {
    case .needMore: return nil
    case .failed(let fault):
      refuse(fault.status, fault.sentence)
      return nil
    case .inPlace(let consumed):
      upgrade(bytes)
      return consumed
    case .buffered(let consumed):
      let text = requests.text
      requests.reset()
      upgrade(text.span)
      return consumed
    }
  }

  private func upgrade(_ text: Span<UInt8>) {
    do throws(UpgradeFault) {
      let upgrade = try WebSocketUpgrade(memory.head, in: text)
      upgrade.appendResponse(to: &memory.writer)
      flush()
      frames = FrameParser(allowsCompression: upgrade.isCompressed)
    } catch {
      refuse(error.status, error.sentence, error.fields)
    }
  }

  private func receiveFrames(_ bytes: Span<UInt8>) {
    var at = 0
    while let consumed = receiveFrame(bytes.extracting(at...)) { at += consumed }
  }

  /// - Returns: what the frame took of the bytes; nil where they are used up, or the connection is over.
  private func receiveFrame(_ bytes: Span<UInt8>) -> Int? {
    guard let step = frames?.parse(bytes, limits: memory.limits, scratch: &memory.scratch) else { return nil }
    switch step {
    case .needMore: return nil
    case .pong(let consumed): return consumed
    case .message(let kind, _, let consumed):
      send(kind == .text ? .text : .binary)
      return consumed
    case .ping(let consumed):
      send(.pong)
      return consumed
    case .close(let code, _):
      end(code)
      return nil
    case .failed(let fault):
      end(fault.closeCode, fault.sentence)
      return nil
    }
  }

  /// A frame with what is in the scratch.
  private func send(_ opcode: Opcode) {
    let payload = memory.scratch
    memory.writer.appendFrame(opcode, payload.span)
    flush()
  }

  private func end(_ code: CloseCode?, _ reason: String = "") {
    memory.writer.appendCloseFrame(code, reason: reason)
    finish()
  }

  private func refuse(_ status: Int, _ sentence: String, _ fields: [UInt8] = []) {
    memory.writer.append(sentence)
    memory.writer.append("\n")
    memory.writer.prependHead(
      status: status, contentType: "text/plain", fields: fields, date: [], keepsAlive: false,
      minorVersion: 1, bodyBytes: nil)
    finish()
  }

  private func finish() {
    flush()
    isEnding = true
    closeAfterDraining(by: loop.now + memory.limits.closeTimeout)
  }

  private func flush() {
    send(memory.writer.bytes)
    memory.writer.clear(keepingAtMost: 65536)
  }
}
