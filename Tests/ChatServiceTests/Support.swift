// SPDX-License-Identifier: Apache-2.0
import Bytes
import Synchronization
import Testing

@testable import ChatService

/// A clock that moves only when a test moves it. Starts at the `startedAt` of GMS' own typing captures.
final class ManualClock: ChatClock {
  static let start: Int64 = 1_339_313_862  // 2012-06-10T07:37:42Z
  private let elapsed = Mutex<Duration>(.zero)

  func now() -> Instant { Instant(nanoseconds: 0) + elapsed.withLock { $0 } }
  func secondsSince1970() -> Int64 { Self.start + elapsed.withLock { $0 }.components.seconds }
  func advance(by duration: Duration) { elapsed.withLock { $0 += duration } }
}

/// Keeps what was pushed.
final class RecordingNotifier: ChatNotifier {
  private let posted = Mutex<[ChatNotification]>([])

  func post(_ notification: ChatNotification) { posted.withLock { $0.append(notification) } }
  var all: [ChatNotification] { posted.withLock { $0 } }

  /// Waits until `count` notifications were posted; the time limit of the test bounds it.
  func atLeast(_ count: Int) async -> [ChatNotification] {
    while all.count < count { await Task.yield() }
    return all
  }
}

extension ChatNotification {
  var json: JSONValue { (try? JSONValue(parsing: message.span)) ?? .null }
}

/// SplitMix64, so that a random script can be repeated.
struct SeededGenerator: RandomNumberGenerator, Sendable {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}

/// What a reply says, ready to be looked into.
struct Answer {
  let reply: ChatReply
  var status: Int { reply.status }
  var text: String { String(decoding: reply.body, as: UTF8.self) }
  var json: JSONValue { (try? JSONValue(parsing: reply.body.span)) ?? .null }
  subscript(name: String) -> JSONValue? { json[name] }
  var names: [String] { json.members?.map(\.name) ?? [] }
  var state: String? { json["chatIxnState"]?.string }
  var position: String? { json["transcriptPosition"]?.string }
  var entries: [[String]]? { json.entries }
}

extension JSONValue {
  /// `transcriptToShow`, each entry as its five strings.
  var entries: [[String]]? { self["transcriptToShow"]?.elements?.map { $0.elements?.map { $0.string ?? "?" } ?? [] } }
  var names: [String] { members?.map(\.name) ?? [] }
}

/// A chat service that runs on the embedded backend, with everything a test needs to drive it.
struct Desk: Sendable {
  let clock: ManualClock
  let notifier: RecordingNotifier
  let agents: EmbeddedChatBackend
  let service: ChatService

  func newService(_ fields: ChatFields = [:], user: String? = nil) async -> String {
    let reply = await service.createService(named: "request-chat", fields: fields, caller: ChatCaller(user: user))
    return Answer(reply: reply)["_id"]?.string ?? "none"
  }

  func call(
    _ operation: ChatOperation, _ id: String, _ fields: ChatFields = [:], user: String? = nil
  ) async -> Answer {
    Answer(reply: await service.call(operation, service: id, fields: fields, caller: ChatCaller(user: user)))
  }

  /// A service with a chat of Vasya Pupkin, who polls.
  func pollChat(_ more: ChatFields = [:]) async -> String {
    let id = await newService()
    _ = await call(.create, id, ChatFields(query: Desk.vasya.all, body: more.all))
    return id
  }

  /// A service with a chat of Vasya Pupkin, who listens on `/_genesys` as `vasya`; its first event is out.
  func cometChat(_ more: ChatFields = [:]) async -> String {
    let before = notifier.all.count
    let id = await newService()
    let fields = ChatFields(query: Desk.vasya.all + [.init("notify_by", "comet")], body: more.all)
    let answer = await call(.create, id, fields, user: "vasya")
    answer.reply.afterWritten?()
    _ = await notifier.atLeast(before + 1)
    return id
  }

  /// What was pushed for a service after its first event.
  func events(_ id: String) -> [JSONValue] {
    Array(notifier.all.filter { $0.serviceID == id }.map(\.json).dropFirst())
  }

  static let vasya: ChatFields = [
    "firstName": "Vasya", "lastName": "Pupkin", "email": "Vasya.Pupkin@genesyslab.com", "subject": "test",
  ]
}

/// Runs `body` with a chat service that runs.
func withDesk<Result: Sendable>(
  _ configuration: ChatConfiguration = ChatConfiguration(), seed: UInt64 = 1,
  _ body: @Sendable (Desk) async throws -> Result
) async rethrows -> Result {
  let clock = ManualClock()
  let backend = EmbeddedChatBackend(clock: clock, random: SeededGenerator(state: seed))
  return try await withService(configuration, backend, clock) { service, notifier in
    try await body(Desk(clock: clock, notifier: notifier, agents: backend, service: service))
  }
}

func withService<Result: Sendable>(
  _ configuration: ChatConfiguration = ChatConfiguration(), _ backend: any ChatBackend, _ clock: ManualClock,
  _ body: @Sendable (ChatService, RecordingNotifier) async throws -> Result
) async rethrows -> Result {
  let notifier = RecordingNotifier()
  let service = ChatService(
    configuration: configuration, backend: backend, notifier: notifier, clock: clock,
    random: SeededGenerator(state: 7))
  let running = Task { await service.run() }
  defer { running.cancel() }
  return try await body(service, notifier)
}

/// Waits for something that another task brings about; the time limit of the test bounds it.
func until(_ condition: () async -> Bool) async {
  while await !condition() { await Task.yield() }
}
