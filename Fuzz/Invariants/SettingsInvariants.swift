// SPDX-License-Identifier: Apache-2.0
import BrokerSettings
import Bytes

/// The loader of configuration files against ``StrictJSON``: what it accepts says what it makes of it, and what it
/// refuses it refuses with readable sentences.
enum SettingsInvariants {
  /// Bytes of one error; a key has 100 characters at the most, a value is cut at 80.
  static let maxSentenceBytes = 2000

  static func check(_ text: [UInt8]) throws(Violation) {
    let loaded: LoadedSettings
    do throws(SettingsFailure) {
      loaded = try Settings.load(fileContents: text, path: "fuzz.json")
    } catch {
      try checkErrors(error.errors, text)
      return try checkLines(error.errors, text)
    }
    try checkMeaning(loaded, text)
    try checkRoundTrip(loaded.settings)
  }

  private static func checkErrors(_ errors: [SettingsError], _ text: [UInt8]) throws(Violation) {
    if errors.isEmpty { throw Violation("refused without a reason") }
    let lines = text.count { $0 == 10 } + 1
    for error in errors {
      let sentence = error.description
      guard sentence.utf8.count <= maxSentenceBytes, sentence.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
        throw Violation("the error is no single readable line: \(sentence.debugDescription)")
      }
      if case .file(_, let line) = error.origin, !(1...lines).contains(line) {
        throw Violation("line \(line) of \(lines): \(sentence)")
      }
    }
  }

  /// Empty lines in front move every error down by as many.
  private static func checkLines(_ errors: [SettingsError], _ text: [UInt8]) throws(Violation) {
    if text.starts(with: mark) { return }
    do throws(SettingsFailure) {
      _ = try Settings.load(fileContents: [10, 10, 10] + text, path: "fuzz.json")
    } catch {
      let (lines, lower) = (errors.map(line), error.errors.map(line))
      guard lower == lines.map({ $0.map { $0 + 3 } }) else { throw Violation("errors in \(lines), and in \(lower)") }
      return
    }
    throw Violation("accepted behind empty lines alone")
  }

  private static func line(_ error: SettingsError) -> Int? {
    if case .file(_, let line) = error.origin { line } else { nil }
  }

  // MARK: what is accepted

  /// The byte order mark of UTF-8.
  private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

  private static func checkMeaning(_ loaded: LoadedSettings, _ text: [UInt8]) throws(Violation) {
    let json = text.starts(with: mark) ? Array(text.dropFirst(3)) : text
    guard let members = StrictJSON.value(of: json)?.members else { throw Violation("accepted, but no JSON object") }
    var given: [String: StrictValue] = [:]
    // Names in the section of services are free; what they may say is no affair of the table.
    let keyed = members.filter { $0.name != "services" }
    for (name, value) in keyed.flatMap(flattened) {
      guard SettingsTable.key(name) != nil, given.updateValue(value, forKey: name) == nil else {
        throw Violation("\(name) is unknown or given twice, and was accepted")
      }
    }
    for key in SettingsTable.keys {
      let value = key.value(in: loaded.settings)
      if let origin = given[key.name] {
        guard says(origin, value, json) else { throw Violation("\(key.name) became \(String(describing: value))") }
      } else if value != key.defaultValue {
        throw Violation("\(key.name) was not given, and became \(String(describing: value))")
      }
    }
  }

  /// A section's members under their full names.
  private static func flattened(_ member: (name: String, value: StrictValue)) -> [(name: String, value: StrictValue)] {
    guard SettingsTable.sections.contains(member.name), let members = member.value.members else { return [member] }
    return members.map { ("\(member.name).\($0.name)", $0.value) }
  }

  /// Texts are compared by kind alone: some are kept in one spelling of several.
  private static func says(_ given: StrictValue, _ value: SettingValue?, _ json: [UInt8]) -> Bool {
    switch (given.content, value) {
    case (.bool(let given), .bool(let value)): given == value
    case (.number, .whole(let number)): Int(String(decoding: json[given.range], as: UTF8.self)) == number
    case (.string, .text): true
    case (.string, .texts), (.array, .texts): true
    default: false
    }
  }

  /// The settings as a file are the settings.
  private static func checkRoundTrip(_ settings: Settings) throws(Violation) {
    var members: [JSONValue.Member] = []
    for key in SettingsTable.keys {
      if let value = key.value(in: settings) { members.append(.init(key.name, json(value))) }
    }
    let text = JSONValue.object(members).encoded
    let again: Settings
    do throws(SettingsFailure) {
      again = try Settings.load(fileContents: text, path: "again.json").settings
    } catch {
      throw Violation("written as a file, the settings are refused: \(error)")
    }
    for key in SettingsTable.keys where key.value(in: again) != key.value(in: settings) {
      throw Violation("written as a file, \(key.name) became \(String(describing: key.value(in: again)))")
    }
  }

  private static func json(_ value: SettingValue) -> JSONValue {
    switch value {
    case .text(let text): .string(text)
    case .whole(let number): JSONValue(number)
    case .bool(let value): .bool(value)
    case .texts(let elements): .array(elements.map(JSONValue.string))
    // A text that was read as JSON; one that is none shows as the difference that it makes.
    case .json(let text): (try? JSONValue(parsing: Array(text.utf8).span)) ?? .string(text)
    }
  }
}
