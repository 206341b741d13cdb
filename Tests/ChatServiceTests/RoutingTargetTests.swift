// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import ChatService

/// `_target` (GMS options, 4.4): its grammar, and which target has its turn when.
@Suite struct RoutingTargetTests {
  @Test(arguments: [
    ("Billing@StatServer.GA", RoutingTarget.Kind.agentGroup), ("Monique@Stat.Server.A", .agent),
    ("Desk 7@StatServer.AP", .place), ("Desks@StatServer.GP", .placeGroup), ("Spring@StatServer.GC", .campaignGroup),
    ("a@b@StatServer.GA", .agentGroup),
  ])
  func aSingleTargetHasNameStatServerAndType(text: String, kind: RoutingTarget.Kind) throws {
    let target = try RoutingTarget(text)
    #expect(target.kind == kind && !target.isSkillExpression)
  }

  @Test(arguments: [
    ("Billing", TargetError.badSyntax("Billing")), ("@StatServer.GA", .badSyntax("@StatServer.GA")),
    ("Billing@StatServer", .badSyntax("Billing@StatServer")), ("Billing@.GA", .badSyntax("Billing@.GA")),
    ("Billing@StatServer.XY", .badType("XY")), ("Billing@StatServer.", .badType("")),
    ("?:English@StatServer.GA", .badSkills("English")), ("?:English=@StatServer.GA", .badSkills("English=")),
    ("?:(English=1@StatServer.GA", .badSkills("(English=1")), ("?:=1@StatServer.GA", .badSkills("=1")),
    ("?:English=1&@StatServer.GA", .badSkills("English=1&")), ("?:English=1)@S.GA", .badSkills("English=1)")),
  ])
  func aBrokenTargetIsRefused(text: String, error: TargetError) {
    #expect(throws: error) { try RoutingTarget(text) }
  }

  @Test(arguments: [
    ("English=20&Loans=2", true), ("English=20&;Loans=2", true), ("English=20&amp;Loans=2", true),
    ("English=19", false), ("English>=20", true), ("English>20", false), ("English<=20", true), ("English<20", false),
    ("English!=20", false), ("Loans=9|English=20", true), ("Loans=9 | English=20 & Loans=2", true),
    ("(Loans=9|English=20)&Loans=3", false), ("French=0", true), ("French>0", false), ("", true), (" ", true),
  ])
  func aSkillExpressionMatchesLevels(text: String, matches: Bool) throws {
    #expect(try SkillExpression(text).matches(["English": 20, "Loans": 2]) == matches)
  }

  @Test func parenthesesAreBounded() {
    let deep = String(repeating: "(", count: 50) + "A=1" + String(repeating: ")", count: 50)
    #expect(throws: TargetError.badSkills(deep)) { try SkillExpression(deep) }
  }

  @Test func aListMayHaveFifteenTargetsAsListOrAsText() throws {
    let step = #"{"target":"G@S.GA","timeout":"5"}"#
    let list = "[" + Array(repeating: step, count: 15).joined(separator: ",") + "]"
    #expect(try RoutingPlan(.string(list)).targets.count == 15)
    #expect(try RoutingPlan(try JSONValue(parsing: list)).targets.count == 15)
    let longer = "[" + Array(repeating: step, count: 16).joined(separator: ",") + "]"
    #expect(throws: TargetError.badCount(16)) { try RoutingPlan(.string(longer)) }
    #expect(throws: TargetError.badCount(0)) { try RoutingPlan(.array([])) }
  }

