// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService
import Wire

/// `POST /backend/events` of the admin listener: what a remote chat backend tells.
///
///     {"events": [{"type":"entries", "id":"17", …}]}   →   {"results": [{"id":"17","accepted":true,"position":5}]}
///
/// 200 when nothing is to be sent again, 503 when something is. The secret takes the place of the admin token, so that
/// the backend needs to know nothing with which it could do more.
enum BackendRoutes {
  static func handle(
    _ segments: [String], _ request: HTTPRequest, _ backend: RemoteChatBackend, on connection: HTTPConnection
  ) throws(RouteError) {
    guard let given = request.header("x-backend-secret"), BasicCredentials.isEqual(given, backend.options.secret) else {
      throw .badSecret
    }
    guard segments == ["events"] else { throw .notFound }
    try AdminRoutes.expect(.post, request)
    let body = try request.jsonObject()
    let batch: [RemoteEvent.Element]
    do throws(RemoteEventFault) {
      batch = try RemoteEvent.batch(
        body, most: backend.options.maxBatchEvents, now: SystemClock().secondsSince1970())
    } catch {
      throw .badBody(error.sentence)
    }
    connection.shard.answerLater(request.head, request.text.span, on: connection) {
      let outcomes = await backend.accept(batch)
      let results = zip(batch, outcomes).map { $1.json(of: $0) }
      let isIncomplete = outcomes.contains { $0.isToBeSentAgain }
      return .json(["results": .array(results)], status: isIncomplete ? 503 : 200)
    }
  }
}
