// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService
import Wire

/// What clients store: `/genesys/1/service/{id}/storage…` and `/genesys/1/storage…` (`genesys.md` 1.5).
enum StorageRoutes {
  /// - Parameter segments: what follows `/genesys/1/service/{id}/storage`: nothing, `{key}` or `binary/{key}`.
  static func ofService(
    _ id: String, _ segments: ArraySlice<String>, _ request: HTTPRequest, on connection: HTTPConnection
  ) throws(RouteError) {
    let call = try call(segments, request, on: connection)
    answer(request, on: connection) { chat, caller in await chat.storage(of: id, call, caller: caller) }
  }

  /// - Parameter segments: what follows `/genesys/1/storage`: `{ttl}`, `{id}/{ttl}`, `{id}[/{key}]`,
  ///   `binary/{id}/{key}`, `custom/{id}[/{ttl or key}]`.
  static func free(
    _ segments: ArraySlice<String>, _ request: HTTPRequest, on connection: HTTPConnection
  ) throws(RouteError) {
    let parts = Array(segments)
    let isPut = request.method == .post || request.method == .put
    switch (parts.first, parts.count) {
    case ("custom", 2...3):
      let (id, last) = (parts[1], parts.count == 3 ? parts[2] : nil)
      let call = isPut ? StorageCall.put(try request.storedFields(on: connection)) : try read(last, request)
      answer(request, on: connection) { chat, caller in
        await chat.customStorage(id, ttl: isPut ? last ?? "" : nil, call, caller: caller)
      }
    case ("binary", 3):
      guard request.method == .get || request.method == .head else { throw .methodNotAllowed(allow: "GET") }
      let (id, key) = (parts[1], parts[2])
      answer(request, on: connection) { chat, caller in
        await chat.storage(box: id, .getBinary(key), caller: caller)
      }
    case (let ttl?, 1) where isPut:
      let fields = try request.storedFields(on: connection)
      answer(request, on: connection) { chat, caller in await chat.newStorage(ttl: ttl, fields, caller: caller) }
    case (let id?, 1...2):
      let last = parts.count == 2 ? parts[1] : nil
      let call = isPut ? StorageCall.put(try request.storedFields(on: connection)) : try read(last, request)
      answer(request, on: connection) { chat, caller in
        await chat.storage(box: id, ttl: isPut ? last : nil, call, caller: caller)
      }
    default: throw .notFound
    }
  }

  private static func call(
    _ segments: ArraySlice<String>, _ request: HTTPRequest, on connection: HTTPConnection
  ) throws(RouteError) -> StorageCall {
    let isPut = request.method == .post || request.method == .put
    switch (segments.first, segments.count) {
    case (nil, _): return isPut ? .put(try request.storedFields(on: connection)) : try read(nil, request)
    case ("binary", 2):
      guard let key = segments.last else { throw .notFound }
      if isPut { return .put([request.storedBody(under: key)]) }
      guard request.method == .get || request.method == .head else { throw .methodNotAllowed(allow: "GET, PUT") }
      return .getBinary(key)
    case (let key?, 1):
      return isPut ? .put([request.storedBody(under: key)]) : try read(key, request)
    default: throw .notFound
    }
  }

  private static func read(_ key: String?, _ request: HTTPRequest) throws(RouteError) -> StorageCall {
    switch request.method {
    case .get, .head: key.map { .get($0) } ?? .list
    case .delete: key.map { .remove($0) } ?? .removeAll
    default: throw .methodNotAllowed(allow: "GET, POST, PUT, DELETE")
    }
  }

  private static func answer(
    _ request: HTTPRequest, on connection: HTTPConnection,
    _ work: @escaping @Sendable (ChatService, ChatCaller) async -> ChatReply
  ) {
    let chat = connection.shard.context.chat
    let caller = request.caller(on: connection)
    connection.shard.answerLater(request.head, request.text.span, on: connection) {
      HTTPReply(await work(chat, caller))
    }
  }
}

extension HTTPRequest {
  /// The body itself as one value.
  func storedBody(under key: String) -> StoredField {
    StoredField(key: key, value: StoredValue(bytes: Array(body), contentType: mediaType?.essence))
  }

  /// The fields of the body; files of a multipart body as the bytes they are.
  func storedFields(on connection: HTTPConnection) throws(RouteError) -> [StoredField] {
    let limits = connection.shard.context.limits
    guard mediaType?.essence == "multipart/form-data" else {
      return try chatFields(limits: limits).all.map {
        StoredField(key: $0.name, value: StoredValue(bytes: Array($0.value.utf8)))
      }
    }
    let span = text.span.extracting(head.body)
    return try multipart(limits: limits).map { part in
      StoredField(
        key: part.name,
        value: StoredValue(bytes: Array(span.extracting(part.body)), contentType: part.contentType?.essence))
    }
  }
}
