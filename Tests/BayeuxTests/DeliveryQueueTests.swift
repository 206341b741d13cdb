// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

struct DeliveryQueueTests {
  private func entry(_ text: String, _ personal: PersonalMessage? = nil) -> DeliveryQueue.Entry {
    DeliveryQueue.Entry(payload: Payload(text), personal: personal)
  }

  @Test func emptyQueueGivesNothing() {
    var queue = DeliveryQueue()
    let nothing = queue.popFirst()
    #expect(nothing == nil && queue.isEmpty && queue.count == 0 && queue.byteCount == 0)
  }

  @Test func firstInIsFirstOut() {
    var queue = DeliveryQueue()
    for number in 0..<5 { queue.append(entry("\(number)")) }
    var taken: [String] = []
    while let entry = queue.popFirst() { taken.append(entry.payload.text) }
    #expect(taken == ["0", "1", "2", "3", "4"] && queue.isEmpty)
  }

  @Test func removingAllSaysHowManyWent() {
    var queue = DeliveryQueue()
    for number in 0..<5 { queue.append(entry("\(number)")) }
    _ = queue.popFirst()
    let gone = queue.removeAll()
    #expect(gone == 4 && queue.isEmpty && queue.byteCount == 0)
  }

  @Test func messagesAreFoundWhileTheyWaitAndNotAfterwards() {
    let start = Instant(nanoseconds: 0)
    let messages = (0..<200).map { PersonalMessage(Payload("\($0)"), at: start) }
    var queue = DeliveryQueue()
    for message in messages { queue.append(entry("x", message)) }
    for index in messages.indices {
      #expect(queue.contains(messages[index]))
      _ = queue.popFirst()
      let isFound = queue.contains(messages[index])
      #expect(!isFound)
    }
  }

  /// Against a plain array, over lengths at which the queue moves its content.
  @Test(arguments: 1...10 as ClosedRange<UInt64>)
  func queueAgreesWithAnArray(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var queue = DeliveryQueue()
    var model: [String] = []
    var next = 0
    for step in 0..<2000 {
      let grows = step / 200 % 2 == 0
      if Int.random(in: 0..<10, using: &generator) < (grows ? 7 : 3) {
        let text = String(repeating: "x", count: next % 5) + "\(next)"
        queue.append(entry(text))
        model.append(text)
        next += 1
      } else {
        let expected = model.isEmpty ? nil : model.removeFirst()
        let taken = queue.popFirst()?.payload.text
        #expect(taken == expected, "seed \(seed), step \(step)")
      }
      let bytes = model.reduce(0) { $0 + $1.utf8.count }
      #expect(queue.count == model.count && queue.isEmpty == model.isEmpty && queue.byteCount == bytes)
    }
  }
}
