// SPDX-License-Identifier: Apache-2.0
import Bytes

/// A message for one `gms_user` that no session of the user has been handed yet.
///
/// Every queue it waits in shares this one object, so the first session that takes it settles it for the user.
final class PersonalMessage {
  let payload: Payload
  let arrival: Instant
  let origin: MessageOrigin
  var isHandedOver = false
  /// The journal was told, or will be once the answer is written, that it need not keep it any longer.
  var isReported = false

  init(_ payload: Payload, at arrival: Instant, _ origin: MessageOrigin = MessageOrigin()) {
    self.payload = payload
    self.arrival = arrival
    self.origin = origin
  }
}

/// What waits for one session, in order. Nearly always empty or one message long: the first needs no memory of its own.
struct DeliveryQueue {
  struct Entry {
    let payload: Payload
    /// Set where the message is for the user and not for the subscribers of a channel.
    let personal: PersonalMessage?
    /// Waits for another reason to answer.
    var isLazy = false
  }

  private var first: Entry?
  private var more: [Entry] = []
  private var head = 0
  private(set) var byteCount = 0
  /// Messages that wait for a user and not for a subscriber; they do not give way to others.
  private var personalCount: UInt32 = 0
  private var urgentCount: UInt32 = 0
  /// Its lazy messages have waited as long as they may.
  private var isHurried = false

  var isEmpty: Bool { first == nil }
  /// Whether something waits that is not to wait for another reason to answer.
  var isUrgent: Bool { urgentCount > 0 || isHurried }
  var count: Int { first == nil ? 0 : 1 + more.count - head }

  mutating func append(_ entry: Entry) {
    byteCount += entry.payload.count
    if entry.personal != nil { personalCount += 1 }
    if !entry.isLazy { urgentCount += 1 }
    if first == nil {
      first = entry
    } else {
      more.append(entry)
    }
  }

  mutating func popFirst() -> Entry? {
    guard let entry = first else { return nil }
    forget(entry)
    if head < more.count {
      first = more[head]
      head += 1
      if head == more.count {
        more = []
        head = 0
      } else if head >= 64, head * 2 > more.count {
        more.removeFirst(head)
        head = 0
      }
    } else {
      first = nil
      isHurried = false
    }
    return entry
  }

  /// Takes out the oldest message that is not for the user; nil if there is none.
  mutating func popFirstDroppable() -> Entry? {
    guard let oldest = first, count > Int(personalCount) else { return nil }
    if oldest.personal == nil { return popFirst() }
    guard let place = more[head...].firstIndex(where: { $0.personal == nil }) else { return nil }
    let entry = more.remove(at: place)
    if head == more.count {
      more = []
      head = 0
    }
    forget(entry)
    return entry
  }

  private mutating func forget(_ entry: Entry) {
    byteCount -= entry.payload.count
    if entry.personal != nil { personalCount -= 1 }
    if !entry.isLazy { urgentCount -= 1 }
  }

  /// What is lazy in it is not to wait any longer.
  mutating func hurry() { isHurried = first != nil }

  /// Whether that very message waits here.
  func contains(_ message: PersonalMessage) -> Bool {
    first?.personal === message || more[head...].contains { $0.personal === message }
  }

  /// Empties the queue and says how many messages went.
  mutating func removeAll() -> Int {
    let gone = count
    self = DeliveryQueue()
    return gone
  }
}
