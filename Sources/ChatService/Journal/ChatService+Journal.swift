// SPDX-License-Identifier: Apache-2.0
import Bytes

/// What has changed and is to be told since the last commit.
struct ChatOutbox {
  var changes: [ChatChange] = []
  var notifications: [ChatNotification] = []
  var isEmpty: Bool { changes.isEmpty && notifications.isEmpty }
}

/// Something of the backend that was, or was not, kept.
struct SettledEvent: Sendable {
  enum Subject: Sendable {
    case event(ChatBackendEvent, position: Int?)
    case availability(AvailabilityChange)
  }

  let subject: Subject
  let isKept: Bool
}

// MARK: recording

extension ChatService {
  func keep(_ change: @autoclosure () -> ChatChange) {
    if journal.isKeeping { outbox.changes.append(change()) }
  }

  func keepService(_ record: ServiceRecord) {
    guard journal.isKeeping else { return }
    var stored = StoredService(
      id: record.id, name: record.name, user: record.user, data: record.data, ttl: record.ttl,
      usedAtSecondsSince1970: record.usedAt)
    stored.isCallback = record.isCallback
    stored.isAnnounced = record.isAnnounced
    stored.isRouted = record.isRouted
    stored.device = record.device
    keep(.putService(stored))
  }

  func keepChat(_ record: ServiceRecord) {
    guard journal.isKeeping, var stored = record.stored, let chat = record.interaction else { return }
    stored.server = chat.server
    stored.isLive = chat.isLive
    stored.isHeldBack = chat.isHeldBack
    stored.cursor = chat.cursor
    stored.endedBy = chat.endedBy
    record.stored = stored
    keep(.putChat(stored))
  }

  /// Records entries that have their places, what the transcript forgot for them, and who joined and left by them.
  func keepEntries(_ placed: [TranscriptEntry], of event: ChatBackendEvent, forgotten: Int, _ record: ServiceRecord) {
    guard journal.isKeeping, let transcript = record.interaction?.transcript else { return }
    if !placed.isEmpty { keep(.addEntries(serviceID: record.id, placed, event: event.id)) }
    if transcript.forgotten > forgotten {
      keep(.removeEntries(serviceID: record.id, through: transcript.position - transcript.entries.count))
    }
    var agents = record.stored?.agents ?? []
    for entry in placed.map(\.entry) where entry.party == .agent {
      if entry.kind == .left || entry.kind == .joined { agents.removeAll { $0 == entry.nickname } }
      if entry.kind == .joined { agents.append(entry.nickname) }
    }
    let isMoved = if case .relocated = event.content { true } else { false }
    guard isMoved || agents != record.stored?.agents else { return }
    record.stored?.agents = agents
    keepChat(record)
  }

  /// Sends what was recorded to the journal, as one transaction.
  func commit() {
    guard !outbox.isEmpty else { return }
    let ready = outbox
    outbox = ChatOutbox()
    journal.commit(ready.changes, notifying: ready.notifications)
  }

  /// The service was used: its time begins anew. Kept at most once a minute, since a restart need not know better.
  func touch(_ record: ServiceRecord) {
    let isOver = record.interaction?.isLive == false
    let lifetime = isOver ? min(record.ttl, configuration.endedChatRetention) : record.ttl
    record.expires = clock.now() + lifetime
    guard journal.isKeeping else { return }
    let now = clock.secondsSince1970()
    guard now - record.usedAt >= max(1, min(60, record.ttl.components.seconds / 8)) else { return }
    record.usedAt = now
    keepService(record)
    commit()
  }
}

// MARK: waiting

extension ChatService {
  /// Whether all that was committed is kept; asks the journal to try again where the last write failed.
  func isKept() async -> Bool {
    commit()
    return journal.isClean ? true : await settle()
  }

  private func settle() async -> Bool {
    await withCheckedContinuation { continuation in
      journal.settle { continuation.resume(returning: $0) }
    }
  }

  /// Before anything changes: a call that could not be kept is refused while nothing has happened yet.
  func checkJournal() async throws(ChatError) {
    if journal.isFailing, await !settle() { throw .notStored }
  }

  /// Holds a reply back until everything it shows is kept.
  func whenKept(_ reply: ChatReply) async -> ChatReply { await isKept() ? reply : ChatError.notStored.reply }

  /// Tells the backend that an event has its place, once that is kept.
  func acknowledge(_ event: ChatBackendEvent, position: Int?) async {
    await acknowledge(.event(event, position: position))
  }

