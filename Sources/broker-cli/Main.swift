// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Dispatch

/// The way in: parses, runs one verb, and turns what went wrong into one message and one of our exit codes.
@main
enum Main {
  /// Not `async`: the runtime would park the first thread with every signal unblocked, and the system would hand our
  /// signals to it.
  static func main() {
    // Before any other thread exists, since a thread inherits what its creator blocks.
    Signals.block()
    let ended = DispatchSemaphore(value: 0)
    Task.detached {
      await run()
      ended.signal()
    }
    ended.wait()
  }

  private static func run() async {
    do {
      var command = try RootCommand.parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      let ending = Ending(of: error)
      (ending.status == .ok ? StandardStream.output : .error).write(line: ending.message)
      ending.status.exit()
    }
  }
}

struct RootCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "broker-cli",
    abstract: "A push broker: Bayeux by long polling, and the GMS chat API.",
    discussion: """
      Exit codes: 0 done, 1 a check failed, 2 wrong usage or configuration, 3 a condition was not met, \
      4 the server cannot be reached.
      """,
    version: Version.line,
    subcommands: [ServeCommand.self, LoadTestCommand.self, VersionCommand.self])
}
