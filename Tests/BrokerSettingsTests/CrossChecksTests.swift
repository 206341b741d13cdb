// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import ChatService
import Testing

@testable import BrokerSettings

@Test func anAdminListenerThatOthersReachNeedsAToken() throws {
  let failure = try refusal(of: SettingsSources(environment: ["ADMIN_HOST": "0.0.0.0"]))
  #expect(
    failure.description
      == "environment variable ADMIN_HOST: \"admin.token\" must be set, "
      + "since \"admin.host\" 0.0.0.0 can be reached from other machines")
}

@Test(arguments: [(15, false), (16, true)]) func thatTokenHasSixteenCharacters(count: Int, isEnough: Bool) throws {
  let sources = SettingsSources(
    environment: ["ADMIN_HOST": "10.1.2.3", "ADMIN_TOKEN": String(repeating: "x", count: count)])
  if isEnough {
    #expect(try Settings.load(from: sources).settings.server.admin.token?.count == count)
  } else {
    #expect(
      try refusal(of: sources).description
        == "environment variable ADMIN_TOKEN: \"admin.token\" must have at least 16 characters, "
        + "since \"admin.host\" can be reached from other machines")
  }
}

@Test(arguments: ["127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST", "::1", "[::1]", "::ffff:127.0.0.1"])
func aLoopbackHostNeedsNoToken(host: String) throws {
  #expect(HostText.isLoopback(host))
  #expect(
    try Settings.load(from: SettingsSources(environment: ["ADMIN_HOST": host])).settings.server.admin.token == nil)
}

@Test(arguments: ["0.0.0.0", "::", "128.0.0.1", "localhost.example", "::2", "::ffff:10.0.0.1", "127.0.0.1.example"])
func otherHostsAreNoLoopback(host: String) {
  #expect(!HostText.isLoopback(host))
}

@Test(arguments: [
  ("127.0.0.1", "127.0.0.1", true), ("localhost", "127.0.0.1", true), ("127.0.0.1", "127.0.0.2", false),
  ("0.0.0.0", "127.0.0.1", true), ("::", "127.0.0.1", true), ("[::1]", "::1", true), ("::1", "127.0.0.1", false),
]) func twoListenersOnOnePortNeedTwoAddresses(public: String, admin: String, isClash: Bool) throws {
  let sources = SettingsSources(
    environment: ["SERVER_HOST": `public`, "ADMIN_HOST": admin, "ADMIN_PORT": "9000"],
    flags: ["server.port": .whole(9000)])
  if isClash {
    #expect(
      try refusal(of: sources).description
        == "environment variable ADMIN_PORT: \"server.port\" and \"admin.port\" are both 9000 on the same address")
  } else {
    #expect(try Settings.load(from: sources).settings.server.admin.port == 9000)
  }
}

@Test func portsTheSystemChoosesDoNotClash() throws {
  let sources = SettingsSources(flags: ["server.port": .whole(0), "admin.port": .whole(0)])
  #expect(try Settings.load(from: sources).settings.server.server.port == 0)
}

@Test func aDefaultPortCanClashToo() throws {
  let failure = try refusal(of: SettingsSources(flags: ["server.port": .whole(8081)]))
  #expect(
    failure.description == "option --port: \"server.port\" and \"admin.port\" are both 8081 on the same address")
}

@Test func anyOriginStandsAlone() throws {
  let alone = try Settings.load(from: SettingsSources(environment: ["HTTP_ALLOWED_ORIGINS": "*"]))
  #expect(alone.settings.server.http.allowedOrigins == ["*"])
  let failure = try refusal(of: SettingsSources(environment: ["HTTP_ALLOWED_ORIGINS": "*,https://a.example"]))
  #expect(
    failure.description
      == "environment variable HTTP_ALLOWED_ORIGINS: \"http.allowedOrigins\" must hold \"*\" alone or not at all")
}

