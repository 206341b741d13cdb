// SPDX-License-Identifier: Apache-2.0
import Bytes

/// What a load test found out, over all its workers.
public struct LoadReport: Sendable {
  /// The server's processes at five moments; nil where the run ended before, or the process was gone.
  public struct Server: Sendable, Hashable {
    public var started: ServerSample
    public var held: ServerSample?
    public var measuring: ServerSample?
    public var measured: ServerSample?
    public var end: ServerSample?
  }

  public let plan: LoadPlan
  public let setupTime: Duration
  public let server: Server?
  /// Of the whole run, warm-up included: what is lost at any time is lost.
  public private(set) var counters = LoadCounters()
  public private(set) var measured = LoadCounters()
  public private(set) var measuredTime = Duration.zero
  public private(set) var latency = LatencyRecord()
  public private(set) var publishReply = LatencyRecord()
  public private(set) var dialogue = LatencyRecord()
  public private(set) var seconds: [LoadSecond] = []
  /// How far the slowest worker fell behind its own schedule.
  public private(set) var latest = Duration.zero
  public private(set) var lastProblem = ""
  /// Share of one core that the busiest worker used.
  public private(set) var generatorShare = 0.0
  public private(set) var generatorCPU = Duration.zero

  init(plan: LoadPlan, results: [WorkerResult], setupTime: Duration, server: Server?) {
    self.plan = plan
    self.setupTime = setupTime
    self.server = server
    for result in results {
      counters = counters + result.counters
      measured = measured + result.measured
      measuredTime = max(measuredTime, result.measuredTime)
      latency.merge(result.latency)
      publishReply.merge(result.publishReply)
      dialogue.merge(result.dialogue)
      latest = max(latest, result.latest)
      generatorCPU += result.measuredCPU
      if result.measuredTime > .zero { generatorShare = max(generatorShare, result.measuredCPU / result.measuredTime) }
      if !result.lastProblem.isEmpty { lastProblem = result.lastProblem }
      for (index, second) in result.seconds.enumerated() {
        if index < seconds.count {
          seconds[index] = seconds[index].merged(with: second)
        } else {
          seconds.append(second)
        }
      }
    }
  }

  // MARK: what follows from it

  /// What a run is about: chats, clients that came back, or deliveries; its name in the plural.
  public var unit: String {
    switch plan.options.scenario {
    case .storm: "reconnects"
    case .chat: "chats"
    case .hold: "polls"
    case .fanout, .users, .rooms: "deliveries"
    }
  }

  /// How many of ``unit`` the measured part had.
  public var measuredUnits: Int {
    switch plan.options.scenario {
    case .storm: measured.returned
    case .chat: measured.dialogues
    case .hold: measured.emptyPolls
    case .fanout, .users, .rooms: measured.delivered
    }
  }

  public var unitsPerSecond: Double { Double(measuredUnits) / Self.seconds(measuredTime) }

  private static func seconds(_ duration: Duration) -> Double {
    max(Double(duration.wholeNanoseconds) / 1e9, 1e-9)
  }

  /// Server CPU time of the measured part for each of ``unit``, in microseconds.
  public var serverMicrosecondsPerUnit: Double? {
    guard let from = server?.measuring, let to = server?.measured, measuredUnits > 0 else { return nil }
    return Double((to.cpu - from.cpu).wholeNanoseconds) / 1e3 / Double(measuredUnits)
  }

  /// Cores that the server used in the measured part.
  public var serverShare: Double? {
    guard let from = server?.measuring, let to = server?.measured else { return nil }
    return Double((to.cpu - from.cpu).wholeNanoseconds) / 1e9 / Self.seconds(measuredTime)
  }

  /// Server CPU time until a client is held, in microseconds.
  public var serverMicrosecondsPerSetup: Double? {
    guard let server, let held = server.held else { return nil }
    return Double((held.cpu - server.started.cpu).wholeNanoseconds) / 1e3 / Double(plan.options.clients)
  }

  /// Resident memory that a held client added to the server, in bytes. True for a server that had no clients before.
  public var serverBytesPerClient: Double? {
    guard let server, let held = server.held else { return nil }
    return Double(held.residentBytes - server.started.residentBytes) / Double(plan.options.clients)
  }

  public var generatorMicrosecondsPerUnit: Double? {
    measuredUnits > 0 ? Double(generatorCPU.wholeNanoseconds) / 1e3 / Double(measuredUnits) : nil
  }

  /// Whether the rate, or the latency, may be the load generator's and not the server's.
  public var generatorWasLimit: Bool {
    generatorShare >= LoadLimits.generatorShare
      || plan.options.rate != nil && latest > max(.milliseconds(50), latency.percentile(99))
  }

  public var status: LoadTestStatus { counters.failures.isEmpty ? .ok : .checkFailed }
}
