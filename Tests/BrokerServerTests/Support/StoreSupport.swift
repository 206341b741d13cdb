// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import Foundation
import Logging
import Testing

/// A data directory, and one broker after the other on it.
final class KeptDirectory: Sendable {
  let path = NSTemporaryDirectory() + "broker-data-" + UUID().uuidString

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func configuration(
    shards: Int = 2, _ change: (inout ServerConfiguration) -> Void = { _ in }
  ) -> ServerConfiguration {
    var configuration = ServerConfiguration.forTests(shards: shards)
    configuration.data.directory = path
    change(&configuration)
    return configuration
  }

  /// Runs `body` with a broker on the directory, which has it for itself until then.
  func withBroker(
    shards: Int = 2, _ change: (inout ServerConfiguration) -> Void = { _ in },
    _ body: (RunningBroker) async throws -> Void
  ) async throws {
    let path = path
    try await BrokerServerTests.withBroker(
      shards: shards,
      {
        $0.data.directory = path
        change(&$0)
      }, body)
  }
}

extension RunningBroker {
  /// A service with a chat of `user` on `/_genesys`; its id.
  func cometChat(of user: String) throws -> String {
    let line = try client()
    let fields = ["gms_user: \(user)", "Content-Type: application/json"]
    let created = try line.call("POST", "/genesys/1/service/request-chat", "{}", fields)
    let id = try #require(created.json["_id"]?.string)
    let body: JSONValue = ["notify_by": "comet", "firstName": "Vasya", "subject": "test"]
    #expect(try line.call("POST", "/genesys/1/service/\(id)/ixn/chat", body.text, fields).status == 200)
    return id
  }

  func agent(_ verb: String, _ id: String, _ body: JSONValue = ["nickname": "Ada"]) throws -> Response {
    try admin().post("/agent/chats/\(id)/\(verb)", body.text)
  }
}

extension [JSONValue] {
  /// Transcript positions of chat events, in order.
  var positions: [Int] {
    compactMap { $0["data"]?["message"]?["transcriptPosition"]?.string.flatMap { Int($0) } }
  }

  /// `n` of `{"n":…}` of other events.
  var numbers: [Int] { compactMap { $0["data"]?["message"]?["n"]?.int } }
}
