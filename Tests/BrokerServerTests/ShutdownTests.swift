// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import ChatService
import Testing
import Wire

/// The end of a broker: nobody is left waiting, and nobody can hold it up.
@Suite(.timeLimit(.minutes(2))) struct ShutdownTests {
  @Test(arguments: [1, 2])
  func heldConnectsAreAnsweredSoThatTheirClientsComeAgain(_ shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      let clients = try (0..<20).map { try BayeuxClient(broker, user: "user\($0)") }
      for client in clients { try client.hold(["id": "held"]) }
      let page = try broker.client()
      let script = try BayeuxClient(broker)
      try page.send(page.text("GET", CallbackPollingTests.path("f", script.message("/meta/connect"))))
      let idle = try broker.client()
      #expect(try idle.post(BayeuxClient.path, "[]").status == 200)
      try broker.expect("connects_held", 21)
      async let time = broker.shutdown(within: .seconds(30))
      for client in clients {
        let response = try client.held()
        #expect(
          response.messages == [
            ["id": "held", "successful": true, "advice": HeldConnectTests.retry, "channel": "/meta/connect"]
          ])
        #expect(response.closes)
        #expect(try client.polls.readToEnd() == "")
        client.polls.hangUp()
        #expect(try client.main.readToEnd() == "")
        client.main.hangUp()
      }
      let answer = try page.response()
      #expect(CallbackPollingTests.argument(of: answer, "f")[0]?["advice"] == HeldConnectTests.retry)
      for line in [page, idle, script.main, script.polls] {
        #expect(try line.readToEnd() == "")
        line.hangUp()
      }
      #expect(try await time < .seconds(20))
      for port in [broker.port, broker.adminPort] {
        #expect(throws: ClientError.self) { try RawClient(port: port) }
      }
    }
  }

  @Test func clientsThatDoNotCloseHoldItUpForAMomentOnly() async throws {
    try await withBroker({
      $0.bayeux.options.limits.maxResponseBytes = 16 << 20
      $0.http.limits.headTimeout = .seconds(60)
    }) { broker in
      let quiet = try broker.client()
      #expect(try quiet.post(BayeuxClient.path, "[]").status == 200)
      let half = try broker.client()
      try half.send("POST /genesys/cometd HTTP/1.1\r\nHost: x\r\nContent-Le")
      let session = try BayeuxClient(broker)
      try session.subscribe("/big")
      for _ in 0..<15 { try broker.publish(on: "/big", .string(String(repeating: "x", count: 500_000))) }
      let stuck = try broker.client(receiveBufferBytes: 4096)
      try stuck.send(stuck.text("POST", BayeuxClient.path, session.message("/meta/connect").text))
      try broker.expect("queue_messages", 0)
      let time = try await broker.shutdown(within: .seconds(30))
      #expect(time < .seconds(20))
      #expect(try half.readToEnd() == "")
      #expect(try quiet.readToEnd() == "")
    }
  }

  @Test func aLimitIsKeptWhateverClientsDo() async throws {
    try await withBroker { broker in
      let quiet = try broker.client()
      #expect(try quiet.post(BayeuxClient.path, "[]").status == 200)
      let time = try await broker.shutdown(within: .milliseconds(200))
      #expect(time < .seconds(20))
    }
  }

  @Test func aChatCallOnItsWayIsAnswered() async throws {
    let backend = GatedBackend()
    let services = [GatedBackend.slowToCreate: ChatServiceDefinition()]
    try await withBroker({ $0.gms.chat.services = services }, backend: backend) { broker in
      let line = try broker.client()
      try line.send(line.text("POST", "/genesys/1/service/\(GatedBackend.slowToCreate)", ""))
      #expect(backend.isAsked.wait())
      let idle = try BayeuxClient(broker)
      try idle.hold()
      try broker.expect("connects_held", 1)
      async let time = broker.shutdown(within: .seconds(30))
      // The broker has begun to stop.
      #expect(try idle.held().closes)
      idle.polls.hangUp()
      idle.main.hangUp()
      backend.mayAnswer.open()
      let response = try line.response()
      #expect(response.json["_id"]?.string != nil)
      #expect(response.closes)
      line.hangUp()
      #expect(try await time < .seconds(20))
    }
  }

  @Test func aChatCallThatIsNeverAnsweredDoesNotHoldItUp() async throws {
    let backend = GatedBackend()
    let services = [GatedBackend.slowToCreate: ChatServiceDefinition()]
    try await withBroker({ $0.gms.chat.services = services }, backend: backend) { broker in
      let line = try broker.client()
      try line.send(line.text("POST", "/genesys/1/service/\(GatedBackend.slowToCreate)", ""))
      #expect(backend.isAsked.wait())
      let time = try await broker.shutdown(within: .milliseconds(300))
      #expect(time < .seconds(20))
      #expect(try line.readToEnd() == "")
      backend.mayAnswer.open()
    }
  }

  /// Requests, moves between shards and events under way: each client has a whole answer or the end of its connection.
  @Test func itMayHappenInTheMiddleOfEverything() async throws {
    for round in 0..<3 {
      try await withBroker(shards: 2) { broker in
        try await withThrowingTaskGroup(of: Int.self) { group in
          for worker in 0..<8 {
            group.addTask {
              var answers = 0
              do {
                while true {
                  let client = try BayeuxClient(broker, user: "user\(round)-\(worker)-\(answers)")
                  try client.subscribe("/_genesys")
                  try client.hold()
                  _ = try client.publish("/a", 1)
                  _ = try client.call("/meta/disconnect")
                  _ = try client.held()
                  answers += 1
                }
              } catch ClientError.notConnected, ClientError.ended(after: ""), ClientError.broken {}
              return answers
            }
          }
          #expect(try eventually { try broker.metrics()["http_requests_total"] > 200 })
          let time = try await broker.shutdown(within: .seconds(30))
          #expect(time < .seconds(20))
          for try await answers in group { #expect(answers > 0) }
        }
      }
    }
  }

  @Test func itMayBeAskedForManyTimes() async throws {
    try await withBroker { broker in
      let server = broker.server
      try await broker.shutdown()
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<4 { group.addTask { await server.shutdown() } }
        for _ in 0..<4 { group.addTask { await server.waitUntilStopped() } }
      }
    }
  }
}
