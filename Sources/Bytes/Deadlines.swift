// SPDX-License-Identifier: Apache-2.0

/// What has a deadline in a ``Deadlines`` queue.
public protocol Deadlined: AnyObject {
  /// When it is due; `.distantFuture` for never.
  var deadline: Instant { get }
  /// The earliest entry the queue holds for it; kept by the queue alone.
  var queuedDeadline: Instant { get set }
}

/// The deadlines of many things, so that one timer serves them all.
///
/// Lazy: an element whose deadline moves later is left where it is and looked at again when its old time comes. A client
/// that polls ten times a second therefore costs one entry, moved once in a while, and not ten entries
/// a second. A binary heap by time; an entry whose time is not its element's `queuedDeadline` is stale.
public struct Deadlines<Element: Deadlined> {
  @usableFromInline struct Entry {
    @usableFromInline let time: Instant
    @usableFromInline let element: Element

    @inlinable init(time: Instant, element: Element) {
      self.time = time
      self.element = element
    }
  }
  @usableFromInline var heap: [Entry] = []

  @inlinable public init() {}

  /// Entries, stale ones included.
  @inlinable public var count: Int { heap.count }

  /// The earliest moment at which something may be due; nil while nothing is queued.
  @inlinable public var next: Instant? { heap.first?.time }

  /// To be called after the deadline of `element` was set.
  @inlinable public mutating func note(_ element: Element) {
    let deadline = element.deadline
    guard deadline < element.queuedDeadline else { return }
    element.queuedDeadline = deadline
    push(Entry(time: deadline, element: element))
  }

  /// Takes out the next element that is due at `now`; nil when there is none. Moves on those whose time has shifted.
  @inlinable public mutating func popDue(at now: Instant) -> Element? {
    while let top = heap.first, top.time <= now {
      pop()
      let element = top.element
      guard element.queuedDeadline == top.time else { continue }
      element.queuedDeadline = .distantFuture
      if element.deadline <= now { return element }
      if element.deadline < .distantFuture { note(element) }
    }
    return nil
  }

  /// Forgets entries of elements that have no deadline any more, once they are more than `live` and some.
  @inlinable public mutating func compact(live: Int) {
    guard heap.count > 2 * live + 1024 else { return }
    let kept = heap.filter { $0.element.queuedDeadline == $0.time && $0.element.deadline < .distantFuture }
    for entry in heap where entry.element.deadline == .distantFuture { entry.element.queuedDeadline = .distantFuture }
    // Entries in order of time already form a heap.
    heap = kept.sorted { $0.time < $1.time }
  }

  @inlinable mutating func push(_ entry: Entry) {
    heap.append(entry)
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].time < heap[parent].time else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  @inlinable mutating func pop() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].time < heap[least].time {
        least = child
      }
      if least == parent { return }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
