// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import Foundation
import Testing

/// What a client sees while the disk fails: clear refusals, and everything else as always.
@Suite(.timeLimit(.minutes(2))) struct StoreFailureTests {
  private static let large = JSONValue.string(String(repeating: "x", count: 30_000))

  /// Publishes to an absent user until nothing more fits.
  private func fill(_ broker: RunningBroker) throws -> Response {
    let body: JSONValue = ["user": "absent", "tag": "t", "message": Self.large]
    let line = try broker.admin()
    for _ in 0..<200 {
      let response = try line.post("/publish", body.text)
      if response.status != 200 { return response }
    }
    throw ClientError.malformed("the disk is never full")
  }

  @Test func aFullDiskRefusesWhatItCannotKeepAndTheRestGoesOn() async throws {
    let directory = KeptDirectory()
    try await directory.withBroker(shards: 1, { $0.data.maxBytes = 400 << 10 }) { broker in
      let anna = try broker.listener("anna")
      let id = try broker.cometChat(of: "anna")
      #expect(try anna.events(1).positions == [1])
      let channel = try BayeuxClient(broker)
      try channel.subscribe("/news")
      try anna.hold()
      let refused = try fill(broker)
      #expect(refused.status == 507)
      #expect(refused.json["exception"]?.string == "com.genesyslab.gsg.services.StorageException")
      #expect(refused.json["message"]?.string?.contains("full") == true)

      let send = try broker.client().call(
        "POST", "/genesys/1/service/\(id)/ixn/chat/send", "{\"message\":\"lost\"}", ["Content-Type: application/json"])
      #expect(send.status == 507 && send.json["exception"]?.string != nil)
      #expect(try broker.agent("join", id).status == 507)
      #expect(try broker.metrics()["store_failing"] == 1)

      // What needs no disk works: a held poll is held, a channel is published to, a refresh is answered.
      try broker.publish(on: "/news", ["n": 1])
      #expect(try channel.events(1).count == 1)
      #expect(try broker.client().call("POST", "/genesys/1/service/\(id)/ixn/chat/refresh", "").status == 200)

      // The absent user comes: there is room again, without a restart.
      let absent = try BayeuxClient(broker, user: "absent")
      try absent.subscribe("/_genesys")
      let hasJoined = try eventually { try broker.agent("join", id).status == 200 }
      #expect(hasJoined)
      #expect(try anna.held().messages.positions == [2])
      try broker.expect("store_failing", 0)
    }
  }

  @Test func aDirectoryThatIsTakenAwayIsMissedAndFoundAgain() async throws {
    let directory = KeptDirectory()
    try await directory.withBroker { broker in
      let body: JSONValue = ["user": "anna", "tag": "t", "message": ["n": 1]]
      try FileManager.default.moveItem(atPath: directory.path, toPath: directory.path + ".away")
      #expect(try broker.admin().post("/publish", body.text).status == 507)
      try FileManager.default.moveItem(atPath: directory.path + ".away", toPath: directory.path)
      #expect(try broker.admin().post("/publish", body.text).status == 200)
      let anna = try BayeuxClient(broker, user: "anna")
      let reply = try anna.post([anna.message("/meta/subscribe", ["subscription": "/_genesys"])])
      #expect(reply.messages.numbers == [1])
    }
  }

  @Test func damageWhileTheBrokerRunsRefusesWhatWouldBeLostAndReadinessSaysSo() async throws {
    let directory = KeptDirectory()
    try await directory.withBroker { broker in
      let anna = try broker.listener("anna")
      let id = try broker.cometChat(of: "anna")
      #expect(try anna.events(1).positions == [1])
      #expect(try broker.admin().get("/readyz").json == ["status": "ready"])
      let file = try FileHandle(forUpdating: URL(fileURLWithPath: directory.path + "/broker.sqlite"))
      let whole = try #require(try file.read(upToCount: 100))
      try file.seek(toOffset: 0)
      try file.write(contentsOf: Data(repeating: 0x5a, count: 100))

      let created = try broker.client().call(
        "POST", "/genesys/1/service/request-chat", "{}", ["Content-Type: application/json"])
      #expect(created.status == 507)
      let published = try broker.admin().post("/publish", #"{"user":"absent","tag":"t","message":1}"#)
      #expect(published.status == 507)
      #expect(published.json["message"]?.string?.contains("broker.sqlite was overwritten") == true)
      let unready = try broker.admin().get("/readyz")
      #expect(unready.status == 503 && unready.json == ["status": "storeFailing"])
      #expect(try broker.admin().get("/healthz").status == 200)
      #expect(try broker.metrics()["store_failing"] == 1)

      try file.seek(toOffset: 0)
      try file.write(contentsOf: whole)
      try file.close()
      let isReadyAgain = try eventually { try broker.admin().get("/readyz").status == 200 }
      #expect(isReadyAgain)
      #expect(try broker.agent("join", id).status == 200)
    }
  }
}
