// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import LoadTest

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Puts load on a Bayeux server and accounts for every message.
struct LoadTestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load-test",
    abstract: "Put load on any Bayeux server, and account for every message.",
    discussion: """
      Scenarios: fanout (one channel, all subscribe), users (each message to one user), rooms (clients in rooms, as \
      CometD's benchmark does), hold (all held, nothing happens), storm (all reconnect at once), chat (whole chats, \
      agents included).

      Exit codes: 0 all arrived once, in order, where it belongs; 1 it did not; 2 wrong usage; 3 the run did not come \
      to the point of measuring; 4 the server cannot be reached. Docs/LoadTest.md explains every number.
      """,
    subcommands: [CompareCommand.self])

  @OptionGroup(title: "What is done") var load: LoadArguments
  @OptionGroup(title: "Publishing") var publish: PublishArguments
  @OptionGroup(title: "Results") var output: OutputArguments
  @Option(help: .hidden) var worker: Int?
  @Option(name: .customLong("run"), help: .hidden) var runNumber: UInt32?

  func run() throws {
    let plan: LoadPlan
    do {
      plan = try LoadPlan(options, run: runNumber ?? UInt32.random(in: 1...UInt32.max))
      if let worker { return try LoadWorker.runProcess(plan, index: worker) }
      let report = try measure(plan)
      try output.write(report)
      if report.status != .ok { EndingStatus.failed.exit() }
    } catch let error as LoadTestError {
      let status = EndingStatus(rawValue: error.status.rawValue) ?? .failed
      throw CommandFailure(status: status, message: error.description)
    }
  }

  var options: LoadOptions {
    var options = LoadOptions()
    load.fill(&options)
    publish.fill(&options)
    options.serverPIDs = output.serverPid
    return options
  }

  private func measure(_ plan: LoadPlan) throws -> LoadReport {
    try output.checkWritable()
    let launcher: any WorkerLauncher
    if plan.options.processes == 1 {
      launcher = ThreadLauncher()
    } else {
      launcher = ProcessLauncher { index in
        CommandLine.arguments + ["--worker", "\(index)", "--run", "\(plan.runNumber)"]
      }
    }
    let screen = ProgressScreen(isQuiet: output.quiet || output.isJSONOnly)
    defer { screen.end() }
    return try LoadTestRunner(plan, launcher: launcher, progress: screen.show).run(handlingSignals: true)
  }
}

/// The line that tells how a run goes: on a terminal it is written over, elsewhere it comes every five seconds.
final class ProgressScreen {
  private let isTerminal = StandardStream.error.isTerminal
  private let isQuiet: Bool
  private var shown = 0
  private var hasLine = false

  init(isQuiet: Bool) { self.isQuiet = isQuiet }

  func show(_ progress: LoadProgress) {
    if isQuiet { return }
    if isTerminal {
      StandardStream.error.write(Array("\r\u{1B}[K\(progress.line)".utf8))
      hasLine = true
    } else {
      if shown % 10 == 9 { StandardStream.error.write(line: progress.line) }
      shown += 1
    }
  }

  func end() {
    if hasLine { StandardStream.error.write(Array("\r\u{1B}[K".utf8)) }
  }
}
