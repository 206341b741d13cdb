// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService
import Logging
import Reactor
import Synchronization
import Testing

@testable import BrokerServer

/// The embedded backend behind the remote protocol: what another process would be.
final class StandInBackend: Sendable {
  static let secret = "a secret of sixteen".replacing(" ", with: "-")

  let embedded: EmbeddedChatBackend
  /// What came, in order: method, verb and key.
  let log = Mutex<[String]>([])

  init(clock: any ChatClock = ManualClock()) { embedded = EmbeddedChatBackend(clock: clock) }

  func answer(_ request: StandInServer.Request) async -> StandInServer.Reply {
    log.withLock { $0.append("\(request.method) \(request.verb) \(request.key ?? "")") }
    guard request.secret == Self.secret else { return .answer(401) }
    do throws(ChatBackendError) {
      return .answer(200, try await carryOut(request))
    } catch {
      let statuses: [ChatBackendError: Int] = [
        .notFound: 404, .notReady: 409, .ended: 410, .unavailable: 503, .badInput: 400,
      ]
      return .answer(statuses[error] ?? 500)
    }
  }

  private func carryOut(_ request: StandInServer.Request) async throws(ChatBackendError) -> JSONValue? {
    let (id, body) = (request.serviceID, request.body)
    // The key of the header is the call of the body, which a header cannot always carry as it is.
    let call = CallID(body["call"]?.string ?? request.key ?? "")
    switch (request.method, request.verb) {
    case ("PUT", ""):
      let data = (body["data"]?.members ?? []).map { ChatFields.Field($0.name, $0.value.string ?? "") }
      try await embedded.createService(
        ChatServiceRequest(
          serviceID: id, name: body["name"]?.string ?? "", data: data, ttl: .seconds(body["ttl"]?.int ?? 0),
          routing: routing(body["routing"] ?? .null)))
    case ("DELETE", ""): await embedded.removeService(id)
    case ("GET", "availability"):
      return ["availability": try await embedded.availability(id) == .available ? "available" : "waiting"]
    case ("GET", "queue-position"):
      guard let place = try await embedded.queuePosition(id) else { return nil }
      return [
        "position": JSONValue(place.position), "total": JSONValue(place.total), "agentReady": .bool(place.isAgentReady),
        "eta": 7,
      ]
    case ("POST", "chat"): return try await embedded.openChat(chat(id, body), call: call).remoteJSON
    case ("POST", "send"): try await embedded.send(body["text"]?.string ?? "", in: id, call: call)
    case ("POST", "typing"): try await embedded.typing(body["typing"]?.bool ?? false, in: id, call: call)
    case ("POST", "push-url"): try await embedded.pushURL(body["url"]?.string ?? "", in: id, call: call)
    case ("POST", "notice"): try await embedded.notice(body["text"]?.string ?? "", in: id, call: call)
    case ("POST", "disconnect"): try await embedded.disconnect(id, call: call)
    case ("PUT", "presence"): await embedded.clientPresence(id, isOnline: body["online"]?.bool ?? false)
    case ("POST", "keep-alive"): try await embedded.keepAlive(id)
    default: throw .badInput
    }
    return nil
  }

  private func routing(_ body: JSONValue) -> RoutingRequest {
    let targets = (body["targets"]?.elements ?? []).map { target -> JSONValue in
      .object((target.members ?? []).filter { ["target", "clear", "timeout"].contains($0.name) })
    }
    return RoutingRequest(
      plan: targets.isEmpty ? nil : try? RoutingPlan(.array(targets)), virtualQueue: body["queue"]?.string ?? "",
      isQueuedAtOnce: body["queuedAtOnce"]?.bool ?? false, queuedTTL: .seconds(body["queuedTtl"]?.int ?? 0),
      reserveTimeout: .seconds(body["reserveTimeout"]?.int ?? 0))
  }

