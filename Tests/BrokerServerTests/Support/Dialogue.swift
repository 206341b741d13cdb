// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

/// A conversation as it stands in a document, played against a broker.
///
///     app> POST /genesys/1/service/request-chat       what `app` sends: request line, fields, empty line, body
///     app>
///     app> _verbose=true
///     app< 200                                        what it gets: status, fields, empty line, body
///     app< Content-Type: application/json
///     app<
///     app< {"_id":"‹service›"}
///
/// Every other line is prose. A request is sent when it is met; its answer is read when the answer is met, so that a poll
/// can be held while others act. Each speaker has one connection; that of `agent` is to the admin listener.
///
/// Of an answer the fields that are named must be there, and the body must be that JSON: the same members, in whatever
/// order. `‹name›` stands for a text that is learnt where it is first met and the same from then on, in requests too;
/// `‹name*›` for one that may differ each time. What texts a name may stand for, ``Placeholder`` says.
struct Dialogue {
  private struct Part {
    let speaker: String
    let isAnswer: Bool
    var lines: [String]
    let number: Int
  }
  private var parts: [Part] = []

  init(_ text: String) {
    var isOpen = false
    for (number, line) in text.components(separatedBy: "\n").enumerated() {
      let speaker = line.prefix { $0.isLetter || $0.isNumber }
      let mark = line.dropFirst(speaker.count).first
      guard !speaker.isEmpty, mark == ">" || mark == "<" else {
        isOpen = false
        continue
      }
      let content = String(line.dropFirst(speaker.count + 1))
      let text = content.hasPrefix(" ") ? String(content.dropFirst()) : content
      if isOpen, let last = parts.last, last.speaker == speaker, last.isAnswer == (mark == "<") {
        parts[parts.count - 1].lines.append(text)
      } else {
        parts.append(Part(speaker: String(speaker), isAnswer: mark == "<", lines: [text], number: number + 1))
      }
      isOpen = true
    }
  }

  func play(against broker: RunningBroker) throws {
    var known: [String: String] = [:]
    var lines: [String: RawClient] = [:]
    for part in parts {
      let line = try lines[part.speaker] ?? (part.speaker == "agent" ? broker.admin() : broker.client())
      lines[part.speaker] = line
      if part.isAnswer {
        try check(try line.response(), part, &known)
      } else {
        try send(part, on: line, known)
      }
    }
    // Whoever asked was told, and nobody was told more.
    for (_, line) in lines { #expect(try line.post("/canary", "").status == 404) }
  }

  private func send(_ part: Part, on line: RawClient, _ known: [String: String]) throws {
    let texts = try part.lines.map { try Placeholder.filled($0, known) }
    let words = try #require(texts.first?.components(separatedBy: " "))
    let fields = texts.dropFirst().prefix { !$0.isEmpty }
    let body = texts.dropFirst(fields.count + 2).joined(separator: "\n")
    try line.send(line.text(words[0], words[1], body, Array(fields)))
  }

  private func check(_ response: Response, _ part: Part, _ known: inout [String: String]) throws {
    let context = Comment(rawValue: "line \(part.number): \(response)")
    #expect(part.lines.first == "\(response.status)", context)
    let fields = part.lines.dropFirst().prefix { !$0.isEmpty }
    for field in fields {
      let isThere = response.fields.contains { "\($0.name): \($0.value)" == field }
      #expect(isThere, "\(field) is missing; \(context)")
    }
    let body = part.lines.dropFirst(fields.count + 2).joined(separator: "\n")
    if let template = try? JSONValue(parsing: body) {
      let difference = Placeholder.difference(template, response.json, at: "body", &known)
      #expect(difference == nil, context)
    } else {
      #expect(body == response.text, context)
    }
  }
}

/// `‹name›` in the texts of a dialogue.
enum Placeholder {
  /// What a text may look like, by the beginning of its name.
  private static let shapes: [(prefix: String, holds: @Sendable (String) -> Bool)] = [
    ("client", { $0.utf8.count >= 20 && $0.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber) } }),
    ("service", { $0.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12] && $0.dropFirst(14).first == "4" }),
    ("chat", { $0.utf8.count == 16 && $0.utf8.allSatisfy { ASCII.isAlphanumeric($0) } }),
    ("userId", { $0.utf8.count == 16 && $0.allSatisfy { $0.isHexDigit && !$0.isLowercase } }),
    ("key", { $0.utf8.count == 16 && $0.allSatisfy { $0.isHexDigit && !$0.isUppercase } }),
    (
      "event",
      { $0.utf8.count == 32 && $0.allSatisfy { $0.isHexDigit && !$0.isUppercase } && $0.dropFirst(12).first == "1" }
    ),
    ("startedAt", { $0.utf8.count == 20 && $0.hasSuffix("Z") && $0.dropFirst(10).first == "T" }),
    ("seconds", { Int($0).map { (0..<60).contains($0) } ?? false }),
    ("number", { Int($0) != nil }), ("host", { !$0.isEmpty }),
  ]

  static func filled(_ text: String, _ known: [String: String]) throws -> String {
    var result = ""
    var rest = text[...]
    while let open = rest.firstIndex(of: "‹"), let close = rest[open...].firstIndex(of: "›") {
      let name = String(rest[rest.index(after: open)..<close])
      result += rest[..<open] + (try #require(known[name], "\(name) is not known yet"))
      rest = rest[rest.index(after: close)...]
    }
    return result + rest
  }

  /// Where and how `value` is not what `template` says; nil where it is. Learns new names.
  static func difference(
    _ template: JSONValue, _ value: JSONValue, at place: String, _ known: inout [String: String]
  ) -> String? {
    switch (template, value) {
    case (.string(let template), .string(let value)):
      return match(template, value, &known) ? nil : "\(place): \(value) instead of \(template)"
    case (.array(let templates), .array(let values)):
      guard templates.count == values.count else {
        return "\(place): \(values.count) elements instead of \(templates.count)"
      }
      for (index, pair) in zip(templates, values).enumerated() {
        if let found = difference(pair.0, pair.1, at: "\(place)[\(index)]", &known) { return found }
      }
      return nil
    case (.object(let templates), .object):
      guard template.names.sorted() == value.names.sorted() else {
        return "\(place): members \(value.names.sorted()) instead of \(template.names.sorted())"
      }
      for member in templates {
        let other = value[member.name] ?? .null
        if let found = difference(member.value, other, at: "\(place).\(member.name)", &known) { return found }
      }
      return nil
    default: return template == value ? nil : "\(place): \(value.text) instead of \(template.text)"
    }
  }

  /// Whether `text` is `template` with something in its placeholders.
  private static func match(_ template: String, _ text: String, _ known: inout [String: String]) -> Bool {
    guard let open = template.firstIndex(of: "‹"), let close = template[open...].firstIndex(of: "›") else {
      return template == text
    }
    guard text.hasPrefix(template[..<open]) else { return false }
    let name = String(template[template.index(after: open)..<close])
    let rest = template[template.index(after: close)...]
    let literal = rest.prefix { $0 != "‹" }
    let start = text.index(text.startIndex, offsetBy: template[..<open].count)
    let end = literal.isEmpty ? text.endIndex : text[start...].firstRange(of: literal)?.lowerBound
    guard let end else { return false }
    let found = String(text[start..<end])
    guard known[name] ?? found == found, shapes.first(where: { name.hasPrefix($0.prefix) })?.holds(found) == true else {
      return false
    }
    if !name.hasSuffix("*") { known[name] = found }
    return match(String(rest), String(text[end...]), &known)
  }
}
