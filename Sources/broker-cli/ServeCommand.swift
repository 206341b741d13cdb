// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BrokerServer
import BrokerSettings
import Logging

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Runs the broker in the foreground until a signal ends it.
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Run the broker until SIGTERM or SIGINT.",
    discussion: """
      Prints one line per listener on standard output once it accepts connections; logs go to standard error. Every \
      setting can also stand in the file or in the environment: flag > environment > file > default. All of them are \
      described in Docs/Configuration.md.
      """)

  /// Held connects are answered within this time of the first signal; what is left of ``Signals/endWithin`` is for the
  /// end of the process itself.
  static let shutdownWithin: Duration = .seconds(4)

  @Option(name: .customLong("config"), help: ArgumentHelp("JSON file with settings.", valueName: "file"))
  var file: String?

  @Option(help: .setting("server.host")) var host: String?
  @Option(help: .setting("server.port")) var port: Int?
  @Option(help: .setting("server.shards")) var shards: Int?
  @Option(help: .setting("admin.port")) var adminPort: Int?
  @Option(help: .setting("data.directory")) var data: String?
  @Flag(help: .setting("demo.agent")) var demo = false
  @Option(help: .setting("log.level")) var logLevel: String?
  @Option(help: .setting("log.format")) var logFormat: String?

  /// The options that were given, under the names of their keys.
  var flags: [String: SettingValue] {
    let given: [String: SettingValue?] = [
      "server.host": host.map(SettingValue.text),
      "server.port": port.map(SettingValue.whole),
      "server.shards": shards.map(SettingValue.whole),
      "admin.port": adminPort.map(SettingValue.whole),
      "data.directory": data.map(SettingValue.text),
      "demo.agent": demo ? .bool(true) : nil,
      "log.level": logLevel.map(SettingValue.text),
      "log.format": logFormat.map(SettingValue.text),
    ]
    return given.compactMapValues { $0 }
  }

  func run() async throws {
    let loaded = try Settings.load(
      from: SettingsSources(filePath: file, environment: ProcessInfo.processInfo.environment, flags: flags))
    let settings = loaded.settings
    let writer = LogWriter.standardError(format: settings.log.format)
    defer { writer.flush(within: .milliseconds(500)) }
    let logger = Logger(label: "broker") { _ in BrokerLogHandler(settings: settings.log, writer: writer) }
    for warning in loaded.warnings { logger.warning("\(warning)") }

    let signals = try Signals.first()
    let (server, addresses) = try await start(settings, logger: logger)
    StandardStream.output.write(line: "listening on http://\(addresses.publicAddress)")
    StandardStream.output.write(line: "admin on http://\(addresses.adminAddress)")
    if settings.server.demo.agent || StandardStream.output.isTerminal {
      let steps = FirstSteps.lines(
        publicAddress: addresses.publicAddress, adminAddress: addresses.adminAddress, settings: settings)
      for line in steps { StandardStream.output.write(line: "  \(line)") }
    }

    let ending = Task { () -> Int32? in
      for await signal in signals {
        logger.notice("ending", metadata: ["signal": .stringConvertible(signal)])
        await server.shutdown(within: Self.shutdownWithin)
        return signal
      }
      return nil
    }
    await server.waitUntilStopped()
    ending.cancel()
    guard await ending.value != nil else {
      throw CommandFailure(status: .failed, message: "the server stopped by itself; the log says why")
    }
  }

  private func start(_ settings: Settings, logger: Logger) async throws -> (BrokerServer, ListenAddresses) {
    do {
      let server = try BrokerServer(configuration: settings.server, backend: nil, logger: logger)
      return (server, try await server.start())
    } catch {
      throw CommandFailure(status: .failed, message: Printable.escaped(String(describing: error)))
    }
  }
}

extension ArgumentHelp {
  /// What the table says about a key.
  static func setting(_ name: String) -> ArgumentHelp {
    guard let key = SettingsTable.key(name) else { return ArgumentHelp(name) }
    let standard = key.defaultValue == nil ? key.defaultText : key.defaultText.replacing("\"", with: "")
    let choices = if case .choice(let names) = key.shape { " One of \(names.joined(separator: ", "))." } else { "" }
    return ArgumentHelp(
      "\(key.meaning)\(choices) (default: \(standard); environment: \(key.environmentName))",
      valueName: String(name.drop { $0 != "." }.dropFirst()))
  }
}
