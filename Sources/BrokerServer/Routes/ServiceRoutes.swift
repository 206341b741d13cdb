// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService
import Wire

/// The GMS service API, version 1: from a path to a call of ``ChatService``.
enum ServiceRoutes {
  static func handle(_ head: RequestHead, _ text: Span<UInt8>, on connection: HTTPConnection) throws(RouteError) {
    let shard = connection.shard
    if head.method == .options { return shard.preflight(head, text, taking: [.put, .delete], on: connection) }
    let user = try shard.context.identity.user(of: head, in: text, trustsHeader: connection.trustsUserHeader)
    let request = HTTPRequest(head: head, text: Array(text), user: user)
    let segments = try request.segments()
    guard segments.count >= 3, segments[0] == "genesys", segments[1] == "1" else { throw .notFound }
    switch (segments[2], segments.count) {
    case ("service", 4): try create(named: segments[3], request, on: connection)
    case ("service", 5...6) where segments[3] == "callback":
      try callback(segments[4], segments.count == 6 ? segments[5] : nil, request, on: connection)
    case ("service", 5...7) where segments[4] == "storage":
      try StorageRoutes.ofService(segments[3], segments[5...], request, on: connection)
    case ("service", 5): try act(segments[4], on: segments[3], request, on: connection)
    case ("service", 6...7) where segments[4] == "ixn" && segments[5] == "chat":
      try chat(of: segments[3], segments.count == 7 ? segments[6] : "", request, on: connection)
    case ("storage", 4...6): try StorageRoutes.free(segments[3...], request, on: connection)
    case ("notification", 4...5): try NotificationRoutes.handle(segments[3...], request, on: connection)
    case ("admin", 5...6) where segments[3] == "node": try NodeRoutes.handle(segments[4...], request, on: connection)
    case ("node", 3):
      guard request.method == .get || request.method == .head else { throw .methodNotAllowed(allow: "GET") }
      NodeRoutes.status(on: connection)
    default: throw .notFound
    }
  }

  private static func create(
    named name: String, _ request: HTTPRequest, on connection: HTTPConnection
  ) throws(RouteError) {
    let context = connection.shard.context
    let takesGet = context.configuration.gms.chat.allowGetCreate
    guard request.method == .post || request.method == .get && takesGet else {
      throw .methodNotAllowed(allow: takesGet ? "POST, GET" : "POST")
    }
    let form = try request.form(limits: context.limits)
    answer(request, on: connection) { chat, caller in
      await chat.createService(named: name, fields: form.fields, files: form.files, caller: caller)
    }
  }

  /// `POST` and `GET /genesys/1/service/callback/{name}`, `GET …/{name}/availability`, `PUT` and `DELETE …/{name}/{id}`.
  private static func callback(
    _ name: String, _ id: String?, _ request: HTTPRequest, on connection: HTTPConnection
  ) throws(RouteError) {
    let form = try request.form(limits: connection.shard.context.limits)
    let fields = form.fields
    switch (id, request.method) {
    case (nil, .post):
      answer(request, on: connection) { chat, caller in
        await chat.createCallback(named: name, fields: fields, files: form.files, caller: caller)
      }
    case (nil, .get):
      answer(request, on: connection) { chat, caller in
        await chat.findCallbacks(named: name, fields: fields, caller: caller)
      }
    case (nil, _): throw .methodNotAllowed(allow: "POST, GET")
    case ("availability", .get):
      answer(request, on: connection) { chat, caller in
        await chat.callbackAvailability(named: name, fields: fields, caller: caller)
      }
    case ("availability", _): throw .methodNotAllowed(allow: "GET")
    case (let id?, .put):
      answer(request, on: connection) { chat, caller in
        await chat.updateCallback(id, named: name, fields: fields, caller: caller)
      }
    case (let id?, .delete):
      answer(request, on: connection) { chat, caller in await chat.cancelCallback(id, named: name, caller: caller) }
    case (_?, _): throw .methodNotAllowed(allow: "PUT, DELETE")
    }
  }

  /// `/genesys/1/service/{id}/{verb}`: status, internal-poke, check-queue-position, and the actions of a callback.
  private static func act(
    _ verb: String, on id: String, _ request: HTTPRequest, on connection: HTTPConnection
  ) throws(RouteError) {
    let isQuestion = verb == "check-queue-position"
    guard request.method == .post || isQuestion && (request.method == .get || request.method == .head) else {
      throw .methodNotAllowed(allow: isQuestion ? "POST, GET" : "POST")
    }
    let fields = try request.chatFields(limits: connection.shard.context.limits)
    switch verb {
    case "status":
      answer(request, on: connection) { chat, caller in await chat.status(of: id, fields: fields, caller: caller) }
    case "internal-poke":
      answer(request, on: connection) { chat, caller in await chat.poke(id, fields: fields, caller: caller) }
    case "check-queue-position":
      answer(request, on: connection) { chat, caller in await chat.queuePosition(of: id, caller: caller) }
    default:
      guard let action = CallbackAction(rawValue: verb) else { throw .notFound }
      answer(request, on: connection) { chat, caller in await chat.act(action, on: id, caller: caller) }
    }
  }

