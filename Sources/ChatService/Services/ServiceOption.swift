// SPDX-License-Identifier: Apache-2.0
import Bytes

/// THE table of the options of a service, under the names that GMS gives them, with shape, default and meaning.
///
/// A configuration file gives values as text, number or truth value; GMS itself keeps them all as text.
public enum ServiceOption: String, Sendable, Hashable, CaseIterable {
  case type = "_type"
  case service = "_service"
  case mediaType = "_media_type"
  case ttl = "_ttl"
  case waitForAgent = "_wait_for_agent"
  case waitForUserConfirm = "_wait_for_user_confirm"
  case target = "_target"
  case virtualQueue = "_urs_virtual_queue"
  case prioritizationStrategy = "_urs_prioritization_strategy"
  case updateSubroutine = "_urs_strategy_update_sub_routine"
  case queuedTTL = "_urs_queued_ttl"
  case chatEndpoint = "_chat_endpoint"
  case clientTimeout = "_client_timeout"
  case userConfirmTimeout = "_user_confirm_timeout"
  case onUserConfirmTimeout = "_on_user_confirm_timeout"
  case agentReserveTimeout = "_agent_reserve_timeout"
  case notificationDelay = "_agent_availability_notification_delay"
  case maxNotifyAttempts = "_max_notify_delivery_attempts"
  case chat400OnDisconnected = "_chat_400_response_on_disconnected"
  case agentTimeoutMessage = "_agent_timeout_notification_message"
  case clientTimeoutNotification = "_client_timeout_notification"
  case customerLookupKeys = "_mandatory_customer_lookup_keys"
  case providerName = "_provider_name"
  case notificationMessageFile = "_notification_message_file"
  case debugPush = "_use_debug_push_certificate"
  case poke = "_poke"
  case pokeMessage = "_poke_message"
  case dialNumber = "_dial_number"
  case username
  case password

  public enum Shape: Sendable, Hashable {
    case text
    case truth
    case seconds(ClosedRange<Int>)
    case count(ClosedRange<Int>)
    case word([String])
    case endpoint
    case target
    case telephone
  }

  public var shape: Shape { row.shape }
  /// As a file would give it; nil is "not set".
  public var standard: String? { row.standard }
  /// One line for people.
  public var meaning: String { row.meaning }
  /// Whether its value is never shown.
  public var isSecret: Bool { self == .password }

  /// The longest time that an option takes: ten years.
  static let longestSeconds = 315_360_000

  // swift-format-ignore
  private var row: (shape: Shape, standard: String?, meaning: String) {
    switch self {
    case .type: (.word(["ors", "builtin"]), "ors", "builtin is a basic chat; ors waits for agents and routes")
    case .service: (.word(["chat", "callback"]), "chat", "callback is created at /service/callback/{name} (name of ours)")
    case .mediaType: (.word(["chat"]), "chat", "the media that an agent needs")
    case .ttl: (.seconds(1...Self.longestSeconds), "86400", "how long the service is kept after its last use")
    case .waitForAgent: (.truth, "false", "whether a chat can be opened only once an agent is available")
    case .waitForUserConfirm: (.truth, "false", "whether the customer confirms first; needs _wait_for_agent")
    case .target: (.target, nil, "who is to take the chat; mandatory for callbacks")
    case .virtualQueue: (.text, nil, "alias of the virtual queue; unset: the name of the service")
    case .prioritizationStrategy: (.text, "WaitForTarget", "name of the URS strategy; user data of the chat, not run")
    case .updateSubroutine: (.text, "SetRouteDelay", "name of the URS subroutine; user data of the chat, not run")
    case .queuedTTL: (.seconds(1...Self.longestSeconds), "660", "how long a request is queued; covers all target timeouts")
    case .chatEndpoint: (.endpoint, nil, "tenant:endpoint; unset: the default endpoint of the broker")
    case .clientTimeout: (.seconds(1...Self.longestSeconds), "120", "silence after which a polling customer has left")
    case .userConfirmTimeout: (.seconds(1...Self.longestSeconds), "30", "how long the customer may take to confirm")
    case .onUserConfirmTimeout: (.word(["CONNECT-ANYWAY", "CANCEL"]), "CONNECT-ANYWAY", "what follows when he does not")
    case .agentReserveTimeout: (.seconds(1...86_400), "30", "how long an offered chat belongs to one agent")
    case .notificationDelay: (.seconds(0...86_400), "30", "pause between two attempts to push a notice")
    case .maxNotifyAttempts: (.count(1...100), "3", "attempts to push a notice")
    case .chat400OnDisconnected: (.truth, "false", "whether calls on an ended chat are 400 instead of 200 DISCONNECTED")
    case .agentTimeoutMessage: (.text, nil, "what the agent reads when the customer's app goes away; unset: nothing")
    case .clientTimeoutNotification: (.seconds(0...86_400), "90", "from an unseen message of an agent to the native push")
    case .customerLookupKeys: (.text, "_customer_number", "fields that a callback must give, parted by commas")
    case .providerName: (.text, "", "push provider; empty: the one of the device's type")
    case .notificationMessageFile: (.text, "", "file with localised push texts, handed to the provider")
    case .debugPush: (.truth, "false", "whether the provider uses its debug certificates")
    case .poke: (.truth, "false", "whether internal-poke is on (name of ours)")
    case .pokeMessage: (.text, "An agent wants to talk to you", "what internal-poke pushes unless told otherwise (ours)")
    case .dialNumber: (.telephone, nil, "number of the dialog DialNumber, +15551234; unset: no such dialog (name of ours)")
    case .username: (.text, nil, "user of the Basic authentication; unset: server.username")
    case .password: (.text, nil, "password of the Basic authentication; unset: server.password")
    }
  }
}

