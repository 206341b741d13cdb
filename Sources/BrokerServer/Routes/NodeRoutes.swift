// SPDX-License-Identifier: Apache-2.0
import ChatService
import Logging
import Synchronization
import Wire

/// The state of this node for load balancers (`genesys.md` 1.5), and draining it.
///
/// An `OFFLINE` node goes on serving whom it has: held connects, sessions, chats, and new services. It takes no new
/// sessions: a handshake is refused with advice to retry later, and `/readyz` is 503, so that traffic moves elsewhere.
enum NodeRoutes {
  /// - Parameter segments: what follows `/genesys/1/admin/node`.
  static func handle(
    _ segments: ArraySlice<String>, _ request: HTTPRequest, on connection: HTTPConnection
  ) throws(RouteError) {
    let context = connection.shard.context
    switch (segments.first, segments.count) {
    case ("status", 1):
      guard request.method == .get || request.method == .head else { throw .methodNotAllowed(allow: "GET") }
      status(on: connection)
    case ("changestatus", 2):
      guard request.method == .post else { throw .methodNotAllowed(allow: "POST") }
      let wanted = context.configuration.gms.chat.credentials
      guard !wanted.isOpen else { throw .nodeAdminClosed }
      guard wanted.accept(request.header("authorization").flatMap { BasicCredentials(header: $0) }) else {
        throw .basicRequired
      }
      guard let word = segments.last, word == "ONLINE" || word == "OFFLINE" else {
        throw .badPath("the state of a node is ONLINE or OFFLINE")
      }
      context.isOffline.store(word == "OFFLINE", ordering: .relaxed)
      context.logger.notice("the node changes its state", metadata: ["state": "\(word)"])
      status(on: connection)
    default: throw .notFound
    }
  }

  static func status(on connection: HTTPConnection) {
    let context = connection.shard.context
    let isOffline = context.isOffline.load(ordering: .relaxed) || context.isStopping.load(ordering: .relaxed)
    connection.answer(.text(isOffline ? "OFFLINE" : "ONLINE"))
  }
}
