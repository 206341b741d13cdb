// SPDX-License-Identifier: Apache-2.0
import Bytes

/// What the coordinator tells a worker: one line of JSON each.
enum WorkerCommand: Hashable, Sendable {
  /// All clients of all workers are held: begin at that moment of the clock that the processes share.
  case go(Instant)
  /// What every worker published to each shared destination, by worker: now it is known what has to arrive.
  case expect([[UInt32]])
  /// End early and count what there is.
  case stop

  var json: JSONValue {
    switch self {
    case .go(let moment): ["go": .number(String(moment.nanoseconds))]
    case .expect(let counts):
      ["expect": .array(counts.map { .array($0.map { JSONValue(Int($0)) }) })]
    case .stop: ["stop": true]
    }
  }

  init?(json: JSONValue) {
    if let moment = json["go"]?.int {
      self = .go(Instant(nanoseconds: Int64(moment)))
    } else if let rows = json["expect"]?.elements {
      self = .expect(rows.map { ($0.elements ?? []).map { UInt32(clamping: $0.int ?? 0) } })
    } else if json["stop"] != nil {
      self = .stop
    } else {
      return nil
    }
  }
}

/// One second of a run, as a worker or the whole run saw it.
public struct LoadSecond: Hashable, Sendable {
  /// Since the beginning, warm-up included.
  public var second: Int
  public var delivered: Int
  /// Of the slowest worker.
  public var p50: Duration
  public var p99: Duration
}

/// What a worker shows while it runs.
struct WorkerProgress: Hashable, Sendable {
  var connected = 0
  var held = 0
  var counters = LoadCounters()
  var lastSecond: LoadSecond?
}

/// What a worker found out.
struct WorkerResult: Sendable {
  /// Of the whole run, losses included.
  var counters = LoadCounters()
  /// Of the measured part alone.
  var measured = LoadCounters()
  var measuredTime = Duration.zero
  /// CPU time of the worker's loop in the measured part.
  var measuredCPU = Duration.zero
  var latency = LatencyRecord()
  /// From the sending of a publication to its reply.
  var publishReply = LatencyRecord()
  /// Whole chats.
  var dialogue = LatencyRecord()
  /// How far the generator fell behind its own schedule at most.
  var latest = Duration.zero
  var seconds: [LoadSecond] = []
  /// The last reason for which something was refused or broke.
  var lastProblem = ""
}

/// What a worker tells the coordinator: one line of JSON each.
enum WorkerReport: Sendable {
  /// All clients are held; how long that took.
  case up(Duration)
  case progress(WorkerProgress)
  /// The measured part begins, and ends.
  case measuring
  case measured
  /// What was published to each shared destination.
  case published([UInt32])
  case result(WorkerResult)
  case failed(LoadTestError)
}

extension LoadSecond {
  var json: JSONValue {
    [
      JSONValue(second), JSONValue(delivered), .number(String(p50.wholeNanoseconds)),
      .number(String(p99.wholeNanoseconds)),
    ]
  }

  init?(json: JSONValue) {
    guard let second = json[0]?.int, let delivered = json[1]?.int, let p50 = json[2]?.int, let p99 = json[3]?.int
    else { return nil }
    self.init(second: second, delivered: delivered, p50: .nanoseconds(p50), p99: .nanoseconds(p99))
  }
}

extension WorkerProgress {
  var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("connected", JSONValue(connected)), .init("held", JSONValue(held)), .init("counters", counters.json),
    ]
    if let lastSecond { members.append(.init("second", lastSecond.json)) }
    return .object(members)
  }

  init(json: JSONValue) {
    connected = json["connected"]?.int ?? 0
    held = json["held"]?.int ?? 0
    counters = LoadCounters(json: json["counters"] ?? .null)
    lastSecond = json["second"].flatMap { LoadSecond(json: $0) }
  }
}

extension WorkerResult {
  private static func number(_ duration: Duration) -> JSONValue { .number(String(duration.wholeNanoseconds)) }

  var json: JSONValue {
    [
      "counters": counters.json, "measured": measured.json, "measuredTime": Self.number(measuredTime),
      "measuredCPU": Self.number(measuredCPU), "latency": latency.json, "publishReply": publishReply.json,
      "dialogue": dialogue.json, "latest": Self.number(latest), "seconds": .array(seconds.map(\.json)),
      "lastProblem": .string(lastProblem),
    ]
  }

  init?(json: JSONValue) {
    func duration(_ name: String) -> Duration { .nanoseconds(json[name]?.int ?? 0) }
    guard let latency = LatencyRecord(json: json["latency"] ?? .null),
      let publishReply = LatencyRecord(json: json["publishReply"] ?? .null),
      let dialogue = LatencyRecord(json: json["dialogue"] ?? .null)
    else { return nil }
    self.init(
      counters: LoadCounters(json: json["counters"] ?? .null), measured: LoadCounters(json: json["measured"] ?? .null),
      measuredTime: duration("measuredTime"), measuredCPU: duration("measuredCPU"), latency: latency,
      publishReply: publishReply, dialogue: dialogue, latest: duration("latest"),
      seconds: (json["seconds"]?.elements ?? []).compactMap { LoadSecond(json: $0) },
      lastProblem: json["lastProblem"]?.string ?? "")
  }
}

extension WorkerReport {
  var json: JSONValue {
    switch self {
    case .up(let time): ["up": .number(String(time.wholeNanoseconds))]
    case .progress(let progress): ["progress": progress.json]
    case .measuring: ["measuring": true]
    case .measured: ["measured": true]
    case .published(let counts): ["published": .array(counts.map { JSONValue(Int($0)) })]
    case .result(let result): ["result": result.json]
    case .failed(let error): ["failed": .array(error.wire.map { .string($0) })]
    }
  }

  /// - Parameter worker: who said it.
  init?(json: JSONValue, worker: Int) {
    guard let member = json.members?.first else { return nil }
    switch member.name {
    case "up": self = .up(.nanoseconds(member.value.int ?? 0))
    case "progress": self = .progress(WorkerProgress(json: member.value))
    case "measuring": self = .measuring
    case "measured": self = .measured
    case "published": self = .published((member.value.elements ?? []).map { UInt32(clamping: $0.int ?? 0) })
    case "result":
      guard let result = WorkerResult(json: member.value) else { return nil }
      self = .result(result)
    case "failed":
      self = .failed(LoadTestError(wire: (member.value.elements ?? []).compactMap(\.string), worker: worker))
    default: return nil
    }
  }
}
