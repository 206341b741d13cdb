// SPDX-License-Identifier: Apache-2.0
import Bytes

// MARK: events of the backend

extension ChatService {
  enum Taken: Sendable {
    /// The position that the event led to; nil when no live chat took it.
    case now(position: Int?)
    /// Its chat is being opened; the event is taken and acknowledged then.
    case later
    /// It is to come again.
    case postponed
  }

  func take(_ event: ChatBackendEvent) -> Taken {
    guard let record = records[event.serviceID] else {
      counters.eventsNotTaken += 1
      return .now(position: nil)
    }
    if record.interaction?.opened.chatSessionID != event.chatSessionID, let held = hold(event, record) { return held }
    return overtakes(event, record) ? .postponed : .now(position: place(event, record))
  }

  /// Gives an event its place.
  ///
  /// - Returns: the position that it led to; nil when no live chat took it.
  func place(_ event: ChatBackendEvent, _ record: ServiceRecord) -> Int? {
    let isVerbose = event.cause.flatMap { waiters[$0]?.isVerbose } ?? false
    let forgotten = record.interaction?.transcript.forgotten ?? 0
    let received = record.interaction?.receive(event, isVerbose: isVerbose)
    guard let effects = received, effects.isNew else {
      counters.eventsNotTaken += 1
      return received?.position
    }
    counters.entriesForgotten += (record.interaction?.transcript.forgotten ?? 0) - forgotten
    count(event)
    noteAgents(of: event, record)
    touch(record)
    keepEntries(effects.placed, of: event, forgotten: forgotten, record)
    // Pushed before the reply is released, so that the reply's position never runs ahead of the events'.
    carryOut(effects, record)
    if let cause = event.cause { settle(cause, .accepted) }
    return effects.position
  }

  func carryOut(_ effects: Interaction.Effects, _ record: ServiceRecord) {
    for ixn in effects.notifications { post(ixn, of: record) }
    if effects.hasEnded { keepChat(record) }
    commit()
    guard effects.hasEnded else { return }
    touch(record)
    wake(for: .expiry(serviceID: record.id), at: record.expires)
    counters.chatsEnded += 1
    counters.liveChats -= 1
    for call in record.waiting { settle(call, .chatEnded) }
  }

  /// Sends what was held back until the reply of the create was written.
  func release(_ id: String) {
    guard let record = records[id], record.interaction?.isHeldBack == true,
      let held = record.interaction?.release()
    else { return }
    for ixn in held { post(ixn, of: record) }
    keepChat(record)
    commit()
  }

  private func post(_ ixn: ChatIxn, of record: ServiceRecord) {
    guard let user = record.user else { return }
    counters.notifications += 1
    outbox.notifications.append(
      ChatNotification(
        user: user, tag: "service.chat.refresh.\(record.id)", message: style.encode(ixn, order: .event),
        serviceID: record.id, transcriptPosition: ixn.position))
  }

  private func count(_ event: ChatBackendEvent) {
    let entries: [ChatEntry]
    switch event.content {
    case .entries(let some), .ended(let some): entries = some
    case .relocated: return
    }
    for entry in entries where entry.kind == .text {
      if entry.party == .client { counters.messagesIn += 1 } else { counters.messagesOut += 1 }
    }
  }
}

// MARK: calls to the backend

extension ChatService {
  typealias BackendRequest = @Sendable (any ChatBackend, CallID) async throws(ChatBackendError) -> Void

  func mintCall() -> CallID {
    callCount += 1
    return CallID("\(callPrefix)-\(callCount)")
  }

  /// Asks the backend for something and waits until it has come about, at most ``ChatLimits/callTimeout``.
  func submit(
    _ serviceID: String, awaiting subject: Waiter.Subject = .event, isVerbose: Bool = false,
    _ request: @escaping BackendRequest
  ) async -> CallOutcome {
    let chat = records[serviceID]?.interaction?.opened.chatSessionID
    return await wait(serviceID, for: subject, isVerbose: isVerbose) { call in
      Task {
        do throws(ChatBackendError) {
          try await reach(serviceID, call, request)
          if subject == .answer { settle(call, .accepted) }
        } catch {
          refused(call, error, chat: chat)
        }
      }
    }
  }

  /// Waits until the call that `begin` starts is settled.
  func wait(
    _ serviceID: String, for subject: Waiter.Subject, isVerbose: Bool = false, _ begin: (CallID) -> Void = { _ in }
  ) async -> CallOutcome {
    guard !isStopped else { return .failed(.unavailable) }
    let call = mintCall()
    return await withCheckedContinuation { continuation in
      waiters[call] = Waiter(
        serviceID: serviceID, subject: subject, isVerbose: isVerbose, continuation: continuation)
      records[serviceID]?.waiting.insert(call)
      wake(for: .call(call), at: clock.now() + configuration.limits.callTimeout)
      begin(call)
    }
  }

  func settle(_ call: CallID, _ outcome: CallOutcome) {
    guard let waiter = waiters.removeValue(forKey: call) else { return }
    records[waiter.serviceID]?.waiting.remove(call)
    waiter.continuation.resume(returning: outcome)
  }

  /// - Parameter chat: the session that the call was about; nil for none.
  private func refused(_ call: CallID, _ error: ChatBackendError, chat: String?) {
    guard let waiter = waiters[call] else { return }
    switch (error, waiter.subject) {
    case (.ended, .event):
      // Entries may still precede the end among the events: the reply waits for the end itself.
      waiters[call]?.awaitsEnd = true
    case (.notFound, .event):
      if let chat { lost(waiter.serviceID, chat: chat) }
      // Settled by the end of the chat where it was live.
      settle(call, .failed(error))
    default: settle(call, .failed(error))
    }
  }

  /// Calls the backend; where it cannot be reached, finds the chat's new server and tries once more under the same id.
  private func reach(
    _ serviceID: String, _ call: CallID, _ request: BackendRequest
  ) async throws(ChatBackendError) {
    do throws(ChatBackendError) {
      return try await request(backend, call)
    } catch {
      guard error == .unavailable, records[serviceID]?.interaction?.isLive == true else { throw error }
    }
    let server = try await backend.relocate(serviceID)
    guard let position = records[serviceID]?.interaction?.transcript.position else { throw .notFound }
    records[serviceID]?.interaction?.moved(to: server)
    for event in try await backend.refresh(serviceID, after: position) {
      guard case .now(let position) = take(event) else { continue }
      await acknowledge(event, position: position)
    }
    try await request(backend, call)
  }

  /// Ends a chat at the backend that nobody here waits for any more.
  func leave(_ serviceID: String) {
    let call = mintCall()
    Task { try? await backend.disconnect(serviceID, call: call) }
  }

  /// Notes whose a service is, and whether it notifies the comet sessions of that user.
  func bind(_ record: ServiceRecord, to user: String?, notifies: Bool) {
    if let old = record.user, servicesOfUser[old]?.remove(record.id) != nil, servicesOfUser[old]?.isEmpty == true {
      servicesOfUser[old] = nil
    }
    record.user = user
    if let user, notifies { servicesOfUser[user, default: []].insert(record.id) }
  }
}

extension CallOutcome {
  /// - Throws: what the client sees unless it was accepted or the chat ended meanwhile.
  func check() throws(ChatError) {
    switch self {
    case .accepted, .chatEnded: return
    case .failed(let error): throw ChatError(error)
    case .timedOut: throw .backendTimeout
    }
  }
}
