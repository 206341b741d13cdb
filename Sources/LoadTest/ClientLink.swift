// SPDX-License-Identifier: Apache-2.0
import Bytes
import Reactor
import Wire

/// The connection that carries a client's handshakes, subscriptions and polls: by long-polling, a request each.
class ClientLink: HTTPLink {
  final let client: LoadClient
  final var hasReceived = false

  init(_ client: LoadClient) throws {
    self.client = client
    try super.init(on: client.generator.loop, through: client.generator.dialer)
  }

  static func open(for client: LoadClient, _ generator: Generator) throws -> ClientLink {
    switch generator.plan.transport {
    case .longPolling: try ClientLink(client)
    case .websocket: try WebSocketLink(upgrading: client)
    }
  }

  final func noteReceived() {
    if hasReceived { return }
    hasReceived = true
    client.generator.hasConnected = true
  }

  /// What stands for these messages on this connection.
  func frame(_ body: [UInt8], _ writer: RequestWriter) -> [UInt8] { writer.request(body: body) }

  /// Sends what ``frame(_:_:)`` made.
  func transmit(_ bytes: UnsafeRawBufferPointer) { write(bytes) }

  override func responded(_ response: ParsedResponse, _ body: Span<UInt8>, _ text: Span<UInt8>) {
    noteReceived()
    client.generator.counters.responses += 1
    client.generator.counters.bytesReceived += body.count
    for cookie in response.cookies { client.took(cookie: text.extracting(cookie)) }
    if !response.keepsAlive { client.closeLink() }
    if response.status == 200 {
      client.took(body, isWholeAnswer: true)
    } else {
      client.broken("HTTP status \(response.status)")
      client.answered()
    }
  }

  override final func broke(_ fault: ResponseFault) {
    hasReceived = true
    client.broken(fault.rawValue)
  }

  override final func closed(_ reason: CloseReason) { client.linkClosed(self, reason) }
}
