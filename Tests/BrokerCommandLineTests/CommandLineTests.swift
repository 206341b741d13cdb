// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BrokerServer
import BrokerSettings
import Bytes
import Testing

@testable import broker_cli

private func serve(_ arguments: [String]) throws -> ServeCommand {
  try #require(try RootCommand.parseAsRoot(["serve"] + arguments) as? ServeCommand)
}

@Test func flagsBecomeSettingsOfTheirKeys() throws {
  let command = try serve([
    "--host", "::1", "--port", "0", "--admin-port", "1", "--shards", "2", "--demo", "--log-level", "debug",
    "--log-format", "json", "--config", "f", "--data", "d",
  ])
  #expect(command.file == "f")
  #expect(
    command.flags == [
      "server.host": .text("::1"), "server.port": .whole(0), "admin.port": .whole(1), "server.shards": .whole(2),
      "data.directory": .text("d"), "demo.agent": .bool(true), "log.level": .text("debug"), "log.format": .text("json"),
    ])
  let keys = SettingsTable.keys.filter { $0.flag != nil }.map(\.name)
  #expect(Set(command.flags.keys) == Set(keys), "every key with a flag, and no other")
}

@Test func flagsThatAreNotGivenLeaveRoomForOtherSources() throws {
  #expect(try serve([]).flags.isEmpty)
}

@Test func helpTellsEveryFlagWithDefaultAndVariable() {
  // Without the line breaks of the terminal.
  let help = RootCommand.helpMessage(for: ServeCommand.self).split(whereSeparator: \.isWhitespace).joined(
    separator: " ")
  for key in SettingsTable.keys {
    guard let flag = key.flag else { continue }
    #expect(help.contains("\(flag) "))
    #expect(help.contains("environment: \(key.environmentName))"))
  }
  #expect(help.contains("(default: 8080; environment: SERVER_PORT)"))
  #expect(help.contains("(default: one per core; environment: SERVER_SHARDS)"))
}

@Test(arguments: [
  (["serve", "--port", "x"], EndingStatus.usage), (["serve", "--nonsense"], .usage), (["nonsense"], .usage),
  (["serve", "extra"], .usage), (["version", "--help"], .ok), (["--version"], .ok), (["serve", "--help"], .ok),
]) func wrongUsageEndsWithTwoAndHelpWithZero(arguments: [String], status: EndingStatus) throws {
  let error = try #require(throws: (any Error).self) {
    // A command that shows help does so when it runs.
    var command = try RootCommand.parseAsRoot(arguments)
    if !(command is ServeCommand) { try command.run() }
  }
  let ending = Ending(of: error)
  #expect(ending.status == status)
  #expect(!ending.message.isEmpty)
}

@Test func wrongConfigurationEndsWithTwoAndItsOwnWords() throws {
  let error = try #require(throws: SettingsFailure.self) {
    try Settings.load(from: SettingsSources(flags: ["server.port": .whole(-1)]))
  }
  let ending = Ending(of: error)
  #expect(ending.status == .usage)
  #expect(ending.message == "option --port: \"server.port\" must be a whole number from 0 to 65535, not -1")
}

@Test(arguments: EndingStatus.allCases) func aFailureOfAVerbKeepsItsStatus(status: EndingStatus) {
  let ending = Ending(of: CommandFailure(status: status, message: "why"))
  #expect(ending.status == status)
  #expect(ending.message == "error: why")
}

@Test func theVersionStandsInOnePlace() {
  #expect(Version.line == "broker-cli \(Version.number)")
  #expect(Version.json.text == #"{"name":"broker-cli","version":"\#(Version.number)"}"#)
}

private func firstSteps(_ settings: Settings) -> [String] {
  FirstSteps.lines(publicAddress: "127.0.0.1:8080", adminAddress: "127.0.0.1:8081", settings: settings)
}

@Test func theFirstStepsAreAWholeConversation() {
  let lines = firstSteps(Settings())
  #expect(lines.count == 6)
  for (line, channel) in zip(lines[1...4], ["handshake", "connect", "subscribe", "connect"]) {
    #expect(line.contains("http://127.0.0.1:8080/genesys/cometd"))
    #expect(line.contains("/meta/\(channel)"))
  }
  #expect(lines[5].contains("http://127.0.0.1:8081/publish"))
}

@Test func theFirstStepsNameTheTokenAndDoNotShowIt() {
  var settings = Settings()
  settings.server.admin.token = "0123456789abcdef"
  let text = firstSteps(settings).joined()
  #expect(text.contains("Bearer $ADMIN_TOKEN"))
  #expect(!text.contains("0123456789abcdef"))
}

@Test func noFirstStepsAreShownThatTheBrokerWouldRefuse() {
  var settings = Settings()
  settings.server.server.host = "0.0.0.0"
  #expect(firstSteps(settings).isEmpty)
  settings.server.bayeux.openChannels = true
  #expect(!firstSteps(settings).isEmpty)
}
