// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService
import Foundation
import Synchronization
import Testing

@testable import BrokerServer

/// What must not stop the others: bad events, large ones, a disk that fails.
@Suite(.timeLimit(.minutes(2))) struct RemoteTroubleTests {
  @Test func aBadEventIsNoReasonToRefuseItsNeighbours() async throws {
    try await withRemoteBroker { broker, _, _ in
      let (service, session) = try await broker.opened()
      let reply = try await broker.tell([
        "events": [
          entries("1", service, session, "one"), ["type": "ended", "id": "2"], entries("3", service, session, "three"),
        ]
      ])
      #expect(reply.status == 200)
      let results = reply.body["results"]?.elements ?? []
      #expect(results.map { $0["accepted"]?.bool } == [true, false, true])
      #expect(results.map { $0["id"]?.string } == ["1", "2", "3"])
      #expect(results[1]["error"] == "bad" && results[1]["retry"] == false)
      #expect(results[1]["message"]?.string?.hasPrefix("events[1].serviceId has to be") == true)
      #expect(try await broker.transcript(service) == ["one", "three"])
    }
  }

  @Test func aLongNameIsNoTrap() async throws {
    try await withRemoteBroker { broker, _, _ in
      let service = try #require(try await broker.chat("request-chat").body["_id"]?.string)
      let name = String(repeating: "n", count: 5_000)
      let opened = try await broker.chat(
        "\(service)/ixn/chat", ["userDisplayName": .string(name), "message": "first"])
      #expect(opened.status == 200)
      #expect(try await broker.chat("\(service)/ixn/chat/send", ["message": "second"]).status == 200)
      #expect(try await broker.transcript(service) == ["first", "second"])
    }
  }

  /// Every entry and every text as long as it may be, each byte written as six.
  @Test func theLargestEventFits() async throws {
    try await withRemoteBroker { broker, _, _ in
      let (service, session) = try await broker.opened()
      let text = String(repeating: "\u{1}", count: RemoteLimits.maxTextBytes)
      let entry: JSONValue = [
        "type": "Message.Text", "nickname": .string(text), "text": .string(text), "party": "CLIENT",
      ]
      let event: JSONValue = [
        "type": "entries", "id": "1", "serviceId": .string(service), "chatSessionId": .string(session),
        "entries": .array(Array(repeating: entry, count: RemoteLimits.maxEntries)),
      ]
      let body: JSONValue = ["events": [event]]
      #expect(body.encoded.count > 12_000_000)
      let reply = try await broker.tell(body)
      #expect(reply.status == 200 && reply.body["results"]?[0]?["position"] == 33, "\(reply.text)")
    }
  }

  /// What is refused must not pile up, and what was refused comes when there is room again.
  @Test func memoryIsBoundedWhileTheDiskFails() async throws {
    let directory = NSTemporaryDirectory() + "remote-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let aside = directory + "-aside"
    defer { try? FileManager.default.removeItem(atPath: aside) }
    try await withRemoteBroker(directory: directory) { broker, _, _ in
      let (service, session) = try await broker.opened()
      #expect(try await broker.tell(["events": [entries("0", service, session, "before")]]).status == 200)
      try FileManager.default.moveItem(atPath: directory, toPath: aside)
      func batch(_ number: Int) -> JSONValue {
        ["events": .array((0..<32).map { entries("\(number)-\($0)", service, session, "text") })]
      }
      for number in 0..<20 { #expect(try await broker.tell(batch(number)).status == 503) }
      let metrics = try await broker.call("\(broker.adminURL)/metrics", nil, method: "GET").text
      let waiting = metrics.firstMatch(of: /broker_store_waiting (\d+)/).flatMap { Int($0.output.1) }
      #expect(try #require(waiting) <= 32, "the first batch at most, not all of them")
      try FileManager.default.moveItem(atPath: aside, toPath: directory)
      for number in 0..<20 {
        var reply = try await broker.tell(batch(number))
        for _ in 0..<100 where reply.status == 503 { reply = try await broker.tell(batch(number)) }
        #expect(reply.status == 200 && reply.body["results"]?[31]?["position"]?.int == 2 + 32 * (number + 1))
      }
      #expect(try await broker.transcript(service).count == 641)
    }
  }
}
