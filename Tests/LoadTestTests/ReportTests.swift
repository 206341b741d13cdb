// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import LoadTest

@Suite struct ReportTests {
  private func report(
    _ change: (inout WorkerResult) -> Void = { _ in }, options: (inout LoadOptions) -> Void = { _ in }
  ) throws -> LoadReport {
    var load = LoadOptions()
    options(&load)
    var result = WorkerResult()
    result.measured.delivered = 1000
    result.counters.published = 10
    result.counters.delivered = 1000
    result.measuredTime = .seconds(2)
    result.measuredCPU = .seconds(1)
    for value in 1...1000 { result.latency.record(nanoseconds: Int64(value) * 1_000_000) }
    result.seconds = (0..<3).map {
      LoadSecond(second: $0, delivered: 300 + $0, p50: .milliseconds(1), p99: .milliseconds(2))
    }
    change(&result)
    let server = LoadReport.Server(
      started: ServerSample(cpu: .seconds(1), residentBytes: 1_000_000, threads: 1),
      held: ServerSample(cpu: .seconds(2), residentBytes: 1_100_000, threads: 1),
      measuring: ServerSample(cpu: .seconds(3), residentBytes: 0, threads: 1),
      measured: ServerSample(cpu: .milliseconds(3500), residentBytes: 0, threads: 1), end: nil)
    return LoadReport(plan: try LoadPlan(load, run: 1), results: [result], setupTime: .seconds(1), server: server)
  }

  @Test func theNumbersFollowFromTheSamples() throws {
    let report = try report()
    #expect(report.unitsPerSecond == 500)
    #expect(report.serverMicrosecondsPerUnit == 500)
    #expect(report.serverShare == 0.25)
    #expect(report.serverBytesPerClient == 1000)
    #expect(report.serverMicrosecondsPerSetup == 10_000)
    #expect(report.generatorShare == 0.5 && !report.generatorWasLimit)
  }

  @Test func aBusyGeneratorSaysSo() throws {
    let report = try report({ $0.measuredCPU = .milliseconds(1850) })
    #expect(report.generatorWasLimit)
    #expect(report.lines.contains { $0.contains("THE GENERATOR WAS THE LIMIT") })
  }

  @Test func aGeneratorThatFellBehindSaysSo() throws {
    let report = try report({ $0.latest = .seconds(5) }, options: { $0.rate = 10 })
    #expect(report.generatorWasLimit)
  }

  @Test func severalWorkersAddUp() throws {
    var one = WorkerResult()
    one.measured.delivered = 5
    one.measuredTime = .seconds(1)
    one.latency.record(nanoseconds: 1_000)
    one.seconds = [LoadSecond(second: 0, delivered: 5, p50: .milliseconds(1), p99: .milliseconds(9))]
    var two = one
    two.latency.record(nanoseconds: 9_000)
    two.seconds = [LoadSecond(second: 0, delivered: 7, p50: .milliseconds(2), p99: .milliseconds(3))]
    let sum = LoadReport(
      plan: try LoadPlan(LoadOptions(), run: 1), results: [one, two], setupTime: .zero, server: nil)
    #expect(sum.measuredUnits == 10 && sum.latency.count == 3)
    #expect(sum.seconds == [LoadSecond(second: 0, delivered: 12, p50: .milliseconds(2), p99: .milliseconds(9))])
    #expect(sum.json["server"] == .null)
  }

  @Test(arguments: ["lost", "duplicated", "reordered", "misdelivered", "publishErrors", "failedClients"])
  func anyFaultFailsTheRun(_ name: String) throws {
    let counter = try #require(LoadCounters.fields.first { $0.name == name }).path
    let report = try report({ $0.counters[keyPath: counter] = 1 })
    #expect(report.status == .checkFailed)
    #expect(report.lines.last?.hasPrefix("FAILED: 1 ") == true)
  }

  @Test func theJSONIsWholeAndHidesHeaderValues() throws {
    let report = try report(options: { $0.headers = ["Authorization: Bearer secret"] })
    let text = report.json.text
    #expect(!text.contains("secret"))
    let read = try JSONValue(parsing: text)
    #expect(read["results"]?["latencyMilliseconds"]?["p50"] == .number("500.2"))
    #expect(read["configuration"]?["headers"]?[0]?.string == "Authorization")
    #expect(read["curve"]?.elements?.count ?? 0 > 10)
  }

  @Test func thePageStandsAloneAndEscapes() throws {
    let page = try report({ $0.lastProblem = "<script>" }).html
    #expect(page.hasPrefix("<!DOCTYPE html>") && page.contains("<svg") && page.contains("prefers-color-scheme:dark"))
    #expect(!page.contains("<script>") && page.contains("&lt;script&gt;"))
    #expect(!page.contains("http-equiv") && !page.contains("src=") && !page.contains("href="))
  }

  @Test func anEmptyRunHasAPageToo() throws {
    let report = LoadReport(plan: try LoadPlan(LoadOptions(), run: 1), results: [], setupTime: .zero, server: nil)
    #expect(report.html.contains("No latency was measured."))
    #expect(report.lines.contains { $0.contains("nothing was measured") })
  }

  @Test func theDistributionIsForPlotters() throws {
    let lines = try report().hgrm.split(separator: "\n")
    #expect(lines.first?.contains("Percentile") == true)
    #expect(lines.contains { $0.contains("#[Mean") })
  }

  @Test func twoReportsAreComparedByRatios() throws {
    let first = try report().json
    let second = try report({ $0.measured.delivered = 2000 }, options: { $0.clients = 200 }).json
    let comparison = try Comparison(first, second)
    let rate = try #require(comparison.rows.first { $0.name == "per second" })
    #expect(rate.ratio == 2 && rate.isBetter == true)
    let cpu = try #require(comparison.rows.first { $0.name == "server CPU us each" })
    #expect(cpu.ratio == 0.5 && cpu.isBetter == true)
    #expect(comparison.differences.map(\.name) == ["clients"])
    #expect(comparison.lines.contains { $0.contains("per second") && $0.hasSuffix("better") })
  }

  @Test func whatIsNoReportIsNotCompared() {
    #expect(throws: LoadTestError.self) { _ = try Comparison(["a": 1], ["b": 2]) }
  }

  @Test(arguments: [
    (0.0, "0.000"), (12.3456, "12.35"), (0.0042173, "0.004217"), (123_456.7, "123457"), (-1.5, "-1.500"),
    (999.96, "1000.0"),
  ]) func numbersHaveFourDigitsThatCount(_ value: Double, _ text: String) { #expect(Decimals.text(value) == text) }

  @Test func aLineTellsHowItGoes() {
    var progress = LoadProgress(elapsed: .milliseconds(2500), clients: 10, connected: 9, held: 8)
    #expect(progress.line == "2.5 s  connected 9  held 8/10  setting up")
    progress.isRunning = true
    progress.lastSecond = LoadSecond(second: 1, delivered: 50, p50: .milliseconds(1), p99: .milliseconds(20))
    progress.counters.duplicated = 2
    #expect(
      progress.line == "2.5 s  connected 9  held 8/10  50/s  p50 1.000 ms  p99 20.00 ms  duplicated 2")
  }
}
