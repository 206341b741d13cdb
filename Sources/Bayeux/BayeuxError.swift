// SPDX-License-Identifier: Apache-2.0

/// THE table of errors that a Bayeux reply can carry: `code:args:text`, in the words of CometD 5 to 8.
///
/// The HTTP status beside them stays 200.
public enum BayeuxError: Error, Hashable, Sendable, CaseIterable {
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
  /// The request names no `gms_user` where the configuration requires one.
  case userRequired
  /// A handshake without the `gms_user` that the configuration requires.
  case handshakeDenied
  /// The shard is full.
  case handshakeFailed
  /// A subscribe or unsubscribe without `subscription`.
  case subscriptionMissing
  /// `subscription` is no channel or pattern.
  case subscriptionInvalid
  /// Subscribing is not allowed there.
  case subscribeDenied
  /// `/_genesys` asked for by a session without a user.
  case genesysNeedsUser
  /// The session has as many subscriptions as it may have.
  case tooManySubscriptions
  /// No such meta channel.
  case channelCreateDenied
  /// Publishing is not allowed there.
  case publishDenied
  /// The channel is durable, and the event could not be written.
  case publishNotKept
  /// `ext.replay` names no id of an event, nor -1 or -2.
  case replayIDInvalid
  /// Events after that id are not kept any more, or it was never given, and the policy says so.
  case replayOutOfWindow

  /// As it stands in the `error` field.
  public var text: StaticString {
    switch self {
    case .channelMissing: "400::channel_missing"
    case .channelInvalid: "405::channel_invalid"
    case .messageIDInvalid: "405::message_id_invalid"
    case .sessionUnknown: "402::session_unknown"
    case .userMismatch: "403::gms_user mismatch"
    case .userRequired: "403::gms_user required"
    case .handshakeDenied: "403::handshake_denied"
    case .handshakeFailed: "403::handshake_failed"
    case .subscriptionMissing: "403::subscription_missing"
    case .subscriptionInvalid: "403::subscription_invalid"
    case .subscribeDenied: "403:denied_by_security_policy:subscribe_denied"
    case .genesysNeedsUser: "403:/_genesys:gms_user required"
    case .tooManySubscriptions: "403:too_many_subscriptions:subscribe_denied"
    case .channelCreateDenied: "403:denied_by_security_policy:channel_create_denied"
    case .publishDenied: "403:denied_by_security_policy:publish_denied"
    case .publishNotKept: "507::not_stored"
    case .replayIDInvalid: "400::replay_id_invalid"
    case .replayOutOfWindow: "400::replay_id_out_of_window"
    }
  }

  /// What the client is told to do next; nil says nothing.
  ///
  /// CometD advises only on handshake and connect. Advice on every unknown session is what lets a client recover that
  /// meets it on a publish.
  public var reconnect: Reconnect? {
    switch self {
    case .sessionUnknown: .handshake
    case .handshakeDenied: Reconnect.none
    case .handshakeFailed: .retry
    default: nil
    }
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
