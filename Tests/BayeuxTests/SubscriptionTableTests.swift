// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

struct SubscriptionTableTests {
  static let channels = [
    "/a", "/b", "/a/b", "/a/c", "/a/b/c", "/*", "/**", "/a/*", "/a/**", "/a/b/*", "/a/b/**", "/b/**",
  ]

  private func session(_ number: Int) -> Session {
    var generator = SeededGenerator(seed: UInt64(number))
    return Session(ClientID(shard: 0, slot: number, using: &generator), user: nil, expires: .distantFuture)
  }

  /// Random subscribes and unsubscribes of random sessions, against a dictionary of sets.
  @Test(arguments: 1...12 as ClosedRange<UInt64>)
  func tableAgreesWithADictionary(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let sessions = (0..<15).map { session($0) }
    let channels = try Self.channels.map { try #require(Channel($0)) }
    var table = SubscriptionTable()
    var model: [String: Set<Int>] = [:]
    for step in 0..<1500 {
      let number = Int.random(in: 0..<sessions.count, using: &generator)
      let channel = channels[Int.random(in: 0..<channels.count, using: &generator)]
      switch Int.random(in: 0..<12, using: &generator) {
      case 0...5:
        let isNew = table.subscribe(sessions[number], to: channel)
        #expect(isNew == model[channel.name, default: []].insert(number).inserted, "seed \(seed), step \(step)")
      case 6...10:
        let wasThere = table.unsubscribe(sessions[number], from: channel)
        #expect(wasThere == (model[channel.name]?.remove(number) != nil), "seed \(seed), step \(step)")
      default:
        table.unsubscribeFromAll(sessions[number])
        for name in model.keys { model[name]?.remove(number) }
      }
      model = model.filter { !$0.value.isEmpty }
      guard table.channelCount == model.count else {
        Issue.record("seed \(seed), step \(step): \(table.channelCount) channels, not \(model.count)")
        return
      }
      if step % 10 == 0 { try compare(table, sessions, model, "seed \(seed), step \(step)") }
    }
  }

  private func compare(
    _ table: SubscriptionTable, _ sessions: [Session], _ model: [String: Set<Int>], _ comment: Comment
  ) throws {
    for name in ["/a", "/b", "/a/b", "/a/b/c", "/x/y"] {
      let channel = try #require(Channel(name))
      for node in table.nodes(reachedBy: channel) {
        let numbers = node.subscribers.map(\.id.slot)
        #expect(Set(numbers) == model[node.name] && numbers.count == Set(numbers).count, comment)
      }
      let reached = Set(table.nodes(reachedBy: channel).map(\.name))
      let expected = try model.keys.filter { try #require(Channel($0)).matches(channel) }
      #expect(reached == Set(expected), comment)
    }
    for session in sessions {
      #expect(
        Set(session.subscriptions.map(\.node.name)) == Set(model.filter { $0.value.contains(session.id.slot) }.keys),
        comment)
      for subscription in session.subscriptions {
        #expect(subscription.node.subscribers[subscription.index] === session, comment)
      }
    }
  }
}
