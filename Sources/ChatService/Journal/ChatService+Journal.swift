// SPDX-License-Identifier: Apache-2.0
import Bytes

/// What has changed and is to be told since the last commit.
struct ChatOutbox {
  var changes: [ChatChange] = []
  var notifications: [ChatNotification] = []
  var isEmpty: Bool { changes.isEmpty && notifications.isEmpty }
}

/// An event whose place was, or was not, kept.
struct SettledEvent: Sendable {
  let event: ChatBackendEvent
  let position: Int?
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
    commit()
    if journal.isClean { return await backend.acknowledge(event, position: position) }
    let settled = settledEvents
    journal.settle { settled.yield(SettledEvent(event: event, position: position, isKept: $0)) }
  }

  /// Carries acknowledgements out in the order in which they were settled.
  func passOnAcknowledgements(_ events: AsyncStream<SettledEvent>) async {
    for await settled in events {
      if settled.isKept {
        await backend.acknowledge(settled.event, position: settled.position)
      } else {
        await backend.postpone(settled.event)
      }
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

  /// Tells the backend once more of the services that were taken up, so that it can route them. One that cannot be
  /// reached now is no reason to give a service up.
  func announceRestored() async {
    let ids = restoredServices
    restoredServices = []
    for id in ids {
      guard let record = records[id], record.interaction?.isLive != false else { continue }
      try? await backend.createService(record.request)
    }
  }
}
