// SPDX-License-Identifier: Apache-2.0
import Bytes

/// The events of durable channels that can be replayed: in one order over all channels, within the limits of each.
///
/// Every shard has one and appends the same events in the same order, so a subscription splits them exactly into those
/// that are here already and those that come live. The payloads are shared.
struct ReplayLog {
  struct Drop: Hashable {
    let channel: Channel
    let id: Int64
  }

  private struct Entry {
    let id: Int64
    let payload: Payload
    let arrival: Instant
  }

  private struct History {
    var channel: Channel
    var limits: ChannelRule.History
    var entries = Line<Entry>()
    var byteCount = 0
    /// The last event that is not kept any more.
    var droppedThrough: Int64
    var lastID: Int64 = 0
  }

  /// Where the event with that id stands; stale once its channel has dropped it.
  private struct Place {
    let id: Int64
    let slot: Int
  }

  let maxBytes: Int
  let maxChannels: Int
  private var slots: [String: Int] = [:]
  private var histories: [History] = []
  private var freeSlots: [Int] = []
  private var order = Line<Place>()

  /// The last id that was appended.
  private(set) var lastID: Int64 = 0
  /// No event up to this one of any channel that is not known is kept.
  private(set) var forgottenThrough: Int64 = 0
  private(set) var count = 0
  private(set) var byteCount = 0
  /// When something may get too old; `.distantFuture` while nothing can.
  private(set) var nextExpiry = Instant.distantFuture
  /// What was dropped since the last ``takeDrops()``.
  private var drops: [Drop] = []
  /// Channels that were forgotten altogether since the last ``takeForgotten()``.
  private var forgotten: [Channel] = []

  /// Events that are too old are looked for no more often.
  static let expiryPause: Duration = .seconds(1)

  init(maxBytes: Int, maxChannels: Int) {
    self.maxBytes = maxBytes
    self.maxChannels = max(1, maxChannels)
  }

  var channelCount: Int { slots.count }

  // MARK: changes

  /// - Precondition: the id is greater than every one before.
  mutating func append(_ event: DurableEvent, limits: ChannelRule.History) {
    precondition(event.id > lastID, "events are appended in the order of their ids")
    let slot = slot(of: event.channel, limits)
    lastID = event.id
    histories[slot].lastID = event.id
    histories[slot].limits = limits
    histories[slot].entries.append(Entry(id: event.id, payload: event.payload, arrival: event.arrival))
    histories[slot].byteCount += event.payload.count
    count += 1
    byteCount += event.payload.count
    order.append(Place(id: event.id, slot: slot))
    while histories[slot].entries.count > limits.maxMessages || histories[slot].byteCount > limits.maxBytes {
      dropFirst(of: slot)
    }
    while byteCount > maxBytes, let place = order.first {
      isKept(place) ? dropFirst(of: place.slot) : order.dropFirst()
    }
    if let first = histories[slot].entries.first { nextExpiry = min(nextExpiry, first.arrival + limits.maxAge) }
    compact()
  }

  /// Puts back what was known before the first ``append(_:limits:)``.
  mutating func restore(_ kept: KeptHistory) {
    forgottenThrough = kept.forgottenThrough
    for (channel, id) in kept.droppedThrough.sorted(by: { $0.value < $1.value }) {
      let slot = slot(of: channel, ChannelRule.History())
      histories[slot].droppedThrough = max(histories[slot].droppedThrough, id)
      histories[slot].lastID = id
    }
  }

  /// The ids up to there have been given, whether or not their events are still kept.
  mutating func advance(to id: Int64) { lastID = max(lastID, id) }

  /// An event of a channel that is durable no more.
  mutating func note(gone channel: Channel, id: Int64) { drops.append(Drop(channel: channel, id: id)) }

  /// Drops what is older than its channel allows.
  mutating func expire(at now: Instant) {
    guard nextExpiry <= now else { return }
    var next = Instant.distantFuture
    for slot in histories.indices {
      while let first = histories[slot].entries.first {
        let end = first.arrival + histories[slot].limits.maxAge
        guard end <= now else {
          next = min(next, end)
          break
        }
        dropFirst(of: slot)
      }
    }
    nextExpiry = next == .distantFuture ? next : max(next, now + Self.expiryPause)
    compact()
  }

  mutating func takeDrops() -> [Drop] {
    guard !drops.isEmpty else { return [] }
    defer { drops.removeAll(keepingCapacity: true) }
    return drops
  }

