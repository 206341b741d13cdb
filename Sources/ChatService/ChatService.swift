// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// The GMS chat API v1 behind its HTTP routes: services, their chats, and what is pushed about them.
///
/// It never throws and never blocks: each call ends in a reply. Rules are in `Interaction` and `Transcript`; here is
/// who waits for what. A host calls ``run()`` once, beside its listeners.
public actor ChatService {
  public nonisolated let configuration: ChatConfiguration
  let backend: any ChatBackend
  let journal: any ChatJournal
  var outbox = ChatOutbox()
  /// Acknowledgements that had to wait for the journal, in order.
  let settledEvents: AsyncStream<SettledEvent>.Continuation
  private let settled: AsyncStream<SettledEvent>
  let clock: any ChatClock
  var random: ChatRandom
  let style: ChatIxnStyle
  /// By provider name or device type.
  let pushProviders: [String: any PushProvider]
  let storage: any ServiceStorage

  var records: [String: ServiceRecord] = [:]
  /// Taken up from the journal; the backend is told of them when ``run()`` begins.
  var restoredServices: [String] = []
  /// Services by the user whose comet sessions they notify.
  var servicesOfUser: [String: Set<String>] = [:]
  /// Users whose comet sessions are there, also before they have a chat. As many as there are sessions.
  var onlineUsers: Set<String> = []
  /// Callbacks by what a query names: see ``ServiceRecord/lookups``.
  var callbacks: [CallbackLookup: Set<String>] = [:]
  /// By id; each goes when its time is over.
  var subscriptions: [String: PushSubscription] = [:]
  var waiters: [CallID: Waiter] = [:]
  var alarms = Deadlines<Alarm>()
  let callPrefix: String
  var callCount = 0
  var counters = ChatStatistics()
  /// Once no more events come, by the end of ``run()`` or of the backend, no call could be answered: none is begun.
  var isStopped = false

  /// - Parameters:
  ///   - journal: keeps changes and posts notifications; nil keeps nothing and posts to `notifier`.
  ///   - pushProviders: by provider name or device type, in lower case; `comet` is built in.
  ///   - storage: keeps what clients store; nil keeps it in memory.
  ///   - random: mints service ids; to be cryptographically strong outside tests.
  public init(
    configuration: ChatConfiguration = ChatConfiguration(), backend: any ChatBackend, notifier: any ChatNotifier,
    journal: (any ChatJournal)? = nil, clock: any ChatClock, pushProviders: [String: any PushProvider] = [:],
    storage: (any ServiceStorage)? = nil,
    random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
  ) {
    self.configuration = configuration
    self.backend = backend
    self.journal = journal ?? MemoryJournal(notifier: notifier)
    (settled, settledEvents) = AsyncStream.makeStream()
    self.clock = clock
    self.pushProviders = pushProviders
    self.storage = storage ?? MemoryStorage(limits: configuration.storageLimits)
    var generator = ChatRandom(base: random)
    callPrefix = Identifiers.text(16, using: &generator)
    self.random = generator
    style = ChatIxnStyle(
      position: configuration.transcriptPosition, isPretty: configuration.prettyJSON,
      loadBalancerPath: configuration.loadBalancerPath)
  }

  public var statistics: ChatStatistics {
    var statistics = counters
    statistics.services = records.count
    statistics.waitingCalls = waiters.count
    return statistics
  }

  /// The entries kept of the chat of a service; nil when it has none. For the agent's side and for tests.
  public func transcript(of serviceID: String) -> [TranscriptEntry]? {
    records[serviceID]?.interaction?.transcript.entries
  }

  // MARK: running

  /// Takes the backend's events and keeps the deadlines, until cancelled. Runs once.
  public func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask { await self.takeEvents() }
      group.addTask { await self.announceRestored() }
      group.addTask { await self.keepDeadlines() }
      group.addTask { await self.takeAvailability() }
      group.addTask { await self.passOnAcknowledgements(self.settled) }
    }
  }

  private func takeEvents() async {
    for await event in await backend.events() {
      switch take(event) {
      case .now(let position): await acknowledge(event, position: position)
      case .later: continue
      case .postponed: await backend.postpone(event)
      }
    }
    isStopped = true
    for call in Array(waiters.keys) { settle(call, .failed(.unavailable)) }
  }

  private func keepDeadlines() async {
    while !Task.isCancelled {
      let now = clock.now()
      sweep(now: now)
      await backend.advance(to: now)
      await storage.sweep(now: now)
      try? await Task.sleep(for: configuration.limits.sweepInterval)
    }
  }

  /// Ends what is overdue at `now`: calls, services, held-back events. ``run()`` does it by itself.
  public func sweep(now: Instant) {
    while let alarm = alarms.popDue(at: now) {
      switch alarm.reason {
      case .call(let call): overdue(call)
      case .expiry(let id): expire(id, now: now)
      case .release(let id):
        releaseNotices(id)
        release(id)
      case .unknownOpening(let id): giveUpOpening(of: id, now: now)
      case .keepAlive(let id, let chat): keepAlive(id, chat: chat, now: now)
      case .confirmation(let id): confirmationOverdue(id, now: now)
      case .unseen(let id): pushUnseen(id, now: now)
      case .silence(let id): checkSilence(id, now: now)
      case .push(let message, let attempt): push(message, attempt: attempt)
      case .subscription(let id): subscriptions[id] = nil
      }
    }
  }

  func wake(for reason: Alarm.Reason, at moment: Instant) {
    alarms.note(Alarm(reason, at: moment))
  }

  private func overdue(_ call: CallID) {
    guard let waiter = waiters[call] else { return }
    if waiter.awaitsEnd, let record = records[waiter.serviceID], let effects = record.interaction?.endHere() {
      carryOut(effects, record)
    }
    guard waiters[call] != nil else { return }
    counters.callsTimedOut += 1
    settle(call, .timedOut)
  }

  private func expire(_ id: String, now: Instant) {
    guard let record = records[id] else { return }
    guard record.expires <= now else { return wake(for: .expiry(serviceID: id), at: record.expires) }
    release(id)
    if let effects = record.interaction?.endHere(), effects.hasEnded {
      carryOut(effects, record)
      leave(id)
    }
    forget(record)
    counters.servicesExpired += 1
  }

  func forget(_ record: ServiceRecord) {
    for call in record.waiting { settle(call, .failed(.notFound)) }
    bind(record, to: nil, notifies: false)
    records[record.id] = nil
    unnote(record)
    keep(.removeService(record.id))
    commit()
    let id = record.id
    Task {
      await backend.removeService(id)
      // Where that fails the box is taken away at the next start, which finds no service to it.
      _ = try? await storage.removeBox(.service(id))
    }
  }

  private func keepAlive(_ id: String, chat: String, now: Instant) {
    guard let interaction = records[id]?.interaction, interaction.isLive, interaction.opened.chatSessionID == chat,
      let interval = backend.keepAliveInterval
    else { return }
    wake(for: .keepAlive(serviceID: id, chatSessionID: chat), at: now + interval)
    Task {
      do throws(ChatBackendError) {
        try await backend.keepAlive(id)
      } catch {
        if error == .notFound { lost(id, chat: chat) }
      }
    }
  }

  /// The backend does not know the chat any more: the customer must hear that it is over.
  func lost(_ id: String, chat: String) {
    guard let record = records[id], record.interaction?.opened.chatSessionID == chat,
      let effects = record.interaction?.endHere()
    else { return }
    carryOut(effects, record)
  }

  // MARK: the customer's reachability

  /// Tells the backend that the comet sessions of a user went away or came back.
  public func clientPresence(user: String, online isOnline: Bool) async {
    if isOnline { onlineUsers.insert(user) } else { onlineUsers.remove(user) }
    let changed = servicesOfUser[user, default: []].filter { id in
      guard let record = records[id], record.interaction?.isLive == true, record.isOnline != isOnline else {
        return false
      }
      record.isOnline = isOnline
      reachabilityChanged(record, isOnline)
      return true
    }
    for id in changed { await backend.clientPresence(id, isOnline: isOnline) }
  }
}