@Test func aRequestLineFitsTheHead() throws {
  let failure = try refusal(of: SettingsSources(environment: ["HTTP_MAX_HEAD_BYTES": "4096"]))
  #expect(
    failure.description
      == "environment variable HTTP_MAX_HEAD_BYTES: \"http.maxRequestLineBytes\" must not be above "
      + "\"http.maxHeadBytes\", which is 4096")
}

@Test func allConflictsAreReportedTogether() throws {
  let failure = try refusal(
    of: SettingsSources(environment: ["ADMIN_HOST": "0.0.0.0", "SERVER_PORT": "8081", "HTTP_MAX_HEAD_BYTES": "64"]))
  #expect(failure.errors.count == 3)
}

// MARK: texts

@Test(arguments: TextRule.allCases) func aRuleTakesItsSamplesAndRefusesABadOne(rule: TextRule) {
  #expect(rule.accepts(rule.samples.0))
  #expect(rule.accepts(rule.samples.1))
  #expect(!rule.accepts(rule.bad))
  if rule != .any { #expect(!rule.accepts("")) }
}

@Test(arguments: [
  ("/genesys/cometd", true), ("/cometd", true), ("/a-b/c.d/~e_f", true), ("/genesys/10", true),
  ("/demonstration", true),
  ("/", false), ("", false), ("cometd", false), ("/cometd/", false), ("//cometd", false), ("/a//b", false),
  ("/a/../b", false), ("/./a", false), ("/a b", false), ("/a%20b", false), ("/a?b", false), ("/ä", false),
  ("/genesys/1", false), ("/genesys/1/cometd", false), ("/genesys", false), ("/demo", false), ("/demo/x", false),
]) func aMountPathIsPlainAndApartFromTheOthers(path: String, isFine: Bool) {
  #expect(TextRule.mountPath.accepts(path) == isFine)
}

@Test(arguments: [
  ("*", "*"), ("https://a.example", "https://a.example"), ("HTTPS://A.Example:443", "https://a.example"),
  ("http://a.example:80", "http://a.example"), ("http://a.example:443", "http://a.example:443"),
  ("https://*.a.example:8443", "https://*.a.example:8443"), ("http://[::1]:8080", "http://[::1]:8080"),
  ("http://localhost:3000", "http://localhost:3000"),
]) func anOriginIsComparedInOneSpelling(text: String, normalised: String) {
  #expect(OriginText.normalised(text) == normalised)
}

@Test(arguments: [
  "", "null", "a.example", "https://", "https://a.example/", "https://a.example/x", "https://a b", "https://*",
  "https://a.*.example", "https://a.example:0", "https://a.example:70000", "https://a.example:x", "ftp://a.example",
  "https://user@a.example", "https://a.example:", "https://::1",
]) func whatIsNoOriginIsRefused(text: String) {
  #expect(OriginText.normalised(text) == nil)
}

@Test(arguments: [
  ("127.0.0.1", true), ("::1", true), ("[fe80::1%eth0]", true), ("broker", true), ("my_service.internal", true),
  ("1.2.3", false), ("256.1.1.1", false), ("a..b", false), ("-a.example", false), ("a b", false), ("a:80", false),
  ("http://a", false), ("", false), (String(repeating: "a", count: 64), false), ("*", false),
]) func aHostIsANameOrAnAddress(text: String, isFine: Bool) {
  #expect(TextRule.host.accepts(text) == isFine)
}

@Test(arguments: [
  ("10.0.0.0/8", true), ("10.0.0.1", true), ("0.0.0.0/0", true), ("::/0", true), ("::1/128", true),
  ("10.0.0.0/33", false), ("::1/129", false), ("10.0.0.0/", false), ("10.0.0.0/-1", false), ("10.0.0.0/8/8", false),
  ("10.0.0/8", false), ("proxy", false), ("", false), ("/8", false), ("10.0.0.0/+8", false),
]) func aNetworkIsAnAddressWithItsBits(text: String, isFine: Bool) {
  #expect(TextRule.network.accepts(text) == isFine)
}

@Test(arguments: [
  ("https://chat.example.com/base/", "https://chat.example.com/base"),
  ("https://chat.example.com/", "https://chat.example.com"),
  ("http://10.0.0.1:8080", "http://10.0.0.1:8080"),
]) func aBaseURLLosesItsLastSlash(text: String, normalised: String) throws {
  let loaded = try Settings.load(from: SettingsSources(environment: ["GMS_EXTERNAL_URL_BASE": text]))
  #expect(loaded.settings.server.gms.externalUrlBase == normalised)
}

@Test(arguments: [
  "//a", "https://*.a.example", "https://a/?b", "https://a/#b", "https://a b/", "https:///a", "https://",
])
func whatIsNoBaseURLIsRefused(text: String) {
  #expect(!TextRule.baseURL.accepts(text))
}

@Test func headerNamesAreKeptInLowerCase() throws {
  let loaded = try Settings.load(from: SettingsSources(environment: ["GMS_USER_HEADERS": "X-User,gms_user"]))
  #expect(loaded.settings.server.gms.userHeaders == ["x-user", "gms_user"])
}

@Test func aRemoteBackendNeedsAddressAndSecret() throws {
  let bare = try refusal(of: SettingsSources(environment: ["CHAT_BACKEND": "remote"]))
  #expect(
    bare.description
      == "environment variable CHAT_BACKEND: \"chat.remote.url\" must be set, since \"chat.backend\" is \"remote\"\n"
      + "environment variable CHAT_BACKEND: \"chat.remote.secret\" must have at least 16 characters, "
      + "since \"chat.backend\" is \"remote\"")
  let short = try refusal(
    of: SettingsSources(
      environment: [
        "CHAT_BACKEND": "remote", "CHAT_REMOTE_URL": "http://127.0.0.1:9090", "CHAT_REMOTE_SECRET": "0123456789abcde",
      ]))
  #expect(short.description.hasPrefix("environment variable CHAT_REMOTE_SECRET: \"chat.remote.secret\" must have"))
  #expect(!short.description.contains("0123456789"))
}

