// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Foundation
import Testing

@testable import BrokerSettings

/// A file that lives as long as the closure runs.
private func withFile<Result>(_ text: String, _ body: (String) throws -> Result) throws -> Result {
  let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).json").path
  try Data(text.utf8).write(to: URL(filePath: path))
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

/// Loads one key from up to three sources.
private func load(
  _ key: SettingKey, file: SettingValue? = nil, variable: SettingValue? = nil, flag: SettingValue? = nil
) throws -> (value: SettingValue?, origin: SettingOrigin?, filePath: String) {
  let text = file.map { "{\n\"\(key.section)\": {\n\"\(key.leaf)\": \($0.json)}}" } ?? "{}"
  return try withFile(text) { path in
    let loaded = try Settings.load(
      from: SettingsSources(
        filePath: path,
        environment: key.company.merging(variable.map { [key.environmentName: $0.variable] } ?? [:]) { $1 },
        flags: flag.map { [key.name: $0] } ?? [:]))
    return (key.value(in: loaded.settings), loaded.origins[key.name], path)
  }
}

@Test(arguments: SettingsTable.keys) func everyKeyIsReadFromAFile(key: SettingKey) throws {
  let found = try load(key, file: key.samples.first)
  #expect(found.value == key.samples.first)
  #expect(found.value != key.defaultValue)
  #expect(found.origin == .file(path: found.filePath, line: 3))
}

@Test(arguments: SettingsTable.keys) func everyKeyIsReadUnderItsFullName(key: SettingKey) throws {
  let loaded = try withFile("{\"\(key.name)\": \(key.samples.first.json)}") {
    try Settings.load(from: SettingsSources(filePath: $0, environment: key.company))
  }
  #expect(key.value(in: loaded.settings) == key.samples.first)
}

@Test(arguments: SettingsTable.keys) func everyKeyIsReadFromTheEnvironment(key: SettingKey) throws {
  let found = try load(key, variable: key.samples.first)
  #expect(found.value == key.samples.first)
  #expect(found.origin == .environment(variable: key.environmentName))
}

@Test(arguments: SettingsTable.keys) func everyKeyIsReadFromAFlag(key: SettingKey) throws {
  let found = try load(key, flag: key.samples.first)
  #expect(found.value == key.samples.first)
  #expect(found.origin == .flag(key.flag ?? key.name))
}

@Test(arguments: SettingsTable.keys) func aFlagWinsOverTheEnvironmentAndThatOverTheFile(key: SettingKey) throws {
  let (first, second) = key.samples
  #expect(try load(key, file: second, variable: second, flag: first).value == first)
  #expect(try load(key, file: second, variable: first).value == first)
  #expect(try load(key, file: first, flag: second).value == second)
}

