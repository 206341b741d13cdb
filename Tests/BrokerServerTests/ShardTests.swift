// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import Logging
import Testing

/// Several loops are one broker: a connection goes to the session it speaks for, and messages go everywhere.
@Suite(.timeLimit(.minutes(2))) struct ShardTests {
  static let counts = [2, 4]

  @Test(arguments: counts)
  func sessionsOfOneUserOnManyConnectionsGetTheSameInTheSameOrder(_ shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      let sessions = try (0..<8).map { _ in try broker.listener("vasya") }
      #expect(Set(sessions.map { BayeuxClient.shard(of: $0.id) }).count == 1)
      for index in 0..<20 { #expect(try broker.publish(to: "vasya", JSONValue(index)) == 8) }
      for session in sessions {
        #expect(try session.events(20).map { $0["data"]?["message"]?.int } == (0..<20).map { $0 })
      }
    }
  }

  @Test(arguments: counts)
  func usersAreSpreadAndTheirConnectionsFollow(_ shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      let clients = try (0..<40).map { try BayeuxClient(broker, user: "user\($0)") }
      #expect(Set(clients.map { BayeuxClient.shard(of: $0.id) }).count == shards)
      #expect(try broker.metrics()["http_moved_total"] > 0)
      let before = try broker.metrics()
      // They have arrived: nothing moves any more.
      for client in clients { try client.subscribe("/a") }
      #expect(try broker.metrics()["http_moved_total"] == before["http_moved_total"])
    }
  }

  @Test(arguments: counts)
  func aMoveIsNoSecondRequest(_ shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      for index in 0..<20 {
        _ = try broker.client().post(BayeuxClient.path, handshake(id: 1), "gms_user: user\(index)")
      }
      // Twenty handshakes and the request for this page.
      #expect(try broker.metrics()["http_requests_total"] == 21)
    }
  }

  @Test(arguments: counts)
  func aMovingConnectionTakesItsPipelinedRequestsAlong(_ shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      let line = try broker.client()
      let count = 100
      try line.send(
        (0..<count).map { line.text("POST", BayeuxClient.path, handshake(id: $0), ["gms_user: user\($0)"]) }.joined())
      var homes: Set<Int?> = []
      for index in 0..<count {
        let reply = try #require(try line.response().messages.first)
        #expect(reply["id"]?.string == "\(index)")
        homes.insert(reply["clientId"]?.string.flatMap { BayeuxClient.shard(of: $0) })
      }
      #expect(homes.count == shards)
      #expect(try broker.metrics()["http_moved_total"] > count / 4)
    }
  }

  @Test(arguments: counts)
  func bigAndChunkedBodiesMoveToo(_ shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      let clients = try (0..<shards).map { try BayeuxClient(broker, on: $0) }
      let line = try broker.client()
      for (index, client) in (clients + clients).enumerated() {
        try client.subscribe("/big/\(index)")
        let text = String(repeating: "\(index)", count: 400_000)
        let body = client.message("/big/\(index)", ["id": JSONValue(index), "data": .string(text)]).text
        let next = client.message("/other", ["id": "behind"]).text
        let tail = line.text("POST", BayeuxClient.path, next)
        if index.isMultiple(of: 2) {
          try line.send(line.text("POST", BayeuxClient.path, body) + tail)
        } else {
          let chunks = body.utf8.chunks(of: 50_000).map { chunk in
            "\(String(chunk.count, radix: 16))\r\n\(String(decoding: chunk, as: UTF8.self))\r\n"
          }.joined()
          try line.send(
            "POST /genesys/cometd HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)0\r\n\r\n\(tail)")
        }
        let messages = try line.response().messages
        let isWhole = messages.first?["data"]?.string == text
        #expect(isWhole)
        #expect(messages.last?["id"]?.string == "\(index)")
        #expect(try line.response().messages.first?["id"] == "behind")
      }
    }
  }

  @Test(arguments: counts)
  func whoHasTheReplyOfASubscribeGetsWhatIsPublishedAfterIt(_ shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      let reader = try BayeuxClient(broker, on: 0)
      let writer = try BayeuxClient(broker, on: 1)
      for index in 0..<150 {
        let (from, to) = index.isMultiple(of: 2) ? (writer, reader) : (reader, writer)
        #expect(try to.subscribe("/room/\(index)").isSuccessful)
        #expect(try from.publish("/room/\(index)", JSONValue(index)).isSuccessful)
        #expect(try to.events(1).map { $0["data"]?.int } == [index])
      }
      for index in 150..<200 {
        #expect(try writer.subscribe("/room/\(index)").isSuccessful)
        #expect(try broker.publish(on: "/room/\(index)", JSONValue(index)) == 1)
        #expect(try writer.events(1).map { $0["data"]?.int } == [index])
      }
    }
  }

  @Test(arguments: counts)
  func aPublicationCountsTheSessionsOfAllShards(_ shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      let clients = try (0..<shards).flatMap { shard in try (0..<3).map { _ in try BayeuxClient(broker, on: shard) } }
      for (index, client) in clients.enumerated() {
        try client.subscribe(index.isMultiple(of: 2) ? "/news/sport" : "/news/*")
        try client.subscribe("/**")
      }
      try clients[0].hold()
      try broker.expect("connects_held", 1)
      #expect(try broker.publish(on: "/news/sport", 1) == clients.count)
      #expect(try broker.publish(on: "/other", 2) == clients.count)
      #expect(try broker.publish(on: "/some/thing/else", 3) == clients.count)
      // One copy each, although two of their patterns match.
      for client in clients.dropFirst() { #expect(try client.events(3).map { $0["data"]?.int } == [1, 2, 3]) }
    }
  }

  @Test(arguments: counts)
  func idsOfOtherShardsAndOfNoShardAreUnknownSessions(_ shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      let client = try BayeuxClient(broker, on: 1)
      let ofNoShard = "v" + String(client.id.dropFirst())
      let guessed = String(client.id.dropLast()) + (client.id.hasSuffix("0") ? "1" : "0")
      for id in [ofNoShard, guessed, "", "short", String(repeating: "?", count: 32)] {
        let message: JSONValue = ["channel": "/meta/connect", "clientId": .string(id)]
        let reply = try broker.client().post(BayeuxClient.path, message.text).messages.first
        #expect(reply?.error == "402::session_unknown")
      }
      // A batch is looked at where its first message belongs.
      let elsewhere = try BayeuxClient(broker, on: 0)
      let replies = try client.post([client.message("/a"), elsewhere.message("/a")]).messages
      #expect(replies.map(\.error) == [nil, "402::session_unknown"])
    }
  }

  @Test func theNumberOfShardsIsLimited() {
    for count in [0, -1, 256] {
      let configuration = ServerConfiguration.forTests(shards: count)
      #expect(throws: ConfigurationError.badShardCount(count)) {
        try BrokerServer(configuration: configuration, logger: .silent)
      }
    }
  }
}
