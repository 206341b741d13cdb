// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes
import ChatService
import Reactor
import Store
import Synchronization
import Wire

/// The admin listener: health, metrics, publishing, the agent side of the embedded chat backend, events of a remote one.
enum AdminRoutes {
  static func handle(_ head: RequestHead, _ text: Span<UInt8>, on connection: HTTPConnection) throws(RouteError) {
    let context = connection.shard.context
    let request = HTTPRequest(head: head, text: Array(text), user: [])
    let segments = try request.segments()
    if let answer = health(segments, request, context) { return connection.answer(try answer.get()) }
    try admit(request, context)
    if segments.first == "backend", let remote = context.remote {
      return try BackendRoutes.handle(Array(segments.dropFirst()), request, remote, on: connection)
    }
    try authorize(request, context)
    switch segments.first {
    case "metrics" where segments.count == 1:
      try expect(.get, request)
      Metrics.answer(request, on: connection)
    case "publish" where segments.count == 1:
      try expect(.post, request)
      try PublishRoute.handle(request, on: connection)
    case "backend": throw .notRemote
    case "agent": try AgentRoutes.handle(Array(segments.dropFirst()), request, on: connection)
    default: throw .notFound
    }
  }

  static func expect(_ method: HTTPMethod, _ request: HTTPRequest) throws(RouteError) {
    if request.method == method || method == .get && request.method == .head { return }
    let names: [HTTPMethod: String] = [.get: "GET", .post: "POST", .put: "PUT"]
    throw .methodNotAllowed(allow: names[method] ?? "GET")
  }

  /// Liveness and readiness tell nothing but themselves, and load balancers carry no token.
  private static func health(
    _ segments: [String], _ request: HTTPRequest, _ context: ServerContext
  ) -> Result<HTTPReply, RouteError>? {
    guard segments == ["healthz"] || segments == ["readyz"] else { return nil }
    guard request.method == .get || request.method == .head else { return .failure(.methodNotAllowed(allow: "GET")) }
    if segments == ["healthz"] { return .success(.json(["status": "ok"])) }
    let hindrance: JSONValue? =
      if context.isStopping.load(ordering: .relaxed) {
        "stopping"
      } else if context.isOffline.load(ordering: .relaxed) {
        "offline"
      } else if context.store.isFailing {
        "storeFailing"
      } else {
        nil
      }
    return .success(.json(["status": hindrance ?? "ready"], status: hindrance == nil ? 200 : 503))
  }

  // MARK: who may come in

  /// A page in a browser on this machine must not be able to publish: it can name our address, but neither a foreign
  /// `Host` (DNS rebinding) nor a foreign `Origin` gets past this.
  private static func admit(_ request: HTTPRequest, _ context: ServerContext) throws(RouteError) {
    let host = request.head.host(in: request.text.span).map { String(request.text.span.extracting($0)).lowercased() }
    let own = context.adminAuthority.withLock { $0 }
    guard let host, own.contains(host) else { throw .foreignHost }
    if let origin = request.header("origin"), origin.lowercased() != "http://" + host { throw .foreignOrigin }
    if request.header("sec-fetch-site") == "cross-site" { throw .foreignOrigin }
  }

  private static func authorize(_ request: HTTPRequest, _ context: ServerContext) throws(RouteError) {
    guard let token = context.configuration.admin.token, !token.isEmpty else { return }
    guard let given = request.header("authorization"), given.lowercased().hasPrefix("bearer "),
      BasicCredentials.isEqual(String(given.dropFirst(7)), token)
    else { throw .unauthorized }
  }
}

/// `POST /publish`: an event to one user, or a message to the subscribers of a channel.
///
///     {"user": "BuzzBrain", "tag": "any.tag", "message": …}   →   {"id": "<32 hex>", "sessions": 1}
///     {"channel": "/news", "data": …}                         →   {"sessions": 2}
enum PublishRoute {
  static func handle(_ request: HTTPRequest, on connection: HTTPConnection) throws(RouteError) {
    let order = try Order(request.text.span.extracting(request.head.body))
    let shard = connection.shard
    switch (order.user, order.channel) {
    case (let user?, nil):
      guard let tag = order.tag, let message = order.message else {
        throw .badBody("user, tag and message go together")
      }
      let most = shard.context.bayeux.limits.maxUserBytes
      let name = try checked { () throws(PublishError) in try HostPublication.user(user, maxBytes: most) }
      toUser(name, tag: tag, message: message, on: connection)
    case (nil, let channel?):
      guard let data = order.data else { throw .badBody("channel and data go together") }
      let publisher = shard.context.publisher
      let publication = try checked { () throws(PublishError) in
        try HostPublication.publication(of: data, on: channel, by: publisher)
      }
      guard let publication else { return connection.answer(.json(["sessions": 0])) }
      toChannel(publication, on: connection)
    default: throw .badBody("either user, tag and message, or channel and data are needed")
    }
  }

