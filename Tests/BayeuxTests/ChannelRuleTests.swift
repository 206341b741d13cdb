// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

/// Which rule holds where, and which rules are refused.
struct ChannelRuleTests {
  /// Each rule is known by the bytes it allows.
  private static let ladder = [
    rule("/**") { $0.maxMessageBytes = 1 }, rule("/a/**") { $0.maxMessageBytes = 2 },
    rule("/a/b/**") { $0.maxMessageBytes = 3 }, rule("/a/b/*") { $0.maxMessageBytes = 4 },
    rule("/a/b/c") { $0.maxMessageBytes = 5 }, rule("/*") { $0.maxMessageBytes = 6 },
  ]

  @Test(arguments: [
    ("/a/b/c", 5), ("/a/b/d", 4), ("/a/b/d/e", 3), ("/a/b", 2), ("/a/x/y", 2), ("/a", 6), ("/x", 6), ("/x/y", 1),
    // A pattern is held by what covers all of it.
    ("/a/b/*", 4), ("/a/b/**", 3), ("/a/*", 2), ("/a/**", 2), ("/*", 6), ("/**", 1), ("/x/*", 1), ("/a/b/c/*", 3),
  ])
  func theNarrowestRuleWins(_ name: String, _ bytes: Int) throws {
    let channel = try #require(Channel(name))
    for list in [Self.ladder, Self.ladder.reversed()] {
      #expect(try ChannelRules(list).resolve(channel).maxMessageBytes == bytes)
    }
  }

