// SPDX-License-Identifier: Apache-2.0

/// THE table of errors that a Bayeux reply can carry: `code:args:text`, in the words of CometD 5 to 8.
///
/// The HTTP status beside them stays 200.
public enum BayeuxError: Error, Hashable, Sendable {
  /// The message names no channel.
  case channelMissing
  /// The channel is no channel name.
  case channelInvalid
  /// The id is neither text nor number, or too long.
  case messageIDInvalid
  /// No such session: it never was, has expired, or belongs to another request.
  case sessionUnknown
  /// The request names another `gms_user` than the handshake of its session.
  case userMismatch
  /// A handshake without the `gms_user` that the configuration requires.
  case handshakeDenied
  /// The shard is full.
  case handshakeFailed
  /// The user has as many sessions as a user may have.
  case tooManySessionsOfUser
  /// The network address has as many sessions on this shard as an address may have.
  case tooManySessionsOfAddress
  /// The network address shakes hands faster than an address may.
  case handshakesTooFast
  /// A subscribe or unsubscribe without `subscription`.
  case subscriptionMissing
  /// `subscription` is no channel or pattern.
  case subscriptionInvalid
  /// `/_genesys` asked for by a session without a user.
  case genesysNeedsUser
  /// The session has as many subscriptions as it may have.
  case tooManySubscriptions
  /// `data` is longer than the rule of its channel allows.
  case messageTooLarge
  /// The session publishes faster than a session may.
  case publishesTooFast
  /// The channel is published to faster than its rule allows.
  case channelTooFast
  /// The channel is durable, and the event could not be written.
  case publishNotKept
  /// `ext.replay` names no id of an event, nor -1 or -2.
  case replayIDInvalid
  /// Events after that id are not kept any more, or it was never given, and the policy says so.
  case replayOutOfWindow
  /// An extension dropped the message.
  case messageDeleted
  /// The browser holds as many connects as it may, and is not told to poll instead.
  case tooManyClients
  /// A rule or an authorizer says no.
  case denied(ClientOperation, DenialReason)

  /// Subscribing is not allowed there.
  public static let subscribeDenied = denied(.subscribe, .policy)
  /// Being the first to subscribe is not allowed there.
  public static let createDenied = denied(.createBySubscribing, .policy)
  /// Publishing is not allowed there while nobody is subscribed; also a meta channel that does not exist.
  public static let channelCreateDenied = denied(.createByPublishing, .policy)
  /// Publishing is not allowed there.
  public static let publishDenied = denied(.publish, .policy)

  /// As it stands in the `error` field.
  public var text: String {
    switch self {
    case .channelMissing: "400::channel_missing"
    case .channelInvalid: "405::channel_invalid"
    case .messageIDInvalid: "405::message_id_invalid"
    case .sessionUnknown: "402::session_unknown"
    case .userMismatch: "403::gms_user mismatch"
    case .handshakeDenied: "403::handshake_denied"
    case .handshakeFailed: "403::handshake_failed"
    case .tooManySessionsOfUser: "403:too_many_sessions_of_user:handshake_failed"
    case .tooManySessionsOfAddress: "403:too_many_sessions_of_address:handshake_failed"
    case .handshakesTooFast: "429:too_many_handshakes:handshake_failed"
    case .subscriptionMissing: "403::subscription_missing"
    case .subscriptionInvalid: "403::subscription_invalid"
    case .genesysNeedsUser: "403:/_genesys:gms_user required"
    case .tooManySubscriptions: "403:too_many_subscriptions:subscribe_denied"
    case .messageTooLarge: "413:message_too_large:publish_denied"
    case .publishesTooFast: "429:too_many_messages:publish_denied"
    case .channelTooFast: "429:channel_too_busy:publish_denied"
    case .publishNotKept: "507::not_stored"
    case .replayIDInvalid: "400::replay_id_invalid"
    case .replayOutOfWindow: "400::replay_id_out_of_window"
    case .messageDeleted: "404::message_deleted"
    case .tooManyClients: "403::multiple_clients"
    case .denied(let operation, let reason): "403:\(reason.text):\(operation.denial)"
    }
  }

  /// What the client is told to do next; nil says nothing.
  ///
  /// CometD advises only on handshake and connect. Advice on every unknown session is what lets a client recover that
  /// meets it on a publish.
  public var reconnect: Reconnect? {
    switch self {
    case .sessionUnknown: .handshake
    case .handshakeDenied, .tooManyClients, .denied(.handshake, _): Reconnect.none
    case .handshakeFailed, .tooManySessionsOfUser, .tooManySessionsOfAddress, .handshakesTooFast: .retry
    default: nil
    }
  }
}

extension BayeuxError: CaseIterable {
  /// Every error, those of the rules once for each thing that they can deny; authorizers have reasons of their own.
  public static var allCases: [BayeuxError] {
    [
      .channelMissing, .channelInvalid, .messageIDInvalid, .sessionUnknown, .userMismatch, .handshakeDenied,
      .handshakeFailed, .tooManySessionsOfUser, .tooManySessionsOfAddress, .handshakesTooFast, .subscriptionMissing,
      .subscriptionInvalid, .genesysNeedsUser, .tooManySubscriptions, .messageTooLarge, .publishesTooFast,
      .channelTooFast, .messageDeleted, .tooManyClients, .subscribeDenied, .createDenied, .channelCreateDenied,
      .publishDenied, .replayIDInvalid, .replayOutOfWindow, .publishNotKept,
    ]
  }
}

/// `advice.reconnect`.
public enum Reconnect: Hashable, Sendable {
  case retry, handshake, none

  var text: StaticString {
    switch self {
    case .retry: "retry"
    case .handshake: "handshake"
    case .none: "none"
    }
  }
}

/// THE table of requests that are refused whole, before any message of them is looked at.
public enum RequestFault: Error, Hashable, Sendable {
  case notJSON(JSONFault)
  /// A JSON value that is neither an object nor an array of objects.
  case notMessages
  case tooManyMessages
  /// A handshake beside other messages; nothing of such a request takes effect.
  case handshakeNotAlone

  /// The HTTP status.
  public var status: Int { self == .tooManyMessages ? 413 : 400 }

  /// What is wrong, for a person.
  public var sentence: String {
    switch self {
    case .notJSON(let fault): "The body is not JSON: \(fault.reason) at byte \(fault.offset)."
    case .notMessages: "The body is neither a Bayeux message nor an array of them."
    case .tooManyMessages: "The request holds more messages than are accepted."
    case .handshakeNotAlone: "A handshake has to be alone in its request."
    }
  }

  public struct JSONFault: Hashable, Sendable {
    public let reason: String
    public let offset: Int
  }
}