  private static func checked<Value>(_ body: () throws(PublishError) -> Value) throws(RouteError) -> Value {
    do throws(PublishError) { return try body() } catch { throw .badBody(error.description) }
  }

  private static func toUser(_ user: [UInt8], tag: String, message: [UInt8], on connection: HTTPConnection) {
    let shard = connection.shard
    let publisher = shard.context.publisher
    let (id, payload) = publisher.event(tag: tag, message: message.span)
    @Sendable func reply(_ sessions: Int) -> HTTPReply { .json(["id": .string(id), "sessions": JSONValue(sessions)]) }
    guard let payload else { return connection.answer(reply(0)) }
    if shard.context.store.isKeeping {
      let exchange = ExchangeID(shard: shard.index, connection: connection.number)
      let context = shard.context
      connection.work()
      return context.store.publish(payload, to: user) { result in
        switch result {
        case .success(let sessions): context.respond(to: exchange, reply(sessions))
        case .failure(let error): context.respond(to: exchange, RouteError.notStored(error.description).reply)
        }
      }
    }
    if publisher.home(of: user) == shard.index {
      return connection.answer(reply(shard.broker.deliver(payload, to: user, now: shard.now)))
    }
    let exchange = ExchangeID(shard: shard.index, connection: connection.number)
    let context = shard.context
    connection.work()
    publisher.deliver(
      payload, to: user,
      tally: Tally(of: 1) { sessions in
        context.respond(to: exchange, .json(["id": .string(id), "sessions": JSONValue(sessions)]))
      })
  }

  private static func toChannel(_ publication: Publication, on connection: HTTPConnection) {
    let shard = connection.shard
    let context = shard.context
    let exchange = ExchangeID(shard: shard.index, connection: connection.number)
    @Sendable func reply(_ sessions: Int) -> HTTPReply { .json(["sessions": JSONValue(sessions)]) }
    let sessions = shard.broadcast(publication) { result in
      switch result {
      case .success(let sessions): context.respond(to: exchange, reply(sessions))
      case .failure(let error): context.respond(to: exchange, RouteError.notStored(error.description).reply)
      }
    }
    if let sessions { connection.answer(reply(sessions)) } else { connection.work() }
  }

  /// The members of the body; `message` and `data` as the bytes they came in.
  private struct Order {
    var user: String?
    var tag: String?
    var channel: String?
    var message: [UInt8]?
    var data: [UInt8]?

    init(_ text: Span<UInt8>) throws(RouteError) {
      do throws(JSONError) {
        var scanner = JSONScanner()
        try scanner.expect(UInt8(ascii: "{"), text)
        if !scanner.take(UInt8(ascii: "}"), text) {
          repeat {
            let key = try scanner.string(text)
            try scanner.expect(UInt8(ascii: ":"), text)
            let value = try scanner.value(text)
            try set(key, value, text)
          } while scanner.take(UInt8(ascii: ","), text)
          try scanner.expect(UInt8(ascii: "}"), text)
        }
        try scanner.expectEnd(text)
      } catch {
        throw .badBody("The body is no JSON object: \(error.reason.rawValue) at byte \(error.offset)")
      }
    }

    private mutating func set(_ key: JSONSlice, _ value: JSONSlice, _ text: Span<UInt8>) throws(JSONError) {
      let string = value.kind == .string ? value.string(in: text) : nil
      switch key.string(in: text) {
      case "user" where user == nil: user = string
      case "tag" where tag == nil: tag = string
      case "channel" where channel == nil: channel = string
      case "message" where message == nil: message = Array(text.extracting(value.outerRange))
      case "data" where data == nil: data = Array(text.extracting(value.outerRange))
      case "user", "tag", "channel", "message", "data": throw JSONError(.duplicateMember, at: Int(key.start))
      default: break
      }
    }
  }
}
