// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import LoadTest

@Suite struct CoordinatorTests {
  private let now = Instant(nanoseconds: 1_000)

  @Test func aRunGoesItsCourse() {
    var run = RunCoordinator(workers: 2)
    var actions = [run.receive(.up(.seconds(1)), from: 0), run.receive(.up(.seconds(3)), from: 1)]
    #expect(actions == [[], [.settle]])
    #expect(run.setupTime == .seconds(3))
    let begin = run.settled(now)
    #expect(begin == [.sample(.held), .command(.go(now + .milliseconds(20)))])
    actions = [run.receive(.measuring, from: 1), run.receive(.measuring, from: 0)]
    #expect(actions == [[.sample(.measuring)], []])
    actions = [run.receive(.measured, from: 0), run.receive(.measured, from: 1)]
    #expect(actions == [[], [.sample(.measured)]])
    actions = [run.receive(.published([2]), from: 1), run.receive(.published([1]), from: 0)]
    #expect(actions == [[], [.command(.expect([[1], [2]]))]])
    actions = [run.receive(.result(WorkerResult()), from: 0), run.closed(0, "done")]
    #expect(actions == [[], []])
    actions = [run.receive(.result(WorkerResult()), from: 1), run.closed(1, "done")]
    #expect(actions == [[.finish], []])
  }

  @Test func aWorkerThatDiesEndsTheRun() {
    var run = RunCoordinator(workers: 2)
    let actions = run.closed(1, "closed by the peer")
    #expect(actions == [.fail(.workerFailed(1, "it ended: closed by the peer"))])
    let later = run.receive(.up(.zero), from: 0)
    #expect(later.isEmpty)
  }

  @Test func anInterruptEndsItAndAThirdOneGivesUp() {
    var run = RunCoordinator(workers: 1)
    let actions = [run.interrupt(), run.interrupt(), run.interrupt(), run.interrupt()]
    #expect(
      actions == [[.command(.stop)], [.command(.stop)], [.fail(.workerFailed(0, "interrupted"))], []])
  }

  @Test(arguments: [
    WorkerCommand.go(Instant(nanoseconds: 123_456_789_012_345)), .expect([[1, 2], [], [4_000_000_000]]), .stop,
  ]) func aCommandSurvivesTheWay(_ command: WorkerCommand) throws {
    #expect(WorkerCommand(json: try JSONValue(parsing: command.json.text)) == command)
  }

  @Test func aResultSurvivesTheWay() throws {
    var result = WorkerResult()
    result.counters.lost = 3
    result.measured.delivered = 4
    result.measuredTime = .milliseconds(5)
    result.latest = .nanoseconds(6)
    result.lastProblem = "quoted \"x\""
    result.seconds = [LoadSecond(second: 0, delivered: 7, p50: .nanoseconds(8), p99: .nanoseconds(9))]
    for value in [1, 999, 123_456, 987_654_321, 3_600_000_000_000] { result.latency.record(nanoseconds: Int64(value)) }
    let line = try JSONValue(parsing: WorkerReport.result(result).json.text)
    guard case .result(let read) = WorkerReport(json: line, worker: 0) else {
      Issue.record("not a result")
      return
    }
    #expect(read.counters == result.counters && read.measured == result.measured && read.seconds == result.seconds)
    #expect(read.measuredTime == result.measuredTime && read.latest == result.latest)
    #expect(read.lastProblem == result.lastProblem && read.latency.maximum == .seconds(3600))
    for percent in [1.0, 20, 50, 70, 99.99] {
      #expect(read.latency.percentile(percent) == result.latency.percentile(percent))
    }
  }

  @Test(arguments: [
    LoadTestError.unreachable("h:1", "refused"), .clientsMissing(1, 2, "x"), .cannotPublish("403"),
    .workerFailed(3, "y"),
  ]) func aFailureSurvivesTheWay(_ error: LoadTestError) throws {
    let line = try JSONValue(parsing: WorkerReport.failed(error).json.text)
    guard case .failed(let read) = WorkerReport(json: line, worker: 3) else {
      Issue.record("not a failure")
      return
    }
    #expect(read == error)
  }

  @Test func theLineOfAProcessIsReadWhateverItsName() throws {
    let line = "42 (a) (b c)) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 7 0 100 4096000 250 18446744073709551615 1 1"
    let sample = try #require(ServerProbe.parse(line))
    #expect(sample.cpu == .seconds(2) && sample.threads == 7 && sample.residentBytes == 250 * 4096)
    #expect(ServerProbe.parse("42 (x) S 1 2") == nil)
  }
}
