// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import Testing

/// Rules, authorizers and bounds as clients of a running broker meet them.
@Suite(.timeLimit(.minutes(2))) struct ChannelRuleTests {
  private static func rule(_ pattern: String, _ set: (inout ChannelRule) -> Void) -> ChannelRule {
    var rule = ChannelRule(pattern)
    set(&rule)
    return rule
  }

  @Test func aRuleOpensWhatAPublicListenerKeepsClosed() async throws {
    let news = Self.rule("/news/**") {
      $0.subscribe = .anyone
      $0.publish = .users(["editor"])
    }
    // Open to every address of this machine, and so to others.
    try await withBroker(
      shards: 2,
      {
        $0.server.host = "0.0.0.0"
        $0.bayeux.rules = [news]
      }
    ) { broker in
      let (reader, editor) = (try BayeuxClient(broker), try BayeuxClient(broker, user: "editor"))
      #expect(try reader.subscribe("/other").error == "403:denied_by_security_policy:subscribe_denied")
      #expect(try reader.subscribe("/**").error == "403:denied_by_security_policy:subscribe_denied")
      #expect(try reader.subscribe("/news/*").isSuccessful)
      #expect(try reader.publish("/news/a", 1).error == "403:denied_by_security_policy:publish_denied")
      #expect(try editor.publish("/news/a", 2).isSuccessful)
      #expect(try reader.events(1).map { $0["data"] } == [2])
    }
  }

  @Test func aWebSocketHasTheSameRules() async throws {
    try await withBroker({
      $0.server.host = "0.0.0.0"
      $0.bayeux.rules = [Self.rule("/a") { $0.subscribe = .anyUser }]
    }) { broker in
      for (user, mayDoIt) in [(nil, false), ("ann", true)] as [(String?, Bool)] {
        let socket = try SocketClient(broker, user: user)
        let id = JSONValue.string(try socket.shake())
        for (channel, isOpen) in [("/a", mayDoIt), ("/b", false)] {
          let reply = try socket.call(
            ["channel": "/meta/subscribe", "clientId": id, "subscription": .string(channel)])
          #expect(reply.first?.isSuccessful == isOpen)
        }
      }
    }
  }

  @Test func aRuleThatCanNeverMatchStopsTheStart() throws {
    var configuration = ServerConfiguration.forTests()
    configuration.bayeux.rules = [Self.rule("/a/*/b") { $0.publish = .nobody }]
    #expect(throws: ConfigurationError.badRule(.badPattern("/a/*/b"))) {
      _ = try BrokerServer(configuration: configuration, logger: .silent)
    }
    #expect(ConfigurationError.badRule(.badPattern("/a/*/b")).description.contains("\"/a/*/b\""))
  }

  private struct Guard: Authorizer {
    func canCreate(_ channel: Channel, _ client: ClientIdentity) -> AuthorizerVerdict { .grant }
    func canSubscribe(to channel: Channel, _ client: ClientIdentity) -> AuthorizerVerdict { .grant }
    func canPublish(to channel: Channel, _ client: ClientIdentity) -> AuthorizerVerdict {
      client.user == "ann" ? .grant : .deny(reason: "not_ann")
    }
  }

  @Test func theHostDecides() async throws {
    try await withBroker(shards: 2, { $0.bayeux.authorizers = [Guard()] }) { broker in
      let (ann, ben) = (try BayeuxClient(broker, user: "ann"), try BayeuxClient(broker, user: "ben"))
      #expect(try ann.publish("/a", 1).isSuccessful)
      #expect(try ben.publish("/a", 1).error == "403:not_ann:publish_denied")
    }
  }

  @Test func limitsThatWereReachedAreCounted() async throws {
    try await withBroker({
      $0.bayeux.options.limits.maxSessionsPerUser = 1
      $0.bayeux.options.limits.maxSubscriptionsPerSession = 1
      $0.bayeux.options.limits.maxMessagesPerBatch = 2
      $0.bayeux.options.limits.maxPublishesPerSecond = 1
      $0.bayeux.rules = [Self.rule("/small") { $0.maxMessageBytes = 1 }]
    }) { broker in
      let ann = try BayeuxClient(broker, user: "ann")
      let second = try broker.client().post(BayeuxClient.path, handshake(id: 1), "gms_user: ann").messages.first
      #expect(second?.error == "403:too_many_sessions_of_user:handshake_failed")
      #expect(try #require(second?["advice"]?["interval"]?.int) >= 2000)
      try ann.subscribe("/a")
      #expect(try ann.subscribe("/b").error == "403:too_many_subscriptions:subscribe_denied")
      #expect(try ann.post(Array(repeating: ann.message("/service/x"), count: 3)).status == 413)
      #expect(try ann.publish("/small", 12).error == "413:message_too_large:publish_denied")
      #expect(try ann.publish("/x", 1).error == "429:too_many_messages:publish_denied")
      for limit in [
        "sessions_per_user", "subscriptions_per_session", "messages_per_batch", "message_bytes", "publishes_per_second",
      ] {
        #expect(try broker.metrics()["limits_reached_total{limit=\"\(limit)\"}"] == 1, "\(limit)")
      }
      #expect(try ann.connect(["advice": ["timeout": 0]]).last?.isSuccessful == true)
    }
  }

  /// This machine may be a proxy for any number of clients, and a first try of a load test.
  @Test func nothingIsLimitedForAddressesOfThisMachine() async throws {
    try await withBroker({
      $0.bayeux.options.limits.maxSessionsPerAddress = 1
      $0.bayeux.options.limits.maxHandshakesPerSecond = 1
    }) { broker in
      for _ in 0..<5 {
        let client = try BayeuxClient(broker, connects: false)
        #expect(!client.id.isEmpty)
      }
    }
  }
}
