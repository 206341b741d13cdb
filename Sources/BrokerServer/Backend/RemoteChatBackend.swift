// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService
import Logging

/// How a remote chat backend is reached.
struct RemoteBackendOptions: Sendable {
  let url: WebURL
  /// Sent with every call, and asked for with every batch of events.
  let secret: String
  /// Of one attempt.
  var timeout: Duration
  /// Of one call with all its attempts and its waiting in line; as long as anybody waits for it.
  var deadline: Duration
  /// Attempts after the first.
  var retries: Int
  /// Before the second attempt; doubled before each further one.
  var backoff: Duration
  /// Calls that wait or are under way; a further one fails at once.
  var maxWaiting: Int
  /// Between two keep-alives of one chat; nil sends none.
  var keepAlive: Duration?
  /// Events in one batch: as many as a chat remembers, so that a batch that comes again is recognised whole.
  var maxBatchEvents: Int
}

/// What a remote chat backend was asked and has told.
struct RemoteStatistics: Sendable, Hashable {
  var callsDone = 0
  /// Calls that the backend understood and refused.
  var callsRefused = 0
  /// Calls that came to nothing: not reached, too late, no sense in the answer, too many at once.
  var callsFailed = 0
  /// Attempts after the first.
  var retries = 0
  /// Calls that wait or are under way now.
  var waiting = 0
  var isReachable = true
  var eventsAccepted = 0
  /// For no live chat, or wrong.
  var eventsRefused = 0
  /// Events that are to come again.
  var eventsPostponed = 0
}

