// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import Foundation
import Testing

/// The replay extension over real sockets, by every transport.
@Suite(.timeLimit(.minutes(2))) struct ReplayTests {
  @Test(arguments: [1, 3]) func aLongPollerGetsThePastAndThenWhatIsLive(_ shards: Int) async throws {
    try await withBroker(shards: shards, { $0.makeDurable() }) { broker in
      let publishers = try (0..<shards).map { try BayeuxClient(broker, on: $0) }
      for number in 1...30 { try publishers[number % shards].publishNumber("/d/a", number) }
      let client = try BayeuxClient(broker, on: shards - 1)
      let messages = try client.replay("/d/a", from: -2)
      #expect(messages.ns == Array(1...30))
      let ids = messages.replayIDs
      #expect(ids == ids.sorted() && Set(ids).count == 30)
      #expect(messages.last?["ext"]?["replay"]?["/d/a"]?["complete"] == true)
      try client.hold()
      try publishers[0].publishNumber("/d/a", 31)
      #expect(try client.held().messages.ns == [31])
      // Another client goes on in the middle, with the id that the first one saw.
      let second = try BayeuxClient(broker, on: 0)
      #expect(try second.replay("/d/a", from: ids[19]).ns == Array(21...31))
    }
  }

  @Test func whoPublishesWhileOthersSubscribeLosesAndDoublesNothing() async throws {
    try await withBroker(shards: 2, { $0.makeDurable() }) { broker in
      let last = 400
      let publishing = Thread {
        guard let publisher = try? BayeuxClient(broker, on: 0) else { return }
        for number in 1...last { _ = try? publisher.publish("/d", ["n": JSONValue(number)]) }
      }
      publishing.start()
      for round in 0..<6 {
        let client = try BayeuxClient(broker, on: round % 2)
        var events = Array(try client.replay("/d", from: -2).dropLast())
        while events.ns.last != last { events += try client.connect().dropLast() }
        #expect(events.ns == Array(1...last))
      }
    }
  }

  @Test func callbackPollingGetsThePastWithItsConnects() async throws {
    try await withBroker({ $0.makeDurable() }) { broker in
      let publisher = try BayeuxClient(broker)
      for number in 1...5 { try publisher.publishNumber("/d", number) }
      let client = try BayeuxClient(broker)
      let line = try broker.client()
      func call(_ message: JSONValue) throws -> [JSONValue] {
        let text = message.text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let body = try line.get("\(BayeuxClient.path)?jsonp=cb&message=\(text)").text
        return try JSONValue(parsing: String(body.dropFirst("/**/cb(".count).dropLast(2))).elements ?? []
      }
      let reply = try call(client.message("/meta/subscribe", .replay("/d", from: -2)))
      #expect(reply.count == 1 && reply[0].isSuccessful)
      #expect(try call(client.message("/meta/connect", ["connectionType": "callback-polling"])).ns == Array(1...5))
      // A publish that has to be kept is answered in the script of its own request.
      let published = try call(client.message("/d", ["data": ["n": 6]]))
      #expect(published.count == 1 && published[0].isSuccessful)
      #expect(try call(client.message("/meta/connect", ["connectionType": "callback-polling"])).ns == [6])
    }
  }

  @Test(arguments: [false, true]) func aSocketGetsThePastInFramesAndThenWhatIsLive(_ acknowledges: Bool) async throws {
    try await withBroker({
      $0.makeDurable()
      $0.bayeux.options.limits.maxReplaySlice = 50
    }) { broker in
      let publisher = try BayeuxClient(broker)
      for number in 1...300 { try publisher.publishNumber("/d", number) }
      let socket = try SocketClient(broker)
      let ext: JSONValue = ["replay": true, "ack": .bool(acknowledges)]
      let id = try socket.call(["channel": "/meta/handshake", "version": "1.0", "ext": ext])[0]["clientId"] ?? .null
      var batch = 0
      func connect() throws {
        try socket.send([
          "channel": "/meta/connect", "clientId": id, "connectionType": "websocket", "ext": ["ack": JSONValue(batch)],
        ])
      }
      try connect()
      var events: [JSONValue] = []
      func take() throws {
        let messages = try socket.messages()
        events += messages.filter { $0.replayID != nil }
        for reply in messages where reply["channel"] == "/meta/connect" {
          if let number = reply["ext"]?["ack"]?.int { batch = number }
          try connect()
        }
      }
      try take()
      try socket.send(
        .object(
          [.init("channel", "/meta/subscribe"), .init("clientId", id)]
            + (JSONValue.replay("/d", from: -2).members ?? [])))
      while events.count < 300 { try take() }
      try publisher.publishNumber("/d", 301)
      while events.count < 301 { try take() }
      #expect(events.ns == Array(1...301))
    }
  }

  @Test func onASocketTheReplyOfADurablePublishComesByItself() async throws {
    let directory = KeptDirectory()
    try await directory.withBroker({ $0.makeDurable() }) { broker in
      let socket = try SocketClient(broker)
      let id = JSONValue.string(try socket.shake())
      try socket.send(
        ["channel": "/d", "id": "1", "data": 1, "clientId": id],
        ["channel": "/x", "id": "2", "data": 1, "clientId": id],
        ["channel": "/d", "id": "3", "data": 2, "clientId": id])
      var replies: [JSONValue] = []
      while replies.count < 3 { replies += try socket.messages() }
      #expect(replies.count { $0.isSuccessful } == 3)
      #expect(replies.compactMap { $0["id"]?.string } == ["2", "1", "3"])
    }
  }

  @Test func sessionsMayChangeTheirTransportInTheMiddleOfTheirPast() async throws {
    try await withBroker({
      $0.makeDurable()
      $0.bayeux.options.limits.maxReplaySlice = 20
    }) { broker in
      let publisher = try BayeuxClient(broker)
      for number in 1...100 { try publisher.publishNumber("/d", number) }
      let client = try BayeuxClient(broker)
      var events = Array(try client.replay("/d", from: -2).dropLast())
      events += try client.connect().dropLast()
      #expect((20...60).contains(events.count))
      let socket = try SocketClient(broker)
      try socket.send(client.message("/meta/connect", ["connectionType": "websocket"]))
      while events.count < 100 { events += try socket.messages().filter { $0.replayID != nil } }
      #expect(events.ns == Array(1...100))
    }
  }

  @Test func theHostPublishesToADurableChannelToo() async throws {
    try await withBroker(shards: 2, { $0.makeDurable() }) { broker in
      let client = try BayeuxClient(broker, on: 1)
      try client.subscribe("/d")
      #expect(try broker.publish(on: "/d", ["n": 1]) == 1)
      #expect(try client.events(1).ns == [1])
      let late = try BayeuxClient(broker, on: 0)
      #expect(try late.replay("/d", from: -2).ns == [1])
      try broker.expect("history_events", 1)
      try broker.expect("replays_total", 1)
    }
  }
}
