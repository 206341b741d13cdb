// SPDX-License-Identifier: Apache-2.0
import Bytes

/// A customer with a service and, unless told otherwise, a chat.
final class Customer: Sendable {
  let service: String
  let line: RawClient
  private let fields: [String]

  /// - Parameter form: the fields of the create; nil creates none.
  init(_ broker: RunningBroker, user: String? = nil, _ form: KeyValuePairs<String, String>? = [:]) throws {
    line = try broker.client()
    fields = user.map { ["gms_user: \($0)"] } ?? []
    let response = try line.call("POST", "/genesys/1/service/request-chat", "", fields)
    guard let service = response.json["_id"]?.string else { throw ClientError.malformed("\(response)") }
    self.service = service
    guard let form else { return }
    let create = try call("", Customer.form(form))
    guard create.status == 200 else { throw ClientError.malformed("\(create)") }
  }

  var path: String { "/genesys/1/service/\(service)/ixn/chat" }

  static func form(_ fields: KeyValuePairs<String, String>) -> String {
    fields.map { "\(percentEncoded($0.key))=\(percentEncoded($0.value))" }.joined(separator: "&")
  }

  /// A call of the chat API with a form, as most clients make it.
  ///
  /// - Parameter operation: `refresh`, `send`…; empty is the create itself.
  func call(_ operation: String, _ form: String = "") throws -> Response {
    try line.call(
      "POST", operation.isEmpty ? path : "\(path)/\(operation)", form,
      ["Content-Type: application/x-www-form-urlencoded"] + fields)
  }

  func call(_ operation: String, _ form: KeyValuePairs<String, String>) throws -> Response {
    try call(operation, Self.form(form))
  }
}

/// An agent of one chat.
struct Agent {
  let broker: RunningBroker
  let service: String
  let nickname: String

  init(_ broker: RunningBroker, _ service: String, _ nickname: String) {
    self.broker = broker
    self.service = service
    self.nickname = nickname
  }

  func act(_ verb: String, _ more: JSONValue = .object([])) throws -> Response {
    let body = JSONValue.object([.init("nickname", .string(nickname))] + (more.members ?? []))
    return try broker.admin().post("/agent/chats/\(service)/\(verb)", body.text)
  }
}
