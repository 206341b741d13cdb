// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import Testing
import Wire

/// Sockets whose reader does not keep up.
@Suite(.timeLimit(.minutes(2))) struct StalledSocketTests {
  private let big = String(repeating: "x", count: 100_000)

  /// Two sessions on one socket, subscribed to `/big`, each with a held connect.
  private func pair(on socket: SocketClient) throws {
    for _ in 0..<2 {
      let id = JSONValue.string(try socket.shake())
      _ = try socket.call(["channel": "/meta/subscribe", "clientId": id, "subscription": "/big"])
      try socket.send(["channel": "/meta/connect", "clientId": id, "connectionType": "websocket"])
    }
  }

  @Test func twoSessionsOfASocketThatReadsLateBothGetEverything() async throws {
    try await withBroker({ $0.bayeux.options.limits.maxResponseBytes = 200_000 }) { broker in
      let socket = try SocketClient(broker)
      try pair(on: socket)
      try broker.expect("connects_held", 2)
      let rounds = 60
      for number in 0..<rounds { try broker.publish(on: "/big", .array([JSONValue(number), .string(big)])) }
      var numbers: [Int] = []
      while numbers.count < 2 * rounds {
        numbers += try socket.messages().compactMap { $0["data"]?[0]?.int }
      }
      #expect(Dictionary(grouping: numbers) { $0 }.values.allSatisfy { $0.count == 2 })
      // And they go on getting what comes.
      try broker.publish(on: "/big", .array([JSONValue(rounds)]))
      var last = 0
      while last < 2 { last += try socket.messages().count { $0["data"]?[0]?.int == rounds } }
    }
  }

  @Test func whoSendsButNeverReadsIsClosedInTime() async throws {
    try await withBroker({ $0.http.writeTimeout = .seconds(1) }) { broker in
      let socket = try SocketClient(broker)
      try pair(on: socket)
      try broker.expect("connects_held", 2)
      for number in 0..<70 { try broker.publish(on: "/big", .array([JSONValue(number), .string(big)])) }
      // Each of them is a sign of life, but nothing is read.
      let isClosed = try eventually {
        do { try socket.send(.pong, []) } catch { return true }
        return try broker.metrics()["connects_held"] == 0
      }
      #expect(isClosed)
    }
  }
}
