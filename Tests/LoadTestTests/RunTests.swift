// SPDX-License-Identifier: Apache-2.0
import Bytes
import Glibc
import Testing

@testable import LoadTest

/// Whole runs against a canned server: what is counted, and how it ends.
@Suite(.serialized) struct RunTests {
  private func options(_ scenario: LoadScenario = .fanout) -> LoadOptions {
    var options = LoadOptions()
    options.scenario = scenario
    options.clients = 10
    options.rooms = 6
    options.roomsPerClient = 3
    options.messages = 40
    options.window = 4
    options.warmup = .zero
    options.settle = .zero
    options.stall = .milliseconds(300)
    return options
  }

  private func run(_ options: LoadOptions, run: UInt32 = 77) throws -> LoadReport {
    try LoadTestRunner(try LoadPlan(options, run: run), launcher: ThreadLauncher()).run(handlingSignals: false)
  }

  private func run(_ options: LoadOptions, against faults: Faults) throws -> LoadReport {
    let server = try CannedServer(faults)
    defer { server.stop() }
    var options = options
    options.url = server.url
    return try run(options)
  }

  @Test(arguments: [LoadScenario.fanout, .users, .rooms])
  func anHonestServerIsFoundHonest(_ scenario: LoadScenario) throws {
    let report = try run(options(scenario), against: Faults())
    let each = [LoadScenario.fanout: 10, .users: 1, .rooms: 5][scenario] ?? 0
    #expect(report.counters.failures.isEmpty)
    #expect(report.status == .ok)
    #expect(report.counters.published == 40)
    #expect(report.counters.delivered == 40 * each)
    #expect(report.latency.count == 40 * each)
    #expect(report.latency.percentile(50) > .zero && report.latency.maximum >= report.latency.percentile(99.99))
    #expect(report.lines.last?.hasPrefix("ok:") == true)
  }

  @Test func anOddServerIsUnderstood() throws {
    let report = try run(options(), against: Faults(isOdd: true))
    #expect(report.counters.failures.isEmpty)
    #expect(report.counters.delivered == 400)
  }

  @Test func whatIsLostIsCountedPerClient() throws {
    let report = try run(options(), against: Faults(losesEvery: 7))
    #expect(report.counters.lost == 10 * (40 / 7))
    #expect(report.counters.delivered == 400 - report.counters.lost)
    #expect(report.counters.duplicated == 0 && report.counters.reordered == 0)
    #expect(report.status == .checkFailed)
    #expect(report.lines.last?.contains("50 lost") == true)
  }

  @Test func whatComesTwiceIsCounted() throws {
    let report = try run(options(), against: Faults(doublesEvery: 8))
    #expect(report.counters.duplicated == 10 * (40 / 8))
    #expect(report.counters.lost == 0 && report.counters.delivered == 400)
    #expect(report.status == .checkFailed)
  }

  @Test func whatComesTooLateIsOutOfOrder() throws {
    var options = options()
    // Over two connections at once there would be no order to lose.
    options.publishConnections = 1
    let report = try run(options, against: Faults(delaysEvery: 9))
    #expect(report.counters.reordered == 10 * (40 / 9))
    #expect(report.counters.lost == 0 && report.counters.duplicated == 0)
    #expect(report.status == .checkFailed)
  }

  @Test func whatComesToSomebodyElseIsCounted() throws {
    let report = try run(options(.users), against: Faults(misdeliversEvery: 2))
    // The run is over when every message has come where it belongs; a stray copy behind the last one may not be seen.
    #expect((10 * 2 - 1...10 * 2).contains(report.counters.misdelivered))
    #expect(report.counters.lost == 0 && report.counters.delivered == 40)
    #expect(report.status == .checkFailed)
  }

  @Test func refusedPublicationsAreCountedAndMissing() throws {
    var options = options()
    options.messages = 4
    let report = try run(options, against: Faults(refusesPublishing: true))
    #expect(report.counters.publishErrors == 4)
    #expect(report.counters.lost == 40)
    #expect(report.lastProblem == "403::no")
    #expect(report.status == .checkFailed)
  }

  @Test func aServerThatBabblesIsAFailure() throws {
    var options = options()
    options.messages = 2
    let report = try run(options, against: Faults(babbles: true))
    #expect(report.counters.protocolErrors + report.counters.publishErrors >= 2)
    #expect(report.status == .checkFailed)
  }

