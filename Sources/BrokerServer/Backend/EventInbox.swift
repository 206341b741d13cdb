// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService

/// Events of a remote backend between their coming and their acknowledgement. Confined to its owner.
struct EventInbox {
  /// An event comes again under the same id and is the same one.
  private struct Key: Hashable {
    let serviceID: String
    let chatSessionID: String
    let id: String

    init(_ event: ChatBackendEvent) {
      serviceID = event.serviceID
      chatSessionID = event.chatSessionID
      id = event.id
    }
  }
  /// A batch and what became of its events so far; complete when nothing is open.
  private final class Batch {
    var outcomes: [RemoteEventOutcome?]
    var open: Int
    let complete: ([RemoteEventOutcome]) -> Void

    init(count: Int, _ complete: @escaping ([RemoteEventOutcome]) -> Void) {
      outcomes = Array(repeating: nil, count: count)
      open = count
      self.complete = complete
    }

    func settle(_ index: Int, _ outcome: RemoteEventOutcome) {
      guard outcomes[index] == nil else { return }
      outcomes[index] = outcome
      open -= 1
      if open == 0 { complete(outcomes.compactMap { $0 }) }
    }
  }
  private struct Waiting {
    let deadline: Instant
    var places: [(batch: Batch, index: Int)]
  }

  /// A change of availability on its way; unlike events, two that are alike are two.
  private struct WaitingChange {
    let change: AvailabilityChange
    let deadline: Instant
    let batch: Batch
    let index: Int
  }

  private var waiting: [Key: Waiting] = [:]
  /// In the order in which they were passed on.
  private var waitingChanges: [WaitingChange] = []
  private(set) var output: AsyncStream<ChatBackendEvent>.Continuation
  /// Kept until its consumer comes.
  private var stream: AsyncStream<ChatBackendEvent>?
  private var consumer = 0
  private var hasLostConsumer = false
  private var unreadChanges: AsyncStream<AvailabilityChange>?
  private var changes: AsyncStream<AvailabilityChange>.Continuation

  init() {
    (stream, output) = AsyncStream.makeStream()
    (unreadChanges, changes) = AsyncStream.makeStream()
  }

  /// - Returns: the events from now on, and the number of whoever consumes them.
  mutating func events() -> (AsyncStream<ChatBackendEvent>, consumer: Int) {
    let events: AsyncStream<ChatBackendEvent>
    // Not bounded by number: whatever is in it is in `waiting`, which is.
    if let unread = stream { events = unread } else { (events, output) = AsyncStream.makeStream() }
    stream = nil
    consumer += 1
    hasLostConsumer = false
    return (events, consumer)
  }

  mutating func availabilityChanges() -> AsyncStream<AvailabilityChange> {
    let stream: AsyncStream<AvailabilityChange>
    if let unread = unreadChanges { stream = unread } else { (stream, changes) = AsyncStream.makeStream() }
    unreadChanges = nil
    return stream
  }

  /// Nobody takes events any more: those that wait are to be sent again, to whoever comes next.
  mutating func lostConsumer(_ number: Int) {
    guard number == consumer else { return }
    hasLostConsumer = true
    settleAll(waiting.keys.map { $0 }, .stopping)
    settleChanges(.stopping) { _ in true }
  }

  /// Passes events on in order; `complete` is called once each has its outcome.
  mutating func take(
    _ elements: [RemoteEvent.Element], by deadline: Instant, _ complete: @escaping ([RemoteEventOutcome]) -> Void
  ) {
    let batch = Batch(count: elements.count, complete)
    // What does not fit is refused from the first on that does not: a later one must not overtake it.
    var isFull = false
    for (index, element) in elements.enumerated() {
      switch element {
      case .bad(_, let fault): batch.settle(index, .bad(fault))
      case .event(.availability(let change)):
        isFull = isFull || waitingChanges.count >= RemoteLimits.maxWaitingEvents
        if hasLostConsumer || isFull {
          batch.settle(index, isFull ? .tooMany : .stopping)
          continue
        }
        waitingChanges.append(WaitingChange(change: change, deadline: deadline, batch: batch, index: index))
        changes.yield(change)
      case .event(.chat(let event)):
        let key = Key(event)
        if waiting[key] != nil {
          waiting[key]?.places.append((batch, index))
          continue
        }
        isFull = isFull || waiting.count >= RemoteLimits.maxWaitingEvents
        if hasLostConsumer || isFull {
          batch.settle(index, isFull ? .tooMany : .stopping)
          continue
        }
        waiting[key] = Waiting(deadline: deadline, places: [(batch, index)])
        output.yield(event)
      }
    }
  }

  mutating func settle(_ event: ChatBackendEvent, _ outcome: RemoteEventOutcome) {
    settleAll([Key(event)], outcome)
  }

  /// The oldest of those changes that are alike has its outcome.
  mutating func settle(_ change: AvailabilityChange, _ outcome: RemoteEventOutcome) {
    guard let first = waitingChanges.firstIndex(where: { $0.change == change }) else { return }
    let settled = waitingChanges.remove(at: first)
    settled.batch.settle(settled.index, outcome)
  }

  private mutating func settleChanges(_ outcome: RemoteEventOutcome, where isIt: (WaitingChange) -> Bool) {
    let settled = waitingChanges.filter(isIt)
    waitingChanges.removeAll(where: isIt)
    for change in settled { change.batch.settle(change.index, outcome) }
  }

  /// Ends the waiting for what was not placed in time.
  mutating func expire(at now: Instant) {
    if !waitingChanges.isEmpty { settleChanges(.overdue) { $0.deadline <= now } }
    if waiting.isEmpty { return }
    settleAll(waiting.compactMap { $0.value.deadline <= now ? $0.key : nil }, .overdue)
  }

  private mutating func settleAll(_ keys: [Key], _ outcome: RemoteEventOutcome) {
    for key in keys {
      for place in waiting.removeValue(forKey: key)?.places ?? [] { place.batch.settle(place.index, outcome) }
    }
  }
}
