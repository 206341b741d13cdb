// SPDX-License-Identifier: Apache-2.0
import Bytes
import Reactor
import Wire

/// A connection that publishes: one request at a time.
final class PublishLink: HTTPLink {
  private unowned let generator: Generator
  /// Which of the worker's publishers it is.
  let slot: Int
  /// When the request that is under way was sent.
  private(set) var sent: Instant?

  init(_ generator: Generator, slot: Int, _ dialer: Dialer) throws {
    self.generator = generator
    self.slot = slot
    try super.init(on: generator.loop, through: dialer)
  }

  var isIdle: Bool { sent == nil && !isClosed }

  func publish(_ request: UnsafeRawBufferPointer, now: Instant) {
    sent = now
    write(request)
  }

  override func responded(_ response: ParsedResponse, _ body: Span<UInt8>, _ text: Span<UInt8>) {
    if let sent { generator.publishAnswered(after: EventLoop.clock() - sent, status: response.status, body) }
    sent = nil
    if !response.keepsAlive { close(.local("not kept alive")) }
    generator.pump()
  }

  override func broke(_ fault: ResponseFault) { generator.problem(fault.rawValue) }

  override func closed(_ reason: CloseReason) {
    guard sent != nil, generator.isActive else { return }
    sent = nil
    generator.publishFailed("a publishing connection ended: \(reason)")
  }
}
