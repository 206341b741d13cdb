// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import BrokerSettings

@Test func namesVariablesAndFlagsAreUnique() {
  let keys = SettingsTable.keys
  #expect(Set(keys.map(\.name)).count == keys.count)
  #expect(Set(keys.map(\.environmentName)).count == keys.count)
  let flags = keys.compactMap(\.flag)
  #expect(Set(flags).count == flags.count)
  #expect(Set(SettingsTable.sections).count == SettingsTable.sections.count, "each section stands in one piece")
}

@Test(arguments: SettingsTable.keys) func aKeyIsASectionPerhapsWithAPartAndACamelCaseWord(key: SettingKey) throws {
  #expect(try /[a-z]+(\.[a-z]+)?\.[a-z]+([A-Z][a-z0-9]+)*/.wholeMatch(in: key.name) != nil)
  #expect(key.meaning.hasSuffix(".") && !key.meaning.contains("\n") && !key.meaning.contains("|"))
}

@Test(arguments: SettingsTable.keys) func aDefaultKeepsItsOwnRule(key: SettingKey) {
  guard let standard = key.defaultValue else {
    #expect(key.whenUnset != nil)
    return
  }
  #expect(key.shape.firstFault(in: standard) == nil)
}

@Test func keysThatOthersRelyOnAreThere() {
  let names = [
    "server.host", "server.port", "server.shards", "admin.host", "admin.port", "admin.token", "bayeux.path",
    "bayeux.timeout", "bayeux.interval", "bayeux.maxInterval", "http.allowedOrigins", "http.headTimeout",
    "http.maxBodyBytes",
  ]
  for name in names { #expect(SettingsTable.key(name)?.name == name) }
  #expect(SettingsTable.key("bayeux.timeout")?.defaultValue == .whole(60_000))
  #expect(SettingsTable.key("bayeux.maxInterval")?.defaultValue == .whole(30_000))
}

@Test(arguments: [
  ("bayeux.maxInterval", "BAYEUX_MAX_INTERVAL"), ("http.allowedOrigins", "HTTP_ALLOWED_ORIGINS"),
  ("gms.externalUrlBase", "GMS_EXTERNAL_URL_BASE"), ("chat.remote.url", "CHAT_REMOTE_URL"),
  ("server.port", "SERVER_PORT"),
  ("bayeux.duplicateMetaConnectHttpResponseCode", "BAYEUX_DUPLICATE_META_CONNECT_HTTP_RESPONSE_CODE"),
]) func aKeyAndItsVariableNameEachOther(key: String, variable: String) {
  #expect(EnvironmentNames.variable(for: key) == variable)
  #expect(EnvironmentNames.key(for: variable)?.name == key)
}

@Test(arguments: [
  ("bayeux.maxIntervall", "bayeux.maxInterval"), ("bayeux.maxinterval", "bayeux.maxInterval"),
  ("baeyux.timeout", "bayeux.timeout"), ("servr", "server"), ("bayeux.headTimeout", "http.headTimeout"),
  ("timeout", "bayeux.timeout"), ("server.prot", "server.port"),
]) func aSlipIsAnsweredWithTheNearestKey(slip: String, meant: String) {
  #expect(Nearest.key(to: slip) == meant)
}

@Test(arguments: ["services", "x", "", "database.url", String(repeating: "server.port", count: 1000)])
func whatIsNearToNothingGetsNoAdvice(name: String) {
  #expect(Nearest.key(to: name) == nil)
}

@Test(arguments: [
  ("", "", 0), ("a", "", 1), ("port", "prot", 1), ("port", "ports", 1), ("port", "pert", 1), ("kitten", "sitting", 3),
]) func editsAreCounted(left: String, right: String, count: Int) {
  #expect(Nearest.edits(left, right) == count)
  #expect(Nearest.edits(right, left) == count)
}

@Test func foreignVariablesAreNoWarningAndSlipsAre() throws {
  let environment = [
    "SERVER_SOFTWARE": "x", "ADMIN_EMAIL": "x", "HTTP_PROXY": "x", "HTTP_HOST": "x", "LOG_DIR": "x", "PATH": "x",
    "ADMIN_PROT": "1", "BAYEUX_TIMEOUTS": "1", "GMS_HOME": "/x", "BAYEUX_TIMEOUT": "5",
  ]
  let warnings = try Settings.load(from: SettingsSources(environment: environment)).warnings
  #expect(
    warnings.map(\.description) == [
      "environment variable ADMIN_PROT is no setting of this broker; did you mean ADMIN_PORT?",
      "environment variable BAYEUX_TIMEOUTS is no setting of this broker; did you mean BAYEUX_TIMEOUT?",
      "environment variable GMS_HOME is no setting of this broker",
    ])
}
