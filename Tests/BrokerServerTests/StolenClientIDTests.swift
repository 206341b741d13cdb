// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import Testing
import Wire

/// Whoever has learned a clientId can do nothing with it on any transport, unless the request is of its user.
@Suite(.timeLimit(.minutes(2))) struct StolenClientIDTests {
  enum Way: String, CaseIterable, Sendable { case longPolling, callbackPolling, webSocket }

  private static let channels = [
    "/meta/connect", "/meta/subscribe", "/meta/unsubscribe", "/news", "/service/x", "/meta/disconnect",
  ]

  /// What a thief is answered.
  static func send(
    _ message: JSONValue, by way: Way, as user: String?, _ more: [String] = [], to broker: RunningBroker
  ) throws -> [JSONValue] {
    let fields = (user.map { ["gms_user: \($0)"] } ?? []) + more
    switch way {
    case .longPolling:
      return try broker.client().call("POST", BayeuxClient.path, "[\(message.text)]", fields).messages
    case .callbackPolling:
      let query = message.text.utf8.map { byte in
        ASCII.isAlphanumeric(byte)
          ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }.joined()
      let path = "\(BayeuxClient.path)?jsonp=cb&message=\(query)"
      let text = try broker.client().call("GET", path, nil, fields).text
      guard text.hasPrefix("/**/cb("), text.hasSuffix(");") else { throw ClientError.malformed(text) }
      return try JSONValue(parsing: String(text.dropFirst(7).dropLast(2))).elements ?? []
    case .webSocket:
      return try SocketClient(broker, user: user, fields: more).call(message)
    }
  }

  @Test(arguments: Way.allCases, ["mallory", nil] as [String?])
  func nothingIsReadEndedOrWritten(_ way: Way, _ user: String?) async throws {
    try await withBroker(shards: 2) { broker in
      let ann = try broker.listener("ann")
      try ann.subscribe("/a")
      try broker.publish(to: "ann", "secret")
      for channel in Self.channels {
        let message = ann.message(channel, ["id": "1", "subscription": "/_genesys", "data": 1])
        let replies = try Self.send(message, by: way, as: user, to: broker)
        #expect(replies.count == 1 && replies.first?["successful"] == false, "\(channel)")
        #expect(replies.first?.error == (user == nil ? "402::session_unknown" : "403::gms_user mismatch"))
      }
      // What waited is still there, and so are both subscriptions.
      #expect(try ann.events(1).map { $0["data"]?["message"] } == ["secret"])
      try ann.hold()
      try broker.expect("connects_held", 1)
      for channel in Self.channels {
        let message = ann.message(channel, ["subscription": "/a", "data": 1])
        let replies = try Self.send(message, by: way, as: user, to: broker)
        #expect(replies.first?["successful"] == false)
      }
      #expect(try broker.metrics()["connects_held"] == 1)
      #expect(try broker.publish(to: "ann", "still here") == 1)
      #expect(try ann.held().messages.first?["data"]?["message"] == "still here")
      #expect(try broker.publish(on: "/a", 1) == 1)
    }
  }

  @Test(arguments: Way.allCases)
  func anUnknownSessionAndOneOfAUserLookAlikeToNobody(_ way: Way) async throws {
    try await withBroker { broker in
      let ann = try BayeuxClient(broker, user: "ann")
      for channel in Self.channels {
        let known = try Self.send(ann.message(channel, ["subscription": "/a"]), by: way, as: nil, to: broker)
        let dead: JSONValue = [
          "channel": .string(channel), "clientId": .string(String(repeating: "0", count: 32)), "subscription": "/a",
        ]
        #expect(try Self.send(dead, by: way, as: nil, to: broker) == known)
      }
    }
  }

  /// Of a WebSocket the user of the upgrade counts, so its messages need no header.
  @Test func aSessionMovesToASocketOfItsUser() async throws {
    try await withBroker(shards: 2) { broker in
      let ann = try broker.listener("ann")
      let socket = try SocketClient(broker, user: "ann")
      let connect = ann.message("/meta/connect", ["advice": ["timeout": 0]])
      #expect(try socket.call(connect).last?.isSuccessful == true)
      #expect(try socket.call(ann.message("/meta/subscribe", ["subscription": "/b"])).last?.isSuccessful == true)
    }
  }
}