  @Test func sessionsThatAreForgottenComeBack() throws {
    var options = options(.hold)
    options.messages = nil
    options.duration = .milliseconds(200)
    let report = try run(options, against: Faults(forgetsAfterPolls: 1))
    #expect(report.counters.rehandshakes >= 10)
    #expect(report.counters.failedClients == 0)
  }

  @Test func aFirstConnectThatIsHeldIsNoHindrance() throws {
    var options = options()
    options.clients = 3
    options.messages = 3
    let report = try run(options, against: Faults(holdsFirstConnect: true))
    #expect(report.counters.failures.isEmpty && report.counters.delivered == 9)
  }

  @Test(arguments: [LoadScenario.fanout, .users]) func websocketsDoTheSame(_ scenario: LoadScenario) throws {
    let server = try CannedServer(Faults(losesEvery: scenario == .users ? 2 : 0))
    defer { server.stop() }
    var options = options(scenario)
    options.url = server.socketURL
    let report = try run(options)
    #expect(report.plan.transport == .websocket)
    if scenario == .fanout {
      #expect(report.counters.failures.isEmpty && report.counters.delivered == 400)
    } else {
      #expect(report.counters.lost == 20 && report.counters.delivered == 20)
    }
  }

  @Test func roomsWithoutMembersHoldNothingUp() throws {
    let server = try CannedServer()
    defer { server.stop() }
    var options = options(.rooms)
    options.url = server.socketURL
    (options.clients, options.rooms, options.roomsPerClient, options.messages) = (2, 50, 1, 100)
    let report = try run(options)
    #expect(report.counters.failures.isEmpty)
    #expect(report.counters.published == 100 && report.counters.delivered == 4)
  }

  @Test func aStormBringsEverybodyBack() throws {
    var options = options(.storm)
    options.rounds = 3
    let report = try run(options, against: Faults())
    #expect(report.counters.returned == 30)
    #expect(report.counters.delivered == 10 && report.counters.failures.isEmpty)
    #expect(report.measuredUnits == 30)
  }

  @Test func aRateIsKept() throws {
    var options = options()
    options.rate = 200
    options.messages = 60
    let report = try run(options, against: Faults())
    #expect(report.counters.failures.isEmpty)
    #expect(report.measuredTime > .milliseconds(250))
    #expect(report.counters.delivered == 600)
  }

  @Test func publishingByHTTPFillsTheTemplate() throws {
    let server = try CannedServer()
    defer { server.stop() }
    var options = options(.users)
    options.url = server.url
    options.publishURL = "http://127.0.0.1:\(server.port)/publish"
    options.channel = "/to/%USER%"
    options.publishBody = #"{"channel":"%CHANNEL%","x":"%USER%","data":{"wrapped":%DATA%}}"#
    let report = try run(options)
    #expect(report.counters.failures.isEmpty && report.counters.delivered == 40)
    #expect(report.publishReply.count == 40)
  }

  @Test func severalWorkersShareTheWorkAndTheAccounts() throws {
    var options = options(.rooms)
    options.processes = 3
    options.messages = 30
    let honest = try run(options, against: Faults())
    #expect(honest.counters.failures.isEmpty)
    #expect(honest.counters.published == 30 && honest.counters.delivered == 150)
    let lying = try run(options, against: Faults(losesEvery: 5))
    #expect(lying.counters.lost > 0 && lying.counters.lost + lying.counters.delivered == 150)
  }

  @Test func aServerThatIsDownIsUnreachable() throws {
    let server = try CannedServer()
    server.stop()
    var options = options()
    options.url = server.url
    #expect {
      try run(options)
    } throws: { ($0 as? LoadTestError)?.status == .unreachable }
  }

  @Test func aServerThatDeniesEverybodyIsAConditionNotMet() throws {
    #expect {
      try run(options(), against: Faults(deniesHandshakes: true))
    } throws: { ($0 as? LoadTestError)?.status == .conditionNotMet }
  }

  @Test func theServersOwnNumbersAreTold() throws {
    let server = try CannedServer()
    defer { server.stop() }
    var options = options()
    options.url = server.url
    options.serverPIDs = [Int(getpid())]
    let report = try run(options)
    #expect(try #require(report.serverShare) >= 0)
    #expect(report.json["server"]?["residentBytesHeld"]?.int ?? 0 > 1_000_000)
    options.serverPIDs = [999_999_999]
    #expect(throws: LoadTestError.noSuchProcess(999_999_999)) { try run(options) }
  }
}
