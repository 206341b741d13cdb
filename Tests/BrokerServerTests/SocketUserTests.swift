// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import Testing

/// Where the user of a WebSocket may come from: browsers cannot set a header on the upgrade request.
@Suite(.timeLimit(.minutes(2))) struct SocketUserTests {
  private func subscribes(_ socket: SocketClient, handshake: JSONValue = ["channel": "/meta/handshake"]) throws -> Bool
  {
    let id = try socket.call(handshake)[0]["clientId"] ?? .null
    _ = try socket.call(["channel": "/meta/connect", "clientId": id])
    return try socket.call(["channel": "/meta/subscribe", "clientId": id, "subscription": "/_genesys"])[0].isSuccessful
  }

  private func naming(_ user: JSONValue) -> JSONValue {
    ["channel": "/meta/handshake", "ext": ["gms_user": user]]
  }

  @Test(arguments: [1, 3]) func theQueryAndTheCookieCountWhereTheyMay(shards: Int) async throws {
    try await withBroker(shards: shards, { $0.gms.userFromQuery = true }) { broker in
      let socket = try SocketClient(broker, query: "?gms_user=al%20ice")
      #expect(try subscribes(socket))
      #expect(try broker.publish(to: "al ice", 1) == 1)
      #expect(try subscribes(try SocketClient(broker, fields: ["Cookie: gms_user=bob"])) == false)
    }
    try await withBroker(shards: shards, { $0.gms.userFromCookie = true }) { broker in
      let socket = try SocketClient(broker, fields: ["Cookie: a=b; gms_user=bob"])
      #expect(try subscribes(socket))
      #expect(try broker.publish(to: "bob", 1) == 1)
      #expect(try subscribes(try SocketClient(broker, query: "?gms_user=alice")) == false)
    }
  }

  @Test func differentUsersInOneUpgradeAreRefused() async throws {
    try await withBroker({
      $0.gms.userFromQuery = true
      $0.gms.userFromCookie = true
    }) { broker in
      let cases: [(String, [String])] = [
        ("?gms_user=alice", ["gms_user: bob"]), ("", ["gms_user: bob", "Cookie: gms_user=alice"]),
        ("?gms_user=alice", ["Cookie: gms_user=bob"]), ("?gms_user=alice&gms_user=bob", []),
        ("", ["Cookie: gms_user=alice; a=b; gms_user=bob"]), ("", ["Cookie: gms_user=alice", "Cookie: gms_user=bob"]),
      ]
      for (query, fields) in cases {
        let line = try broker.client()
        try line.send(SocketClient.request(line, query: query, fields))
        #expect(try line.response().status == 400)
      }
      let same = try SocketClient(broker, user: "alice", query: "?gms_user=alice", fields: ["Cookie: gms_user=alice"])
      #expect(try subscribes(same))
    }
  }

  @Test(arguments: [1, 3]) func theHandshakeCountsWhereItMay(shards: Int) async throws {
    try await withBroker(shards: shards, { $0.bayeux.options.takesUserFromHandshake = true }) { broker in
      let socket = try SocketClient(broker)
      #expect(try subscribes(socket, handshake: naming("alice")))
      #expect(try broker.publish(to: "alice", 7) == 1)
      #expect(try socket.messages().map { $0["data"]?["message"] } == [7])
      // From then on the socket is alice's.
      #expect(try socket.call(naming("bob"))[0].error == "403::gms_user mismatch")
      #expect(try socket.call(naming("alice"))[0].isSuccessful)
      #expect(try subscribes(try SocketClient(broker), handshake: naming(7)) == false)
    }
  }

  @Test func theUpgradeWinsOverTheHandshake() async throws {
    try await withBroker({ $0.bayeux.options.takesUserFromHandshake = true }) { broker in
      let socket = try SocketClient(broker, user: "alice")
      #expect(try socket.call(naming("bob"))[0].error == "403::gms_user mismatch")
      #expect(try subscribes(socket, handshake: naming("alice")))
      let long = String(repeating: "a", count: 300)
      #expect(try SocketClient(broker).call(naming(.string(long)))[0].error == "403::handshake_denied")
      // Over HTTP the header can be set, and each request has to carry it.
      let line = try broker.client()
      let id = try line.post(BayeuxClient.path, naming("alice").text).messages[0]["clientId"] ?? .null
      let subscribe: JSONValue = ["channel": "/meta/subscribe", "clientId": id, "subscription": "/_genesys"]
      #expect(try line.post(BayeuxClient.path, subscribe.text).messages[0].error == "403:/_genesys:gms_user required")
    }
  }

  @Test func byDefaultTheHandshakeNamesNobody() async throws {
    try await withBroker { broker in
      let socket = try SocketClient(broker)
      #expect(try subscribes(socket, handshake: naming("alice")) == false)
      #expect(try SocketClient(broker, user: "bob").call(naming("alice"))[0].isSuccessful)
    }
  }

  /// Who is not believed in a header is not believed in a query, a cookie or a handshake.
  @Test(arguments: [("127.0.0.1", true), ("10.0.0.0/8", false)])
  func onlyTrustedPeersNameAUser(network: String, isBelieved: Bool) async throws {
    try await withBroker({
      $0.gms.trustedProxies = [network]
      $0.gms.userFromQuery = true
      $0.gms.userFromCookie = true
      $0.bayeux.options.takesUserFromHandshake = true
    }) { broker in
      let sockets = try [
        SocketClient(broker, user: "alice"), SocketClient(broker, query: "?gms_user=alice"),
        SocketClient(broker, fields: ["Cookie: gms_user=alice"]),
      ]
      for socket in sockets { #expect(try subscribes(socket) == isBelieved) }
      let naming = try SocketClient(broker)
      #expect(try subscribes(naming, handshake: self.naming("alice")) == isBelieved)
      #expect(try broker.publish(to: "alice", 1) == (isBelieved ? 4 : 0))
    }
  }

  private struct Anybody: UserVerifier {
    func verify(claimed: String?, header: (StaticString) -> String?) -> UserVerdict { .anonymous }
  }

  @Test func aVerifierIsNotPassedBy() async throws {
    try await withBroker({ $0.bayeux.options.takesUserFromHandshake = true }, verifier: Anybody()) { broker in
      let socket = try SocketClient(broker)
      #expect(try subscribes(socket, handshake: naming("alice")) == false)
    }
  }
}