  private static func chat(
    of service: String, _ operation: String, _ request: HTTPRequest, on connection: HTTPConnection
  ) throws(RouteError) {
    guard let operation = ChatOperation(rawValue: operation) else { throw .notFound }
    guard request.method == .post else { throw .methodNotAllowed(allow: "POST") }
    let fields = try request.chatFields(limits: connection.shard.context.limits)
    answer(request, on: connection) { chat, caller in
      await chat.call(operation, service: service, fields: fields, caller: caller)
    }
  }

  static func answer(
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

extension HTTPReply {
  /// What GMS sends with every answer: a type, and three ways to say "do not keep this".
  init(_ reply: ChatReply) {
    let type: ReplyType
    switch reply.contentType {
    case .json: type = .json
    case .text: type = .text
    case .none, .other: type = .none
    }
    var fields = "Cache-Control: no-cache\r\nCache-Control: no-store\r\nPragma: no-cache\r\n"
    if case .other(let name) = reply.contentType {
      fields += "Content-Type: \(name)\r\nX-Content-Type-Options: nosniff\r\n"
    }
    if reply.status == 401 { fields += "WWW-Authenticate: Basic realm=\"gms\", charset=\"UTF-8\"\r\n" }
    // A client that waits for its agent asks again in a while.
    if reply.status == 503, reply.body.isEmpty { fields += "Retry-After: 5\r\n" }
    self.init(status: reply.status, type: type, fields: fields, body: reply.body)
    afterWritten = reply.afterWritten
  }
}

extension HTTPRequest {
  /// The parameters of query and body together; the body wins.
  ///
  /// Live clients send forms, multipart, JSON, JSON labelled as a form, and empty bodies of any type (A5).
  func chatFields(limits: HTTPLimits) throws(RouteError) -> ChatFields {
    let query = try queryFields(limits: limits).map { ChatFields.Field($0.name, $0.value) }
    return ChatFields(query: query, body: try bodyFields(limits: limits))
  }

  /// The same, with the files of a multipart body apart, as the bytes they are.
  func form(limits: HTTPLimits) throws(RouteError) -> (fields: ChatFields, files: [StoredField]) {
    guard mediaType?.essence == "multipart/form-data", !isBlank else {
      return (try chatFields(limits: limits), [])
    }
    let parts = try multipart(limits: limits)
    let span = text.span
    let query = try queryFields(limits: limits).map { ChatFields.Field($0.name, $0.value) }
    let texts = parts.filter { $0.fileName == nil }.map {
      ChatFields.Field($0.name, String(span.extracting(head.body).extracting($0.body)))
    }
    let files = parts.filter { $0.fileName != nil }.map { part in
      StoredField(
        key: part.name,
        value: StoredValue(
          bytes: Array(span.extracting(head.body).extracting(part.body)), contentType: part.contentType?.essence))
    }
    return (ChatFields(query: query, body: texts), files)
  }

  private var isBlank: Bool { body.allSatisfy(Self.isBlank) }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0D || byte == 0x0A || byte == 0x09 }

  /// The parts of a multipart body; their bodies are ranges of the request's.
  func multipart(limits: HTTPLimits) throws(RouteError) -> [MultipartPart] {
    do throws(FormError) {
      return try Multipart.parse(
        text.span.extracting(head.body), boundary: mediaType?.parameter("boundary") ?? "", limits: limits)
    } catch {
      throw .badFields(error.sentence)
    }
  }

  private func bodyFields(limits: HTTPLimits) throws(RouteError) -> [ChatFields.Field] {
    guard let first = body.first(where: { !Self.isBlank($0) }) else { return [] }
    let type = mediaType
    switch type?.essence {
    case "application/json": return try jsonFields()
    case "application/x-www-form-urlencoded" where first == UInt8(ascii: "{"): return try jsonFields()
    case "application/x-www-form-urlencoded":
      do throws(FormError) {
        return try Form.parse(text.span.extracting(head.body), limits: limits).map {
          ChatFields.Field($0.name, $0.value)
        }
      } catch {
        throw .badFields(error.sentence)
      }
    case "multipart/form-data":
      return try multipart(limits: limits).map {
        ChatFields.Field($0.name, String(text.span.extracting(head.body).extracting($0.body)))
      }
    default: throw .unsupportedMediaType
    }
  }

  /// Members that are objects or arrays are passed on as their JSON text; null is absent.
  private func jsonFields() throws(RouteError) -> [ChatFields.Field] {
    let members = try jsonObject().members ?? []
    return members.compactMap { member in
      member.value == .null ? nil : ChatFields.Field(member.name, member.value.scalarText ?? member.value.text)
    }
  }
}
