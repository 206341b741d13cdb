// SPDX-License-Identifier: Apache-2.0

/// What holds on a channel, or on all channels that a pattern covers. What a rule does not say, a wider rule says, and in
/// the end the listener: open on a loopback address, closed on any other.
///
/// The narrowest rule comes first: a name, then `/a/*`, then `/a/**`, then what is wider. (CometD says the same by code:
/// authorizers and channel initialisers, `LAZY`, `broadcastToPublisher`.)
public struct ChannelRule: Hashable, Sendable {
  /// A channel name, or a pattern that ends in `*` or `**`.
  public var pattern: String
  /// Who may be the first to use a channel: while nobody is subscribed to it, it does not exist.
  public var create: Audience?
  /// Who may subscribe; it holds for what arrives through a wider pattern as well.
  public var subscribe: Audience?
  public var publish: Audience?
  /// Whether a publisher that is subscribed gets its own message.
  public var echo: Bool?
  /// Whether messages wait for another reason to answer, up to ``maxLazyTimeout``.
  public var lazy: Bool?
  /// How long a message of a lazy channel may wait.
  public var maxLazyTimeout: Duration?
  /// Whether messages are kept for who subscribes later, within ``history``.
  public var durable: Bool?
  public var history: History?
  /// Bytes of `data`; more is `413:…:publish_denied`.
  public var maxMessageBytes: Int?
  /// Messages of clients to one channel, on each shard, in a second; more is `429:…:publish_denied`.
  public var maxMessagesPerSecond: Int?

  public init(_ pattern: String) { self.pattern = pattern }

  /// Who may do something.
  public enum Audience: Hashable, Sendable {
    case anyone
    /// A session that shook hands with a `gms_user`.
    case anyUser
    case users(Set<String>)
    case nobody
  }

  /// What is kept of a durable channel. Beyond any of the bounds the oldest goes.
  public struct History: Hashable, Sendable {
    public var maxMessages = 1000
    public var maxBytes = 1 << 20
    public var maxAge: Duration = .seconds(86_400)

    public init() {}
  }
}

/// Every bound of a rule, and what holds where it says nothing.
public enum ChannelRuleLimits {
  /// Rules of one broker. A guard against a generated file that went wrong; a look-up does not depend on it.
  public static let maxRules = 10_000
  /// How long a message of a lazy channel may wait where the rule does not say; CometD's default.
  public static let standardLazyTimeout: Duration = .seconds(5)
  public static let lazyTimeouts: ClosedRange<Duration> = .milliseconds(1) ... .seconds(3600)
  public static let messageBytes = 1...(1 << 30)
  public static let messagesPerSecond = 1...1_000_000
  public static let historyMessages = 1...100_000_000
  public static let historyBytes = 1...(1 << 40)
  public static let historyAges: ClosedRange<Duration> = .milliseconds(1) ... .seconds(864_000)
}

/// THE table of rules that a broker refuses to start with: those that could never take effect as they stand.
public enum ChannelRuleFault: Error, Hashable, Sendable {
  case tooMany(limit: Int)
  case badPattern(String)
  case meta(String)
  case genesys(String)
  case duplicate(String, of: String)
  case empty(String)
  case serviceOption(String, option: String)
  case lazyTimeoutWithoutLazy(String)
  case historyWithoutDurable(String)
  case noUsers(String)
  case outOfBounds(String, option: String)

  /// What is wrong, for a person; it names the rule by its pattern.
  public var sentence: String {
    switch self {
    case .tooMany(let limit): "more than \(limit) channel rules"
    case .badPattern(let pattern):
      "the rule \"\(pattern)\" can never match: a channel is a path such as \"/news/today\", "
        + "and a pattern has \"*\" or \"**\" as its last segment"
    case .meta(let pattern): "the rule \"\(pattern)\" can never match: \"/meta\" belongs to the protocol"
    case .genesys(let pattern):
      "the rule \"\(pattern)\" can never match: events there go to their user, and no client publishes"
    case .duplicate(let pattern, let first):
      "the rule \"\(pattern)\" can never match: \"\(first)\" before it is the same channel"
    case .empty(let pattern): "the rule \"\(pattern)\" says nothing"
    case .serviceOption(let pattern, let option):
      "the rule \"\(pattern)\" can not set \(option): nobody is subscribed to a service channel"
    case .lazyTimeoutWithoutLazy(let pattern):
      "the rule \"\(pattern)\" sets maxLazyTimeout for a channel that is not lazy"
    case .historyWithoutDurable(let pattern):
      "the rule \"\(pattern)\" sets history for a channel that is not durable"
    case .noUsers(let pattern): "the rule \"\(pattern)\" names an empty list of users; nobody is \"none\""
    case .outOfBounds(let pattern, let option): "the rule \"\(pattern)\" sets \(option) out of bounds"
    }
  }
}
