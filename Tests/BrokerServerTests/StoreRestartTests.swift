// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import Foundation
import Store
import Testing

@Suite(.timeLimit(.minutes(2))) struct StoreRestartTests {
  @Test func whatAUserWasNotHandedArrivesAfterARestartOnceAndInOrder() async throws {
    let directory = KeptDirectory()
    try await directory.withBroker { broker in
      for number in 1...20 { #expect(try broker.publish(to: "anna", ["n": JSONValue(number)]) == 0) }
      try broker.publish(to: "otto", ["n": 99])
      #expect(try broker.metrics()["store_messages"] == 21)
    }
    try await directory.withBroker(shards: 1) { broker in
      #expect(try broker.metrics()["store_restored_messages"] == 21)
      let anna = try broker.listener("anna")
      try broker.publish(to: "anna", ["n": 21])
      // What waited rode on the reply to the subscribe.
      #expect(try anna.events(1).numbers == [21])
      try broker.expect("user_messages_waiting", 1)
      try broker.expect("store_messages", 1)
    }
    try await directory.withBroker { broker in
      let otto = try BayeuxClient(broker, user: "otto")
      let reply = try otto.post([otto.message("/meta/subscribe", ["subscription": "/_genesys"])])
      #expect(reply.messages.numbers == [99])
      try broker.expect("store_messages", 0)
    }
  }

  @Test func theBacklogComesBeforeTheReplyToTheSubscribe() async throws {
    let directory = KeptDirectory()
    try await directory.withBroker { broker in
      for number in 1...3 { try broker.publish(to: "anna", ["n": JSONValue(number)]) }
    }
    try await directory.withBroker { broker in
      let anna = try BayeuxClient(broker, user: "anna")
      let reply = try anna.post([anna.message("/meta/subscribe", ["subscription": "/_genesys"])])
      #expect(reply.messages.numbers == [1, 2, 3] && reply.messages.last?.isSuccessful == true)
    }
  }

  @Test func anOldClientIdIsToldToShakeHandsAgain() async throws {
    let directory = KeptDirectory()
    var old: JSONValue = .null
    try await directory.withBroker { broker in
      let anna = try broker.listener("anna")
      old = anna.message("/meta/connect", ["connectionType": "long-polling"])
    }
    let connect = old
    try await directory.withBroker { broker in
      let reply = try broker.client().call("POST", BayeuxClient.path, connect.text, ["gms_user: anna"]).messages.last
      #expect(reply?.error?.hasPrefix("402") == true)
      #expect(reply?["advice"]?["reconnect"]?.string == "handshake")
    }
  }

  @Test func aChatGoesOnWithItsAgentWhereItWas() async throws {
    let directory = KeptDirectory()
    var service = ""
    try await directory.withBroker { broker in
      service = try broker.cometChat(of: "anna")
      #expect(try broker.agent("join", service).status == 200)
      #expect(try broker.agent("send", service, ["nickname": "Ada", "text": "one"]).status == 200)
    }
    let id = service
    try await directory.withBroker { broker in
      let chat = try #require(try broker.admin().call("GET", "/agent/chats").json.elements?.first)
      #expect(chat["serviceId"]?.string == id && chat["agents"] == ["Ada"] && chat["customerOnline"] == false)
      let data = try broker.admin().call("GET", "/agent/chats/\(id)").json["userData"]
      #expect(data == ["fldnFirstName": "Vasya"], "what agents know of the customer is kept as well")
      let anna = try BayeuxClient(broker, user: "anna")
      let reply = try anna.post([anna.message("/meta/subscribe", ["subscription": "/_genesys"])])
      #expect(reply.messages.positions == [1, 2, 3])
      let isOnline = try eventually {
        try broker.admin().call("GET", "/agent/chats/\(id)").json["customerOnline"] == true
      }
      #expect(isOnline)
      let sent = try broker.agent("send", id, ["nickname": "Ada", "text": "two"])
      #expect(sent.json["transcriptPosition"]?.string == "4")
      #expect(try anna.events(1).positions == [4])
    }
  }

  @Test func theBookOfAgesGoesOnOverARestart() async throws {
    let directory = KeptDirectory()
    try await directory.withBroker { broker in try broker.publish(to: "anna", ["n": 1]) }
    try await directory.withBroker({ $0.bayeux.options.limits.maxBacklogAge = .milliseconds(1) }) { broker in
      try broker.expect("user_messages_waiting", 0)
      try broker.expect("store_messages", 0)
      #expect(try broker.metrics()["user_messages_dropped_total{reason=\"age\"}"] == 1)
    }
  }

  @Test func theBoundOfTheBacklogHoldsAndTheDroppedAreForgotten() async throws {
    let directory = KeptDirectory()
    try await directory.withBroker { broker in
      for number in 1...9 { try broker.publish(to: "anna", ["n": JSONValue(number)]) }
    }
    try await directory.withBroker({ $0.bayeux.options.limits.maxBacklogMessages = 4 }) { broker in
      try broker.expect("store_messages", 4)
      let anna = try BayeuxClient(broker, user: "anna")
      let reply = try anna.post([anna.message("/meta/subscribe", ["subscription": "/_genesys"])])
      #expect(reply.messages.numbers == [6, 7, 8, 9])
    }
  }

  // MARK: the directory

  @Test func aSecondBrokerOnTheDirectoryIsRefused() async throws {
    let directory = KeptDirectory()
    try await directory.withBroker { broker in
      let second = try BrokerServer(configuration: directory.configuration(), logger: .silent)
      let error = await #expect(throws: StoreError.self) { try await second.start() }
      #expect(error == .inUse(directory: directory.path, holder: getpid()))
      #expect(try broker.publish(to: "anna", ["n": 1]) == 0)
    }
  }

  @Test func aStartThatFailsLetsGoOfTheDirectory() async throws {
    let directory = KeptDirectory()
    try await withBroker { other in
      let taken = other.port
      let failing = try BrokerServer(
        configuration: directory.configuration { $0.server.port = taken }, logger: .silent)
      await #expect(throws: (any Error).self) { try await failing.start() }
    }
    try await directory.withBroker { broker in
      let sessions = try broker.publish(to: "anna", ["n": 1])
      #expect(sessions == 0)
    }
  }

  @Test func aDamagedFileRefusesTheStart() async throws {
    let directory = KeptDirectory()
    try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
    try Data(repeating: 7, count: 5_000).write(to: URL(fileURLWithPath: directory.path + "/broker.sqlite"))
    let server = try BrokerServer(configuration: directory.configuration(), logger: .silent)
    let error = await #expect(throws: StoreError.self) { try await server.start() }
    #expect(error?.description.contains("is damaged") == true)
  }
}
