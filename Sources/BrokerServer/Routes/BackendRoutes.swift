// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService
import Store
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
    let journal = connection.shard.context.store.journal
    connection.shard.answerLater(request.head, request.text.span, on: connection) {
      // What memory took and the disk did not would pile up: refused before anything happens, as calls of clients are.
      let outcomes = await isWritable(journal) ? await backend.accept(batch) : await backend.postpone(batch)
      let results = zip(batch, outcomes).map { $1.json(of: $0) }
      let isIncomplete = outcomes.contains { $0.isToBeSentAgain }
      return .json(["results": .array(results)], status: isIncomplete ? 503 : 200)
    }
  }

  /// Whether the journal writes; one that failed is asked to try again.
  private static func isWritable(_ journal: Journal) async -> Bool {
    guard journal.isFailing else { return true }
    do throws(StoreError) {
      try await journal.commit()
      return true
    } catch {
      return false
    }
  }
}
