// SPDX-License-Identifier: Apache-2.0

/// The rules of a broker, checked and ready to be looked up.
public struct ChannelRules: Hashable, Sendable {
  private var rules: [String: ChannelRule] = [:]
  /// Whether there is anything to replay.
  public private(set) var hasDurableChannels = false

  public init() {}

  /// - Throws: ``ChannelRuleFault`` for the first rule that could never take effect.
  public init(_ list: [ChannelRule], maxChannelBytes: Int = BayeuxLimits().maxChannelBytes) throws(ChannelRuleFault) {
    self.init()
    if let fault = add(list, maxChannelBytes).first { throw fault.fault }
  }

  /// Every rule of `list` that could never take effect, by its place in the list.
  public static func faults(in list: [ChannelRule], maxChannelBytes: Int) -> [(index: Int, fault: ChannelRuleFault)] {
    var rules = ChannelRules()
    return rules.add(list, maxChannelBytes)
  }

  private mutating func add(_ list: [ChannelRule], _ maxChannelBytes: Int) -> [(index: Int, fault: ChannelRuleFault)] {
    guard list.count <= ChannelRuleLimits.maxRules else {
      return [(ChannelRuleLimits.maxRules, .tooMany(limit: ChannelRuleLimits.maxRules))]
    }
    var faults: [(index: Int, fault: ChannelRuleFault)] = []
    func collect(_ check: (inout ChannelRules, ChannelRule) throws(ChannelRuleFault) -> Void) {
      for (index, rule) in list.enumerated() {
        do throws(ChannelRuleFault) { try check(&self, rule) } catch { faults.append((index, error)) }
      }
    }
    collect { (rules, rule) throws(ChannelRuleFault) in try rules.add(rule, maxChannelBytes) }
    // What only makes sense together may stand in two rules, so it is looked at when all are there.
    if faults.isEmpty { collect { (rules, rule) throws(ChannelRuleFault) in try rules.checkOptions(of: rule) } }
    return faults
  }

  private mutating func add(_ rule: ChannelRule, _ maxChannelBytes: Int) throws(ChannelRuleFault) {
    guard let channel = Channel(rule.pattern, maxBytes: maxChannelBytes) else { throw .badPattern(rule.pattern) }
    if channel.kind == .meta { throw .meta(rule.pattern) }
    if channel == .genesys { throw .genesys(rule.pattern) }
    if let first = rules[channel.name] { throw .duplicate(rule.pattern, of: first.pattern) }
    if rule == ChannelRule(rule.pattern) { throw .empty(rule.pattern) }
    if channel.kind == .service, let option = rule.firstOptionForSubscribers {
      throw .serviceOption(rule.pattern, option: option)
    }
    try rule.checkBounds()
    rules[channel.name] = rule
    if rule.durable == true { hasDurableChannels = true }
  }

  private func checkOptions(of rule: ChannelRule) throws(ChannelRuleFault) {
    guard let channel = Channel(rule.pattern, maxBytes: .max) else { return }
    let policy = resolve(channel)
    if rule.maxLazyTimeout != nil, policy.lazyTimeout == nil { throw .lazyTimeoutWithoutLazy(rule.pattern) }
    if rule.history != nil, policy.history == nil { throw .historyWithoutDurable(rule.pattern) }
  }

  public var isEmpty: Bool { rules.isEmpty }
  /// Whether it matters somewhere which channels there are.
  public var restrictsCreation: Bool { rules.values.contains { $0.create?.isRestricted ?? false } }

