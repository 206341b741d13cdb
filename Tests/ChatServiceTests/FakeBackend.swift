// SPDX-License-Identifier: Apache-2.0
@testable import ChatService

/// A backend that does as a test tells it: fails, keeps silent, answers late, moves elsewhere.
actor FakeBackend: ChatBackend {
  static let here = ChatServerAddress(host: "here", webAPIPort: 1, loadBalancerAlias: "1")
  static let spare = ChatServerAddress(host: "spare", webAPIPort: 2, loadBalancerAlias: "2")

  nonisolated let keepAliveInterval: Duration?
  private let changes = AsyncStream<AvailabilityChange>.makeStream()
  private(set) var acknowledgedChanges: [Bool] = []
  private(set) var remembered: [String] = []
  private let stream: AsyncStream<ChatBackendEvent>
  private let output: AsyncStream<ChatBackendEvent>.Continuation

  /// What happened here, in words: `send hi`, `relocate`…
  private(set) var log: [String] = []
  private(set) var calls: [CallID] = []
  private(set) var openCalls: [CallID] = []
  private(set) var acknowledged: [String: Int?] = [:]
  private(set) var postponed: [String] = []
  /// Thrown by the next calls, one each.
  private var failures: [ChatBackendError] = []
  private var openFailure: ChatBackendError?
  private var keepAliveFailure: ChatBackendError?
  private var canRelocate = false
  private var missed: [ChatBackendEvent] = []
  private var isSilent = false
  private var isOpeningHeld = false
  private var heldOpenings: [CheckedContinuation<Void, Never>] = []
  private var isSendingHeld = false
  private var heldSends: [CheckedContinuation<Void, Never>] = []
  private var session = "chat of"
  private var eventCount = 0

  init(keepAliveInterval: Duration? = nil) {
    self.keepAliveInterval = keepAliveInterval
    (stream, output) = AsyncStream.makeStream()
  }

  // MARK: what a test tells it

  func failNext(_ errors: ChatBackendError...) { failures += errors }
  func failOpening(_ error: ChatBackendError?) { openFailure = error }
  func failKeepAlive(_ error: ChatBackendError?) { keepAliveFailure = error }
  func relocates(missing events: [ChatBackendEvent]) { (canRelocate, missed) = (true, events) }
  func keepSilent() { isSilent = true }
  func holdOpenings() { isOpeningHeld = true }
  func letOpenings() {
    isOpeningHeld = false
    for held in heldOpenings { held.resume() }
    heldOpenings = []
  }

  func holdSends() { isSendingHeld = true }
  func letSends() {
    isSendingHeld = false
    for held in heldSends { held.resume() }
    heldSends = []
  }
  /// Chats that are opened from now on are others.
  func renameChats() { session = "new chat of" }

  func emit(
    _ content: ChatBackendEvent.Content, in serviceID: String, id: String? = nil, cause: CallID? = nil
  ) {
    output.yield(event(content, in: serviceID, id: id, cause: cause))
  }

  func event(
    _ content: ChatBackendEvent.Content, in serviceID: String, id: String? = nil, cause: CallID? = nil
  ) -> ChatBackendEvent {
    eventCount += 1
    return ChatBackendEvent(
      id: id ?? "f\(eventCount)", serviceID: serviceID, chatSessionID: "\(session) \(serviceID)",
      secondsSince1970: ManualClock.start, cause: cause, content: content)
  }

  func become(_ availability: ChatAvailability, _ serviceID: String) {
    changes.continuation.yield(AvailabilityChange(serviceID: serviceID, availability: availability))
  }

  func closeStream() { output.finish() }

  // MARK: what the service calls

  func events() -> AsyncStream<ChatBackendEvent> { stream }
  func acknowledge(_ event: ChatBackendEvent, position: Int?) { acknowledged.updateValue(position, forKey: event.id) }
  func postpone(_ event: ChatBackendEvent) { postponed.append(event.id) }

  func availabilityChanges() -> AsyncStream<AvailabilityChange> { changes.stream }
  func acknowledge(_ change: AvailabilityChange, isKept: Bool) { acknowledgedChanges.append(isKept) }
  func remember(_ services: [ChatServiceRequest]) { remembered = services.map(\.serviceID) }

  func createService(_ service: ChatServiceRequest) async throws(ChatBackendError) { try note("service", nil) }
  func availability(_ serviceID: String) async throws(ChatBackendError) -> ChatAvailability { .available }

  func openChat(_ request: ChatRequest, call: CallID) async throws(ChatBackendError) -> ChatOpened {
    log.append("open")
    openCalls.append(call)
    if isOpeningHeld { await withCheckedContinuation { heldOpenings.append($0) } }
    if let openFailure { throw openFailure }
    return ChatOpened(
      chatSessionID: "\(session) \(request.serviceID)", userID: "U", secureKey: "k",
      startedAtSecondsSince1970: ManualClock.start, server: Self.here)
  }

  func refresh(_ serviceID: String, after position: Int) async throws(ChatBackendError) -> [ChatBackendEvent] {
    log.append("refresh \(position)")
    return missed
  }

  func relocate(_ serviceID: String) async throws(ChatBackendError) -> ChatServerAddress {
    log.append("relocate")
    guard canRelocate else { throw .unavailable }
    return Self.spare
  }

  func send(_ text: String, in serviceID: String, call: CallID) async throws(ChatBackendError) {
    if isSendingHeld { await withCheckedContinuation { heldSends.append($0) } }
    try note("send \(text)", call)
    if !isSilent { emit(.entries([ChatEntry(.text, "C", text, .client)]), in: serviceID, cause: call) }
  }

  func typing(_ isTyping: Bool, in serviceID: String, call: CallID) async throws(ChatBackendError) {
    try note("typing \(isTyping)", call)
    let notice = ChatEntry.notice(isTyping ? .typingStarted : .typingStopped, "C", .client)
    if !isSilent { emit(.entries([notice]), in: serviceID, cause: call) }
  }

  func pushURL(_ url: String, in serviceID: String, call: CallID) async throws(ChatBackendError) {}
  func notice(_ text: String, in serviceID: String, call: CallID) async throws(ChatBackendError) {}

  func disconnect(_ serviceID: String, call: CallID) async throws(ChatBackendError) {
    try note("disconnect", call)
    if !isSilent { emit(.ended([]), in: serviceID, cause: call) }
  }

  func clientPresence(_ serviceID: String, isOnline: Bool) { log.append("presence \(isOnline)") }

  func keepAlive(_ serviceID: String) async throws(ChatBackendError) {
    log.append("keepAlive")
    if let keepAliveFailure { throw keepAliveFailure }
  }

  private func note(_ text: String, _ call: CallID?) throws(ChatBackendError) {
    log.append(text)
    if let call { calls.append(call) }
    if !failures.isEmpty { throw failures.removeFirst() }
  }
}
