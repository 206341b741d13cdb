// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import Logging
import Testing

/// Where a request says whose it is, and when that is believed.
@Suite(.timeLimit(.minutes(2))) struct IdentityTests {
  /// The user that a handshake with these fields is bound to; nil for none.
  private static func user(
    _ broker: RunningBroker, _ fields: [String], path: String = BayeuxClient.path, line: RawClient? = nil
  ) throws -> String? {
    let client = try line ?? broker.client()
    let shake = try client.call("POST", path, handshake(id: 1), fields)
    guard let id = shake.messages.first?["clientId"] else { throw ClientError.malformed("\(shake)") }
    let subscribe: JSONValue = ["channel": "/meta/subscribe", "clientId": id, "subscription": "/_genesys"]
    let reply = try client.call("POST", path, subscribe.text, fields).messages.last
    guard reply?.isSuccessful == true else { return nil }
    let users = try ["vasya", "buzz", "Vasya", "va sya"].filter { try broker.publish(to: $0, 1) == 1 }
    let disconnect: JSONValue = ["channel": "/meta/disconnect", "clientId": id]
    _ = try client.call("POST", path, disconnect.text, fields)
    return users.joined(separator: ",")
  }

  @Test(arguments: [
    "gms_user: vasya", "gms-user: vasya", "x-gms-user: vasya", "GMS_USER:vasya", "Gms-User:   vasya  ",
  ])
  func theHeaderHasAliasesForProxiesThatDropUnderscores(_ field: String) async throws {
    try await withBroker { broker in
      let user = try Self.user(broker, [field])
      #expect(user == "vasya")
    }
  }

  @Test func theHeaderIsAnOption() async throws {
    try await withBroker({ $0.gms.userHeaders = ["X-My-User"] }) { broker in
      let user = try Self.user(broker, ["x-my-user: vasya"])
      #expect(user == "vasya")
      #expect(try Self.user(broker, ["gms_user: vasya"]) == nil)
    }
  }

  @Test func usersDifferByCase() async throws {
    try await withBroker { broker in
      let user = try Self.user(broker, ["gms_user: Vasya"])
      #expect(user == "Vasya")
      #expect(try broker.publish(to: "vasya", 1) == 0)
    }
  }

  @Test(arguments: [
    ["gms_user: vasya", "gms_user: vasya"], ["gms_user: vasya", "gms-user: vasya", "x-gms-user: vasya"],
    ["gms_user: ", "gms_user: vasya"], ["x-gms-user: vasya", "gms_user:"],
  ])
  func theSameUserMayBeNamedTwice(_ fields: [String]) async throws {
    try await withBroker { broker in
      let user = try Self.user(broker, fields)
      #expect(user == "vasya")
    }
  }

  /// Proxy and client may each have set one: which of them is right is not ours to guess.
  @Test(arguments: [
    ["gms_user: vasya", "gms_user: buzz"], ["gms_user: vasya", "x-gms-user: buzz"],
    ["gms-user: vasya", "gms_user:", "gms_user: Vasya"],
  ])
  func twoDifferentUsersAreRefused(_ fields: [String]) async throws {
    try await withBroker { broker in
      let client = try broker.client()
      for path in [BayeuxClient.path, "/genesys/1/service/request-chat"] {
        let response = try client.call("POST", path, handshake(id: 1), fields)
        #expect(response.status == 400)
        #expect(response.json["message"] == "The request names two different gms_user values")
      }
      #expect(try broker.metrics()["sessions"] == 0)
    }
  }

  @Test func aUserHasALongestName() async throws {
    try await withBroker { broker in
      let client = try broker.client()
      for (length, status) in [(256, 200), (257, 400)] {
        let field = "gms_user: " + String(repeating: "v", count: length)
        #expect(try client.post(BayeuxClient.path, handshake(id: 1), field).status == status)
      }
    }
  }

  @Test func queryAndCookieCountOnlyWhereConfigured() async throws {
    try await withBroker { broker in
      let user = try Self.user(broker, ["Cookie: gms_user=vasya"], path: "/genesys/cometd?gms_user=vasya")
      #expect(user == nil)
    }
    try await withBroker({ $0.gms.userFromQuery = true }) { broker in
      let user = try Self.user(broker, [], path: "/genesys/cometd?gms_user=va+sya")
      #expect(user == "va sya")
      #expect(try Self.user(broker, ["Cookie: gms_user=vasya"]) == nil)
    }
    try await withBroker({ $0.gms.userFromCookie = true }) { broker in
      let user = try Self.user(broker, ["Cookie: a=b; gms_user=vasya"])
      #expect(user == "vasya")
      #expect(try Self.user(broker, [], path: "/genesys/cometd?gms_user=vasya") == nil)
      // Both may name the user, but not two different ones.
      #expect(try Self.user(broker, ["gms_user: vasya", "Cookie: gms_user=vasya"]) == "vasya")
      let both = ["gms_user: buzz", "Cookie: gms_user=vasya"]
      #expect(try broker.client().call("POST", BayeuxClient.path, handshake(id: 1), both).status == 400)
    }
  }

  @Test(arguments: [
    (["127.0.0.0/8"], "vasya"), (["127.0.0.1"], "vasya"), (["10.0.0.0/8", "127.0.0.1/32"], "vasya"),
    (["0.0.0.0/0"], "vasya"), (["10.0.0.0/8"], nil), (["127.0.0.2"], nil), (["::1/128", "::/0"], nil),
  ])
  func theHeaderOfTrustedProxiesAloneCounts(_ networks: [String], _ expected: String?) async throws {
    try await withBroker({ $0.gms.trustedProxies = networks }) { broker in
      let user = try Self.user(broker, ["gms_user: vasya"])
      #expect(user == expected)
      let chat = try broker.client().post("/genesys/1/service/request-chat", "", "gms_user: vasya")
      let id = try #require(chat.json["_id"]?.string)
      let create = try broker.client().post(
        "/genesys/1/service/\(id)/ixn/chat", #"{"notify_by":"comet"}"#, "Content-Type: application/json")
      #expect(create.status == (expected == nil ? 400 : 200))
    }
  }

  @Test(arguments: [("127.0.0.1", "vasya"), ("10.0.0.1", nil)])
  func trustGoesAlongWhenAConnectionMoves(_ network: String, _ expected: String?) async throws {
    try await withBroker(shards: 2, { $0.gms.trustedProxies = [network] }) { broker in
      // Speaking for a session of each shard, a line has moved at least once.
      let line = try broker.client()
      for shard in [0, 1, 0] {
        let client = try BayeuxClient(broker, on: shard)
        #expect(try line.post(BayeuxClient.path, client.message("/a").text).messages.first?.isSuccessful == true)
        let user = try Self.user(broker, ["gms_user: vasya"], line: line)
        #expect(user == expected)
      }
    }
  }

  @Test(arguments: ["10.0.0.0/33", "10.0.0/x", "example.com", "", "10.0.0.0/8/8", "10.0.0.0/-1", "localhost"])
  func whatIsNoNetworkIsRefusedAtTheStart(_ text: String) {
    var configuration = ServerConfiguration.forTests()
    configuration.gms.trustedProxies = [text]
    #expect(throws: ConfigurationError.badNetwork(text)) {
      try BrokerServer(configuration: configuration, logger: .silent)
    }
  }

  /// Believes a token and not the header; takes nobody from the moon.
  private struct TokenVerifier: UserVerifier {
    func verify(claimed: String?, header: (StaticString) -> String?) -> UserVerdict {
      if header("x-from") == "moon" { return .refused("Nobody lives there") }
      guard let token = header("authorization") else { return .anonymous }
      return token == "Bearer of-vasya" ? .user("vasya") : .refused("\(claimed ?? "nobody") has no such token")
    }
  }

  @Test func aVerifierHasTheLastWord() async throws {
    try await withBroker(verifier: TokenVerifier()) { broker in
      #expect(try Self.user(broker, ["gms_user: buzz"]) == nil)
      let client = try broker.client()
      for path in [BayeuxClient.path, "/genesys/1/service/request-chat"] {
        let response = try client.post(path, handshake(id: 1), "X-From: moon")
        #expect(response.status == 403)
        #expect(response.json["message"] == "Nobody lives there")
        let wrong = try client.post(path, handshake(id: 1), "gms_user: buzz", "Authorization: Bearer of-buzz")
        #expect(wrong.json["message"] == "buzz has no such token")
      }
      let vasya = try BayeuxClient(broker, user: "buzz", fields: ["Authorization: Bearer of-vasya"])
      #expect(try vasya.subscribe("/_genesys").isSuccessful)
      #expect(try broker.publish(to: "vasya", 1) == 1)
      #expect(try broker.publish(to: "buzz", 1) == 0)
    }
  }
}