  @Test func whatARuleDoesNotSayAWiderOneSays() throws {
    let rules = rules(
      rule("/a/**") {
        $0.publish = .users(["ann"])
        $0.lazy = true
        $0.maxLazyTimeout = .seconds(1)
        $0.durable = true
      }, rule("/a/b") { $0.lazy = false },
      rule("/a/c") {
        $0.history = ChannelRule.History()
        $0.history?.maxMessages = 7
      })
    let (inner, other) = try (#require(Channel("/a/b")), #require(Channel("/a/c")))
    #expect(rules.resolve(inner).publish == .users(["ann"]) && rules.resolve(inner).lazyTimeout == nil)
    #expect(rules.resolve(other).lazyTimeout == .seconds(1) && rules.resolve(other).history?.maxMessages == 7)
    #expect(rules.resolve(inner).isDurable && rules.resolve(inner).history == ChannelRule.History())
    #expect(rules.resolve(other).subscribe == nil && rules.resolve(other).echoes)
  }

  @Test func rulesForEverythingSayNothingOfServiceChannels() throws {
    let service = try #require(Channel("/service/echo"))
    #expect(rules("/**") { $0.publish = .nobody }.resolve(service).publish == nil)
    #expect(rules("/service/**") { $0.publish = .anyUser }.resolve(service).publish == .anyUser)
  }

  @Test func aLazyChannelHasATimeout() throws {
    let channel = try #require(Channel("/a"))
    #expect(rules("/a") { $0.lazy = true }.resolve(channel).lazyTimeout == .seconds(5))
  }

  // MARK: rules that can never take effect

  struct Bad: Sendable, CustomTestStringConvertible {
    let rules: [ChannelRule]
    let fault: ChannelRuleFault
    var index = 0
    var testDescription: String { "\(fault)" }
  }

  private static func echo(_ pattern: String) -> ChannelRule { rule(pattern) { $0.echo = false } }

  static let bad: [Bad] =
    ["", "a", "/", "/a//b", "/a/*/b", "/a**", "/a/***", "/a?", "/ä"].map {
      Bad(rules: [echo($0)], fault: .badPattern($0))
    }
    + ["/meta", "/meta/**", "/meta/handshake"].map { Bad(rules: [echo($0)], fault: .meta($0)) }
    + ["/_genesys", "/_genesys/"].map { Bad(rules: [echo($0)], fault: .genesys($0)) } + [
      Bad(rules: [echo("/a"), echo("/b"), echo("/a/")], fault: .duplicate("/a/", of: "/a"), index: 2),
      Bad(rules: [ChannelRule("/a")], fault: .empty("/a")),
      Bad(rules: [rule("/a") { $0.publish = .users([]) }], fault: .noUsers("/a")),
      Bad(
        rules: [rule("/a") { $0.maxLazyTimeout = .seconds(1) }], fault: .lazyTimeoutWithoutLazy("/a")),
      Bad(
        rules: [
          rule("/a") {
            $0.lazy = false
            $0.maxLazyTimeout = .seconds(1)
          }
        ], fault: .lazyTimeoutWithoutLazy("/a")),
      Bad(rules: [rule("/a") { $0.history = ChannelRule.History() }], fault: .historyWithoutDurable("/a")),
      Bad(rules: [rule("/a") { $0.maxMessageBytes = 0 }], fault: .outOfBounds("/a", option: "maxMessageBytes")),
      Bad(
        rules: [rule("/a") { $0.maxMessagesPerSecond = 1_000_001 }],
        fault: .outOfBounds("/a", option: "maxMessagesPerSecond")),
      Bad(
        rules: [
          rule("/a") {
            $0.lazy = true
            $0.maxLazyTimeout = .zero
          }
        ], fault: .outOfBounds("/a", option: "maxLazyTimeout")),
    ]
    + [
      ("create", rule("/service/x") { $0.create = .anyone }),
      ("subscribe", rule("/service/x") { $0.subscribe = .anyone }),
      ("echo", echo("/service/x")), ("lazy", rule("/service/x") { $0.lazy = true }),
      ("durable", rule("/service/x") { $0.durable = true }),
    ].map { Bad(rules: [$1], fault: .serviceOption("/service/x", option: $0)) }

  @Test(arguments: bad) func aRuleThatCanNeverTakeEffectIsRefusedByItsName(_ bad: Bad) throws {
    #expect(throws: bad.fault) { try ChannelRules(bad.rules) }
    let faults = ChannelRules.faults(in: bad.rules, maxChannelBytes: 256)
    #expect(faults.map(\.index) == [bad.index])
    let pattern = bad.rules[bad.index].pattern
    #expect(bad.fault.sentence.contains("\"\(pattern)\""))
  }

  @Test func allFaultsAreFoundTogether() {
    let faults = ChannelRules.faults(in: [Self.echo("a"), Self.echo("/a"), Self.echo("/meta/x")], maxChannelBytes: 256)
    #expect(faults.map(\.fault) == [.badPattern("a"), .meta("/meta/x")] && faults.map(\.index) == [0, 2])
  }

  @Test func aPatternLongerThanANameMayBeNeverMatches() throws {
    let long = "/" + String(repeating: "a", count: 20)
    #expect(throws: ChannelRuleFault.badPattern(long)) { try ChannelRules([Self.echo(long)], maxChannelBytes: 20) }
    #expect(try !ChannelRules([Self.echo(long)], maxChannelBytes: 21).isEmpty)
  }

  @Test func rulesAreCounted() throws {
    let most = ChannelRuleLimits.maxRules
    let list = (0..<most).map { Self.echo("/\($0)") }
    #expect(try !ChannelRules(list).isEmpty)
    #expect(throws: ChannelRuleFault.tooMany(limit: most)) { try ChannelRules(list + [Self.echo("/more")]) }
  }

  // MARK: what is remembered

  @Test func theCacheEndsAndKeepsWhatHasAPace() throws {
    let rules = rules("/a") { $0.maxMessagesPerSecond = 1 }
    var cache = PolicyCache()
    let now = Instant(nanoseconds: 1)
    let paced = try #require(Channel("/a"))
    let isTaken = cache.take(cache.entry(for: paced, rules: rules), perSecond: 1, at: now)
    for number in 0...3 * PolicyCache.maxEntries {
      _ = cache.entry(for: try #require(Channel("/b\(number)")), rules: rules)
      #expect(cache.count <= PolicyCache.maxEntries)
    }
    let isTakenAgain = cache.take(cache.entry(for: paced, rules: rules), perSecond: 1, at: now)
    #expect(isTaken && !isTakenAgain)
  }
}