  /// What holds on `channel`, be it a name or, for a subscription, a pattern: then a rule holds that covers all of it.
  public func resolve(_ channel: Channel) -> ChannelPolicy {
    var policy = ChannelPolicy()
    if rules.isEmpty { return policy }
    var lazy: Bool?
    var lazyTimeout: Duration?
    var durable: Bool?
    var history: ChannelRule.History?
    for name in names(covering: channel) {
      guard let rule = rules[name] else { continue }
      policy.create = policy.create ?? rule.create
      policy.subscribe = policy.subscribe ?? rule.subscribe
      policy.publish = policy.publish ?? rule.publish
      policy.echo = policy.echo ?? rule.echo
      policy.maxMessageBytes = policy.maxMessageBytes ?? rule.maxMessageBytes
      policy.maxMessagesPerSecond = policy.maxMessagesPerSecond ?? rule.maxMessagesPerSecond
      lazy = lazy ?? rule.lazy
      lazyTimeout = lazyTimeout ?? rule.maxLazyTimeout
      durable = durable ?? rule.durable
      history = history ?? rule.history
    }
    if lazy == true { policy.lazyTimeout = lazyTimeout ?? ChannelRuleLimits.standardLazyTimeout }
    if durable == true { policy.history = history ?? ChannelRule.History() }
    return policy
  }

  /// Names of rules that cover all of `channel`, the narrowest first. `/a/*` does not cover `/a/**`, and as a subscriber
  /// of `/**` receives nothing of a service channel, a rule for `/**` says nothing about it.
  private func names(covering channel: Channel) -> [String] {
    var names = channel.patterns
    switch channel.reach {
    case .exact: names.insert(channel.name, at: 0)
    case .oneLevel: break
    case .anyDepth: names.removeFirst()
    }
    if channel.kind == .service { names.removeAll { !$0.hasPrefix("/service") } }
    return names
  }
}

/// What the rules come to for one channel. Nil is what the listener says, or no bound.
public struct ChannelPolicy: Hashable, Sendable {
  public var create: ChannelRule.Audience?
  public var subscribe: ChannelRule.Audience?
  public var publish: ChannelRule.Audience?
  var echo: Bool?
  /// How long a message may wait to ride along with another answer; nil on a channel that is not lazy.
  public var lazyTimeout: Duration?
  /// What is kept of the channel; nil on one that is not durable.
  public var history: ChannelRule.History?
  public var maxMessageBytes: Int?
  public var maxMessagesPerSecond: Int?

  public init() {}

  /// Whether a publisher that is subscribed gets its own message.
  public var echoes: Bool { echo ?? true }
  public var isDurable: Bool { history != nil }
}

extension ChannelRule.Audience {
  /// Whether somebody is outside of it.
  var isRestricted: Bool { self != .anyone }

  func includes(_ user: UserRecord?) -> Bool {
    switch self {
    case .anyone: true
    case .anyUser: user != nil
    case .users(let names): user.map { names.contains($0.text) } ?? false
    case .nobody: false
    }
  }
}

extension ChannelRule {
  /// The first option set that is about those who are subscribed.
  fileprivate var firstOptionForSubscribers: String? {
    if create != nil { return "create" }
    if subscribe != nil { return "subscribe" }
    if echo != nil { return "echo" }
    if lazy != nil { return "lazy" }
    if maxLazyTimeout != nil { return "maxLazyTimeout" }
    if durable != nil { return "durable" }
    return history == nil ? nil : "history"
  }

  fileprivate func checkBounds() throws(ChannelRuleFault) {
    typealias Limits = ChannelRuleLimits
    func check<Value>(_ value: Value?, _ bounds: ClosedRange<Value>, _ option: String) throws(ChannelRuleFault) {
      if let value, !bounds.contains(value) { throw .outOfBounds(pattern, option: option) }
    }
    for audience in [create, subscribe, publish] where audience == .users([]) { throw .noUsers(pattern) }
    try check(maxLazyTimeout, Limits.lazyTimeouts, "maxLazyTimeout")
    try check(maxMessageBytes, Limits.messageBytes, "maxMessageBytes")
    try check(maxMessagesPerSecond, Limits.messagesPerSecond, "maxMessagesPerSecond")
    try check(history?.maxMessages, Limits.historyMessages, "history.maxMessages")
    try check(history?.maxBytes, Limits.historyBytes, "history.maxBytes")
    try check(history?.maxAge, Limits.historyAges, "history.maxAge")
  }
}
