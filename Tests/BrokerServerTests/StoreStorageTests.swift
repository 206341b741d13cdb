// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import ChatService
import Foundation
import Store
import Testing

/// What clients store outlives the broker, where there is a data directory.
@Suite(.timeLimit(.minutes(2))) struct StoreStorageTests {
  @Test func valuesOfServicesOfAnybodyAndOfUsersAreThereAfterARestart() async throws {
    let directory = KeptDirectory()
    var ids: [String] = []
    try await directory.withBroker { broker in
      let line = try ServiceLine(broker, user: "ann")
      let service = try line.create("request-chat")
      #expect(try line.post("service/\(service)/storage", "color=red&size=9").status == 200)
      #expect(try line.post("service/\(service)/storage", "color=blue").status == 200)
      #expect(try line.call("DELETE", "service/\(service)/storage/size").status == 200)
      let png = ["Content-Type: image/png"]
      #expect(try line.call("PUT", "service/\(service)/storage/photo", "\u{0}\u{1}é", png).status == 200)
      let free = try #require(try line.post("storage/600", "a=1").json["id"]?.string)
      let gone = try #require(try line.post("storage/600", "a=1").json["id"]?.string)
      #expect(try line.call("DELETE", "storage/\(gone)").status == 200)
      #expect(try line.post("storage/custom/mine/600", "b=2").status == 200)
      ids = [service, free, gone]
    }
    let (service, free, gone) = (ids[0], ids[1], ids[2])
    try await directory.withBroker { broker in
      let line = try ServiceLine(broker, user: "ann")
      #expect(try line.call("GET", "service/\(service)/storage").json.names == ["color", "photo"])
      #expect(try line.call("GET", "service/\(service)/storage/color").text == "blue")
      let photo = try line.call("GET", "service/\(service)/storage/binary/photo")
      #expect(photo["Content-Type"] == "image/png" && photo.body == Array("\u{0}\u{1}é".utf8))
      #expect(try line.call("GET", "storage/\(free)").text == #"{"a":"1"}"#)
      #expect(try line.call("GET", "storage/\(gone)").status == 404)
      #expect(try line.call("GET", "storage/custom/mine/b").text == "2")
      #expect(try ServiceLine(broker, user: "bob").call("GET", "storage/custom/mine").status == 404)
      #expect(try line.post("storage/\(free)/1", "a=2").status == 200, "shorter than it was")
      let isOver = try eventually { try line.call("GET", "storage/\(free)").status == 404 }
      #expect(isOver)
    }
  }

  /// The time to live is one of the calendar: it runs while the broker does not.
  @Test func whatExpiredMeanwhileIsGoneAndSoIsWhatBelongsToNoService() async throws {
    let directory = KeptDirectory()
    let now = Int64(Date().timeIntervalSince1970)
    let journal = Journal(StoreOptions(directory: directory.path))
    _ = try journal.open(now: now)
    func box(_ space: String, _ expires: Int64?) -> [Change] {
      [
        .putValue(ValueRow(space: space, key: "k", value: [0, 65])),
        .putValue(ValueRow(space: space, key: "", value: [], expiresAtSecondsSince1970: expires)),
      ]
    }
    try await journal.commit(
      box(#"["free","old"]"#, now - 1) + box(#"["free","new"]"#, now + 600) + box(#"["service","none"]"#, nil))
    journal.close()
    try await directory.withBroker { broker in
      let line = try ServiceLine(broker)
      #expect(try line.call("GET", "storage/new/k").text == "A")
      #expect(try line.call("GET", "storage/old").status == 404)
    }
    let left = try journalValues(in: directory, now: now)
    #expect(Set(left) == [#"["free","new"]"#])
  }

  private func journalValues(in directory: KeptDirectory, now: Int64) throws -> [String] {
    let journal = Journal(StoreOptions(directory: directory.path))
    defer { journal.close() }
    return try journal.open(now: now).values.map(\.space)
  }

  @Test func aServicesValuesGoWithItForGood() async throws {
    let directory = KeptDirectory()
    try await directory.withBroker { broker in
      let line = try ServiceLine(broker)
      let id = try line.create("callback/chat-immediate", "_customer_number=1")
      #expect(try line.post("service/\(id)/storage", "a=1").status == 200)
      #expect(try line.call("DELETE", "service/callback/chat-immediate/\(id)").status == 200)
    }
    #expect(try journalValues(in: directory, now: 0).isEmpty)
  }

  @Test func whileTheDiskFailsAValueIsRefusedAndStaysAsItWas() async throws {
    let directory = KeptDirectory()
    try await directory.withBroker { broker in
      let line = try ServiceLine(broker, user: "ann")
      #expect(try line.post("storage/custom/mine/600", "a=1").status == 200)
      try FileManager.default.moveItem(atPath: directory.path, toPath: directory.path + ".away")
      let refused = try line.post("storage/custom/mine/600", "a=2&b=3")
      #expect(refused.status == 507 && refused.json.names == ["exception", "message"])
      #expect(try line.call("GET", "storage/custom/mine").text == #"{"a":"1"}"#)
      try FileManager.default.moveItem(atPath: directory.path + ".away", toPath: directory.path)
      #expect(try line.post("storage/custom/mine/600", "a=2").status == 200)
      #expect(try line.call("GET", "storage/custom/mine").text == #"{"a":"2"}"#)
    }
  }

  /// What does not fit must not stand in line before all that does.
  @Test func aValueThatIsTooLargeForTheDiskStopsNobodyElse() async throws {
    let directory = KeptDirectory()
    try await directory.withBroker({ $0.data.maxBytes = 400 << 10 }) { broker in
      let line = try ServiceLine(broker)
      let id = try line.create("request-chat")
      let large = String(repeating: "x", count: 500_000)
      #expect(try line.call("PUT", "service/\(id)/storage/large", large, ["Content-Type: text/plain"]).status == 507)
      #expect(try line.call("GET", "service/\(id)/storage").text == "{}")
      #expect(try line.post("service/\(id)/ixn/chat").status == 200)
      #expect(try line.post("service/\(id)/storage", "small=1").status == 200)
      try broker.expect("store_failing", 0)
    }
  }

  @Test func manyWritersOfOneBoxLeaveWhatTheLastOneWrote() async throws {
    let directory = KeptDirectory()
    var last = ""
    try await directory.withBroker { broker in
      let lines = try (0..<8).map { _ in try ServiceLine(broker, user: "ann") }
      for round in 0..<5 {
        for (index, line) in lines.enumerated() {
          let fields = ["Content-Type: application/x-www-form-urlencoded", "gms_user: ann"]
          let text = line.line.text("POST", "/genesys/1/storage/custom/mine/600", "v=\(round).\(index)", fields)
          try line.line.send(text)
        }
        for line in lines { #expect(try line.line.response().status == 200) }
      }
      last = try lines[0].call("GET", "storage/custom/mine/v").text
      #expect(last.hasPrefix("4."))
    }
    #expect(try Self.stored(in: directory) == [last])
  }

  private static func stored(in directory: KeptDirectory) throws -> [String] {
    let journal = Journal(StoreOptions(directory: directory.path))
    defer { journal.close() }
    return try journal.open(now: 0).values.filter { !$0.key.isEmpty }.map {
      String(decoding: $0.value.dropFirst(), as: UTF8.self)
    }
  }

  @Test("durability power: what was accepted is there after a restart, each transaction synced")
  func power() async throws {
    let directory = KeptDirectory()
    try await directory.withBroker({ $0.data.durability = .power }) { broker in
      for number in 1...10 { try broker.publish(to: "anna", ["n": JSONValue(number)]) }
      #expect(try broker.metrics()["store_transactions_total"] >= 10)
    }
    try await directory.withBroker({ $0.data.durability = .power }) { broker in
      let anna = try BayeuxClient(broker, user: "anna")
      let reply = try anna.post([anna.message("/meta/subscribe", ["subscription": "/_genesys"])])
      #expect(reply.messages.numbers == Array(1...10))
    }
  }
}
