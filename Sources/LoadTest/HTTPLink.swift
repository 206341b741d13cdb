// SPDX-License-Identifier: Apache-2.0
import Bytes
import Reactor
import Wire

/// A connection on which responses come. Usually a response is one read, and is used where the loop read it.
class HTTPLink: Connection {
  /// What came of a response that is not all there.
  private final var pending: [UInt8] = []
  private final var needed = 0

  /// Whether the connection has left HTTP: what comes goes to ``receivedRaw(_:)``.
  final var isRaw = false

  func receivedRaw(_ bytes: Span<UInt8>) {}

  /// A response, interim ones but for 101 excepted; `text` is what its offsets count in.
  func responded(_ response: ParsedResponse, _ body: Span<UInt8>, _ text: Span<UInt8>) {}

  /// What came is no response; the connection is of no use any more and is closed next.
  func broke(_ fault: ResponseFault) {}

  override final func received(_ bytes: Span<UInt8>) {
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
