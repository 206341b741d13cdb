// SPDX-License-Identifier: Apache-2.0
import Bytes

extension LoadReport {
  /// The closing table, for people; no line ends with a line feed.
  public var lines: [String] {
    var rows: [(String, String)] = [("scenario", headline)]
    rows.append(
      (unit, "\(measuredUnits) in \(Self.seconds(measuredTime)): \(Decimals.text(unitsPerSecond)) a second"))
    rows.append(("latency ms", Self.line(latency)))
    if dialogue.count > 0 { rows.append(("whole chat ms", Self.line(dialogue))) }
    if publishReply.count > 0 { rows.append(("publish reply ms", Self.line(publishReply))) }
    rows.append(("accounts", accounts))
    rows.append(("setup", "\(plan.options.clients) clients held after \(Self.seconds(setupTime))"))
    if let serverLine { rows.append(("server", serverLine)) }
    rows.append(("generator", generatorLine))
    if !lastProblem.isEmpty { rows.append(("last problem", lastProblem)) }
    let width = rows.map(\.0.count).max() ?? 0
    return rows.map { name, value in
      "  \(name)\(String(repeating: " ", count: width - name.count))  \(value)"
    } + [verdict]
  }

  private var headline: String {
    let options = plan.options
    var words = ["\(options.scenario.rawValue) over \(plan.transport.rawValue), \(options.clients) clients"]
    if options.scenario == .rooms { words.append("\(options.roomsPerClient) of \(options.rooms) rooms each") }
    if ![.hold, .storm, .chat].contains(options.scenario) { words.append("\(options.payloadBytes) B") }
    if let rate = options.rate {
      words.append("open loop at \(Decimals.text(rate)) a second")
    } else if options.scenario != .hold, options.scenario != .storm {
      words.append("closed loop, window \(options.window)")
    }
    if options.processes > 1 { words.append("\(options.processes) processes") }
    return words.joined(separator: ", ")
  }

  private static func seconds(_ duration: Duration) -> String {
    Decimals.text(Double(duration.wholeNanoseconds) / 1e9, decimals: 2) + " s"
  }

  private static func line(_ record: LatencyRecord) -> String {
    guard record.count > 0 else { return "nothing was measured" }
    let named = LatencyRecord.named.map { name, percent in
      "\(name) \(Decimals.text(Decimals.milliseconds(record.percentile(percent))))"
    }
    return (named + ["max \(Decimals.text(Decimals.milliseconds(record.maximum)))"]).joined(separator: "  ")
  }

  private var accounts: String {
    let counts = counters
    var parts = [
      "published \(counts.published)", "delivered \(counts.delivered)", "lost \(counts.lost)",
      "duplicated \(counts.duplicated)", "out of order \(counts.reordered)", "misdelivered \(counts.misdelivered)",
    ]
    let rare: [(String, Int)] = [
      ("foreign", counts.foreign), ("publish errors", counts.publishErrors), ("refusals", counts.refusals),
      ("protocol errors", counts.protocolErrors), ("reconnects", counts.reconnects),
      ("rehandshakes", counts.rehandshakes), ("failed clients", counts.failedClients),
      ("failed chats", counts.failedDialogues), ("empty polls", counts.emptyPolls),
    ]
    parts += rare.filter { $0.1 > 0 }.map { "\($0.0) \($0.1)" }
    return parts.joined(separator: "  ")
  }

  private var serverLine: String? {
    guard server != nil else { return nil }
    var parts: [String] = []
    if let each = serverMicrosecondsPerUnit { parts.append("\(Decimals.text(each)) us CPU each") }
    if let share = serverShare { parts.append("\(Int((share * 100).rounded())) % of a core") }
    if let bytes = serverBytesPerClient { parts.append("\(Int(bytes.rounded())) B a held client") }
    if let setup = serverMicrosecondsPerSetup { parts.append("\(Decimals.text(setup)) us CPU to a held client") }
    return parts.isEmpty ? "its process is gone" : parts.joined(separator: ", ")
  }

  private var generatorLine: String {
    var text = "\(Int((generatorShare * 100).rounded())) % of a core"
    if let each = generatorMicrosecondsPerUnit { text += ", \(Decimals.text(each)) us CPU each" }
    if plan.options.rate != nil { text += ", at most \(Decimals.text(Decimals.milliseconds(latest))) ms late" }
    if generatorWasLimit { text += "; THE GENERATOR WAS THE LIMIT: rates and latencies may be its own" }
    return text
  }

  private var verdict: String {
    let failures = counters.failures
    if failures.isEmpty { return "ok: everything that was published arrived once, in order, where it belongs" }
    return "FAILED: " + failures.map { "\($0.count) \($0.name)" }.joined(separator: ", ")
  }

  /// The percentile distribution for `--hgrm`, in milliseconds.
  public var hgrm: String { latency.hgrm }
}

extension LoadProgress {
  /// One line that says where a run is.
  public var line: String {
    let seconds = Decimals.text(Double(elapsed.wholeNanoseconds) / 1e9, decimals: 1)
    var text = "\(seconds) s  connected \(connected)  held \(held)/\(clients)"
    guard isRunning else { return text + "  setting up" }
    if let last = lastSecond {
      text += "  \(last.delivered)/s"
      text += "  p50 \(Decimals.text(Decimals.milliseconds(last.p50))) ms"
      text += "  p99 \(Decimals.text(Decimals.milliseconds(last.p99))) ms"
    }
    let failures = counters.failures
    if !failures.isEmpty { text += "  " + failures.map { "\($0.name) \($0.count)" }.joined(separator: "  ") }
    return text
  }
}