@Test func nothingSaidIsTheDefault() throws {
  let loaded = try Settings.load(from: SettingsSources())
  for key in SettingsTable.keys { #expect(key.value(in: loaded.settings) == key.defaultValue) }
  #expect(loaded.origins.isEmpty)
  #expect(loaded.warnings.isEmpty)
}

@Test func anEmptyVariableIsAsGoodAsNone() throws {
  let environment = Dictionary(uniqueKeysWithValues: SettingsTable.keys.map { ($0.environmentName, "") })
  let loaded = try Settings.load(from: SettingsSources(environment: environment))
  for key in SettingsTable.keys { #expect(key.value(in: loaded.settings) == key.defaultValue) }
}

@Test(arguments: [("yes", true), ("1", true), ("TRUE", true), ("no", false), ("0", false), ("false", false)])
func truthInTheEnvironmentHasSeveralWords(text: String, truth: Bool) throws {
  let loaded = try Settings.load(from: SettingsSources(environment: ["BAYEUX_JSONP": text]))
  #expect(loaded.settings.server.bayeux.jsonp == truth)
}

@Test func aListInTheEnvironmentIsPartedByCommas() throws {
  let loaded = try Settings.load(
    from: SettingsSources(environment: ["HTTP_ALLOWED_ORIGINS": "https://a.example, https://b.example:443,"]))
  #expect(loaded.settings.server.http.allowedOrigins == ["https://a.example", "https://b.example"])
}

// MARK: what is refused

@Test(arguments: SettingsTable.keys) func everySourceRefusesWhatIsOutOfBounds(key: SettingKey) throws {
  for value in key.outOfBounds {
    let flag = try refusal(of: SettingsSources(flags: [key.name: value]))
    #expect(flag.errors.count == 1)
    #expect(flag.description.hasPrefix("option \(key.flag ?? key.name): \"\(key.name)\" must be "))
    #expect(flag.description.contains(key.shape.expectation))
    if !value.variable.isEmpty {
      let variable = try refusal(of: SettingsSources(environment: [key.environmentName: value.variable]))
      #expect(variable.description.hasPrefix("environment variable \(key.environmentName): \"\(key.name)\" must be "))
    }
    let errors = fileErrors("{\"\(key.section)\":\n{\"\(key.leaf)\":\n\(value.json)}}")
    #expect(errors.count == 1)
    #expect(errors[0].hasPrefix("broker.json:3: \"\(key.name)\" must be \(key.shape.expectation)"))
  }
}

@Test(arguments: SettingsTable.keys) func everyKeyRefusesJSONOfAnotherKind(key: SettingKey) {
  let kinds = ["null": "null", "{}": "an object", "[[]]": "a list like that", "1.5": "1.5", "[1]": "a list like that"]
  // What a list of rules holds has errors of its own.
  for (json, found) in kinds where key.shape != .channelRules || !json.hasPrefix("[") {
    let errors = fileErrors("{\"\(key.name)\": \(json)}")
    let shown = key.isSecret ? "; what was given is not shown" : ", not \(found)"
    #expect(errors == ["broker.json:1: \"\(key.name)\" must be \(key.shape.expectation)\(shown)"])
  }
}

@Test(arguments: SettingsTable.keys) func theEnvironmentRefusesTextThatIsNoNumberAndNoTruth(key: SettingKey) throws {
  switch key.shape {
  case .bool, .whole: break
  default: return
  }
  let failure = try refusal(of: SettingsSources(environment: [key.environmentName: "maybe"]))
  #expect(
    failure.description
      == "environment variable \(key.environmentName): \"\(key.name)\" must be \(key.shape.expectation), not \"maybe\"")
}

@Test func aNumberBeyondIntIsRefusedAndShown() {
  #expect(
    fileErrors(#"{"server.port": 99999999999999999999}"#) == [
      "broker.json:1: \"server.port\" must be a whole number from 0 to 65535, not 99999999999999999999"
    ])
}

@Test func everySourceIsCheckedAlsoWhereAnotherOneWins() throws {
  let failure = try withFile("{\n\"server.port\": 70000}") { path in
    try refusal(
      of: SettingsSources(
        filePath: path, environment: ["SERVER_PORT": "x", "LOG_LEVEL": "loud"], flags: ["server.port": .whole(1)]))
  }
  let lines = failure.description.split(separator: "\n")
  #expect(lines.count == 3)
  #expect(lines[0].hasSuffix(":2: \"server.port\" must be a whole number from 0 to 65535, not 70000"))
  #expect(lines[1].hasPrefix("environment variable SERVER_PORT"))
  #expect(lines[2].hasPrefix("environment variable LOG_LEVEL: \"log.level\" must be one of \"trace\", \"debug\""))
}

@Test func secretsAreNeverShown() throws {
  let secret = "hunter2 hunter2 hunter2"
  let failures = [
    try refusal(of: SettingsSources(environment: ["ADMIN_TOKEN": secret])),
    try refusal(of: SettingsSources(flags: ["admin.token": .text(secret)])),
    try refusal(of: SettingsSources(environment: ["ADMIN_TOKEN": "hunter2", "ADMIN_HOST": "0.0.0.0"])),
  ]
  for failure in failures { #expect(!failure.description.contains("hunter2")) }
  for json in ["\"\(secret)\"", "[\"\(secret)\"]", "{\"x\":\"\(secret)\"}"] {
    let errors = fileErrors("{\"admin\": {\"token\": \(json)}}")
    #expect(errors.count == 1 && !errors[0].contains("hunter2"))
  }
}

@Test func aMissingFileIsNamedWithTheReason() throws {
  let failure = try refusal(of: SettingsSources(filePath: "/nonexistent/broker.json"))
  #expect(failure.description == "cannot read /nonexistent/broker.json: No such file or directory")
}

@Test func aDirectoryIsNoFile() throws {
  let path = FileManager.default.temporaryDirectory.path
  #expect(try refusal(of: SettingsSources(filePath: path)).description == "cannot read \(path): Is a directory")
}

@Test func aHugeFileIsRefusedUnread() throws {
  let failure = try withFile("{" + String(repeating: " ", count: FileReading.maxBytes) + "}") {
    try refusal(of: SettingsSources(filePath: $0))
  }
  #expect(failure.description.hasSuffix("is larger than \(FileReading.maxBytes) bytes"))
}
