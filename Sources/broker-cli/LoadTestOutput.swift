// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Bytes
import LoadTest

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

struct OutputArguments: ParsableArguments {
  @Option(help: "A process of the server, for its CPU time and memory; repeatable.") var serverPid: [Int] = []
  @Option(help: ArgumentHelp("Write the report as JSON; - is standard output.", valueName: "file")) var json: String?
  @Option(help: ArgumentHelp("Write the percentile distribution for HdrHistogram's plotter.", valueName: "file"))
  var hgrm: String?
  @Option(help: ArgumentHelp("Write the report as one page of HTML.", valueName: "file.html")) var report: String?
  @Flag(help: "No progress lines.") var quiet = false

  var isJSONOnly: Bool { json == "-" }

  /// Finds out before a long run whether its result can be kept.
  func checkWritable() throws {
    for path in [json, hgrm, report].compactMap({ $0 }) where path != "-" {
      let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
      guard descriptor >= 0 else { throw LoadTestError.cannotWrite(path, String(cString: strerror(errno))) }
      close(descriptor)
    }
  }

  func write(_ result: LoadReport) throws {
    if !isJSONOnly { for line in result.lines { StandardStream.output.write(line: line) } }
    if let json {
      if json == "-" {
        StandardStream.output.write(line: result.json.text)
      } else {
        try save(result.json.text + "\n", to: json)
      }
    }
    if let hgrm { try save(result.hgrm, to: hgrm) }
    if let report { try save(result.html, to: report) }
  }

  private func save(_ text: String, to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw LoadTestError.cannotWrite(path, String(cString: strerror(errno))) }
    defer { close(descriptor) }
    StandardStream(descriptor: descriptor).write(Array(text.utf8))
  }
}
