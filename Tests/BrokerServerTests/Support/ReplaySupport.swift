// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import Testing

extension ServerConfiguration {
  /// Everything below `/d` is durable.
  mutating func makeDurable(_ configure: (inout ChannelRule.History) -> Void = { _ in }) {
    var history = ChannelRule.History()
    configure(&history)
    makeDurable(["/d", "/d/**"], history)
  }

  mutating func makeDurable(_ patterns: [String], _ history: ChannelRule.History = ChannelRule.History()) {
    for pattern in patterns {
      var rule = ChannelRule(pattern)
      rule.durable = true
      rule.history = history
      bayeux.rules.append(rule)
    }
  }
}

extension JSONValue {
  /// The members of a subscribe that asks for a replay.
  static func replay(_ channel: String, from id: Int) -> JSONValue {
    [
      "subscription": .string(channel),
      "ext": .object([.init("replay", .object([.init(channel, JSONValue(id))]))]),
    ]
  }

  var replayID: Int? { self["data"]?["event"]?["replayId"]?.int }
}

extension BayeuxClient {
  /// Subscribes and takes the whole answer: events and the reply.
  func replay(_ channel: String, from id: Int) throws -> [JSONValue] {
    try post([message("/meta/subscribe", .replay(channel, from: id))]).messages
  }

  func publishNumber(_ channel: String, _ number: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let reply = try publish(channel, ["n": JSONValue(number)])
    #expect(reply.isSuccessful, sourceLocation: sourceLocation)
  }
}

extension [JSONValue] {
  /// `n` of the data of each event of a durable channel.
  var ns: [Int] { compactMap { $0["data"]?["n"]?.int } }
  var replayIDs: [Int] { compactMap(\.replayID) }
}
