// SPDX-License-Identifier: Apache-2.0
import Bytes

/// What waits for sessions, and what gives way when it is too much.
extension Broker {
  /// - Parameter lazyUntil: set for a lazy message: it waits for another reason to answer, until then.
  mutating func enqueue(_ entry: DeliveryQueue.Entry, for session: Session, lazyUntil: Instant? = nil, isToFew: Bool) {
    counters.queued += 1
    guard makeRoom(for: entry, in: session) else {
      counters.droppedNewest += 1
      return
    }
    session.queue.append(entry)
    counters.waiting += 1
    if let lazyUntil {
      if lazyUntil < session.lazyUntil {
        session.lazyUntil = lazyUntil
        deadlines.note(session)
      }
    } else if session.isHeld || session.stream != nil {
      // Goes out at the end of the turn: it does not wait yet.
      return lookout.note(session, isToFew: isToFew)
    }
    account(session)
    if isOverfull(session) { lookout.note(session, isToFew: isToFew) }
  }

  /// Applies the policy for a full queue.
  ///
  /// - Returns: false if `entry` is the one that gives way.
  private mutating func makeRoom(for entry: DeliveryQueue.Entry, in session: Session) -> Bool {
    switch options.queuePolicy {
    case .endSession: return true
    case .dropNewest where entry.personal == nil: return !isFull(session, for: entry)
    case .dropNewest, .dropOldest:
      while isFull(session, for: entry), session.queue.popFirstDroppable() != nil {
        counters.waiting -= 1
        counters.droppedOldest += 1
      }
      // A message that is too long by itself goes, too, unless it is for the user.
      return entry.personal != nil || !isFull(session, for: entry)
    }
  }

  private func isFull(_ session: Session, for entry: DeliveryQueue.Entry) -> Bool {
    isOver(session, messages: 1, bytes: entry.payload.count)
  }

  func isOverfull(_ session: Session) -> Bool { isOver(session, messages: 0, bytes: 0) }

  /// What a session with the acknowledge extension has not confirmed counts as waiting.
  private func isOver(_ session: Session, messages: Int, bytes: Int) -> Bool {
    session.queue.count + (session.ack?.count ?? 0) + messages > options.limits.maxQueueMessages
      || session.queue.byteCount + (session.ack?.byteCount ?? 0) + bytes > options.limits.maxQueueBytes
  }

  /// Brings the sum of all queues up to date with that of `session`.
  mutating func account(_ session: Session) {
    // Its share was taken back when it ended.
    if session.hasEnded { return }
    let bytes = session.queue.byteCount + (session.ack?.byteCount ?? 0)
    queueBytes += bytes - session.accountedBytes
    session.accountedBytes = bytes
    if session.queue.isEmpty { session.lazyUntil = .distantFuture }
  }

  /// Ends the sessions with the longest queues where all queues together hold too much, until an eighth is free again:
  /// to find them takes a look at every session.
  mutating func shed(now: Instant) {
    let limit = options.limits.maxShardQueueBytes
    guard queueBytes > limit else { return }
    let waiting = sessions.compactMap { $0 }.filter { $0.accountedBytes > 0 }
    for session in waiting.sorted(by: { $0.accountedBytes > $1.accountedBytes }) {
      guard queueBytes > limit - limit / 8 else { return }
      end(session, .shed, now: now)
    }
  }
}
