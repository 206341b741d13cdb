// SPDX-License-Identifier: Apache-2.0
import Bytes

/// What an agent has to be able to do, as URS writes it behind `?:`: `English=20&(Loans>2|Cards>=5)`.
///
/// `&` binds closer than `|`. The empty expression matches everybody. A skill that an agent has not is 0.
public indirect enum SkillExpression: Sendable, Hashable {
  case everybody
  case compare(skill: String, Comparison, Int)
  case all([SkillExpression])
  case any([SkillExpression])

  public enum Comparison: String, Sendable, Hashable, CaseIterable {
    case atLeast = ">="
    case atMost = "<="
    case unequal = "!="
    case equal = "="
    case above = ">"
    case below = "<"

    func holds(_ left: Int, _ right: Int) -> Bool {
      switch self {
      case .atLeast: left >= right
      case .atMost: left <= right
      case .unequal: left != right
      case .equal: left == right
      case .above: left > right
      case .below: left < right
      }
    }
  }

  /// Parentheses within parentheses.
  static let maxDepth = 10

  /// - Parameter text: what follows `?:`. The `&;` and `&amp;` of broken documents are `&`.
  /// - Throws: ``TargetError/badSkills(_:)``.
  public init(_ text: String) throws(TargetError) {
    let clean = text.replacing("&amp;", with: "&").replacing("&;", with: "&")
    guard clean.contains(where: { $0 != " " }) else {
      self = .everybody
      return
    }
    var parser = Parser(text: Array(clean.utf8), whole: text)
    self = try parser.any(depth: 0)
    guard parser.isAtEnd else { throw .badSkills(text) }
  }

  /// Whether somebody with `skills` matches.
  public func matches(_ skills: [String: Int]) -> Bool {
    switch self {
    case .everybody: true
    case .compare(let skill, let comparison, let level): comparison.holds(skills[skill] ?? 0, level)
    case .all(let parts): parts.allSatisfy { $0.matches(skills) }
    case .any(let parts): parts.contains { $0.matches(skills) }
    }
  }
}

private struct Parser {
  let text: [UInt8]
  let whole: String
  var at = 0

  init(text: [UInt8], whole: String) {
    self.text = text
    self.whole = whole
  }

  mutating func skipBlanks() { while at < text.count, text[at] == UInt8(ascii: " ") { at += 1 } }

  var isAtEnd: Bool { at == text.count }

  mutating func take(_ word: String) -> Bool {
    skipBlanks()
    guard text[at...].starts(with: word.utf8) else { return false }
    at += word.utf8.count
    skipBlanks()
    return true
  }

  mutating func any(depth: Int) throws(TargetError) -> SkillExpression {
    var parts = [try all(depth: depth)]
    while take("|") { parts.append(try all(depth: depth)) }
    return parts.count == 1 ? parts[0] : .any(parts)
  }

  mutating func all(depth: Int) throws(TargetError) -> SkillExpression {
    var parts = [try one(depth: depth)]
    while take("&") { parts.append(try one(depth: depth)) }
    return parts.count == 1 ? parts[0] : .all(parts)
  }

  mutating func one(depth: Int) throws(TargetError) -> SkillExpression {
    if take("(") {
      guard depth < SkillExpression.maxDepth else { throw .badSkills(whole) }
      let inner = try any(depth: depth + 1)
      guard take(")") else { throw .badSkills(whole) }
      return inner
    }
    skipBlanks()
    let start = at
    while at < text.count, !"=<>!&|()".utf8.contains(text[at]) { at += 1 }
    let name = String(decoding: text[start..<at], as: UTF8.self).split(separator: " ").joined(separator: " ")
    guard !name.isEmpty, let comparison = SkillExpression.Comparison.allCases.first(where: { take($0.rawValue) })
    else { throw .badSkills(whole) }
    let digits = Array(text[at...].prefix { ASCII.isDigit($0) })
    guard let level = ASCII.decimal(digits.span) else { throw .badSkills(whole) }
    at += digits.count
    skipBlanks()
    return .compare(skill: name, comparison, level)
  }
}
