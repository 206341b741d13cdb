// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes
import Wire

/// From a request to whoever answers it.
extension Shard {
  /// Answers `head`, or marks the connection as held, working or moving.
  func handle(_ head: RequestHead, _ text: Span<UInt8>, on connection: HTTPConnection) {
    do throws(RouteError) {
      if connection.isAdmin {
        try AdminRoutes.handle(head, text, on: connection)
      } else if context.mount.covers(text.extracting(head.path)) {
        try handleBayeux(head, text, on: connection)
      } else {
        try ServiceRoutes.handle(head, text, on: connection)
      }
    } catch {
      var reply = error.reply
      reply.fields += crossOriginFields(head, text)
      connection.answer(reply)
    }
  }

  /// Header lines for pages of other origins; empty for everybody else.
  func crossOriginFields(_ head: RequestHead, _ text: Span<UInt8>) -> [UInt8] {
    if context.crossOrigin.isClosed { return [] }
    guard let origin = head.value(of: "origin", in: text) else { return [] }
    return context.crossOrigin.fields(for: text.extracting(origin))
  }

  /// - Parameter more: methods that are taken here besides `POST` and `GET`.
  func preflight(
    _ head: RequestHead, _ text: Span<UInt8>, taking more: [HTTPMethod] = [], on connection: HTTPConnection
  ) {
    var reply = HTTPReply(status: 204)
    let origin = head.value(of: "origin", in: text) ?? 0..<0
    reply.fields = context.crossOrigin.preflightFields(for: text.extracting(origin), taking: more)
    connection.answer(reply)
  }

  /// Lets a route answer later, from any thread.
  ///
  /// - Parameter work: makes the answer; must come to an end by itself.
  func answerLater(
    _ head: RequestHead, _ text: Span<UInt8>, on connection: HTTPConnection,
    _ work: @escaping @Sendable () async -> HTTPReply
  ) {
    let fields = crossOriginFields(head, text)
    let exchange = ExchangeID(shard: index, connection: connection.number)
    let context = context
    connection.work()
    Task {
      var reply = await work()
      reply.fields += fields
      context.respond(to: exchange, reply)
    }
  }
}
