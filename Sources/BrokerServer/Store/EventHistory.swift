// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes
import Logging
import Reactor
import Store
import Synchronization

/// Who published an event of a durable channel, and is told when it is kept.
enum EventSource: Sendable {
  /// A client; the shard of its session answers it with the event itself.
  case client(shard: Int, ticket: UInt64)
  /// The host; gets the number of subscribed sessions, or why it is not kept.
  case host(Tally, refused: @Sendable (StoreError) -> Void)
}

/// Gives each event of a durable channel its id, has it kept, and then sends it to all shards: to each of them in the order
/// of the ids, because ids are given and commits asked for under one lock, and commits end in the order they were asked for.
final class EventHistory: Sendable {
  private struct State {
    var nextID: Int64 = 1
    /// Waits for the next event to ride with.
    var drops: [Change] = []
    var kept: KeptHistory?
    var shardsToCome = 0
  }

  private let journal: Journal
  private let mailboxes: [Mailbox<ShardCommand>]
  private let isUsed: Bool
  private let logger: Logger
  private let state = Mutex(State())
  /// The last id that was given. Also what shows the thread sanitizer the order of the lock.
  private let newest = Atomic<Int64>(0)
  private let wasFailing = Atomic(false)

  /// Drops that are written without waiting for an event.
  private static let maxWaitingDrops = 64

  /// - Parameter isUsed: whether any channel is durable.
  init(_ journal: Journal, _ mailboxes: [Mailbox<ShardCommand>], isUsed: Bool, logger: Logger) {
    self.journal = journal
    self.mailboxes = mailboxes
    self.isUsed = isUsed
    self.logger = logger
  }

  /// No client can know a later id.
  var newestID: Int64 { newest.load(ordering: .acquiring) }

  // MARK: start

  /// Takes what was kept of the time before.
  ///
  /// Where nothing is known of earlier events, ids begin at the time of day in microseconds: a client that comes with an id
  /// from a life before that is told that it missed something, instead of being taken for one that knows everything.
  func open(_ snapshot: Snapshot, now: Instant, millisecondsSince1970: Int64) {
    guard isUsed else { return }
    var kept = KeptHistory()
    kept.lastID = snapshot.lastEventID
    for row in snapshot.events {
      guard let channel = Channel(row.channel, maxBytes: .max) else { continue }
      let age = max(0, millisecondsSince1970 - row.arrivedAtMillisecondsSince1970)
      kept.events.append(
        DurableEvent(
          id: row.id, channel: channel, payload: row.payload, plain: row.payload, arrival: now + .milliseconds(-age)))
    }
    for floor in snapshot.eventFloors {
      if floor.channel.isEmpty { kept.forgottenThrough = floor.droppedThrough }
      if let channel = Channel(floor.channel, maxBytes: .max) { kept.droppedThrough[channel] = floor.droppedThrough }
    }
    kept.lastID = max(kept.lastID, kept.forgottenThrough)
    if kept.lastID == 0 {
      kept.lastID = millisecondsSince1970 * 1_000
      kept.forgottenThrough = kept.lastID
      write([.dropEvents(EventFloor(channel: "", droppedThrough: kept.lastID))])
    }
    let history = kept
    withState { state in
      state.nextID = history.lastID + 1
      state.kept = history
      state.shardsToCome = mailboxes.count
    }
    newest.store(history.lastID, ordering: .releasing)
  }

  /// What was kept, for each shard once; nil where no channel is durable.
  func takeKept() -> KeptHistory? {
    withState { state in
      state.shardsToCome -= 1
      defer { if state.shardsToCome <= 0 { state.kept = nil } }
      return state.kept
    }
  }

  // MARK: events

  func publish(_ draft: EventDraft, from source: EventSource) {
    let milliseconds = StoreBridge.millisecondsSince1970()
    let now = EventLoop.clock()
    withState { state in
      let event = draft.event(id: state.nextID, createdAtSecondsSince1970: milliseconds / 1_000, arrival: now)
      state.nextID += 1
      newest.store(event.id, ordering: .releasing)
      if journal.isInMemory { return send(event, source) }
      let row = EventRow(
        id: event.id, channel: event.channel.name, payload: event.payload, arrivedAtMillisecondsSince1970: milliseconds)
      let drops = state.drops
      state.drops = []
      journal.commit(drops + [.addEvent(row)]) { [self] result in
        note(result)
        switch result {
        case .success: send(event, source)
        case .failure(let error):
          refuse(source, error)
          // A closed journal says so within this very call, and keeps nothing more.
          if error != .closed, !drops.isEmpty { withState { $0.drops = drops + $0.drops } }
        }
      }
    }
  }

  /// Events that the limits of their channels have no room for any more.
  func drop(_ drops: HistoryDrops) {
    guard !journal.isInMemory else { return }
    var changes = drops.droppedThrough.map {
      Change.dropEvents(EventFloor(channel: $0.key.name, droppedThrough: $0.value))
    }
    if !drops.forgotten.isEmpty {
      changes.append(.dropEvents(EventFloor(channel: "", droppedThrough: drops.forgottenThrough)))
      changes += drops.forgotten.map { .forgetChannel($0.name) }
    }
    let ready = changes
    let due = withState { state in
      state.drops += ready
      guard drops.isDue || state.drops.count >= Self.maxWaitingDrops else { return [Change]() }
      defer { state.drops = [] }
      return state.drops
    }
    if !due.isEmpty { write(due) }
  }

  private func write(_ changes: [Change]) {
    if !journal.isInMemory { journal.commit(changes, isKept: true) { _ in } }
  }

  private func send(_ event: DurableEvent, _ source: EventSource) {
    for mailbox in mailboxes where !mailbox.post(.event(event, source)) {
      if case .host(let tally, _) = source { tally.add(0) }
    }
  }

  private func refuse(_ source: EventSource, _ error: StoreError) {
    switch source {
    case .client(let shard, let ticket): mailboxes[shard].post(.refusePublish(ticket: ticket))
    case .host(_, let refused): refused(error)
    }
  }

  /// Says once that the disk fails, and once that it does no more.
  private func note(_ result: Result<Int64, StoreError>) {
    switch result {
    case .failure(let error):
      guard !wasFailing.exchange(true, ordering: .relaxed) else { return }
      logger.error("events of durable channels cannot be kept; they are refused", metadata: ["reason": "\(error)"])
    case .success:
      guard wasFailing.load(ordering: .relaxed), wasFailing.exchange(false, ordering: .relaxed) else { return }
      logger.notice("events of durable channels are kept again")
    }
  }

  /// The thread sanitizer does not see into the waiting half of `Mutex`; the atomic beside it shows it the same order.
  private func withState<Result>(_ body: (inout State) -> Result) -> Result {
    state.withLock { state in
      let last = newest.load(ordering: .acquiring)
      defer { newest.store(max(last, state.nextID - 1), ordering: .releasing) }
      return body(&state)
    }
  }
}