/// One thing that is wrong with the options of a service. ``description`` names service and option.
public enum ServiceOptionError: Error, Hashable, Sendable, CustomStringConvertible {
  case unknown(service: String, option: String, nearest: String?)
  case badValue(service: String, option: ServiceOption, expected: String, found: String?)
  case badTarget(service: String, TargetError)
  case missing(service: String, option: ServiceOption, why: String)
  case confirmWithoutWait(service: String)
  case queuedTTLTooShort(service: String, seconds: Int, needed: Int)
  case halfCredentials(service: String)
  case badName(service: String)

  /// The option that is to be looked at.
  public var option: String? {
    switch self {
    case .unknown(_, let option, _): option
    case .badValue(_, let option, _, _), .missing(_, let option, _): option.rawValue
    case .badTarget: ServiceOption.target.rawValue
    case .confirmWithoutWait: ServiceOption.waitForUserConfirm.rawValue
    case .queuedTTLTooShort: ServiceOption.queuedTTL.rawValue
    case .halfCredentials: ServiceOption.password.rawValue
    case .badName: nil
    }
  }

  public var description: String {
    switch self {
    case .unknown(let service, let option, let nearest):
      "service \"\(service)\": unknown option \"\(option)\"" + (nearest.map { "; did you mean \"\($0)\"?" } ?? "")
    case .badValue(let service, let option, let expected, let found):
      "service \"\(service)\": \"\(option.rawValue)\" must be \(expected)"
        + (found.map { ", not \($0)" } ?? "; what was given is not shown")
    case .badTarget(let service, let error): "service \"\(service)\": \"_target\" \(error)"
    case .missing(let service, let option, let why):
      "service \"\(service)\": \"\(option.rawValue)\" is missing; \(why)"
    case .confirmWithoutWait(let service):
      "service \"\(service)\": \"_wait_for_user_confirm\" needs \"_wait_for_agent\" to be true"
    case .queuedTTLTooShort(let service, let seconds, let needed):
      "service \"\(service)\": \"_urs_queued_ttl\" is \(seconds) and must cover the timeouts of all targets, \(needed)"
    case .halfCredentials(let service):
      "service \"\(service)\": \"username\" and \"password\" go together, each here or for the whole server"
    case .badName(let service):
      "\"\(service)\" cannot be the name of a service: letters, digits, \"-\", \"_\" and \".\", at most 128"
    }
  }
}

extension ServiceOption.Shape {
  /// What belongs behind "must be" in a sentence.
  public var expectation: String {
    switch self {
    case .text: "a text"
    case .truth: "true or false"
    case .seconds(let bounds): "whole seconds from \(bounds.lowerBound) to \(bounds.upperBound)"
    case .count(let bounds): "a whole number from \(bounds.lowerBound) to \(bounds.upperBound)"
    case .word(let words): words.count == 1 ? "\"\(words[0])\"" : "one of " + words.joined(separator: ", ")
    case .endpoint: "tenant:endpoint"
    case .target: "a target or a list of targets"
    case .telephone: "a telephone number: digits behind an optional +"
    }
  }

  /// Whether a text, as GMS keeps every value, is one of this shape.
  func accepts(_ text: String) -> Bool {
    switch self {
    case .text, .target: return true
    case .truth: return ["true", "false"].contains(text.lowercased())
    case .seconds(let bounds), .count(let bounds):
      let digits = Array(text.utf8)
      return ASCII.decimal(digits.span).map(bounds.contains) ?? false
    case .word(let words): return words.contains(text)
    case .telephone:
      let digits = text.hasPrefix("+") ? text.dropFirst() : text[...]
      return (2...20).contains(digits.utf8.count) && digits.utf8.allSatisfy(ASCII.isDigit)
    case .endpoint:
      // GMS' own template says `gms_builtin`, without a tenant.
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      return (1...2).contains(parts.count) && parts.allSatisfy { !$0.isEmpty }
    }
  }
}
