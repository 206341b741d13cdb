// SPDX-License-Identifier: Apache-2.0

/// A value as a file, the environment or a flag gives it, before it is written into ``Settings``.
public enum SettingValue: Hashable, Sendable {
  case text(String)
  case whole(Int)
  case bool(Bool)
  case texts([String])
  /// JSON as it stands in a file.
  case json(String)

  /// As a person would write it in a configuration file.
  public var literal: String {
    switch self {
    case .text(let text): "\"\(text)\""
    case .whole(let number): String(number)
    case .bool(let value): value ? "true" : "false"
    case .json(let text): text
    case .texts(let elements): "[" + elements.map { "\"\($0)\"" }.joined(separator: ", ") + "]"
    }
  }
}

/// What a whole number counts.
public enum SettingUnit: String, Hashable, Sendable {
  case none = ""
  case milliseconds
  case seconds
  case bytes
  case bytesPerSecond = "bytes per second"
  case messages
  case entries
  case sessions
  case handshakes
  case subscriptions
  case users
  case channels
  case connections
  case headers
  case fields
  case services
  case events
  case minutes
  case levels
  case threads
}

/// Which values a key takes. From it come parsing, the words of errors, and a column of the documentation.
public enum SettingShape: Hashable, Sendable {
  case text(TextRule)
  case choice([String])
  case whole(ClosedRange<Int>, SettingUnit)
  case bool
  /// Each element follows the rule.
  case texts(TextRule)
  /// A list of channel rules.
  case channelRules

  /// What belongs behind "must be" in a sentence.
  public var expectation: String {
    switch self {
    case .text(let rule): return rule.expectation
    case .choice(let names): return "one of " + names.map { "\"\($0)\"" }.joined(separator: ", ")
    case .whole(let bounds, let unit):
      let counted = unit == .none ? "a whole number" : "a whole number of \(unit.rawValue)"
      return "\(counted) from \(bounds.lowerBound) to \(bounds.upperBound)"
    case .bool: return "true or false"
    case .texts(let rule): return "a list, each element \(rule.expectation)"
    case .channelRules: return "a list of channel rules"
    }
  }

  /// The index of the first element that breaks the rule (0 where there is one value); nil when all is well.
  func firstFault(in value: SettingValue) -> Int? {
    switch (self, value) {
    case (.text(let rule), .text(let text)): rule.accepts(text) ? nil : 0
    case (.choice(let names), .text(let text)): names.contains(text) ? nil : 0
    case (.whole(let bounds, _), .whole(let number)): bounds.contains(number) ? nil : 0
    case (.bool, .bool): nil
    case (.texts(let rule), .texts(let elements)): elements.firstIndex { !rule.accepts($0) }
    case (.channelRules, .json(let text)): ChannelRuleText(text).faults.isEmpty ? nil : 0
    default: 0
    }
  }
}