  func acknowledge(_ subject: SettledEvent.Subject) async {
    commit()
    if journal.isClean { return await passOn(SettledEvent(subject: subject, isKept: true)) }
    let settled = settledEvents
    journal.settle { settled.yield(SettledEvent(subject: subject, isKept: $0)) }
  }

  /// Carries acknowledgements out in the order in which they were settled.
  func passOnAcknowledgements(_ events: AsyncStream<SettledEvent>) async {
    for await settled in events { await passOn(settled) }
  }

  private func passOn(_ settled: SettledEvent) async {
    switch settled.subject {
    case .event(let event, let position) where settled.isKept: await backend.acknowledge(event, position: position)
    case .event(let event, _): await backend.postpone(event)
    case .availability(let change): await backend.acknowledge(change, isKept: settled.isKept)
    }
  }
}

// MARK: after a restart

extension ChatService {
  /// Takes up services and chats where they were. Once, before ``run()``.
  public func restore(_ services: [RestoredService]) {
    for restored in services { restore(restored) }
    commit()
  }

  private func restore(_ restored: RestoredService) {
    let service = restored.service
    let now = clock.now()
    let unused = Duration.seconds(max(0, clock.secondsSince1970() - service.usedAtSecondsSince1970))
    let record = ServiceRecord(
      id: service.id, name: service.name,
      definition: configuration.definition(named: service.name) ?? ChatServiceDefinition(), data: service.data,
      ttl: service.ttl, expires: now + max(.zero, service.ttl - unused), user: service.user, now: now)
    record.usedAt = service.usedAtSecondsSince1970
    record.isCallback = service.isCallback
    record.isAnnounced = service.isAnnounced
    if service.isAnnounced { record.toldAvailability = .available }
    record.isRouted = service.isRouted
    record.device = service.device
    record.plan = record.definition.plan ?? configuration.fallbackPlan
    record.heldNotices = nil
    if service.isCallback, record.definition.waitsForAgent, !service.isAnnounced {
      record.callback = CallbackFlow(record.definition)
    }
    records[record.id] = record
    note(record)
    restoredServices.append(record.id)
    wake(for: .expiry(serviceID: record.id), at: record.expires)
    guard let chat = restored.chat else { return }
    record.stored = chat
    record.interaction = Interaction(restoring: chat, restored.entries, limits: configuration.limits)
    record.isOnline = chat.notifiesByComet ? false : nil
    bind(record, to: service.user, notifies: chat.notifiesByComet)
    // Whoever waited for the reply of the create waits no more.
    release(record.id)
    guard chat.isLive else { return }
    restoreUnseen(restored, record)
    counters.liveChats += 1
    if let interval = backend.keepAliveInterval {
      wake(for: .keepAlive(serviceID: record.id, chatSessionID: chat.opened.chatSessionID), at: now + interval)
    }
    if let timeout = record.definition.clientTimeout, !chat.notifiesByComet {
      wake(for: .silence(serviceID: record.id), at: now + timeout)
    }
  }

  /// Tells the backend once more of the services that were taken up, so that it can route them: a few at a time, and
  /// again while it cannot be reached. Nobody else would ever tell it of a customer who waits for the push.
  func announceRestored() async {
    // Those who come back first are told first.
    var left = Array(restoredServices.reversed())
    restoredServices = []
    await backend.remember(left.compactMap { records[$0]?.request })
    var pause = configuration.limits.announcePause
    while !left.isEmpty, !Task.isCancelled, !isStopped {
      let ids = left.suffix(Self.announcedAtOnce)
      left.removeLast(ids.count)
      var missed: [String] = []
      await withTaskGroup(of: String?.self) { group in
        for id in ids { group.addTask { await self.announceAgain(id) ? nil : id } }
        for await id in group { if let id { missed.append(id) } }
      }
      guard !missed.isEmpty else {
        pause = configuration.limits.announcePause
        continue
      }
      left += missed
      try? await Task.sleep(for: pause)
      pause = min(pause * 2, configuration.limits.announcePause * 30)
    }
  }

  /// Services of which the backend is told at once after a start: customers who call meanwhile need room as well.
  private static let announcedAtOnce = 4

  /// - Returns: whether that is done, or not to be done.
  private func announceAgain(_ id: String) async -> Bool {
    guard let record = records[id], record.interaction?.isLive != false else { return true }
    do throws(ChatBackendError) {
      try await backend.createService(record.request)
      return true
    } catch {
      return error != .unavailable
    }
  }
}
