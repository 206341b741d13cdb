// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

/// The log against a model that is too simple to be wrong: all events ever, and which of them are gone.
struct ReplayLogTests {
  private struct Model {
    struct Event {
      let id: Int64
      let channel: Channel
      let bytes: Int
      let arrival: Instant
      var isGone = false
    }
    var events: [Event] = []

    func indices(of channel: Channel) -> [Int] {
      events.indices.filter { events[$0].channel == channel && !events[$0].isGone }
    }

    mutating func add(_ event: Event, _ limits: ChannelRule.History, maxBytes: Int) {
      events.append(event)
      while true {
        let kept = indices(of: event.channel)
        guard kept.count > limits.maxMessages || kept.reduce(0, { $0 + events[$1].bytes }) > limits.maxBytes else {
          break
        }
        events[kept[0]].isGone = true
      }
      while events.reduce(0, { $0 + ($1.isGone ? 0 : $1.bytes) }) > maxBytes,
        let first = events.firstIndex(where: { !$0.isGone })
      {
        events[first].isGone = true
      }
    }
  }

  private static let names = ["/a", "/a/x", "/a/y", "/a/x/1", "/b"]
  private static let patterns = names + ["/**", "/a/*", "/a/**", "/a/x/*", "/*"]

  @Test(arguments: 1...40) func readsWhatTheLimitsLeaveInOrder(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let maxBytes = Int.random(in: 400...4000, using: &random)
    var log = ReplayLog(maxBytes: maxBytes, maxChannels: 100)
    var model = Model()
    var now = Instant(nanoseconds: 0)
    let channels = try Self.names.map { try #require(Channel($0)) }
    var limits = ChannelRule.History()
    limits.maxMessages = Int.random(in: 1...20, using: &random)
    limits.maxBytes = Int.random(in: 50...500, using: &random)
    limits.maxAge = .seconds(60)
    var id: Int64 = 0
    for _ in 0..<200 {
      now = now + .milliseconds(Int.random(in: 0...3000, using: &random))
      id += Int64.random(in: 1...3, using: &random)
      let channel = channels.randomElement(using: &random) ?? channels[0]
      let payload = Payload(Array(repeating: UInt8(ascii: "x"), count: Int.random(in: 1...60, using: &random)))
      log.append(DurableEvent(id: id, channel: channel, payload: payload, plain: payload, arrival: now), limits: limits)
      model.add(Model.Event(id: id, channel: channel, bytes: payload.count, arrival: now), limits, maxBytes: maxBytes)
      if Int.random(in: 0..<5, using: &random) == 0 {
        now = now + .seconds(Int.random(in: 0...80, using: &random))
        if log.nextExpiry <= now {
          log.expire(at: now)
          for index in model.events.indices where model.events[index].arrival + limits.maxAge <= now {
            model.events[index].isGone = true
          }
        }
      }
      let kept = model.events.filter { !$0.isGone }
      #expect(log.count == kept.count && log.byteCount == kept.reduce(0) { $0 + $1.bytes })
      try compare(log, model, &random)
    }
  }

  private func compare(_ log: ReplayLog, _ model: Model, _ random: inout SeededGenerator) throws {
    let last = model.events.last?.id ?? 0
    let position = Int64.random(in: 0...last, using: &random)
    let feed = ReplayFeed(after: position)
    var starts: [(Channel, Int64)] = []
    for name in Self.patterns.shuffled(using: &random).prefix(Int.random(in: 1...3, using: &random)) {
      let start = (try #require(Channel(name)), Int64.random(in: position...last + 1, using: &random))
      starts.append(start)
      feed.follow(start.0, after: start.1)
      let lost = model.events.contains { $0.isGone && $0.id > start.1 && start.0.matches($0.channel) }
      #expect(log.isComplete(after: start.1, start.0) == !lost)
    }
    let wanted = model.events.filter { event in
      !event.isGone && event.id > position && starts.contains { $0.1 < event.id && $0.0.matches(event.channel) }
    }
    // In slices of whatever size it is the same.
    var read = 0
    let atOnce = Int.random(in: 1...5, using: &random)
    while feed.position < log.lastID {
      var room = atOnce
      let next = log.read(after: feed.position, for: feed, lookingAt: 7) { _, payload in
        guard room > 0 else { return false }
        #expect(read < wanted.count && payload.count == wanted[min(read, wanted.count - 1)].bytes)
        room -= 1
        read += 1
        return true
      }
      #expect(next > feed.position)
      feed.advance(to: next)
    }
    #expect(read == wanted.count)
  }

  @Test func theMostSilentChannelIsForgottenAndSaidToBeIncomplete() throws {
    var log = ReplayLog(maxBytes: 1 << 20, maxChannels: 2)
    func channel(_ name: String) throws -> Channel { try #require(Channel(name)) }
    for (id, name) in [(1, "/a"), (2, "/b"), (3, "/a"), (4, "/c")] as [(Int64, String)] {
      let payload = Payload("x")
      log.append(
        DurableEvent(
          id: id, channel: try channel(name), payload: payload, plain: payload, arrival: Instant(nanoseconds: 0)),
        limits: ChannelRule.History())
    }
    #expect(log.channelCount == 2 && log.count == 3)
    #expect(log.takeForgotten() == [try channel("/b")])
    #expect(log.takeDrops() == [ReplayLog.Drop(channel: try channel("/b"), id: 2)])
    let isComplete = try [("/b", 1), ("/b", 2), ("/a", 0), ("/d", 1), ("/d", 2), ("/**", 1), ("/**", 2)].map {
      log.isComplete(after: Int64($0.1), try channel($0.0))
    }
    #expect(isComplete == [false, true, true, false, true, false, true])
  }

  @Test(arguments: [
    ("/a/*", "/a/x", true), ("/a/*", "/a/x/1", false), ("/a/*", "/a", false), ("/a/*", "/ab/x", false),
    ("/a/**", "/a/x/1", true), ("/a/**", "/a", false), ("/**", "/a/b/c", true), ("/*", "/a", true), ("/a", "/a", true),
    ("/a", "/a/b", false),
  ])
  func aPatternReachesWhatItMatches(_ pattern: String, _ name: String, _ reaches: Bool) throws {
    let (pattern, name) = (try #require(Channel(pattern)), try #require(Channel(name)))
    #expect(pattern.reaches(name) == reaches && pattern.matches(name) == reaches)
  }
}
