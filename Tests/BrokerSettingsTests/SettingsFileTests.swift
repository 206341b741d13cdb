// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import BrokerSettings

@Test func anUnknownKeyNamesItsLineAndTheNearestKey() {
  let text = """
    {
      "server": {
        "port": 8080
      },

      "bayeux": {
        "maxIntervall": 30000
      }
    }
    """
  #expect(
    fileErrors(text) == [#"broker.json:7: unknown key "bayeux.maxIntervall"; did you mean "bayeux.maxInterval"?"#])
}

@Test func allErrorsOfAFileAreReportedTogetherInTheOrderOfTheText() {
  let text = """
    {
      "server": { "port": "8080", "prot": 1 },
      "services": { "request-chat": { "_ttl": 10 } },
      "service": {},
      "bayeux": 5,
      "http": {
        "allowedOrigins": [
          "https://good.example",
          "ftp://bad.example"
        ]
      },
      "log.level": "loud",
      "server.port": 1
    }
    """
  #expect(
    fileErrors(text) == [
      #"broker.json:2: "server.port" must be a whole number from 0 to 65535, not "8080""#,
      #"broker.json:2: unknown key "server.prot"; did you mean "server.port"?"#,
      #"broker.json:4: unknown key "service""#,
      #"broker.json:5: "bayeux" must be an object of keys, not 5"#,
      #"broker.json:9: "http.allowedOrigins" must be a list, each element an origin: "https://host[:port]", "#
        + #""https://*.host" or "*" alone, not "ftp://bad.example""#,
      #"broker.json:12: "log.level" must be one of "trace", "debug", "info", "notice", "warning", "error", "#
        + #""critical", not "loud""#,
      #"broker.json:13: "server.port" is given twice; it stands in line 2 already"#,
    ])
}

@Test(arguments: [
  "{\"server\":{\"port\":1},\n\"server\":{\"host\":\"::1\"}}", "{\"server\":{},\n\"server\":{}}",
]) func aSectionGivenTwiceIsADuplicate(text: String) {
  #expect(fileErrors(text) == [#"broker.json:2: "server" is given twice; it stands in line 1 already"#])
}

@Test func aKeyGivenInTwoSpellingsIsADuplicate() {
  #expect(
    fileErrors("{\"server\":{\"port\":1},\n\"server.port\":2}") == [
      #"broker.json:2: "server.port" is given twice; it stands in line 1 already"#
    ])
  #expect(
    fileErrors("{\"server\":{\"port\":1,\n\"p\\u006frt\":2}}") == [
      #"broker.json:2: "server.port" is given twice; it stands in line 1 already"#
    ])
}

@Test(arguments: [
  ("", 1), ("[]", 1), ("\n\n5", 3), ("null", 1), ("\"x\"", 1), ("// comment\n{}", 1), ("server: {}", 1),
]) func whatIsNoObjectIsNoConfiguration(text: String, line: Int) {
  #expect(fileErrors(text) == ["broker.json:\(line): a configuration file is one JSON object, {…}"])
}

@Test(arguments: [
  ("{\n\"server\": {\n\"port\": 80,\n}}", 4, "unexpected character"),
  ("{\n\"server\": {}", 2, "the text ends in the middle of a value"),
  ("{}\n\n{}", 3, "text after the value"),
  ("{\n\"log.level\": \"in\u{1}fo\"}", 2, "control character in a string"),
  ("{\n'log.level': 1}", 2, "unexpected character"),
  ("{\n\"server.port\": 08}", 2, "bad number"),
  ("{\n\"x\": \(String(repeating: "[", count: 40))", 2, "nested too deeply"),
]) func badJSONNamesItsLine(text: String, line: Int, reason: String) {
  #expect(fileErrors(text).last == "broker.json:\(line): not valid JSON: \(reason)")
}

@Test func errorsInFrontOfBadJSONAreReportedWithIt() {
  #expect(
    fileErrors("{\"servr\": 1,\n\"server.port\": -1,\n") == [
      #"broker.json:1: unknown key "servr"; did you mean "server"?"#,
      #"broker.json:2: "server.port" must be a whole number from 0 to 65535, not -1"#,
      "broker.json:3: not valid JSON: the text ends in the middle of a value",
    ])
}

@Test(arguments: ["{}", " \r\n{ }\n", "\u{FEFF}{}", "{\"server\":{}}"]) func anEmptyConfigurationIsFine(text: String) {
  #expect(fileErrors(text) == [])
}

@Test func escapesInKeysAndValuesAreRead() {
  let file = SettingsFile(parsing: Array(#"{"log":{"lev\u0065l":"\u0064ebug"}}"#.utf8), path: "f")
  #expect(file.errors == [])
  #expect(file.entries["log.level"]?.value == .text("debug"))
}

@Test func whatAFileSaysIsShownShortAndHarmless() {
  let long = String(repeating: "k", count: 500)
  let errors = fileErrors("{\"\(long)\": 1, \"\\u001b[31m\": 2, \"server.host\": \"a\\nb\u{202E}\"}")
  #expect(errors[0] == "broker.json:1: unknown key \"\(long.prefix(80))…\"")
  #expect(errors[1] == #"broker.json:1: unknown key "\u{1b}[31m""#)
  #expect(errors[2].hasSuffix(#"not "a\nb\u{202e}""#))
}

@Test func damagedFilesAreRefusedOrReadButNeverCrash() {
  let text =
    #"{"server":{"host":"::1","port":8080},"http.allowedOrigins":["https://a.example"],"bayeux":{"jsonp":true}}"#
  var generator = SplitMix(state: 7)
  var refused = 0
  for _ in 0..<3000 {
    var bytes = Array(text.utf8)
    for _ in 0..<Int.random(in: 1...4, using: &generator) {
      let at = Int.random(in: 0..<bytes.count, using: &generator)
      switch Int.random(in: 0..<3, using: &generator) {
      case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
      case 1: bytes.remove(at: at)
      default: bytes.insert("{}[],:\"\\\n0t".utf8.randomElement(using: &generator) ?? 0, at: at)
      }
    }
    let file = SettingsFile(parsing: bytes, path: "f")
    if !file.errors.isEmpty { refused += 1 }
    for (name, entry) in file.entries {
      #expect(SettingsTable.key(name)?.shape.firstFault(in: entry.value) == nil)
    }
  }
  #expect(refused > 2000)
}

/// A generator that gives the same numbers in every run (Steele, Lea, Flood: Fast Splittable PRNGs, 2014).
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}

@Test func aMemberGivenTwiceInAServiceIsToldInItsLine() {
  let text = "{\n\"services\": {\n\"a\": {\n\"_type\": {\"x\": 1,\n\"x\": 2}}}}"
  #expect(fileErrors(text) == ["broker.json:5: not valid JSON: a member is given twice"])
}
