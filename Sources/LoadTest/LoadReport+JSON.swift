// SPDX-License-Identifier: Apache-2.0
public import Bytes

extension JSONValue {
  /// A number with as many decimals as it is good for; null where there is none.
  init(rounded value: Double?) {
    guard let value, value.isFinite else {
      self = .null
      return
    }
    self = .number(Decimals.text(value))
  }
}

/// Numbers as text, for people and for JSON.
enum Decimals {
  /// Four significant digits, without an exponent: `12.35`, `0.004217`, `123457`.
  static func text(_ value: Double) -> String {
    var decimals = 3
    var magnitude = value.magnitude
    if magnitude >= 1000 { return String(Int(value.rounded())) }
    while magnitude >= 10, decimals > 0 {
      magnitude /= 10
      decimals -= 1
    }
    while magnitude > 0, magnitude < 1, decimals < 9 {
      magnitude *= 10
      decimals += 1
    }
    return text(value, decimals: decimals)
  }

  static func text(_ value: Double, decimals: Int) -> String {
    let scale = (0..<decimals).reduce(1.0) { scale, _ in scale * 10 }
    let whole = Int((value.magnitude * scale).rounded())
    var digits = String(whole)
    if decimals > 0 {
      digits = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
      let point = digits.index(digits.endIndex, offsetBy: -decimals)
      digits = digits[..<point] + "." + digits[point...]
    }
    return (value < 0 && whole > 0 ? "-" : "") + digits
  }

  static func milliseconds(_ duration: Duration) -> Double { Double(duration.wholeNanoseconds) / 1e6 }
}

extension LatencyRecord {
  /// The percentiles that a report names.
  static let named: [(name: String, percent: Double)] = [
    ("p50", 50), ("p90", 90), ("p99", 99), ("p99.9", 99.9), ("p99.99", 99.99),
  ]

  /// In milliseconds.
  var summary: JSONValue {
    var members = [JSONValue.Member("count", JSONValue(count))]
    members.append(.init("mean", JSONValue(rounded: Decimals.milliseconds(mean))))
    for (name, percent) in Self.named {
      members.append(.init(name, JSONValue(rounded: Decimals.milliseconds(percentile(percent)))))
    }
    members.append(.init("max", JSONValue(rounded: Decimals.milliseconds(maximum))))
    return .object(members)
  }
}

extension LoadReport {
  /// The report as `--json` writes it. Names carry their units; what was not measured is null.
  public var json: JSONValue {
    [
      "status": JSONValue(Int(status.rawValue)), "configuration": configuration, "results": results,
      "server": serverJSON,
      "generator": [
        "cpuShare": JSONValue(rounded: generatorShare),
        "cpuMicrosecondsPerUnit": JSONValue(rounded: generatorMicrosecondsPerUnit),
        "latestMilliseconds": JSONValue(rounded: Decimals.milliseconds(latest)),
        "wasLimit": .bool(generatorWasLimit),
      ],
      "counters": counters.json, "measured": measured.json, "lastProblem": .string(lastProblem),
      "secondsColumns": ["second", "count", "p50Milliseconds", "p99Milliseconds"],
      "seconds": .array(
        seconds.map {
          [
            JSONValue($0.second), JSONValue($0.delivered), JSONValue(rounded: Decimals.milliseconds($0.p50)),
            JSONValue(rounded: Decimals.milliseconds($0.p99)),
          ]
        }),
      "curveColumns": ["percent", "milliseconds"],
      "curve": .array(
        latency.curve.map { [.number(String($0.percent)), JSONValue(rounded: $0.milliseconds)] }),
    ]
  }

  private var results: JSONValue {
    [
      "unit": .string(unit), "count": JSONValue(measuredUnits),
      "seconds": JSONValue(rounded: Double(measuredTime.wholeNanoseconds) / 1e9),
      "perSecond": JSONValue(rounded: unitsPerSecond),
      "publishedPerSecond": JSONValue(
        rounded: Double(measured.published) / max(Double(measuredTime.wholeNanoseconds) / 1e9, 1e-9)),
      "latencyMilliseconds": latency.summary,
      "publishReplyMilliseconds": publishReply.count > 0 ? publishReply.summary : .null,
      "dialogueMilliseconds": dialogue.count > 0 ? dialogue.summary : .null,
      "setupSeconds": JSONValue(rounded: Double(setupTime.wholeNanoseconds) / 1e9),
    ]
  }

  private var serverJSON: JSONValue {
    guard let server else { return .null }
    func bytes(_ sample: ServerSample?) -> JSONValue { sample.map { JSONValue($0.residentBytes) } ?? .null }
    return [
      "cpuMicrosecondsPerUnit": JSONValue(rounded: serverMicrosecondsPerUnit),
      "cpuShare": JSONValue(rounded: serverShare),
      "setupCpuMicrosecondsPerClient": JSONValue(rounded: serverMicrosecondsPerSetup),
      "memoryBytesPerClient": JSONValue(rounded: serverBytesPerClient),
      "residentBytesStarted": bytes(server.started), "residentBytesHeld": bytes(server.held),
      "residentBytesEnd": bytes(server.end),
    ]
  }

  /// Every option as it was in force.
  public var configuration: JSONValue {
    let options = plan.options
    func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
    func number(_ value: Int?) -> JSONValue { value.map { JSONValue($0) } ?? .null }
    func seconds(_ value: Duration) -> JSONValue { JSONValue(rounded: Double(value.wholeNanoseconds) / 1e9) }
    return [
      "scenario": .string(options.scenario.rawValue), "url": .string(options.url),
      "transport": .string(plan.transport.rawValue), "clients": JSONValue(options.clients),
      "rooms": options.scenario == .rooms ? JSONValue(options.rooms) : .null,
      "roomsPerClient": options.scenario == .rooms ? JSONValue(options.roomsPerClient) : .null,
      "channel": text(options.channel), "headers": .array(options.headers.map { .string(Self.named($0)) }),
      "acknowledgements": .bool(options.acknowledgements),
      "ratePerSecond": JSONValue(rounded: options.rate), "window": options.rate == nil ? number(options.window) : .null,
      "payloadBytes": JSONValue(options.payloadBytes), "warmupSeconds": seconds(options.warmup),
      "durationSeconds": options.messages == nil ? seconds(options.duration) : .null,
      "messages": number(options.messages), "processes": JSONValue(options.processes),
      "sourceAddresses": JSONValue(plan.sourceAddresses), "ramp": JSONValue(options.ramp),
      "rounds": options.scenario == .storm ? JSONValue(options.rounds) : .null,
      "publishHTTP": text(options.publishURL), "publishBody": text(options.publishBody),
      "publishConnections": JSONValue(plan.publishConnections),
      "agentURL": options.scenario == .chat ? text(options.agentURL) : .null,
      "exchanges": options.scenario == .chat ? JSONValue(options.exchanges) : .null,
      "serverPIDs": .array(options.serverPIDs.map { JSONValue($0) }), "stallSeconds": seconds(options.stall),
    ]
  }

  /// A header field without its value, which may be a secret.
  private static func named(_ field: String) -> String { String(field.prefix { $0 != ":" }) }
}
