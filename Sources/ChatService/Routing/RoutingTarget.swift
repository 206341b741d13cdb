// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// Every way in which a `_target` is wrong; ``description`` goes behind the name of the option.
public enum TargetError: Error, Hashable, Sendable, CustomStringConvertible {
  case badSyntax(String)
  case badType(String)
  case badSkills(String)
  case badList
  case badCount(Int)
  case badMember(index: Int, name: String, expected: String)
  case unknownMember(index: Int, name: String)
  case missingTimeout(index: Int)
  case halfCondition(index: Int)
  case skillStatistic(index: Int, name: String)

  public var description: String {
    switch self {
    case .badSyntax(let text): "must be <target>@<StatServer>.<type>, not \"\(text.prefix(80))\""
    case .badType(let text): "has the type \"\(text.prefix(20))\"; types are A, AP, GA, GP and GC"
    case .badSkills(let text): "has a skill expression that cannot be read: \"\(text.prefix(80))\""
    case .badList: "must be a target or a JSON list of objects with a \"target\" each"
    case .badCount(let count): "has \(count) targets; 1 to \(RoutingPlan.maxTargets) are possible"
    case .badMember(let index, let name, let expected): "[\(index)]: \"\(name)\" must be \(expected)"
    case .unknownMember(let index, let name): "[\(index)]: unknown member \"\(name.prefix(40))\""
    case .missingTimeout(let index): "[\(index)]: \"timeout\" is missing, so that the next target would never come"
    case .halfCondition(let index): "[\(index)]: stat_to_check, stat_operator and stat_value go together"
    case .skillStatistic(let index, let name):
      "[\(index)]: \"\(name.prefix(40))\" cannot be checked for a skill expression; "
        + RoutingPlan.skillStatistics.joined(separator: ", ") + " can"
    }
  }
}

/// Who is to take a chat: `<target>@<StatServer>.<type>` of URS.
public struct RoutingTarget: Sendable, Hashable {
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    case agent = "A"
    case place = "AP"
    case agentGroup = "GA"
    case placeGroup = "GP"
    case campaignGroup = "GC"
  }
  public enum Who: Sendable, Hashable {
    case named(String)
    case skilled(SkillExpression)
  }

  /// As it was written.
  public let text: String
  public let who: Who
  public let statServer: String
  public let kind: Kind

  /// - Throws: ``TargetError/badSyntax(_:)``, ``TargetError/badType(_:)``, ``TargetError/badSkills(_:)``.
  public init(_ text: String) throws(TargetError) {
    guard let sign = text.lastIndex(of: "@") else { throw .badSyntax(text) }
    let place = text[text.index(after: sign)...]
    guard let dot = place.lastIndex(of: "."), dot > place.startIndex else { throw .badSyntax(text) }
    let type = String(place[place.index(after: dot)...])
    guard let kind = Kind(rawValue: type) else { throw .badType(type) }
    let name = String(text[..<sign])
    self.text = text
    self.kind = kind
    statServer = String(place[..<dot])
    if name.hasPrefix("?:") {
      who = .skilled(try SkillExpression(String(name.dropFirst(2))))
    } else {
      guard !name.isEmpty else { throw .badSyntax(text) }
      who = .named(name)
    }
  }

  public var isSkillExpression: Bool { if case .skilled = who { true } else { false } }

  /// Whether this agent is one of those who are meant, ready or not.
  func means(_ agent: RoutingAgent) -> Bool {
    switch (who, kind) {
    case (.skilled(let expression), _): expression.matches(agent.skills)
    case (.named(let name), .agent): agent.name == name
    case (.named(let name), .place): agent.place == name
    case (.named(let name), .agentGroup), (.named(let name), .placeGroup), (.named(let name), .campaignGroup):
      agent.groups.contains(name)
    }
  }
}

/// `_target`: one target, or up to fifteen of them that follow one another.
public struct RoutingPlan: Sendable, Hashable {
  public struct Step: Sendable, Hashable {
    public let target: RoutingTarget
    /// Seconds until the next target's turn; nil for the last, which stays.
    public let timeoutSeconds: Int?
    /// Whether the next target replaces all before it, or joins them.
    public let clears: Bool
    /// Where it holds the target is skipped, unless it is the last.
    public let condition: Condition?
  }
  public struct Condition: Sendable, Hashable {
    public let statistic: String
    public let isAbove: Bool
    public let value: Double

    func holds(_ actual: Double) -> Bool { isAbove ? actual > value : actual < value }
  }

  public static let maxTargets = 15
  /// The statistics that are defined for skill expressions.
  public static let skillStatistics = ["RStatAgentsReadyvoice", "RStatAgentsReady", "RStatAgentsTotal"]

  /// At least one.
  public let targets: [Step]

