// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import BrokerSettings

/// How a verb ends. THE table of exit codes.
enum EndingStatus: Int32, CaseIterable, Error {
  case ok = 0
  /// What was asked for could not be done, or a check said no.
  case failed = 1
  /// Wrong arguments or configuration.
  case usage = 2
  case conditionNotMet = 3
  case unreachable = 4

  func exit() -> Never { RootCommand.exit(withError: ExitCode(rawValue)) }
}

/// An error of a verb with the exit code it stands for.
struct CommandFailure: Error {
  let status: EndingStatus
  /// One line for people.
  let message: String
}

/// The last words of a process.
struct Ending: Equatable {
  let status: EndingStatus
  let message: String

  init(of error: any Error) {
    switch error {
    case let failure as SettingsFailure: (status, message) = (.usage, failure.description)
    case let failure as CommandFailure: (status, message) = (failure.status, "error: \(failure.message)")
    default:
      // Requests for help and the version are errors to ArgumentParser, with exit code 0.
      switch RootCommand.exitCode(for: error) {
      case .success: status = .ok
      case .validationFailure: status = .usage
      default: status = .failed
      }
      message = RootCommand.fullMessage(for: error)
    }
  }
}
