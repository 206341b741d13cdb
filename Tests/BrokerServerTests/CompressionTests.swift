// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import Testing
import Wire

/// permessage-deflate over real sockets.
@Suite(.timeLimit(.minutes(2))) struct CompressionTests {
  private static let news = JSONValue.string(String(repeating: "the same news for everybody, ", count: 40))

  private func subscribe(_ socket: SocketClient, _ channel: JSONValue) throws -> String {
    let id = try socket.shake()
    _ = try socket.call(["channel": "/meta/subscribe", "clientId": .string(id), "subscription": channel])
    return id
  }

  @Test func itIsOffUnlessAsked() async throws {
    try await withBroker { broker in
      _ = try SocketClient(broker, fields: ["Sec-WebSocket-Extensions: permessage-deflate"]).shake()
      let socket = try SocketClient(broker)
      try socket.sendCompressed(Array("[]".utf8))
      #expect(try socket.receive() == .close(1002), "a reserved bit without an agreement")
    }
    try await withBroker({ $0.webSocket.allowsCompression = true }) { broker in
      _ = try SocketClient(broker).shake()
    }
  }

  @Test(arguments: [1, 3]) func messagesAreCompressedBothWays(shards: Int) async throws {
    try await withBroker(shards: shards, { $0.webSocket.allowsCompression = true }) { broker in
      let socket = try SocketClient(broker, user: "alice", compresses: true)
      let id = try subscribe(socket, ["/news", "/_genesys"])
      let before = socket.compressedMessages
      #expect(before > 0, "replies are compressed too")
      let publish: JSONValue = ["channel": "/news", "clientId": .string(id), "data": Self.news]
      try socket.sendCompressed(JSONValue.array([publish]).encoded)
      #expect(try socket.messages().map { $0["data"] } == [Self.news, nil])
      #expect(socket.compressedMessages == before + 1)
      #expect(try broker.publish(to: "alice", 1) == 1)
      #expect(try socket.messages().map { $0["data"]?["message"] } == [1])
      let ping: [JSONValue] = []
      try socket.sendCompressed(JSONValue.array(ping).encoded)
      #expect(try socket.receive() == .messages([]), "short ones go as they are")
    }
  }

  @Test func aPublicationIsCompressedOnceForAll() async throws {
    try await withBroker({ $0.webSocket.allowsCompression = true }) { broker in
      let sockets = try (0..<20).map { _ in try SocketClient(broker, compresses: true) }
      for socket in sockets { _ = try subscribe(socket, "/news") }
      let plain = try SocketClient(broker)
      _ = try subscribe(plain, "/news")
      let before = try broker.metrics()
      #expect(try broker.publish(on: "/news", Self.news) == 21)
      for socket in sockets + [plain] { #expect(try socket.messages().map { $0["data"] } == [Self.news]) }
      let after = try broker.metrics()
      func growth(_ work: String) -> Int {
        let name = "websocket_compressed_total{work=\"\(work)\"}"
        return after[name] - before[name]
      }
      #expect(growth("compressed") == 1)
      #expect(growth("shared") == 19)
      #expect(plain.compressedMessages == 0)
    }
  }

  @Test(arguments: [-1, 0, 1]) func whatItBecomesIsBounded(excess: Int) async throws {
    try await withBroker({
      $0.webSocket.allowsCompression = true
      $0.webSocket.limits.maxMessageBytes = 10_000
    }) { broker in
      let socket = try SocketClient(broker, compresses: true)
      let text = "[" + String(repeating: " ", count: 10_000 + excess - 2) + "]"
      try socket.sendCompressed(Array(text.utf8))
      #expect(try socket.receive() == (excess > 0 ? .close(1009) : .messages([])))
      _ = try SocketClient(broker, compresses: true).shake()
    }
  }

  @Test func whatCannotBeOpenedEndsTheSocket() async throws {
    try await withBroker({ $0.webSocket.allowsCompression = true }) { broker in
      let broken = try SocketClient(broker, compresses: true)
      var writer = ByteWriter()
      writer.appendMaskedFrame(.text, [0xFF, 0xFF].span, mask: 7, isCompressed: true)
      try broken.line.send(writer.array)
      #expect(try broken.receive() == .close(1007))
      let noText = try SocketClient(broker, compresses: true)
      try noText.sendCompressed([0x22, 0xFF, 0x22])
      #expect(try noText.receive() == .close(1007))
      _ = try SocketClient(broker, compresses: true).shake()
    }
  }

  @Test func aSubprotocolMayBeAskedFor() async throws {
    try await withBroker({ $0.webSocket.subprotocol = "bayeux" }) { broker in
      _ = try SocketClient(broker, fields: ["Sec-WebSocket-Protocol: other, bayeux"]).shake()
      let line = try broker.client()
      try line.send(SocketClient.request(line, []))
      #expect(try line.response().status == 400)
    }
  }
}
