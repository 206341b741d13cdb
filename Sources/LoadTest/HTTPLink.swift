// SPDX-License-Identifier: Apache-2.0
import Bytes
import Reactor
import Wire

/// A connection on which responses come. Usually a response is one read, and is used where the loop read it.
class HTTPLink: Connection {
  /// What came of a response that is not all there.
  private final var pending: [UInt8] = []
  private final var needed = 0

  /// nil where what is sent goes over the connection as it is.
  private final let tls: TLSSession?

  /// Opens a connection that is under way; what is written waits for it.
  init(on loop: EventLoop, through dialer: Dialer) throws {
    tls = try dialer.secure()
    try super.init(on: loop, adopting: try dialer.dial())
    guard let tls else { return }
    try tls.start()
    send(tls.takeOutput())
  }

  /// Whether the connection has left HTTP: what comes goes to ``receivedRaw(_:)``.
  final var isRaw = false

  func receivedRaw(_ bytes: Span<UInt8>) {}

  /// A response, interim ones but for 101 excepted; `text` is what its offsets count in.
  func responded(_ response: ParsedResponse, _ body: Span<UInt8>, _ text: Span<UInt8>) {}

  /// What came is no response; the connection is of no use any more and is closed next.
  func broke(_ fault: ResponseFault) {}

  /// Sends `bytes`, in TLS where the server has it.
  final func write(_ bytes: UnsafeRawBufferPointer) {
    guard let tls else { return send(bytes) }
    do throws(TLSFault) {
      try tls.write(bytes)
      send(tls.takeOutput())
    } catch {
      // It is over already, and the loop says so.
    }
  }

  final func write(_ bytes: [UInt8]) { bytes.withUnsafeBytes { write($0) } }

  override final func received(_ bytes: Span<UInt8>) {
    guard let tls else { return take(bytes) }
    do throws(TLSFault) {
      let plain = try tls.receive(bytes)
      send(tls.takeOutput())
      if !plain.isEmpty { take(plain.span) }
    } catch {
      // The alert that says why.
      send(tls.takeOutput())
      close(.local(error.text))
    }
  }

  private final func take(_ bytes: Span<UInt8>) {
    if isRaw { return receivedRaw(bytes) }
    if pending.isEmpty { return process(bytes, ended: false) }
    bytes.withUnsafeBufferPointer { pending.append(contentsOf: $0) }
    if pending.count < needed { return }
    let whole = pending
    pending = []
    process(whole.span, ended: false)
  }

  override func readEnded() {
    if !pending.isEmpty {
      let whole = pending
      pending = []
      process(whole.span, ended: true)
    }
    close(.peerClosed)
  }

  private final func process(_ bytes: Span<UInt8>, ended: Bool) {
    var at = 0
    do throws(ResponseFault) {
      while at < bytes.count, !isClosed {
        switch try ResponseParser.parse(bytes, from: at, limits: LoadLimits.responses, ended: ended) {
        case .incomplete(let atLeast):
          pending = Array(bytes.extracting(at..<bytes.count))
          needed = atLeast - at
          return
        case .complete(let response):
          at = response.end
          if response.status < 200, response.status != 101 { continue }
          if let chunks = response.chunks {
            responded(response, chunks.span, bytes)
          } else {
            responded(response, bytes.extracting(response.body), bytes)
          }
          if isRaw {
            if at < bytes.count { receivedRaw(bytes.extracting(at..<bytes.count)) }
            return
          }
        }
      }
    } catch {
      broke(error)
      close(.local("no HTTP"))
    }
  }
}