/// A chat backend in another process, spoken to by HTTP and JSON: `Docs/Backend.md` is the protocol.
///
/// A call is made again where no answer came, always under the same key, which the backend does once. Calls about one
/// service are made one after the other. Events come in through the admin listener, see ``accept(_:)``; their answer
/// is their acknowledgement.
actor RemoteChatBackend: ChatBackend {
  nonisolated let options: RemoteBackendOptions
  private let client: HTTPClient
  private let clock: any ChatClock
  private let logger: Logger
  private let keyPrefix: String
  private var keyCount = 0

  /// Services by id, to tell a backend of them again that has forgotten them.
  private var services: [String: ChatServiceRequest] = [:]
  /// Those that wait for their turn, by service; a service that is absent has no call under way.
  private var lines: [String: [CheckedContinuation<Void, Never>]] = [:]
  /// Whether customers are there, as far as that is still to be told; the latest news alone.
  private var presence: [String: Bool] = [:]
  /// The same of those where it came to nothing: told with the next keep-alive that gets through.
  private var untoldPresence: [String: Bool] = [:]
  private var tellers = 0
  private(set) var statistics = RemoteStatistics()

  private var inbox = EventInbox()

  init(_ options: RemoteBackendOptions, client: HTTPClient, clock: any ChatClock, logger: Logger) {
    self.options = options
    self.client = client
    self.clock = clock
    self.logger = logger
    var random = SystemRandomNumberGenerator()
    keyPrefix = Identifiers.text(16, using: &random)
  }

  nonisolated var keepAliveInterval: Duration? { options.keepAlive }

  // MARK: services

  func createService(_ service: ChatServiceRequest) async throws(ChatBackendError) {
    services[service.serviceID] = service
    do throws(ChatBackendError) {
      _ = try await perform(.createService(service))
    } catch {
      // Without its service nobody will ask for it again; one that was taken up after a restart is told of later.
      if error != .unavailable { services[service.serviceID] = nil }
      throw error
    }
  }

  func remember(_ services: [ChatServiceRequest]) async {
    for service in services { self.services[service.serviceID] = service }
  }

  func availability(_ serviceID: String) async throws(ChatBackendError) -> ChatAvailability {
    let answer = try await performKnowing(.availability(serviceID))
    guard let availability = ChatAvailability(remote: answer["availability"]) else { throw useless("availability") }
    return availability
  }

  func queuePosition(_ serviceID: String) async throws(ChatBackendError) -> QueuePosition? {
    let answer = try await performKnowing(.queuePosition(serviceID))
    if answer == .null { return nil }
    guard let position = QueuePosition(remote: answer) else { throw useless("queue position") }
    return position
  }

  func removeService(_ serviceID: String) async {
    services[serviceID] = nil
    presence[serviceID] = nil
    untoldPresence[serviceID] = nil
    _ = try? await perform(.removeService(serviceID))
  }

  // MARK: chats

  func openChat(_ request: ChatRequest, call: CallID) async throws(ChatBackendError) -> ChatOpened {
    let answer = try await performKnowing(.openChat(request, call), key: call)
    let server = ChatServerAddress(
      host: options.url.host, webAPIPort: options.url.port, loadBalancerAlias: "0")
    guard let opened = ChatOpened(remote: answer, server: server) else { throw useless("opened chat") }
    return opened
  }

  func send(_ text: String, in serviceID: String, call: CallID) async throws(ChatBackendError) {
    _ = try await perform(.send(text, serviceID, call), key: call)
  }

  func typing(_ isTyping: Bool, in serviceID: String, call: CallID) async throws(ChatBackendError) {
    _ = try await perform(.typing(isTyping, serviceID, call), key: call)
  }

  func pushURL(_ url: String, in serviceID: String, call: CallID) async throws(ChatBackendError) {
    _ = try await perform(.pushURL(url, serviceID, call), key: call)
  }

  func notice(_ text: String, in serviceID: String, call: CallID) async throws(ChatBackendError) {
    _ = try await perform(.notice(text, serviceID, call), key: call)
  }

  func disconnect(_ serviceID: String, call: CallID) async throws(ChatBackendError) {
    _ = try await perform(.disconnect(serviceID, call), key: call)
  }

  func keepAlive(_ serviceID: String) async throws(ChatBackendError) {
    _ = try await perform(.keepAlive(serviceID))
    guard let isOnline = untoldPresence.removeValue(forKey: serviceID) else { return }
    await clientPresence(serviceID, isOnline: isOnline)
  }

  /// Returns at once: nobody waits for it, and a backend that is slow must not keep the news of others.
  func clientPresence(_ serviceID: String, isOnline: Bool) async {
    untoldPresence[serviceID] = nil
    presence[serviceID] = isOnline
    // A few at a time: when everybody comes back at once, customers who have something to say must not wait behind it.
    guard tellers < RemoteLimits.maxPresenceCalls else { return }
    tellers += 1
    Task {
      while let (serviceID, isOnline) = presence.popFirst() { await tell(serviceID, isOnline) }
      tellers -= 1
    }
  }

  private func tell(_ serviceID: String, _ isOnline: Bool) async {
    do throws(ChatBackendError) {
      _ = try await perform(.presence(isOnline, serviceID))
    } catch {
      guard error == .unavailable, presence[serviceID] == nil, services[serviceID] != nil else { return }
      untoldPresence[serviceID] = isOnline
    }
  }

  func advance(to now: Instant) async { inbox.expire(at: now) }

  // MARK: calling

  /// A call to a backend that may have forgotten the service: it is told of it again, and asked once more.
  private func performKnowing(_ call: RemoteCall, key: CallID? = nil) async throws(ChatBackendError) -> JSONValue {
    // One for all three: whoever asked waits no longer for the last of them.
    let deadline = clock.now() + options.deadline
    do throws(ChatBackendError) {
      return try await perform(call, key: key, by: deadline)
    } catch {
      guard error == .notFound, let service = services[call.serviceID] else { throw error }
      _ = try await perform(.createService(service), by: deadline)
      return try await perform(call, key: key, by: deadline)
    }
  }

  /// Makes a call in its turn.
  ///
  /// - Parameter deadline: nil for all the time that one call has.
  private func perform(
    _ call: RemoteCall, key: CallID? = nil, by deadline: Instant? = nil
  ) async throws(ChatBackendError) -> JSONValue {
    let room = call.isUrgent ? options.maxWaiting : max(1, options.maxWaiting / 2)
    guard statistics.waiting < room else {
      statistics.callsFailed += 1
      throw .unavailable
    }
    statistics.waiting += 1
    defer { statistics.waiting -= 1 }
    let deadline = deadline ?? clock.now() + options.deadline
    if call.isOrdered { await enter(call.serviceID) }
    defer { if call.isOrdered { leave(call.serviceID) } }
    do throws(ChatBackendError) {
      let answer = try await attempt(request(call, key), by: deadline, isRead: call.isAnswerRead)
      statistics.callsDone += 1
      return answer
    } catch {
      if error == .unavailable { statistics.callsFailed += 1 } else { statistics.callsRefused += 1 }
      throw error
    }
  }

  private func enter(_ line: String) async {
    guard lines[line] != nil else {
      lines[line] = []
      return
    }
    await withCheckedContinuation { lines[line]?.append($0) }
  }

  private func leave(_ line: String) {
    guard let next = lines[line]?.first else {
      lines[line] = nil
      return
    }
    lines[line]?.removeFirst()
    next.resume()
  }

  private func request(_ call: RemoteCall, _ key: CallID?) -> OutgoingRequest {
    var fields = [(name: BackendHeader.secret, value: options.secret)]
    if call.method != "GET" { fields.append((BackendHeader.key, (key ?? mintKey()).headerText)) }
    return OutgoingRequest(
      method: call.method, url: options.url.appending(call.path), fields: fields, body: call.body?.encoded,
      timeout: options.timeout)
  }

  private func mintKey() -> CallID {
    keyCount += 1
    return CallID("\(keyPrefix)-\(keyCount)")
  }

  /// Sends a request until there is an answer, retries are used up, or nobody waits for it any more.
  private func attempt(
    _ request: OutgoingRequest, by deadline: Instant, isRead: Bool
  ) async throws(ChatBackendError) -> JSONValue {
    var request = request
    var pause = options.backoff
    var left = options.retries
    while true {
      let remaining = deadline - clock.now()
      guard remaining > .zero else { throw .unavailable }
      request.timeout = min(options.timeout, remaining)
      switch RemoteVerdict(await client.send(request), isRead: isRead) {
      case .done(let answer):
        noteReachable(nil)
        return answer
      case .refused(let error):
        noteReachable(nil)
        throw error
      case .broken(let reason):
        noteReachable(reason)
        throw .unavailable
      case .notSent: throw .unavailable
      case .failed(let reason):
        noteReachable(reason)
        guard left > 0, pause < deadline - clock.now() else { throw .unavailable }
      }
      left -= 1
      statistics.retries += 1
      try? await Task.sleep(for: pause)
      pause *= 2
    }
  }

  private func noteReachable(_ failure: String?) {
    guard statistics.isReachable != (failure == nil) else { return }
    statistics.isReachable = failure == nil
    if let failure {
      logger.warning(
        "the chat backend fails", metadata: ["reason": "\(failure)", "backend": "\(options.url.authority)"])
    } else {
      logger.notice("the chat backend answers again", metadata: ["backend": "\(options.url.authority)"])
    }
  }

  private func useless(_ what: String) -> ChatBackendError {
    logger.warning("an answer of the chat backend makes no sense", metadata: ["answer": "\(what)"])
    return .unavailable
  }
}