  private func chat(_ id: String, _ body: JSONValue) -> ChatRequest {
    ChatRequest(
      serviceID: id, endpoint: body["endpoint"]?.string ?? "", nickname: body["nickname"]?.string ?? "",
      subject: body["subject"]?.string ?? "",
      userData: (body["data"]?.members ?? []).map { .init($0.name, $0.value.string ?? "") },
      firstMessage: body["firstMessage"]?.string, timeZoneOffset: body["timeZoneOffset"]?.int ?? 0)
  }

  /// Tells everything that happens through `tell`, one batch after the other, until it is cancelled.
  func run(_ tell: @escaping @Sendable (JSONValue) async -> JSONValue?) -> Task<Void, Never> {
    Task {
      for await event in await embedded.events() {
        var result = await tell(["events": [event.remoteJSON]])?["results"]?[0]
        while result?["retry"] == true, !Task.isCancelled {
          try? await Task.sleep(for: .milliseconds(5))
          result = await tell(["events": [event.remoteJSON]])?["results"]?[0]
        }
        await embedded.acknowledge(event, position: result?["position"]?.int)
      }
    }
  }
}

extension ChatOpened {
  var remoteJSON: JSONValue {
    [
      "chatSessionId": .string(chatSessionID), "userId": .string(userID), "secureKey": .string(secureKey),
      "startedAt": JSONValue(Int(startedAtSecondsSince1970)),
      "server": [
        "host": .string(server.host), "port": JSONValue(server.webAPIPort), "alias": .string(server.loadBalancerAlias),
      ],
    ]
  }
}

extension ChatBackendEvent {
  var remoteJSON: JSONValue {
    var members: [JSONValue.Member] = [
      .init("id", .string(id)), .init("serviceId", .string(serviceID)), .init("chatSessionId", .string(chatSessionID)),
      .init("time", JSONValue(Int(secondsSince1970))),
    ]
    if let cause { members.append(.init("cause", .string(cause.text))) }
    switch content {
    case .entries(let entries):
      members += [.init("type", "entries"), .init("entries", .array(entries.map(\.remoteJSON)))]
    case .ended(let entries):
      members += [.init("type", "ended"), .init("entries", .array(entries.map(\.remoteJSON)))]
    case .relocated(let server):
      let address: JSONValue = ["host": .string(server.host), "port": JSONValue(server.webAPIPort)]
      members += [.init("type", "relocated"), .init("server", address)]
    }
    return .object(members)
  }
}

extension ChatEntry {
  var remoteJSON: JSONValue {
    [
      "type": .string(kind.rawValue), "nickname": .string(nickname), "text": .string(text),
      "party": .string(party.rawValue),
    ]
  }
}

/// A remote backend that speaks to a stand-in over a real socket.
struct RemoteBench: Sendable {
  let server: StandInServer
  let client: HTTPClient
  let remote: RemoteChatBackend

  init(
    port: Int = 0, maxConnections: Int = 4, _ change: (inout RemoteBackendOptions) -> Void = { _ in },
    _ answer: @escaping @Sendable (StandInServer.Request) async -> StandInServer.Reply
  ) throws {
    server = try StandInServer(port: port, answer)
    client = try HTTPClient(
      name: "test", HTTPClientOptions(maxPending: 100, maxConnections: maxConnections, keepsAlive: true))
    var options = RemoteBackendOptions(
      url: try #require(WebURL(server.url)), secret: StandInBackend.secret, timeout: .seconds(20),
      deadline: .seconds(20), retries: 2, backoff: .milliseconds(1), maxWaiting: 100, keepAlive: nil,
      maxBatchEvents: 64)
    change(&options)
    remote = RemoteChatBackend(options, client: client, clock: TestClock(), logger: .silent)
  }

  func stop() {
    server.stop()
    client.stop()
  }
}

/// The clock of this machine: real sockets take real time.
struct TestClock: ChatClock {
  func now() -> Instant { EventLoop.clock() }
  func secondsSince1970() -> Int64 { ManualClock.start }
}

extension Logger {
  static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}
