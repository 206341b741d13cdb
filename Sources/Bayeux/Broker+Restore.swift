// SPDX-License-Identifier: Apache-2.0
import Bytes

/// A handshake that goes on where an earlier session of the same client was: `"ext":{"restore":{"clientId":"…"}}`.
///
/// After a lost session, or a reload, stock clients shake hands anew and know nothing of their subscriptions, so what is
/// published meanwhile is lost to them (CometD issues 775, 927, 1033). The reply says whether it worked,
/// `"ext":{"restore":true}`. The new session has all subscriptions and all that waited, what was sent and not
/// acknowledged first; the old one is over, and a connect that it held is answered.
extension Broker {
  /// The session that a handshake may take over: of the same user, or, without a user, of the same browser, since
  /// a clientId alone proves nothing that its thief could not say as well.
  func restorable(_ ext: HandshakeExt, user: Span<UInt8>, browser: UInt64) -> Session? {
    guard options.restoresSessions, let id = ext.restores, let old = find(id), !old.hasEnded else { return nil }
    if let owner = old.user { return Self.equal(user, owner.name) ? old : nil }
    return user.isEmpty && browser != 0 && old.browser == browser ? old : nil
  }

  /// Gives all that `old` has to `heir`, and ends it.
  mutating func passOn(from old: Session, to heir: Session, now: Instant) {
    counters.sessionsRestored += 1
    subscriptions.passOn(from: old, to: heir)
    if old.receivesGenesys, let user = old.user, let place = user.subscribers.firstIndex(where: { $0 === old }) {
      user.subscribers[place] = heir
      heir.receivesGenesys = true
      old.receivesGenesys = false
    }
    for entry in old.ack?.unconfirmed ?? [] {
      heir.queue.append(entry)
      // It counted as delivered when it was sent.
      counters.queued += 1
      counters.waiting += 1
    }
    while let entry = old.queue.popFirst() { heir.queue.append(entry) }
    heir.lazyUntil = old.lazyUntil
    account(heir)
    if heir.lazyUntil != .distantFuture { deadlines.note(heir) }
    if heir.stream != nil, !heir.queue.isEmpty { lookout.note(heir, isToFew: false) }
    heir.lastPublication = old.lastPublication
    if old.receivesReplayIDs { heir.receivesReplayIDs = true }
    passOnFeed(from: old, to: heir)
    end(old, .restored, now: now)
  }
}
