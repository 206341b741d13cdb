// SPDX-License-Identifier: Apache-2.0
import Bytes

/// What a service says of itself: in the reply to a status call, and, to comet users, on `/_genesys`.
struct ServiceNotice: Sendable, Hashable {
  let serviceID: String
  let availability: ChatAvailability
  /// What a callback asks the client to do next: to POST to `{id}/{action}`. nil for services that have a status.
  var action: CallbackAction?

  /// `a2c.advanced.service.agentavailable.<id>` or `a2c.advanced.service.statuschanged.<id>`
  var tag: String {
    let word = availability == .available && action != .confirm ? "agentavailable" : "statuschanged"
    return "a2c.advanced.service.\(word).\(serviceID)"
  }

  /// `{"_id","_status","_dialog"}`, or of a callback `{"_id","_action"}`.
  ///
  /// - Parameter isVerbose: adds `_chatIxnAPI_CREATE_URL`, once there is an agent, and `_session_comand_STATUS_URL`.
  func message(isVerbose: Bool) -> JSONValue {
    if let action { return ["_id": .string(serviceID), "_action": .string(action.rawValue)] }
    var members: [JSONValue.Member] = [
      .init("_id", .string(serviceID)),
      .init("_status", .string(availability == .available ? "available" : "waiting")),
      .init("_dialog", .string(availability == .available ? "agent_available.html" : "waiting_for_agent.html")),
    ]
    guard isVerbose else { return .object(members) }
    if availability == .available {
      members.append(.init("_chatIxnAPI_CREATE_URL", .string(ServicePath.chat(serviceID))))
    }
    members.append(.init("_session_comand_STATUS_URL", .string(ServicePath.service(serviceID) + "/status")))
    return .object(members)
  }

  /// `{"message":…,"tag":…}`
  func reply(isVerbose: Bool) -> JSONValue { ["message": message(isVerbose: isVerbose), "tag": .string(tag)] }
}

/// What a client may POST to `{id}/{action}` of a callback.
public enum CallbackAction: String, Sendable, Hashable, CaseIterable {
  /// Asks whether the customer is there.
  case confirm
  /// Starts the chat.
  case connect
  /// Shows what can be done while waiting.
  case menu
  /// Names a telephone number, where the service has one.
  case dial
}

/// How far a callback that waits for its agent has come. A value: time is an argument, and what to say is returned.
struct CallbackFlow: Sendable, Hashable {
  enum State: Sendable, Hashable {
    case waiting
    case confirming(until: Instant)
    /// The client was asked to connect.
    case connecting
  }
  enum Step: Sendable, Hashable {
    case nothing
    case notify(CallbackAction)
    case cancel
  }

  let needsConfirmation: Bool
  let confirmTimeout: Duration
  let connectsAnyway: Bool
  private(set) var state = State.waiting
  private(set) var isConfirmed = false

  init(_ definition: ChatServiceDefinition) {
    needsConfirmation = definition.waitsForConfirmation
    confirmTimeout = definition.confirmTimeout
    connectsAnyway = definition.connectsAnyway
  }

  /// When the customer must have confirmed.
  var deadline: Instant? { if case .confirming(let until) = state { until } else { nil } }

  mutating func became(_ availability: ChatAvailability, now: Instant) -> Step {
    switch (availability, state) {
    case (.waiting, _):
      state = .waiting
      return .nothing
    case (.available, .waiting):
      guard needsConfirmation, !isConfirmed else {
        state = .connecting
        return .notify(.connect)
      }
      state = .confirming(until: now + confirmTimeout)
      return .notify(.confirm)
    case (.available, _): return .nothing
    }
  }

  /// The client connects, which is a confirmation too.
  mutating func connected() {
    isConfirmed = true
    state = .connecting
  }

  mutating func timePassed(now: Instant) -> Step {
    guard case .confirming(let until) = state, until <= now else { return .nothing }
    guard connectsAnyway else { return .cancel }
    connected()
    return .notify(.connect)
  }
}