  @Test(arguments: [
    (#"[{"timeout":"5"}]"#, TargetError.badList), (#"{"target":"G@S.GA"}"#, .badType(#"GA"}"#)),
    (#"[{"target":"G@S.GA"},{"target":"G@S.GA"}]"#, .missingTimeout(index: 0)),
    (
      #"[{"target":"G@S.GA","timeout":"soon"}]"#,
      .badMember(index: 0, name: "timeout", expected: "whole seconds from 0 to 86400")
    ),
    (#"[{"target":"G@S.GA","clear":1}]"#, .badMember(index: 0, name: "clear", expected: "true or false")),
    (#"[{"target":"G@S.GA","claer":true}]"#, .unknownMember(index: 0, name: "claer")),
    (#"[{"target":"G@S.GA","stat_to_check":"X"}]"#, .halfCondition(index: 0)),
    (
      #"[{"target":"G@S.GA","stat_to_check":"X","stat_operator":"=","stat_value":"1"}]"#,
      .badMember(index: 0, name: "stat_operator", expected: #""<" or ">""#)
    ),
    (
      #"[{"target":"?:A=1@S.GA","stat_to_check":"X","stat_operator":"<","stat_value":"1"}]"#,
      .skillStatistic(index: 0, name: "X")
    ),
  ])
  func aBrokenListIsRefused(text: String, error: TargetError) {
    #expect(throws: error) { try RoutingPlan(.string(text)) }
    #expect(!error.description.isEmpty)
  }

  @Test(arguments: RoutingPlan.skillStatistics)
  func theThreeStatisticsOfSkillsAreAccepted(name: String) throws {
    let text = #"[{"target":"?:A=1@S.GA","stat_to_check":"\#(name)","stat_operator":"<","stat_value":1}]"#
    #expect(try RoutingPlan(.string(text)).targets[0].condition?.statistic == name)
  }

  // MARK: turns

  private func plan(_ steps: String...) throws -> RoutingPlan {
    try RoutingPlan(.string("[" + steps.joined(separator: ",") + "]"))
  }
  private func at(_ seconds: Int) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }

  @Test func aTargetThatClearsIsReplacedAndOneThatDoesNotIsJoined() throws {
    let plan = try plan(
      #"{"target":"A@S.GA","timeout":"10","clear":false}"#, #"{"target":"B@S.GA","timeout":"5","clear":true}"#,
      #"{"target":"C@S.GA"}"#)
    var progress = TargetProgress(plan, now: at(0)) { _, _ in nil }
    #expect(progress.pool == [0] && progress.switchesAt == at(10))
    #expect(!progress.advance(to: at(9)) { _, _ in nil })
    #expect(progress.advance(to: at(10)) { _, _ in nil })
    #expect(progress.pool == [0, 1] && progress.switchesAt == at(15))
    progress.advance(to: at(15)) { _, _ in nil }
    #expect(progress.pool == [2] && progress.switchesAt == nil, "the last one stays")
    #expect(!progress.advance(to: at(1_000)) { _, _ in nil })
  }

  @Test func timeThatNobodyLookedAtCountsAllTheSame() throws {
    let steps = Array(repeating: #"{"target":"A@S.GA","timeout":10}"#, count: 3) + [#"{"target":"A@S.GA"}"#]
    let plan = try RoutingPlan(.string("[" + steps.joined(separator: ",") + "]"))
    var progress = TargetProgress(plan, now: at(0)) { _, _ in nil }
    progress.advance(to: at(25)) { _, _ in nil }
    #expect(progress.pool == [2] && progress.switchesAt == at(30))
  }

  @Test(arguments: [("<", 0.0, [1]), ("<", 1.0, [0]), (">", 2.0, [1]), (">", 1.0, [0])])
  func aTargetWhoseConditionHoldsIsSkipped(sign: String, value: Double, pool: [Int]) throws {
    let plan = try plan(
      #"{"target":"A@S.GA","timeout":"5","stat_to_check":"X","stat_operator":"\#(sign)","stat_value":"1"}"#,
      #"{"target":"B@S.GA"}"#)
    let progress = TargetProgress(plan, now: at(0)) { name, target in
      name == "X" && target.who == .named("A") ? value : nil
    }
    #expect(progress.pool == pool)
  }

  @Test func theLastTargetIsNeverSkipped() throws {
    let step = #"{"target":"A@S.GA","timeout":"5","stat_to_check":"X","stat_operator":"<","stat_value":"1"}"#
    #expect(TargetProgress(try plan(step, step), now: at(0)) { _, _ in 0 }.pool == [1])
  }
}