  /// - Parameter value: a text such as `Billing@StatServer.GA`, a list of objects, or such a list as text.
  /// - Throws: ``TargetError``.
  public init(_ value: JSONValue) throws(TargetError) {
    switch value {
    case .array(let elements): targets = try Self.steps(elements)
    case .string(let text) where text.first { $0 != " " && $0 != "\n" } == "[":
      guard let list = try? JSONValue(parsing: text), let elements = list.elements else { throw .badList }
      targets = try Self.steps(elements)
    case .string(let text):
      targets = [Step(target: try RoutingTarget(text), timeoutSeconds: nil, clears: false, condition: nil)]
    default: throw .badList
    }
  }

  private static func steps(_ elements: [JSONValue]) throws(TargetError) -> [Step] {
    guard (1...maxTargets).contains(elements.count) else { throw .badCount(elements.count) }
    var steps: [Step] = []
    for (index, element) in elements.enumerated() {
      steps.append(try step(element, index, isLast: index == elements.count - 1))
    }
    return steps
  }

  private static func step(_ element: JSONValue, _ index: Int, isLast: Bool) throws(TargetError) -> Step {
    guard let members = element.members, let text = element["target"]?.string else { throw .badList }
    let names = ["target", "timeout", "clear", "stat_to_check", "stat_operator", "stat_value"]
    for member in members where !names.contains(member.name) { throw .unknownMember(index: index, name: member.name) }
    let target = try RoutingTarget(text)
    var seconds: Int?
    if let timeout = element["timeout"] {
      guard let number = timeout.scalarText.flatMap({ Int($0) }), (0...86_400).contains(number) else {
        throw .badMember(index: index, name: "timeout", expected: "whole seconds from 0 to 86400")
      }
      seconds = number
    }
    guard seconds != nil || isLast else { throw .missingTimeout(index: index) }
    var clears = true
    if let clear = element["clear"] {
      guard let word = clear.scalarText?.lowercased(), word == "true" || word == "false" else {
        throw .badMember(index: index, name: "clear", expected: "true or false")
      }
      clears = word == "true"
    }
    return Step(
      target: target, timeoutSeconds: seconds, clears: clears,
      condition: try condition(element, index, target))
  }

  private static func condition(
    _ element: JSONValue, _ index: Int, _ target: RoutingTarget
  ) throws(TargetError) -> Condition? {
    // Templates leave the three empty where nothing is to be checked.
    let parts = ["stat_to_check", "stat_operator", "stat_value"].map { element[$0]?.scalarText ?? "" }
    if parts[0].isEmpty, parts[1].isEmpty { return nil }
    guard parts.allSatisfy({ !$0.isEmpty }) else { throw .halfCondition(index: index) }
    guard parts[1] == "<" || parts[1] == ">" else {
      throw .badMember(index: index, name: "stat_operator", expected: "\"<\" or \">\"")
    }
    guard let value = Double(parts[2]), value.isFinite else {
      throw .badMember(index: index, name: "stat_value", expected: "a number")
    }
    if target.isSkillExpression, !skillStatistics.contains(parts[0]) {
      throw .skillStatistic(index: index, name: parts[0])
    }
    return Condition(statistic: parts[0], isAbove: parts[1] == ">", value: value)
  }
}

/// Where a request stands in its plan: which targets may take it now, and when the next one's turn comes.
struct TargetProgress: Sendable, Hashable {
  typealias Statistic = (_ name: String, _ target: RoutingTarget) -> Double?

  let plan: RoutingPlan
  /// Indices of the targets that may take it now.
  private(set) var pool: [Int] = []
  /// When the turn of the next target comes; nil once the last one has its turn.
  private(set) var switchesAt: Instant?

  init(_ plan: RoutingPlan, now: Instant, statistic: Statistic) {
    self.plan = plan
    enter(at: 0, now, statistic)
  }

  /// The targets that may take it now.
  var targets: [RoutingTarget] { pool.map { plan.targets[$0].target } }

  /// Moves on to where the plan is at `now`, however long nobody looked.
  ///
  /// - Returns: whether the pool changed.
  @discardableResult
  mutating func advance(to now: Instant, statistic: Statistic) -> Bool {
    var hasChanged = false
    while let moment = switchesAt, moment <= now, let last = pool.last {
      enter(at: last + 1, moment, statistic)
      hasChanged = true
    }
    return hasChanged
  }

  private mutating func enter(at first: Int, _ moment: Instant, _ statistic: Statistic) {
    let steps = plan.targets
    let replaces = pool.last.map { steps[$0].clears } ?? true
    var index = first
    while index < steps.count - 1, isSkipped(steps[index], statistic) { index += 1 }
    pool = replaces ? [index] : pool + [index]
    switchesAt =
      index == steps.count - 1 ? nil : steps[index].timeoutSeconds.map { moment + .seconds($0) }
  }

  private func isSkipped(_ step: RoutingPlan.Step, _ statistic: Statistic) -> Bool {
    guard let condition = step.condition, let value = statistic(condition.statistic, step.target) else { return false }
    return condition.holds(value)
  }
}
