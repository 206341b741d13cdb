// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService
import Wire

/// The Notification API, JSON in and out: `/genesys/1/notification/subscription[/{id}]` and `…/publish`.
enum NotificationRoutes {
  /// - Parameter segments: what follows `/genesys/1/notification`.
  static func handle(
    _ segments: ArraySlice<String>, _ request: HTTPRequest, on connection: HTTPConnection
  ) throws(RouteError) {
    switch (segments.first, segments.count) {
    case ("subscription", 1):
      let body = try body(of: request)
      ServiceRoutes.answer(request, on: connection) { chat, caller in await chat.subscribe(body, caller: caller) }
    case ("subscription", 2):
      guard request.method == .delete, let id = segments.last else { throw .methodNotAllowed(allow: "DELETE") }
      ServiceRoutes.answer(request, on: connection) { chat, caller in await chat.unsubscribe(id, caller: caller) }
    case ("publish", 1):
      let body = try body(of: request)
      ServiceRoutes.answer(request, on: connection) { chat, caller in await chat.publish(body, caller: caller) }
    default: throw .notFound
    }
  }

  private static func body(of request: HTTPRequest) throws(RouteError) -> JSONValue {
    guard request.method == .post else { throw .methodNotAllowed(allow: "POST") }
    guard request.mediaType?.essence == "application/json" else { throw .unsupportedMediaType }
    return try request.jsonObject()
  }
}