// MARK: events

extension RemoteChatBackend {
  func events() -> AsyncStream<ChatBackendEvent> {
    let (events, consumer) = inbox.events()
    inbox.output.onTermination = { _ in Task { await self.lostConsumer(consumer) } }
    return events
  }

  func availabilityChanges() -> AsyncStream<AvailabilityChange> { inbox.availabilityChanges() }

  /// Takes a batch, in order, and waits until each of its events has its place.
  ///
  /// - Returns: what became of each, in the order of `batch`.
  func accept(_ batch: [RemoteEvent.Element]) async -> [RemoteEventOutcome] {
    for case .bad(_, let fault) in batch {
      logger.warning("an event of the chat backend is wrong", metadata: ["reason": "\(fault.sentence)"])
    }
    let deadline = clock.now() + options.deadline
    let outcomes = await withCheckedContinuation { continuation in
      inbox.take(batch, by: deadline) { continuation.resume(returning: $0) }
    }
    for outcome in outcomes { count(outcome) }
    return outcomes
  }

  /// Refuses a batch that could not be kept.
  func postpone(_ batch: [RemoteEvent.Element]) -> [RemoteEventOutcome] {
    statistics.eventsPostponed += batch.count
    return batch.map { _ in .notStored }
  }

  func acknowledge(_ event: ChatBackendEvent, position: Int?) async {
    inbox.settle(event, position.map { .placed($0) } ?? .noSuchChat)
  }

  func acknowledge(_ change: AvailabilityChange, isKept: Bool) async {
    inbox.settle(change, isKept ? .passedOn : .notStored)
  }

  func postpone(_ event: ChatBackendEvent) async { inbox.settle(event, .notStored) }

  private func lostConsumer(_ number: Int) { inbox.lostConsumer(number) }

  private func count(_ outcome: RemoteEventOutcome) {
    switch outcome {
    case .placed, .passedOn: statistics.eventsAccepted += 1
    case .noSuchChat, .bad: statistics.eventsRefused += 1
    case .notStored, .overdue, .tooMany, .stopping: statistics.eventsPostponed += 1
    }
  }
}

/// Header fields of the protocol.
enum BackendHeader {
  static let secret = "X-Backend-Secret"
  static let key = "Idempotency-Key"
}

extension CallID {
  /// The id as a header field can carry it: what is no visible ASCII is percent-encoded. Our own ids are as they are.
  var headerText: String {
    text.utf8.map { byte in
      byte > 0x20 && byte < 0x7F ? String(UnicodeScalar(byte)) : "%" + Identifiers.hex(UInt64(byte), digits: 2)
    }.joined()
  }
}
