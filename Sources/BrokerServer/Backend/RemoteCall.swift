// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService
import Wire

/// One call to a remote chat backend, as a value: what `Docs/Backend.md` says under "Calls".
struct RemoteCall: Sendable, Hashable {
  let method: String
  /// Below the configured URL, percent-encoded.
  let path: String
  /// Nil for a call that only reads.
  var body: JSONValue?
  /// What it is about; the ordered calls of one service are made one after the other.
  let serviceID: String
  var isOrdered = true
  /// Whether somebody waits for it; the other calls leave half of the room for waiting calls to these.
  var isUrgent = true
  /// Whether its answer says something; of the other calls only the status counts.
  var isAnswerRead = false

  static func createService(_ service: ChatServiceRequest) -> RemoteCall {
    let body: JSONValue = [
      "name": .string(service.name), "ttl": JSONValue(Int(service.ttl.components.seconds)),
      "data": object(service.data), "routing": routing(service.routing),
    ]
    return RemoteCall(method: "PUT", path: path(service.serviceID), body: body, serviceID: service.serviceID)
  }

  static func removeService(_ id: String) -> RemoteCall {
    RemoteCall(method: "DELETE", path: path(id), serviceID: id, isUrgent: false)
  }

  static func availability(_ id: String) -> RemoteCall {
    RemoteCall(method: "GET", path: path(id, "availability"), serviceID: id, isOrdered: false, isAnswerRead: true)
  }

  static func queuePosition(_ id: String) -> RemoteCall {
    RemoteCall(method: "GET", path: path(id, "queue-position"), serviceID: id, isOrdered: false, isAnswerRead: true)
  }

  static func openChat(_ request: ChatRequest, _ call: CallID) -> RemoteCall {
    var members: [JSONValue.Member] = [
      .init("call", .string(call.text)), .init("endpoint", .string(request.endpoint)),
      .init("nickname", .string(request.nickname)), .init("subject", .string(request.subject)),
      .init("data", object(request.userData)), .init("timeZoneOffset", JSONValue(request.timeZoneOffset)),
    ]
    if let message = request.firstMessage { members.append(.init("firstMessage", .string(message))) }
    return RemoteCall(
      method: "POST", path: path(request.serviceID, "chat"), body: .object(members), serviceID: request.serviceID,
      isAnswerRead: true)
  }

  static func send(_ text: String, _ id: String, _ call: CallID) -> RemoteCall {
    post("send", id, ["call": .string(call.text), "text": .string(text)])
  }

  static func typing(_ isTyping: Bool, _ id: String, _ call: CallID) -> RemoteCall {
    post("typing", id, ["call": .string(call.text), "typing": .bool(isTyping)])
  }

  static func pushURL(_ url: String, _ id: String, _ call: CallID) -> RemoteCall {
    post("push-url", id, ["call": .string(call.text), "url": .string(url)])
  }

  static func notice(_ text: String, _ id: String, _ call: CallID) -> RemoteCall {
    post("notice", id, ["call": .string(call.text), "text": .string(text)])
  }

  static func disconnect(_ id: String, _ call: CallID) -> RemoteCall {
    post("disconnect", id, ["call": .string(call.text)])
  }

  static func presence(_ isOnline: Bool, _ id: String) -> RemoteCall {
    RemoteCall(
      method: "PUT", path: path(id, "presence"), body: ["online": .bool(isOnline)], serviceID: id, isUrgent: false)
  }

  static func keepAlive(_ id: String) -> RemoteCall {
    RemoteCall(
      method: "POST", path: path(id, "keep-alive"), body: [:], serviceID: id, isOrdered: false, isUrgent: false)
  }

  private static func post(_ verb: String, _ id: String, _ body: JSONValue) -> RemoteCall {
    RemoteCall(method: "POST", path: path(id, verb), body: body, serviceID: id)
  }

  private static func path(_ id: String, _ verb: String? = nil) -> String {
    "services/" + PercentCoding.encode(id) + (verb.map { "/" + $0 } ?? "")
  }

  private static func object(_ fields: [ChatFields.Field]) -> JSONValue {
    var seen: Set<String> = []
    // A name that stands twice counts with its last value, as everywhere.
    let last = fields.reversed().filter { seen.insert($0.name).inserted }.reversed()
    return .object(last.map { .init($0.name, .string($0.value)) })
  }

  private static func routing(_ routing: RoutingRequest) -> JSONValue {
    let targets: [JSONValue] = (routing.plan?.targets ?? []).map { step in
      var members: [JSONValue.Member] = [
        .init("target", .string(step.target.text)), .init("clear", .bool(step.clears)),
      ]
      if let seconds = step.timeoutSeconds { members.append(.init("timeout", JSONValue(seconds))) }
      if let condition = step.condition {
        members += [
          .init("statistic", .string(condition.statistic)), .init("operator", condition.isAbove ? ">" : "<"),
          .init("value", .number("\(condition.value)")),
        ]
      }
      return .object(members)
    }
    return [
      "queue": .string(routing.virtualQueue), "queuedAtOnce": .bool(routing.isQueuedAtOnce),
      "queuedTtl": JSONValue(Int(routing.queuedTTL.components.seconds)),
      "reserveTimeout": JSONValue(Int(routing.reserveTimeout.components.seconds)), "targets": .array(targets),
    ]
  }
}
