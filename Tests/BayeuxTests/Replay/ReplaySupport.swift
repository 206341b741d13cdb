// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

extension ChannelRule {
  static func durable(_ pattern: String, _ history: History = History()) -> ChannelRule {
    var rule = ChannelRule(pattern)
    rule.durable = true
    rule.history = history
    return rule
  }
}

extension Scene {
  /// A scene in which everything below `/d` is durable.
  static func durable(
    shards: Int = 1, seed: UInt64 = 1,
    _ configure: (inout BayeuxOptions, inout ChannelRule.History) -> Void = { _, _ in }
  ) -> Scene {
    Scene(shards: shards, seed: seed) { options in
      var limits = ChannelRule.History()
      configure(&options, &limits)
      if let rules = try? ChannelRules(["/d", "/d/**"].map { .durable($0, limits) }) { options.rules = rules }
    }
  }

  /// Publishes numbers as `{"n":…}`, one message each.
  func fill(_ channel: String, _ numbers: ClosedRange<Int>, by client: Client) {
    for number in numbers { #expect(client.publish(channel, "{\"n\":\(number)}").isSuccessful) }
  }
}

extension Client {
  /// - Parameter start: as JSON: a replay id, -1 or -2.
  @discardableResult
  func subscribe(
    _ channel: String, from start: String, sourceLocation: SourceLocation = #_sourceLocation
  ) -> Exchange {
    let ext = #""ext":{"replay":{"\#(channel)":\#(start)}}"#
    return send(
      #"{"channel":"/meta/subscribe","clientId":"$ID","subscription":"\#(channel)",\#(ext)}"#,
      sourceLocation: sourceLocation)
  }

  /// Connects until nothing waits any more; the events.
  func drain(sourceLocation: SourceLocation = #_sourceLocation) -> [JSONValue] {
    var events: [JSONValue] = []
    for _ in 0..<10_000 {
      let exchange = connect(sourceLocation: sourceLocation)
      if exchange.isWaiting {
        scene.hangUp(exchange)
        return events
      }
      guard exchange.isSuccessful else {
        Issue.record("\(exchange.outcome)", sourceLocation: sourceLocation)
        return events
      }
      events += exchange.events
    }
    Issue.record("never ends", sourceLocation: sourceLocation)
    return events
  }
}

extension [JSONValue] {
  /// `n` of each event's data.
  var ns: [Int] { compactMap { $0["data"]?["n"]?.int } }
  var replayIDs: [Int] { compactMap { $0["data"]?["event"]?["replayId"]?.int } }
}
