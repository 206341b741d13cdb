// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Bytes
import LoadTest

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Two reports of a load test beside each other.
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare", abstract: "Print what the second of two JSON reports is of the first.")

  @Argument(help: "The report to compare with.") var first: String
  @Argument(help: "The report that is compared.") var second: String
  @Flag(help: "Print the ratios as JSON.") var json = false

  func run() throws {
    do {
      let comparison = try Comparison(try read(first), try read(second))
      if json {
        StandardStream.output.write(line: comparison.json.text)
      } else {
        for line in comparison.lines { StandardStream.output.write(line: line) }
      }
    } catch let error as LoadTestError {
      throw CommandFailure(status: .usage, message: error.description)
    }
  }

  private func read(_ path: String) throws -> JSONValue {
    guard let bytes = try? Data(contentsOf: URL(filePath: path)) else {
      throw LoadTestError.badFile("\(path): cannot be read")
    }
    do throws(JSONError) {
      return try JSONValue(parsing: Array(bytes).span)
    } catch {
      throw LoadTestError.badFile("\(path): not JSON: \(error.reason.rawValue) at byte \(error.offset)")
    }
  }
}
