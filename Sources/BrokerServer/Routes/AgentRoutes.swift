// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService
import Store
import Wire

/// The agent side of the embedded chat backend, JSON in and out: `/agent/chats`, `/agent/agents`.
enum AgentRoutes {
  /// - Parameter segments: what follows `/agent`.
  static func handle(
    _ segments: [String], _ request: HTTPRequest, on connection: HTTPConnection
  ) throws(RouteError) {
    guard let backend = connection.shard.context.embedded else { throw .notEmbedded }
    switch (segments.first, segments.count) {
    case ("chats", 1):
      try AdminRoutes.expect(.get, request)
      answer(request, on: connection) { () async throws(AgentError) -> HTTPReply in
        .json(.array(await backend.chats().map(\.json)))
      }
    case ("chats", 2):
      try AdminRoutes.expect(.get, request)
      let service = segments[1]
      answer(request, on: connection) { () async throws(AgentError) -> HTTPReply in
        .json(try await backend.chat(service).detailedJSON)
      }
    case ("chats", 3):
      try AdminRoutes.expect(.post, request)
      try act(segments[2], on: segments[1], backend, request, connection)
    case ("agents", 1):
      try AdminRoutes.expect(.get, request)
      answer(request, on: connection) { () async throws(AgentError) -> HTTPReply in
        .json(.array(await backend.agents().map(\.json)))
      }
    case ("agents", 2):
      try AdminRoutes.expect(.put, request)
      let name = segments[1]
      let update = try AgentUpdate(try request.jsonObject())
      answer(request, on: connection) { () async throws(AgentError) -> HTTPReply in
        .json(try await backend.update(name, update).json)
      }
    case ("agents", 3) where segments[2] == "offers":
      try AdminRoutes.expect(.get, request)
      let name = segments[1]
      answer(request, on: connection) { () async throws(AgentError) -> HTTPReply in
        .json(.array(try await backend.offers(to: name).map(\.json)))
      }
    default: throw .notFound
    }
  }

  private static func act(
    _ verb: String, on service: String, _ backend: EmbeddedChatBackend, _ request: HTTPRequest,
    _ connection: HTTPConnection
  ) throws(RouteError) {
    let body = request.body.isEmpty ? JSONValue.object([]) : try request.jsonObject()
    func text(_ name: String) throws(RouteError) -> String {
      guard let text = body[name]?.string else { throw .badBody("\(name) has to be a string") }
      return text
    }
    switch verb {
    case "join":
      let nickname = try text("nickname")
      change(request, on: connection) { () async throws(AgentError) -> HTTPReply in
        try await backend.join(service, nickname: nickname).reply
      }
    case "send":
      let (nickname, words) = (try text("nickname"), try text("text"))
      change(request, on: connection) { () async throws(AgentError) -> HTTPReply in
        try await backend.send(service, nickname: nickname, text: words).reply
      }
    case "typing":
      let nickname = try text("nickname")
      guard let isTyping = body["typing"]?.bool else { throw .badBody("typing has to be true or false") }
      change(request, on: connection) { () async throws(AgentError) -> HTTPReply in
        try await backend.typing(service, nickname: nickname, isTyping: isTyping).reply
      }
    case "push-url":
      let (nickname, url) = (try text("nickname"), try text("url"))
      change(request, on: connection) { () async throws(AgentError) -> HTTPReply in
        try await backend.pushURL(service, nickname: nickname, url: url).reply
      }
    case "notice":
      let (nickname, words) = (try text("nickname"), try text("text"))
      change(request, on: connection) { () async throws(AgentError) -> HTTPReply in
        try await backend.notice(service, nickname: nickname, text: words).reply
      }
    case "decline":
      let nickname = try text("nickname")
      answer(request, on: connection) { () async throws(AgentError) -> HTTPReply in
        try await backend.decline(service, nickname: nickname).reply
      }
    case "leave":
      let nickname = try text("nickname")
      change(request, on: connection) { () async throws(AgentError) -> HTTPReply in
        try await backend.leave(service, nickname: nickname).reply
      }
    case "end":
      change(request, on: connection) { () async throws(AgentError) -> HTTPReply in try await backend.end(service).reply
      }
    default: throw .notFound
    }
  }

  /// An answer behind which something happens: refused before anything does while nothing can be kept.
  private static func change(
    _ request: HTTPRequest, on connection: HTTPConnection,
    _ work: @escaping @Sendable () async throws(AgentError) -> HTTPReply
  ) {
    let journal = connection.shard.context.store.journal
    answer(request, on: connection) { () async throws(AgentError) -> HTTPReply in
      if journal.isFailing {
        do { try await journal.commit() } catch { throw .notStored }
      }
      return try await work()
    }
  }

  private static func answer(
    _ request: HTTPRequest, on connection: HTTPConnection,
    _ work: @escaping @Sendable () async throws(AgentError) -> HTTPReply
  ) {
    connection.shard.answerLater(request.head, request.text.span, on: connection) {
      do throws(AgentError) {
        return try await work()
      } catch {
        return .json(error.json, status: error.status)
      }
    }
  }
}

extension AgentUpdate {
  /// `{"ready":bool,"skills":{"English":20},"groups":["Billing"],"place":"…","capacity":2}`, each of them optional.
  fileprivate init(_ body: JSONValue) throws(RouteError) {
    self.init()
    if let ready = body["ready"] {
      guard let isReady = ready.bool else { throw .badBody("ready has to be true or false") }
      self.isReady = isReady
    }
    if let skills = body["skills"] {
      guard let members = skills.members, members.allSatisfy({ $0.value.int != nil }) else {
        throw .badBody("skills has to be an object of whole numbers")
      }
      self.skills = Dictionary(members.map { ($0.name, $0.value.int ?? 0) }) { $1 }
    }
    if let groups = body["groups"] {
      guard let names = groups.elements, names.allSatisfy({ $0.string != nil }) else {
        throw .badBody("groups has to be a list of strings")
      }
      self.groups = names.compactMap(\.string)
    }
    if let place = body["place"] {
      guard place.string != nil || place == .null else { throw .badBody("place has to be a string or null") }
      self.place = place.string ?? ""
    }
    if let capacity = body["capacity"] {
      guard capacity.int != nil || capacity == .null else {
        throw .badBody("capacity has to be a whole number, or null for any number")
      }
      self.capacity = capacity.int ?? 0
    }
    if self == AgentUpdate() { throw .badBody("ready has to be true or false, or another member has to be given") }
  }
}

extension AgentChat {
  fileprivate var reply: HTTPReply { .json(json) }
}
