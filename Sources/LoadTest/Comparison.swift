// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// Two reports beside each other: what the second is of the first.
public struct Comparison: Sendable {
  /// What is compared: its name, where it stands in a report, and whether less of it is better.
  static let measures: [(name: String, path: [String], lessIsBetter: Bool)] = [
    ("per second", ["results", "perSecond"], false),
    ("latency p50 ms", ["results", "latencyMilliseconds", "p50"], true),
    ("latency p99 ms", ["results", "latencyMilliseconds", "p99"], true),
    ("latency p99.9 ms", ["results", "latencyMilliseconds", "p99.9"], true),
    ("latency p99.99 ms", ["results", "latencyMilliseconds", "p99.99"], true),
    ("latency max ms", ["results", "latencyMilliseconds", "max"], true),
    ("publish reply p50 ms", ["results", "publishReplyMilliseconds", "p50"], true),
    ("whole chat p50 ms", ["results", "dialogueMilliseconds", "p50"], true),
    ("setup s", ["results", "setupSeconds"], true),
    ("server CPU us each", ["server", "cpuMicrosecondsPerUnit"], true),
    ("server CPU us to a held client", ["server", "setupCpuMicrosecondsPerClient"], true),
    ("server bytes a held client", ["server", "memoryBytesPerClient"], true),
    ("generator CPU us each", ["generator", "cpuMicrosecondsPerUnit"], true),
    ("lost", ["counters", "lost"], true),
    ("duplicated", ["counters", "duplicated"], true),
    ("out of order", ["counters", "reordered"], true),
    ("misdelivered", ["counters", "misdelivered"], true),
  ]

  public struct Row: Hashable, Sendable {
    public let name: String
    public let first: Double
    public let second: Double
    /// The second divided by the first; nil where the first is 0.
    public let ratio: Double?
    /// nil where both are the same.
    public let isBetter: Bool?
  }

  public let rows: [Row]
  /// Options in which the two runs differ: name, first, second.
  public let differences: [(name: String, first: String, second: String)]

  /// - Throws: ``LoadTestError/badFile(_:)`` where one of them is no report of a load test.
  public init(_ first: JSONValue, _ second: JSONValue) throws(LoadTestError) {
    guard let left = first["configuration"]?.members, let right = second["configuration"], first["results"] != nil,
      second["results"] != nil
    else { throw .badFile("not two reports of load-test --json") }
    rows = Self.measures.compactMap { measure in
      guard let a = Self.number(first, measure.path), let b = Self.number(second, measure.path) else { return nil }
      let isBetter: Bool? = a == b ? nil : (b < a) == measure.lessIsBetter
      return Row(name: measure.name, first: a, second: b, ratio: a == 0 ? nil : b / a, isBetter: isBetter)
    }
    differences = left.compactMap { member in
      let other = right[member.name] ?? .null
      guard member.value != other, member.name != "serverPIDs" else { return nil }
      return (member.name, member.value.text, other.text)
    }
  }

  private static func number(_ report: JSONValue, _ path: [String]) -> Double? {
    var value: JSONValue? = report
    for name in path { value = value?[name] }
    guard case .number(let text) = value else { return nil }
    return Double(text)
  }

  /// The table, for people.
  public var lines: [String] {
    var cells = [["", "first", "second", "ratio", ""]]
    for row in rows {
      let verdict = row.isBetter.map { $0 ? "better" : "worse" } ?? "same"
      cells.append([
        row.name, Decimals.text(row.first), Decimals.text(row.second),
        row.ratio.map { Decimals.text($0, decimals: 2) } ?? "-", verdict,
      ])
    }
    let widths = (0..<5).map { column in cells.map { $0[column].count }.max() ?? 0 }
    var lines = cells.map { row in
      let padded = row.enumerated().map { column, text in
        let blanks = String(repeating: " ", count: widths[column] - text.count)
        return column == 0 || column == 4 ? text + blanks : blanks + text
      }
      var line = padded.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return line
    }
    if !differences.isEmpty { lines.append("The two runs differ in:") }
    lines += differences.map { "  \($0.name): \($0.first) and \($0.second)" }
    return lines
  }

  /// For scripts.
  public var json: JSONValue {
    .object(
      rows.map { row in
        .init(
          row.name,
          [
            "first": JSONValue(rounded: row.first), "second": JSONValue(rounded: row.second),
            "ratio": JSONValue(rounded: row.ratio),
          ])
      })
  }
}
