// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes

/// One row of the table of settings: everything there is to know about a key.
public struct SettingKey: Sendable, CustomStringConvertible {
  /// Section and word, `bayeux.maxInterval`.
  public let name: String
  public let shape: SettingShape
  /// One line for people.
  public let meaning: String
  /// What the default means, where it is "not set".
  public let whenUnset: String?
  /// Whether its value is never shown.
  public let isSecret: Bool
  /// The option of `broker-cli serve` that sets it, `--port`.
  public let flag: String?
  let write: @Sendable (SettingValue, inout Settings) -> Void
  let read: @Sendable (Settings) -> SettingValue?

  /// `BAYEUX_MAX_INTERVAL`
  public var environmentName: String { EnvironmentNames.variable(for: name) }
  public var description: String { name }
  public var section: String { String(name.prefix { $0 != "." }) }
  var leaf: String { String(name.drop { $0 != "." }.dropFirst()) }

  /// What holds when nothing is said, taken from the structures themselves; nil is "not set".
  public var defaultValue: SettingValue? { read(Settings()) }

  /// The value in `settings`, as a file would give it; nil is "not set".
  public func value(in settings: Settings) -> SettingValue? { read(settings) }

  /// The default as documentation shows it.
  public var defaultText: String { defaultValue?.literal ?? whenUnset ?? "not set" }
}

// MARK: rows

extension SettingKey {
  typealias Path<Value> = any WritableKeyPath<Settings, Value> & Sendable

  /// Ties a row to the place in ``Settings`` that it fills; `decode` is nil for a value of another shape.
  private init<Value>(
    _ name: String, _ shape: SettingShape, _ path: Path<Value>, _ meaning: String, flag: String?, unset: String? = nil,
    isSecret: Bool = false, decode: @escaping @Sendable (SettingValue) -> Value?,
    encode: @escaping @Sendable (Value) -> SettingValue?
  ) {
    self.name = name
    self.shape = shape
    self.meaning = meaning
    self.flag = flag
    whenUnset = unset
    self.isSecret = isSecret
    write = { value, settings in
      if let value = decode(value) { settings[keyPath: path] = value }
    }
    read = { encode($0[keyPath: path]) }
  }

  static func text(
    _ name: String, _ path: Path<String>, _ rule: TextRule, _ meaning: String, flag: String? = nil
  ) -> SettingKey {
    SettingKey(
      name, .text(rule), path, meaning, flag: flag, decode: { $0.text.map(rule.normalised) }, encode: { .text($0) })
  }

  static func optionalText(
    _ name: String, _ path: Path<String?>, _ rule: TextRule, _ meaning: String, unset: String, isSecret: Bool = false,
    flag: String? = nil
  ) -> SettingKey {
    SettingKey(
      name, .text(rule), path, meaning, flag: flag, unset: unset, isSecret: isSecret,
      decode: { $0.text.map(rule.normalised) }, encode: { $0.map(SettingValue.text) })
  }

  static func texts(_ name: String, _ path: Path<[String]>, _ rule: TextRule, _ meaning: String) -> SettingKey {
    SettingKey(
      name, .texts(rule), path, meaning, flag: nil, decode: { $0.texts?.map(rule.normalised) }, encode: { .texts($0) })
  }

  static func whole(
    _ name: String, _ path: Path<Int>, _ bounds: ClosedRange<Int>, _ unit: SettingUnit, _ meaning: String,
    flag: String? = nil
  ) -> SettingKey {
    SettingKey(name, .whole(bounds, unit), path, meaning, flag: flag, decode: { $0.whole }, encode: { .whole($0) })
  }

  static func optionalWhole(
    _ name: String, _ path: Path<Int?>, _ bounds: ClosedRange<Int>, _ unit: SettingUnit, _ meaning: String,
    unset: String, flag: String? = nil
  ) -> SettingKey {
    SettingKey(
      name, .whole(bounds, unit), path, meaning, flag: flag, unset: unset, decode: { $0.whole },
      encode: { $0.map(SettingValue.whole) })
  }

  /// A time, which files and the environment give in milliseconds.
  static func time(
    _ name: String, _ path: Path<Duration>, _ bounds: ClosedRange<Int>, _ meaning: String
  ) -> SettingKey {
    SettingKey(
      name, .whole(bounds, .milliseconds), path, meaning, flag: nil,
      decode: { $0.whole.map { .milliseconds($0) } }, encode: { .whole(Int($0.wholeMilliseconds)) })
  }

  static func bool(_ name: String, _ path: Path<Bool>, _ meaning: String, flag: String? = nil) -> SettingKey {
    SettingKey(name, .bool, path, meaning, flag: flag, decode: { $0.bool }, encode: { .bool($0) })
  }

  static func optionalBool(_ name: String, _ path: Path<Bool?>, _ meaning: String, unset: String) -> SettingKey {
    SettingKey(
      name, .bool, path, meaning, flag: nil, unset: unset, decode: { $0.bool }, encode: { $0.map(SettingValue.bool) })
  }

  static func channelRules(_ name: String, _ path: Path<[ChannelRule]>, _ meaning: String) -> SettingKey {
    SettingKey(
      name, .channelRules, path, meaning, flag: nil, unset: "none",
      decode: { $0.json.map { ChannelRuleText($0).rules } },
      encode: { $0.isEmpty ? nil : .json(ChannelRuleText.encode($0)) })
  }

  /// One of the names of an enumeration.
  static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
    _ name: String, _ path: Path<Choice>, _ meaning: String, flag: String? = nil
  ) -> SettingKey {
    SettingKey(
      name, .choice(Choice.allCases.map(\.rawValue)), path, meaning, flag: flag,
      decode: { $0.text.flatMap(Choice.init) }, encode: { .text($0.rawValue) })
  }
}

extension SettingValue {
  fileprivate var text: String? {
    guard case .text(let text) = self else { return nil }
    return text
  }

  fileprivate var whole: Int? {
    guard case .whole(let number) = self else { return nil }
    return number
  }

  /// A provider of strings does not know what stands in them.
  fileprivate var json: String? {
    switch self {
    case .json(let text), .text(let text): text
    default: nil
    }
  }

  fileprivate var bool: Bool? {
    guard case .bool(let value) = self else { return nil }
    return value
  }

  fileprivate var texts: [String]? {
    guard case .texts(let elements) = self else { return nil }
    return elements
  }
}
