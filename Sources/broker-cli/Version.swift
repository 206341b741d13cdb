// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BrokerServer
import Bytes

/// What this program calls itself.
enum Version {
  static let program = "broker-cli"
  static let number = BrokerServer.version
  static let line = "\(program) \(number)"
  static let json: JSONValue = ["name": .string(program), "version": .string(number)]
}

struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

  @Flag(help: "Print one JSON object.") var json = false

  func run() {
    StandardStream.output.write(line: json ? Version.json.text : Version.line)
  }
}
