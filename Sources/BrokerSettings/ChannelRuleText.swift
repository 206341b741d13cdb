// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes

/// The value of `bayeux.rules`: a JSON list of rules.
///
///     [{"pattern": "/news/**", "subscribe": "anyone", "publish": ["editor"], "lazy": true, "maxLazyTimeout": 2000}]
struct ChannelRuleText {
  struct Fault: Hashable {
    /// Where in the text the rule begins that is wrong, in bytes.
    let offset: Int
    let sentence: String
  }

  static let members = [
    "pattern", "create", "subscribe", "publish", "echo", "lazy", "maxLazyTimeout", "durable", "history",
    "maxMessageBytes", "maxMessagesPerSecond",
  ]
  static let historyMembers = ["maxMessages", "maxBytes", "maxAge"]
  private static let audiences = #""anyone", "any user", "none" or a list of users"#

  private(set) var rules: [ChannelRule] = []
  private(set) var faults: [Fault] = []
  private var offsets: [Int] = []
  private var scanner = JSONScanner(maxDepth: 8)
  /// Where the rule begins that is being read.
  private var start = 0

  init(_ text: String) { self.init(parsing: Array(text.utf8)) }

  init(parsing bytes: [UInt8]) {
    let text = bytes.span
    do throws(JSONError) {
      guard scanner.peek(text) == UInt8(ascii: "[") else {
        faults.append(Fault(offset: 0, sentence: "\"bayeux.rules\" must be a list of rules"))
        return
      }
      try passList(text)
      try scanner.expectEnd(text)
    } catch {
      faults.append(Fault(offset: error.offset, sentence: "not valid JSON: \(error.reason.rawValue)"))
    }
    guard faults.isEmpty else { return }
    // How long a name may be is another setting, so that is looked at later.
    faults = ChannelRules.faults(in: rules, maxChannelBytes: .max).map { index, fault in
      Fault(offset: offsets.indices.contains(index) ? offsets[index] : 0, sentence: fault.sentence)
    }
  }

  private mutating func passList(_ text: Span<UInt8>) throws(JSONError) {
    try scanner.expect(UInt8(ascii: "["), text)
    if scanner.take(UInt8(ascii: "]"), text) { return }
    repeat {
      let first = scanner.peek(text)
      start = scanner.position
      if first == UInt8(ascii: "{") {
        try passRule(text)
      } else {
        _ = try scanner.value(text)
        report("a rule must be an object")
      }
    } while scanner.take(UInt8(ascii: ","), text)
    try scanner.expect(UInt8(ascii: "]"), text)
  }

  private mutating func passRule(_ text: Span<UInt8>) throws(JSONError) {
    var rule = ChannelRule("")
    var names: Set<String> = []
    try passObject(text) { reader, name, text throws(JSONError) in
      guard names.insert(name).inserted else { return try reader.skip("\"\(name)\" is given twice", text) }
      try reader.passMember(name, of: &rule, text)
    }
    if names.contains("pattern") {
      rules.append(rule)
      offsets.append(start)
    } else {
      report("a rule needs a \"pattern\"")
    }
  }

  private mutating func passMember(
    _ name: String, of rule: inout ChannelRule, _ text: Span<UInt8>
  ) throws(JSONError) {
    typealias Limits = ChannelRuleLimits
    switch name {
    case "pattern": rule.pattern = try string(name, text) ?? rule.pattern
    case "create": rule.create = try audience(name, text)
    case "subscribe": rule.subscribe = try audience(name, text)
    case "publish": rule.publish = try audience(name, text)
    case "echo": rule.echo = try bool(name, text)
    case "lazy": rule.lazy = try bool(name, text)
    case "durable": rule.durable = try bool(name, text)
    case "maxLazyTimeout": rule.maxLazyTimeout = try time(name, Limits.lazyTimeouts, text)
    case "maxMessageBytes": rule.maxMessageBytes = try whole(name, Limits.messageBytes, text)
    case "maxMessagesPerSecond": rule.maxMessagesPerSecond = try whole(name, Limits.messagesPerSecond, text)
    case "history": rule.history = try history(text)
    default: try skip(unknown(name, Self.members), text)
    }
  }

  private mutating func history(_ text: Span<UInt8>) throws(JSONError) -> ChannelRule.History? {
    guard scanner.peek(text) == UInt8(ascii: "{") else {
      try skip("\"history\" must be an object", text)
      return nil
    }
    var history = ChannelRule.History()
    try passObject(text) { reader, name, text throws(JSONError) in
      switch name {
      case "maxMessages":
        history.maxMessages = try reader.whole(name, ChannelRuleLimits.historyMessages, text) ?? history.maxMessages
      case "maxBytes":
        history.maxBytes = try reader.whole(name, ChannelRuleLimits.historyBytes, text) ?? history.maxBytes
      case "maxAge": history.maxAge = try reader.time(name, ChannelRuleLimits.historyAges, text) ?? history.maxAge
      default: try reader.skip(reader.unknown(name, Self.historyMembers), text)
      }
    }
    return history
  }

  // MARK: values

