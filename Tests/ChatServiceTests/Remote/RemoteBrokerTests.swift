// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService
import Foundation
import Synchronization
import Testing

@testable import BrokerServer

@Suite(.timeLimit(.minutes(2))) struct RemoteBrokerTests {
  @Test func aChatIsHeldThroughARemoteBackend() async throws {
    try await withRemoteBroker { broker, standIn, _ in
      let (service, _) = try await broker.opened()
      let sent = try await broker.chat("\(service)/ixn/chat/send", ["message": "hello"])
      #expect(sent.status == 200 && sent.body["transcriptPosition"] == "2")
      try await standIn.embedded.join(service, nickname: "Ada")
      let chat = try await standIn.embedded.send(service, nickname: "Ada", text: "How may I help?")
      #expect(chat.transcriptPosition == 4, "the agent is told the position once the event has its place")
      #expect(try await broker.transcript(service) == ["hello", "has joined the session", "How may I help?"])
      let end = try await broker.chat("\(service)/ixn/chat/disconnect")
      #expect(end.body["chatIxnState"] == "DISCONNECTED")
      let metrics = try await broker.call("\(broker.adminURL)/metrics", nil, method: "GET").text
      #expect(metrics.contains("broker_backend_up 1\n"))
      #expect(metrics.contains("broker_backend_events_total{result=\"accepted\"} 4\n"))
    }
  }

  @Test func anEventThatIsToldTwiceArrivesOnceAndHasTheSamePosition() async throws {
    try await withRemoteBroker { broker, _, _ in
      let (service, session) = try await broker.opened()
      let first: JSONValue = [
        "events": [entries("x1", service, session, "one"), entries("x2", service, session, "two")]
      ]
      for _ in 0..<3 {
        let reply = try await broker.tell(first)
        #expect(reply.status == 200)
        #expect(
          reply.text
            == #"{"results":[{"id":"x1","accepted":true,"position":2},{"id":"x2","accepted":true,"position":3}]}"#)
      }
      #expect(try await broker.transcript(service) == ["one", "two"])
    }
  }

  @Test func anEventOfNoLiveChatIsRefusedForGood() async throws {
    try await withRemoteBroker { broker, _, _ in
      let (service, _) = try await broker.opened()
      for (service, session) in [("none", "none"), (service, "another")] {
        let reply = try await broker.tell(["events": [entries("1", service, session, "x")]])
        #expect(reply.status == 200)
        #expect(reply.text == #"{"results":[{"id":"1","accepted":false,"error":"noSuchChat","retry":false}]}"#)
      }
    }
  }

  @Test func onlyTheSecretOpensTheRoute() async throws {
    try await withRemoteBroker({ $0.admin.token = "the-token-of-the-admin" }) { broker, _, _ in
      let body: JSONValue = ["events": [["type": "availability", "serviceId": "s", "availability": "available"]]]
      #expect(try await broker.tell(body).status == 200)
      for secret in [nil, "", "wrong", StandInBackend.secret + "x", "the-token-of-the-admin"] {
        let reply = try await broker.tell(body, secret: secret)
        #expect(reply.status == 401, "\(secret ?? "none")")
        #expect(reply.body["message"] == "X-Backend-Secret is missing or wrong")
      }
      let token = [(name: "Authorization", value: "Bearer the-token-of-the-admin")]
      #expect(try await broker.call("\(broker.adminURL)/backend/events", body, token).status == 401)
      let secret = [(name: "X-Backend-Secret", value: StandInBackend.secret)]
      #expect(try await broker.call("\(broker.adminURL)/metrics", nil, secret, method: "GET").status == 401)
      #expect(try await broker.call("\(broker.adminURL)/backend/other", body, secret).status == 404)
      #expect(try await broker.call("\(broker.adminURL)/backend/events", nil, secret, method: "GET").status == 405)
      let bad = try await broker.tell(["events": []])
      #expect(bad.status == 400 && bad.body["message"]?.string?.hasPrefix("events has to be") == true)
    }
  }

  @Test func withoutRemoteBackendThereIsNoSuchRoute() async throws {
    try await withRemoteBroker({ $0.chat.backend = .embedded }) { broker, _, _ in
      let reply = try await broker.tell(["events": []])
      #expect(reply.status == 404 && reply.body["message"] == "The chat backend of this broker is not a remote one")
    }
  }

  @Test func aBackendThatIsDownIsSaidSoAndFoundAgain() async throws {
    try await withRemoteBroker { broker, standIn, server in
      let (service, _) = try await broker.opened()
      server.stop()
      let refused = try await broker.chat("\(service)/ixn/chat/send", ["message": "lost"])
      #expect(refused.status == 500)
      #expect(refused.body["exception"] == "com.genesyslab.gsg.chat.ChatServerException")
      #expect(try await broker.chat("request-chat").status == 500)
      let metrics = try await broker.call("\(broker.adminURL)/metrics", nil, method: "GET").text
      #expect(metrics.contains("broker_backend_up 0\n"))
      let again = try StandInServer(port: server.port) { await standIn.answer($0) }
      #expect(try await broker.chat("\(service)/ixn/chat/send", ["message": "there"]).status == 200)
      #expect(try await broker.transcript(service) == ["there"])
      again.stop()
    }
  }

  @Test func availabilityIsToldThroughTheSameRoute() async throws {
    try await withRemoteBroker { broker, standIn, _ in
      let service = try #require(try await broker.chat("request-chat-poll").body["_id"]?.string)
      #expect(try await broker.chat("\(service)/status").body["message"]?["_status"] == "waiting")
      #expect(try await broker.chat("\(service)/ixn/chat").status == 503)
      #expect(try await broker.chat("\(service)/check-queue-position").body["_eta"] == 7)
      let change: JSONValue = ["type": "availability", "serviceId": .string(service), "availability": "available"]
      let told = try await broker.tell(["events": [change]])
      #expect(told.text == "{\"results\":[{\"serviceId\":\"\(service)\",\"accepted\":true}]}")
      // Announced by the event: the backend itself still says that nobody is there.
      var status = 503
      while status == 503 { status = try await broker.chat("\(service)/ixn/chat").status }
      #expect(status == 200)
      #expect(standIn.log.withLock { $0.contains { $0.hasPrefix("POST chat ") } })
    }
  }

  @Test func eventsAreRecognisedAfterTheBrokerWasStartedAgain() async throws {
    let directory = NSTemporaryDirectory() + "remote-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let standIn = StandInBackend(clock: TestClock())
    let server = try StandInServer { await standIn.answer($0) }
    defer { server.stop() }
    let before = try await RemoteBroker(backend: server.url, directory: directory)
    let (service, session) = try await before.opened()
    let events: JSONValue = [
      "events": [entries("x1", service, session, "one"), entries("x2", service, session, "two")]
    ]
    let first = try await before.tell(events)
    #expect(first.status == 200)
    await before.stop()
    let after = try await RemoteBroker(backend: server.url, directory: directory)
    let again = try await after.tell(events)
    #expect(again.text == first.text)
    #expect(try await after.tell(["events": [entries("x3", service, session, "three")]]).status == 200)
    #expect(try await after.transcript(service) == ["one", "two", "three"])
    await after.stop()
  }

  @Test func whatTheDiskDoesNotHoldIsToBeSentAgain() async throws {
    let directory = NSTemporaryDirectory() + "remote-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await withRemoteBroker(directory: directory, { $0.data.maxBytes = 400 << 10 }) { broker, _, _ in
      let (service, session) = try await broker.opened()
      let long = String(repeating: "x", count: 30_000)
      var reply = try await broker.tell(["events": [entries("0", service, session, long)]])
      var number = 0
      while reply.status == 200, number < 100 {
        number += 1
        reply = try await broker.tell(["events": [entries("\(number)", service, session, long)]])
      }
      #expect(reply.status == 503)
      #expect(reply.body["results"]?[0]?["error"] == "notStored" && reply.body["results"]?[0]?["retry"] == true)
      // Also when it comes again: nothing is acknowledged that is not kept.
      let again = try await broker.tell(["events": [entries("\(number)", service, session, long)]])
      #expect(again.status == 503 && again.text == reply.text)
    }
  }

  @Test(
    arguments: [
      (nil, StandInBackend.secret), ("https://127.0.0.1:1/", StandInBackend.secret),
      ("127.0.0.1", StandInBackend.secret),
      ("http://127.0.0.1:1/?x=1", StandInBackend.secret), ("http://127.0.0.1:1", nil), ("http://127.0.0.1:1", "short"),
    ] as [(String?, String?)]) func aBrokerDoesNotStartWithoutAddressAndSecret(url: String?, secret: String?)
  {
    var configuration = ServerConfiguration()
    configuration.chat.backend = .remote
    configuration.chat.remote.url = url
    configuration.chat.remote.secret = secret
    #expect(throws: ConfigurationError.self) { try BrokerServer(configuration: configuration, logger: .silent) }
  }
}
