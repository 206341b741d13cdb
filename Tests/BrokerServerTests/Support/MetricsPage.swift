// SPDX-License-Identifier: Apache-2.0

/// A page in the text format of Prometheus (exposition format 0.0.4), checked line by line.
struct MetricsPage {
  /// By name, or by name and label as they stand in the text: `broker_handshakes_total{result="accepted"}`.
  private(set) var samples: [String: Int] = [:]
  private(set) var types: [String: String] = [:]

  /// - Throws: ``ClientError/malformed(_:)`` with the line that breaks a rule.
  init(_ text: String) throws {
    guard text.hasSuffix("\n") else { throw ClientError.malformed("the last line has no end") }
    var helped: Set<String> = []
    var current = ""
    for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
      let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
      func check(_ holds: Bool) throws {
        if !holds { throw ClientError.malformed("metrics line \(line.debugDescription)") }
      }
      if line.hasPrefix("# HELP ") {
        try check(words.count == 4 && Self.isName(words[2]) && !words[3].isEmpty && helped.insert(words[2]).inserted)
      } else if line.hasPrefix("# TYPE ") {
        try check(words.count == 4 && ["gauge", "counter"].contains(words[3]) && helped.contains(words[2]))
        try check(types.updateValue(words[3], forKey: words[2]) == nil)
        current = words[2]
      } else {
        try check(words.count == 2)
        let name = words[0].prefix { $0 != "{" }
        try check(name == current && Self.isLabels(words[0].dropFirst(name.count)))
        let value = Int(words[1]) ?? -1
        try check(value >= 0 && samples.updateValue(value, forKey: words[0]) == nil)
      }
    }
    guard Set(types.keys) == helped, types.keys.allSatisfy({ name in samples.keys.contains { $0.hasPrefix(name) } })
    else { throw ClientError.malformed("a metric has no type, or no value") }
  }

  private static func isName(_ text: some StringProtocol) -> Bool {
    guard let first = text.utf8.first, first != UInt8(ascii: "_"), !(48...57).contains(first) else { return false }
    return text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "_") }
  }

  /// Nothing, or one label: `{name="value"}`.
  private static func isLabels(_ text: Substring) -> Bool {
    if text.isEmpty { return true }
    guard text.hasPrefix("{"), text.hasSuffix("\"}"), let equals = text.firstIndex(of: "=") else { return false }
    let name = text[text.index(after: text.startIndex)..<equals]
    let value = text[equals...].dropFirst(2).dropLast(2)
    return isName(name) && text[equals...].hasPrefix("=\"") && !value.contains { $0 == "\"" || $0 == "\\" }
  }

  subscript(name: String) -> Int { samples["broker_" + name] ?? -1 }
}