  private mutating func passObject(
    _ text: Span<UInt8>, _ member: (inout ChannelRuleText, String, Span<UInt8>) throws(JSONError) -> Void
  ) throws(JSONError) {
    try scanner.expect(UInt8(ascii: "{"), text)
    if scanner.take(UInt8(ascii: "}"), text) { return }
    repeat {
      let name = try scanner.string(text).string(in: text)
      try scanner.expect(UInt8(ascii: ":"), text)
      try member(&self, name, text)
    } while scanner.take(UInt8(ascii: ","), text)
    try scanner.expect(UInt8(ascii: "}"), text)
  }

  private mutating func audience(_ name: String, _ text: Span<UInt8>) throws(JSONError) -> ChannelRule.Audience? {
    let slice = try scanner.value(text)
    switch slice.kind {
    case .string where slice.string(in: text) == "anyone": return .anyone
    case .string where slice.string(in: text) == "any user": return .anyUser
    case .string where slice.string(in: text) == "none": return .nobody
    case .array:
      let users = (try? JSONValue(parsing: text.extracting(slice.range)))?.elements ?? []
      let names = users.compactMap(\.string)
      if names.count == users.count { return .users(Set(names)) }
    default: break
    }
    report("\"\(name)\" must be \(Self.audiences), not \(Shown.slice(slice, in: text))")
    return nil
  }

  private mutating func string(_ name: String, _ text: Span<UInt8>) throws(JSONError) -> String? {
    let slice = try scanner.value(text)
    if slice.kind == .string { return slice.string(in: text) }
    report("\"\(name)\" must be a text, not \(Shown.slice(slice, in: text))")
    return nil
  }

  private mutating func bool(_ name: String, _ text: Span<UInt8>) throws(JSONError) -> Bool? {
    let slice = try scanner.value(text)
    if slice.kind == .true || slice.kind == .false { return slice.kind == .true }
    report("\"\(name)\" must be true or false, not \(Shown.slice(slice, in: text))")
    return nil
  }

  private mutating func whole(
    _ name: String, _ bounds: ClosedRange<Int>, _ text: Span<UInt8>
  ) throws(JSONError) -> Int? {
    let slice = try scanner.value(text)
    if slice.kind == .number, let number = Int(String(text.extracting(slice.range))), bounds.contains(number) {
      return number
    }
    let expected = "a whole number from \(bounds.lowerBound) to \(bounds.upperBound)"
    report("\"\(name)\" must be \(expected), not \(Shown.slice(slice, in: text))")
    return nil
  }

  /// In milliseconds.
  private mutating func time(
    _ name: String, _ bounds: ClosedRange<Duration>, _ text: Span<UInt8>
  ) throws(JSONError) -> Duration? {
    let milliseconds = Int(bounds.lowerBound.wholeMilliseconds)...Int(bounds.upperBound.wholeMilliseconds)
    return try whole(name, milliseconds, text).map { .milliseconds($0) }
  }

  private mutating func skip(_ sentence: String, _ text: Span<UInt8>) throws(JSONError) {
    _ = try scanner.value(text)
    report(sentence)
  }

  private func unknown(_ name: String, _ known: [String]) -> String {
    let nearest = Nearest.name(to: name, among: known)
    return "unknown key \"\(Shown.text(name))\" in a channel rule"
      + (nearest.map { "; did you mean \"\($0)\"?" } ?? "")
  }

  private mutating func report(_ sentence: String) { faults.append(Fault(offset: start, sentence: sentence)) }
}

extension ChannelRuleText {
  /// The rules as a file would give them; what a rule does not say is not written.
  static func encode(_ rules: [ChannelRule]) -> String {
    JSONValue.array(rules.map { .object(members(of: $0)) }).text
  }

  private static func members(of rule: ChannelRule) -> [JSONValue.Member] {
    var members: [JSONValue.Member] = [.init("pattern", .string(rule.pattern))]
    func add(_ name: String, _ value: JSONValue?) {
      if let value { members.append(.init(name, value)) }
    }
    func audience(_ audience: ChannelRule.Audience?) -> JSONValue? {
      switch audience {
      case nil: nil
      case .anyone: "anyone"
      case .anyUser: "any user"
      case .nobody: "none"
      case .users(let names): .array(names.sorted().map(JSONValue.string))
      }
    }
    func time(_ duration: Duration) -> JSONValue { JSONValue(Int(duration.wholeMilliseconds)) }
    add("create", audience(rule.create))
    add("subscribe", audience(rule.subscribe))
    add("publish", audience(rule.publish))
    add("echo", rule.echo.map(JSONValue.bool))
    add("lazy", rule.lazy.map(JSONValue.bool))
    add("maxLazyTimeout", rule.maxLazyTimeout.map(time))
    add("durable", rule.durable.map(JSONValue.bool))
    if let history = rule.history {
      let bounds: [JSONValue.Member] = [
        .init("maxMessages", JSONValue(history.maxMessages)), .init("maxBytes", JSONValue(history.maxBytes)),
        .init("maxAge", time(history.maxAge)),
      ]
      add("history", .object(bounds))
    }
    add("maxMessageBytes", rule.maxMessageBytes.map { JSONValue($0) })
    add("maxMessagesPerSecond", rule.maxMessagesPerSecond.map { JSONValue($0) })
    return members
  }
}
