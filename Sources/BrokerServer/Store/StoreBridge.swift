// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes
import ChatService
import Glibc
import Logging
import Reactor
import Store
import Synchronization

/// A message that was kept when the broker ended, for the shard of its user.
struct KeptMessage: Sendable {
  let payload: Payload
  let user: [UInt8]
  let origin: MessageOrigin
  /// Before the start of the machine's clock where it is old enough.
  let arrival: Instant
}

/// Between those who change things and the ``Journal`` that keeps them: what leaves, leaves from here once it is kept.
final class StoreBridge: ChatJournal {
  let journal: Journal
  let events: EventHistory
  private let publisher: Publisher
  private let logger: Logger
  /// By shard; each takes its part once.
  private let backlog = Mutex<[[KeptMessage]]>([])
  /// Beside the lock for the thread sanitizer's sake, as in `Mailbox`.
  private let order = Atomic(0)
  private let wasFailing = Atomic(false)

  init(_ journal: Journal, events: EventHistory, publisher: Publisher, logger: Logger) {
    self.journal = journal
    self.events = events
    self.publisher = publisher
    self.logger = logger
  }

  // MARK: start

  /// Opens the data directory and puts the messages of absent users in place.
  ///
  /// - Returns: the services that were kept, and the values that clients stored.
  /// - Throws: ``StoreError``
  func open(shards: Int, clock: any ChatClock) throws -> (services: [RestoredService], values: [ValueRow]) {
    let snapshot = try journal.open(now: clock.secondsSince1970()) { [weak self] error in self?.note(error) }
    let (now, wallNow) = (clock.now(), Self.millisecondsSince1970())
    var parts = [[KeptMessage]](repeating: [], count: shards)
    for row in snapshot.messages {
      let age = max(0, wallNow - row.arrivedAtMillisecondsSince1970)
      parts[publisher.home(of: row.user)].append(
        KeptMessage(
          payload: row.payload, user: row.user,
          origin: MessageOrigin(sequence: row.sequence, service: row.service, position: row.position),
          arrival: now + .milliseconds(-age)))
    }
    events.open(snapshot, now: now, millisecondsSince1970: wallNow)
    let ready = parts
    backlog.withLock { parts in
      parts = ready
      order.store(0, ordering: .releasing)
    }
    guard let services = snapshot.restoredServices else {
      journal.close()
      throw StoreError.damaged(file: journal.options.directory ?? "", reason: "a row of it cannot be read")
    }
    if !journal.isInMemory {
      logger.info(
        "data directory opened",
        metadata: [
          "directory": "\(journal.options.directory ?? "")", "services": "\(services.count)",
          "messages": "\(snapshot.messages.count)", "events": "\(snapshot.events.count)",
        ])
    }
    return (services, snapshot.values)
  }

  func takeBacklog(of shard: Int) -> [KeptMessage] {
    backlog.withLock { parts in
      _ = order.load(ordering: .acquiring)
      defer { order.store(0, ordering: .releasing) }
      guard shard < parts.count else { return [] }
      defer { parts[shard] = [] }
      return parts[shard]
    }
  }

  // MARK: messages for users

  /// Has a message kept and then delivered.
  ///
  /// - Parameter complete: gets the sessions that are subscribed, or why nothing was kept and nothing is delivered.
  func publish(
    _ payload: Payload, to user: [UInt8], _ complete: @escaping @Sendable (Result<Int, StoreError>) -> Void
  ) {
    let row = MessageRow(user: user, payload: payload, arrivedAtMillisecondsSince1970: Self.millisecondsSince1970())
    journal.commit([.addMessage(row)]) { [self] result in
      note(result.failure)
      switch result {
      case .success(let sequence):
        publisher.deliver(
          payload, to: user, as: MessageOrigin(sequence: sequence), tally: Tally(of: 1) { complete(.success($0)) })
      case .failure(let error): complete(.failure(error))
      }
    }
  }

  /// Messages that were handed over, or given up.
  func forget(_ sequences: [Int64]) {
    if !sequences.isEmpty { journal.remove(sequences) }
  }

  // MARK: chat

  var isKeeping: Bool { !journal.isInMemory }
  var isClean: Bool { journal.isClean }
  var isFailing: Bool { journal.isFailing }

  func commit(_ changes: [ChatChange], notifying notifications: [ChatNotification]) {
    if journal.isInMemory {
      for notification in notifications { publisher.post(notification) }
      return
    }
    var rows = changes.map(\.row)
    let now = Self.millisecondsSince1970()
    let messages = notifications.compactMap { notification -> MessageRow? in
      let user = Array(notification.user.utf8)
      let (_, payload) = publisher.event(tag: notification.tag, message: notification.message.span)
      guard let payload else { return nil }
      return MessageRow(
        user: user, payload: payload, arrivedAtMillisecondsSince1970: now, service: notification.serviceID,
        position: notification.transcriptPosition)
    }
    rows += messages.map { .addMessage($0) }
    journal.commit(rows, isKept: true) { [self] result in
      note(result.failure)
      guard case .success(let first) = result else { return }
      for (index, message) in messages.enumerated() {
        publisher.deliver(
          message.payload, to: message.user,
          as: MessageOrigin(sequence: first + Int64(index), service: message.service, position: message.position),
          tally: nil)
      }
    }
  }

  func settle(_ complete: @escaping @Sendable (Bool) -> Void) {
    journal.commit([]) { result in
      if case .success = result { complete(true) } else { complete(false) }
    }
  }

  // MARK: failures

  /// Says once that the disk fails, and once that it does no more; the counters say how often.
  private func note(_ error: StoreError?) {
    if let error {
      guard !wasFailing.exchange(true, ordering: .relaxed) else { return }
      logger.error("what was accepted cannot be kept; it is refused until it can", metadata: ["reason": "\(error)"])
    } else {
      guard wasFailing.load(ordering: .relaxed), wasFailing.exchange(false, ordering: .relaxed) else { return }
      logger.notice("what is accepted is kept again")
    }
  }

  static func millisecondsSince1970() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
  }
}

extension Result {
  fileprivate var failure: Failure? {
    if case .failure(let error) = self { error } else { nil }
  }
}
