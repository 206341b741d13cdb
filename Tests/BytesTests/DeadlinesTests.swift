// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

struct DeadlinesTests {
  final class Element: Deadlined {
    let name: Int
    var deadline: Instant
    var queuedDeadline = Instant.distantFuture

    init(_ name: Int, _ deadline: Instant = .distantFuture) {
      self.name = name
      self.deadline = deadline
    }
  }

  static func at(_ seconds: Int) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }

  /// Takes out all that is due.
  static func due(_ queue: inout Deadlines<Element>, at now: Instant) -> [Int] {
    var names: [Int] = []
    while let element = queue.popDue(at: now) { names.append(element.name) }
    return names
  }

  @Test func emptyQueueHasNothing() {
    var queue = Deadlines<Element>()
    #expect(queue.next == nil && queue.count == 0)
    #expect(queue.popDue(at: .distantFuture) == nil)
  }

  @Test func elementsComeInTheOrderOfTheirDeadlines() {
    var queue = Deadlines<Element>()
    let elements = [5, 3, 9, 1, 7].map { Element($0, Self.at($0)) }
    for element in elements { queue.note(element) }
    #expect(queue.next == Self.at(1))
    #expect(Self.due(&queue, at: Self.at(0)) == [])
    #expect(Self.due(&queue, at: Self.at(5)) == [1, 3, 5])
    #expect(queue.next == Self.at(7))
    #expect(Self.due(&queue, at: .distantFuture) == [7, 9])
    #expect(queue.next == nil)
  }

  @Test func deadlineMovedLaterIsFoundAtItsNewTime() {
    var queue = Deadlines<Element>()
    let element = Element(1, Self.at(10))
    queue.note(element)
    element.deadline = Self.at(20)
    queue.note(element)
    #expect(queue.count == 1)
    #expect(Self.due(&queue, at: Self.at(10)) == [])
    #expect(queue.next == Self.at(20))
    #expect(Self.due(&queue, at: Self.at(20)) == [1])
  }

  @Test func deadlineMovedEarlierIsFoundOnce() {
    var queue = Deadlines<Element>()
    let element = Element(1, Self.at(10))
    queue.note(element)
    element.deadline = Self.at(3)
    queue.note(element)
    #expect(queue.next == Self.at(3))
    #expect(Self.due(&queue, at: Self.at(30)) == [1])
  }

  @Test func elementWithoutDeadlineIsNeverDue() {
    var queue = Deadlines<Element>()
    let element = Element(1, Self.at(10))
    queue.note(element)
    element.deadline = .distantFuture
    queue.note(element)
    #expect(Self.due(&queue, at: Self.at(1_000_000)) == [])
    #expect(queue.next == nil)
    element.deadline = Self.at(2_000_000)
    queue.note(element)
    #expect(Self.due(&queue, at: Self.at(2_000_000)) == [1])
  }

  /// Held for 55 s, released by an event each second, 30 s to come back: the life of a session in the middle of a chat.
  @Test func pollingSessionDoesNotMakeTheQueueGrow() {
    var queue = Deadlines<Element>()
    let element = Element(1)
    var most = 0
    for second in 0..<100_000 {
      element.deadline = Self.at(second + 55)
      queue.note(element)
      element.deadline = Self.at(second + 30)
      queue.note(element)
      #expect(Self.due(&queue, at: Self.at(second)) == [])
      most = max(most, queue.count)
    }
    #expect(most <= 3)
  }

  @Test func compactingForgetsTheGoneAndKeepsTheLiving() {
    var queue = Deadlines<Element>()
    let living = (0..<100).map { Element($0, Self.at(1000 - $0)) }
    let gone = (0..<5000).map { Element(1_000_000 + $0, Self.at($0)) }
    for element in living + gone { queue.note(element) }
    queue.compact(live: 5100)
    #expect(queue.count == 5100, "nothing to gain yet")
    for element in gone { element.deadline = .distantFuture }
    queue.compact(live: 100)
    #expect(queue.count == 100)
    gone[17].deadline = Self.at(5)
    queue.note(gone[17])
    #expect(Self.due(&queue, at: Self.at(1000)) == [1_000_017] + (0..<100).reversed())
  }

  /// Random moves of random elements against a list that is searched anew each time. What is due comes out once; among
  /// those due in one turn an element that was moved may come in its old place.
  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func queueAgreesWithAPlainList(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var queue = Deadlines<Element>()
    let elements = (0..<40).map { Element($0) }
    var now = 0
    for step in 0..<2000 {
      let element = elements[Int.random(in: 0..<elements.count, using: &generator)]
      switch Int.random(in: 0..<10, using: &generator) {
      case 0...5:
        element.deadline = Self.at(now + Int.random(in: 0...60, using: &generator))
        queue.note(element)
      case 6:
        element.deadline = .distantFuture
        queue.note(element)
      case 7: queue.compact(live: Int.random(in: 0...40, using: &generator))
      default:
        now += Int.random(in: 0...25, using: &generator)
        let expected = elements.filter { $0.deadline <= Self.at(now) }
        if let next = queue.next { #expect(expected.isEmpty || next <= Self.at(now), "seed \(seed), step \(step)") }
        var found: [Element] = []
        while let element = queue.popDue(at: Self.at(now)) { found.append(element) }
        #expect(Set(found.map(\.name)) == Set(expected.map(\.name)), "seed \(seed), step \(step)")
        #expect(found.count == expected.count, "seed \(seed), step \(step): one came twice")
        for element in found { element.deadline = .distantFuture }
        let later = elements.map(\.deadline).filter { $0 < .distantFuture }.min()
        if let later { #expect((queue.next ?? .distantFuture) <= later, "seed \(seed), step \(step)") }
      }
    }
  }
}