  mutating func takeForgotten() -> [Channel] {
    guard !forgotten.isEmpty else { return [] }
    defer { forgotten = [] }
    return forgotten
  }

  private mutating func dropFirst(of slot: Int) {
    guard let entry = histories[slot].entries.popFirst() else { return }
    histories[slot].byteCount -= entry.payload.count
    histories[slot].droppedThrough = entry.id
    count -= 1
    byteCount -= entry.payload.count
    drops.append(Drop(channel: histories[slot].channel, id: entry.id))
  }

  private mutating func slot(of channel: Channel, _ limits: ChannelRule.History) -> Int {
    if let slot = slots[channel.name] { return slot }
    if slots.count >= maxChannels { forgetOne() }
    let history = History(channel: channel, limits: limits, droppedThrough: forgottenThrough)
    let slot: Int
    if let free = freeSlots.popLast() {
      slot = free
      histories[slot] = history
    } else {
      slot = histories.count
      histories.append(history)
    }
    slots[channel.name] = slot
    return slot
  }

  /// Forgets the channel that has been silent longest.
  private mutating func forgetOne() {
    guard let slot = slots.values.min(by: { histories[$0].lastID < histories[$1].lastID }) else { return }
    while histories[slot].entries.count > 0 { dropFirst(of: slot) }
    forgottenThrough = max(forgottenThrough, histories[slot].droppedThrough)
    forgotten.append(histories[slot].channel)
    slots[histories[slot].channel.name] = nil
    freeSlots.append(slot)
  }

  /// A slot may have been given to another channel since; what that has is younger.
  private func isKept(_ place: Place) -> Bool {
    histories[place.slot].entries.first.map { $0.id <= place.id } ?? false
  }

  private mutating func compact() {
    while let first = order.first, !isKept(first) { order.dropFirst() }
    guard order.count > 2 * count + 1024 else { return }
    var kept = Line<Place>()
    for index in 0..<order.count where isKept(order[index]) { kept.append(order[index]) }
    order = kept
  }

  // MARK: reading

  /// Whether all is still kept that a subscriber of `pattern` who has seen `id` has missed.
  func isComplete(after id: Int64, _ pattern: Channel) -> Bool {
    if pattern.reach == .exact {
      return (slots[pattern.name].map { histories[$0].droppedThrough } ?? forgottenThrough) <= id
    }
    guard forgottenThrough <= id else { return false }
    return slots.values.allSatisfy { slot in
      histories[slot].droppedThrough <= id || !pattern.reaches(histories[slot].channel)
    }
  }

  /// The events after `position` that `feed` wants, in order, until `take` says that it has enough.
  ///
  /// - Parameter most: how many events are looked at, wanted or not, so that a call takes a bounded time.
  /// - Returns: the position after it: the last event that was taken or passed over.
  func read(
    after position: Int64, for feed: ReplayFeed, lookingAt most: Int, _ take: (Channel, Payload) -> Bool
  ) -> Int64 {
    var position = position
    var index = order.firstIndex { $0.id > position }
    var looked = 0
    while index < order.count {
      guard looked < most else { return position }
      let place = order[index]
      index += 1
      looked += 1
      let channel = histories[place.slot].channel
      if isKept(place), feed.wants(place.id, of: channel) {
        let entries = histories[place.slot].entries
        let entry = entries[entries.firstIndex { $0.id >= place.id }]
        guard take(channel, entry.payload) else { return position }
      }
      position = place.id
    }
    return max(position, lastID)
  }
}

/// A queue over an array.
struct Line<Element> {
  private var elements: [Element] = []
  private var head = 0

  var count: Int { elements.count - head }
  var first: Element? { head < elements.count ? elements[head] : nil }
  subscript(index: Int) -> Element { elements[head + index] }

  mutating func append(_ element: Element) { elements.append(element) }

  mutating func dropFirst() { _ = popFirst() }

  mutating func popFirst() -> Element? {
    guard head < elements.count else { return nil }
    let element = elements[head]
    head += 1
    if head == elements.count {
      elements = []
      head = 0
    } else if head >= 64, head * 2 > elements.count {
      elements.removeFirst(head)
      head = 0
    }
    return element
  }

  /// The first index at which `holds` is true, which has to be so for all behind it; `count` where there is none.
  func firstIndex(_ holds: (Element) -> Bool) -> Int {
    var (low, high) = (head, elements.count)
    while low < high {
      let middle = (low + high) / 2
      if holds(elements[middle]) { high = middle } else { low = middle + 1 }
    }
    return low - head
  }
}
