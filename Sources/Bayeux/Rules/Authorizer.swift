// SPDX-License-Identifier: Apache-2.0

/// Decides what clients may do, beside the channel rules; made by whoever embeds the broker.
///
/// Asked after the rules, and only where they allow. Of several authorizers that apply one denial is enough to refuse, and
/// at least one has to grant; where none applies the rules alone decide. (CometD, `SecurityPolicy` and `Authorizer`.)
/// `/meta` and `/_genesys` follow the protocol and are not asked about.
///
/// Called on a loop, in the middle of a request: it must answer at once, from memory, and never block.
public protocol Authorizer: Sendable {
  /// Whether this authorizer has a say on that channel. By default on all.
  func applies(to channel: Channel) -> Bool

  /// Whether the client may have a session. Here nobody has to grant: only a denial counts.
  func canHandshake(_ client: ClientIdentity) -> AuthorizerVerdict

  /// Whether the client may be the first to use `channel`: nobody is subscribed to it yet.
  func canCreate(_ channel: Channel, _ client: ClientIdentity) -> AuthorizerVerdict

  /// - Parameter channel: a name or a pattern. A pattern is asked about as such, whatever it covers.
  func canSubscribe(to channel: Channel, _ client: ClientIdentity) -> AuthorizerVerdict

  /// - Parameter channel: a name, also of a service channel.
  func canPublish(to channel: Channel, _ client: ClientIdentity) -> AuthorizerVerdict
}

extension Authorizer {
  public func applies(to channel: Channel) -> Bool { true }
  public func canHandshake(_ client: ClientIdentity) -> AuthorizerVerdict { .ignore }
  public func canCreate(_ channel: Channel, _ client: ClientIdentity) -> AuthorizerVerdict { .ignore }
  public func canSubscribe(to channel: Channel, _ client: ClientIdentity) -> AuthorizerVerdict { .ignore }
  public func canPublish(to channel: Channel, _ client: ClientIdentity) -> AuthorizerVerdict { .ignore }
}

/// What an ``Authorizer`` says.
public enum AuthorizerVerdict: Hashable, Sendable {
  case grant
  /// The reason stands in the client's error: `403:<reason>:subscribe_denied`. Of it remain letters, digits, `_`, `-` and
  /// `.`, 64 at the most.
  case deny(reason: String)
  /// Leaves it to the others.
  case ignore
}

/// Who asks.
public struct ClientIdentity: Hashable, Sendable {
  /// The `gms_user` of the handshake; nil without one.
  public let user: String?
  /// The session; nil while it shakes hands.
  public let clientID: ClientID?

  public init(user: String?, clientID: ClientID? = nil) {
    self.user = user
    self.clientID = clientID
  }
}

/// What a client can be refused by rules and authorizers.
public enum ClientOperation: Hashable, Sendable, CaseIterable {
  case handshake
  /// The first subscription to a channel.
  case createBySubscribing
  /// A publish where nobody is subscribed.
  case createByPublishing
  case subscribe, publish

  /// The last part of the error.
  var denial: StaticString {
    switch self {
    case .handshake: "handshake_denied"
    case .createBySubscribing: "create_denied"
    case .createByPublishing: "channel_create_denied"
    case .subscribe: "subscribe_denied"
    case .publish: "publish_denied"
    }
  }
}

/// Why something was denied, as it may stand in an error.
public struct DenialReason: Hashable, Sendable {
  public let text: String

  /// The rules of the broker.
  public static let policy = DenialReason("denied_by_security_policy")
  /// Authorizers apply, and none of them granted.
  public static let notGranted = DenialReason("denied_by_not_granting")

  static let maxBytes = 64

  /// What would break the error or the JSON around it becomes `_`.
  init(_ text: String) {
    let allowed = text.utf8.prefix(Self.maxBytes).map { byte in
      let isPlain =
        byte &- 0x30 < 10 || byte | 0x20 &- 0x61 < 26 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
      return isPlain ? byte : UInt8(ascii: "_")
    }
    self.text = String(decoding: allowed, as: UTF8.self)
  }
}