@Test func withoutRemoteBackendItsSettingsMayStand() throws {
  let loaded = try Settings.load(from: SettingsSources(environment: ["CHAT_REMOTE_SECRET": "short"]))
  #expect(loaded.settings.server.chat.backend == .embedded)
}

@Test func aPartOfASectionIsAnObjectInAFile() throws {
  let text = """
    {"chat":{"backend":"remote","remote":{"url":"http://127.0.0.1:9090/","secret":"0123456789abcdef","retries":5}}}
    """
  let file = SettingsFile(parsing: Array(text.utf8), path: "f")
  #expect(file.errors == [])
  #expect(file.entries["chat.remote.retries"]?.value == .whole(5))
  let wrong = SettingsFile(parsing: Array(#"{"chat":{"remote":{"ulr":"x"},"remote":5}}"#.utf8), path: "f")
  #expect(
    wrong.errors.map(\.description) == [
      "f:1: unknown key \"chat.remote.ulr\"; did you mean \"chat.remote.url\"?",
      "f:1: \"chat.remote\" is given twice; it stands in line 1 already",
      "f:1: \"chat.remote\" must be an object of keys, not 5",
    ])
}

@Test(arguments: [("embedded", 16_384), ("remote", 32_768)])
func noMessageIsLongerThanItsBackendTakes(backend: String, most: Int) throws {
  func sources(_ bytes: Int) -> SettingsSources {
    SettingsSources(environment: [
      "CHAT_BACKEND": backend, "CHAT_REMOTE_URL": "http://127.0.0.1:1",
      "CHAT_REMOTE_SECRET": String(repeating: "x", count: 16), "GMS_MAX_MESSAGE_BYTES": String(bytes),
    ])
  }
  #expect(try Settings.load(from: sources(most)).settings.server.gms.chat.limits.maxMessageBytes == most)
  #expect(
    try refusal(of: sources(most + 1)).description
      == "environment variable GMS_MAX_MESSAGE_BYTES: \"gms.maxMessageBytes\" must not be above \(most), "
      + "the longest text that \"chat.backend\" takes")
}
