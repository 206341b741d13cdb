// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import Logging
import Testing

@testable import LoadTest

/// Runs against the real broker: its own interfaces, as the scenarios use them.
@Suite(.serialized) struct BrokerRunTests {
  /// A broker of two shards; `body` gets options that point to it.
  private func withBroker(_ body: (LoadOptions) throws -> Void) async throws {
    var configuration = ServerConfiguration()
    configuration.server.port = 0
    configuration.server.shards = 2
    configuration.admin.port = 0
    let server = try BrokerServer(
      configuration: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let addresses = try await server.start()
    var options = LoadOptions()
    options.url = "http://\(addresses.publicAddress)/genesys/cometd"
    options.agentURL = "http://\(addresses.adminAddress)"
    options.clients = 12
    options.messages = 30
    options.window = 3
    options.warmup = .zero
    options.settle = .zero
    do { try body(options) } catch {
      await server.shutdown(within: .seconds(2))
      throw error
    }
    await server.shutdown(within: .seconds(2))
  }

  private func run(_ options: LoadOptions) throws -> LoadReport {
    try LoadTestRunner(try LoadPlan(options, run: 9), launcher: ThreadLauncher()).run(handlingSignals: false)
  }

  @Test func everybodyGetsWhatIsPublishedToAll() async throws {
    try await withBroker { options in
      let report = try run(options)
      #expect(report.counters.failures.isEmpty && report.counters.delivered == 360)
    }
  }

  @Test func acknowledgedBatchesLoseNothing() async throws {
    try await withBroker { options in
      var options = options
      options.acknowledgements = true
      let report = try run(options)
      #expect(report.counters.failures.isEmpty && report.counters.delivered == 360)
    }
  }

  @Test func usersAreReachedThroughTheAdminListener() async throws {
    try await withBroker { options in
      var options = options
      options.scenario = .users
      options.publishURL = options.agentURL + "/publish"
      let report = try run(options)
      #expect(report.counters.failures.isEmpty && report.counters.delivered == 30)
    }
  }

  @Test func wholeChatsGoThrough() async throws {
    try await withBroker { options in
      var options = options
      options.scenario = .chat
      options.exchanges = 2
      let report = try run(options)
      #expect(report.counters.failures.isEmpty)
      #expect(report.counters.dialogues == 30 && report.dialogue.count == 30)
      // Each of the two parties says two things, and every word comes back to the customer.
      #expect(report.counters.published == 120 && report.counters.delivered == 120)
      #expect(report.unit == "chats" && report.measuredUnits == 30)
    }
  }

  @Test func aStormOfReconnectsIsSurvived() async throws {
    try await withBroker { options in
      var options = options
      options.scenario = .storm
      options.rounds = 2
      let report = try run(options)
      #expect(report.counters.failures.isEmpty && report.counters.returned == 24 && report.counters.delivered == 12)
    }
  }
}
