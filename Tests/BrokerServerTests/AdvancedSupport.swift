// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import ChatService

/// A client of the service API; every call on one connection.
final class ServiceLine: Sendable {
  let line: RawClient
  private let fields: [String]

  init(_ broker: RunningBroker, user: String? = nil, fields: [String] = []) throws {
    line = try broker.client()
    self.fields = fields + (user.map { ["gms_user: \($0)"] } ?? [])
  }

  /// A call below `/genesys/1` with a form.
  func post(_ path: String, _ form: String = "", _ more: [String] = []) throws -> Response {
    try line.call(
      "POST", "/genesys/1/" + path, form, ["Content-Type: application/x-www-form-urlencoded"] + fields + more)
  }

  func call(_ method: String, _ path: String, _ body: String? = nil, _ more: [String] = []) throws -> Response {
    try line.call(method, "/genesys/1/" + path, body, fields + more)
  }

  /// A new service of that name.
  func create(_ name: String, _ form: String = "") throws -> String {
    let response = try post("service/" + name, form)
    guard let id = response.json["_id"]?.string else { throw ClientError.malformed("\(response)") }
    return id
  }
}

extension RunningBroker {
  /// Changes an agent; the answer's status.
  @discardableResult
  func agent(_ name: String, _ update: JSONValue = ["ready": true]) throws -> Response {
    try admin().call("PUT", "/agent/agents/\(name)", update.text)
  }

  func join(_ service: String, _ name: String) throws -> Response {
    try admin().post("/agent/chats/\(service)/join", JSONValue.object([.init("nickname", .string(name))]).text)
  }
}

extension ServerConfiguration {
  /// Defines a service of these options on top of the shipped one of that name.
  mutating func define(_ name: String, _ options: [String: JSONValue]) {
    var reader = ServiceOptionReader(service: name, over: ShippedServices.options[name] ?? [:])
    for (option, value) in options { reader.take(option, value) }
    gms.chat.services[name] = reader.finish()
  }
}
