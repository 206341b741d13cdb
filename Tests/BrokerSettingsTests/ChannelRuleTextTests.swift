// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Testing

@testable import BrokerSettings

/// `bayeux.rules` as it is written in a file or in the environment.
struct ChannelRuleTextTests {
  private static let full = #"""
    [ { "pattern": "/chat/**", "create": "none", "subscribe": "any user", "publish": ["ann", "b\u0065n"],
        "echo": false, "lazy": true, "maxLazyTimeout": 1500, "durable": true,
        "history": { "maxMessages": 10, "maxBytes": 2000, "maxAge": 60000 },
        "maxMessageBytes": 4096, "maxMessagesPerSecond": 20 },
      { "pattern": "/news", "subscribe": "anyone", "history": {}, "durable": true } ]
    """#

  @Test func everyOptionIsRead() throws {
    let text = ChannelRuleText(Self.full)
    #expect(text.faults == [] && text.rules.count == 2)
    var chat = ChannelRule("/chat/**")
    chat.create = .nobody
    chat.subscribe = .anyUser
    chat.publish = .users(["ann", "ben"])
    chat.echo = false
    chat.lazy = true
    chat.maxLazyTimeout = .milliseconds(1500)
    chat.durable = true
    chat.history = ChannelRule.History()
    chat.history?.maxMessages = 10
    chat.history?.maxBytes = 2000
    chat.history?.maxAge = .seconds(60)
    chat.maxMessageBytes = 4096
    chat.maxMessagesPerSecond = 20
    #expect(text.rules.first == chat)
    #expect(text.rules.last?.subscribe == .anyone && text.rules.last?.history == ChannelRule.History())
  }

  @Test func whatIsWrittenIsReadAgain() {
    let rules = ChannelRuleText(Self.full).rules
    #expect(ChannelRuleText(ChannelRuleText.encode(rules)).rules == rules)
  }

  @Test(arguments: [
    (#"{}"#, "\"bayeux.rules\" must be a list of rules"), (#"[1]"#, "a rule must be an object"),
    (#"[{"echo": true}]"#, "a rule needs a \"pattern\""),
    (#"[{"pattern": 1, "echo": true}]"#, "\"pattern\" must be a text, not 1"),
    (#"[{"pattern": "/a", "ecko": true}]"#, "unknown key \"ecko\" in a channel rule; did you mean \"echo\"?"),
    (#"[{"pattern": "/a", "echo": 1}]"#, "\"echo\" must be true or false, not 1"),
    (#"[{"pattern": "/a", "echo": true, "echo": true}]"#, "\"echo\" is given twice"),
    (
      #"[{"pattern": "/a", "publish": "ann"}]"#,
      #""publish" must be "anyone", "any user", "none" or a list of users, not "ann""#
    ),
    (
      #"[{"pattern": "/a", "publish": ["ann", 1]}]"#,
      #""publish" must be "anyone", "any user", "none" or a list of users, not a list like that"#
    ),
    (
      #"[{"pattern": "/a", "lazy": true, "maxLazyTimeout": 0}]"#,
      "\"maxLazyTimeout\" must be a whole number from 1 to 3600000, not 0"
    ),
    (
      #"[{"pattern": "/a", "durable": true, "history": {"maxMessages": 1, "maxAges": 2}}]"#,
      "unknown key \"maxAges\" in a channel rule; did you mean \"maxAge\"?"
    ),
    (#"[{"pattern": "/a", "durable": true, "history": 7}]"#, "\"history\" must be an object"),
    (
      #"[{"pattern": "/meta/x", "echo": true}]"#,
      "the rule \"/meta/x\" can never match: \"/meta\" belongs to the protocol"
    ),
    (#"[{"pattern": "/a", "echo": true},]"#, "not valid JSON: unexpected character"),
  ])
  func aSlipIsToldInWords(_ text: String, _ sentence: String) {
    #expect(ChannelRuleText(text).faults.map(\.sentence).first == sentence)
  }

  @Test func everyFaultHasTheLineOfItsRule() {
    let text = """
      { "bayeux": { "timeout": 5, "rules": [
        { "pattern": "/a", "echo": true },
        { "pattern": "/a/*/b", "echo": true },
        { "pattern": "/a/", "lazy": true } ] } }
      """
    #expect(
      fileErrors(text) == [
        "broker.json:3: the rule \"/a/*/b\" can never match: a channel is a path such as \"/news/today\", "
          + "and a pattern has \"*\" or \"**\" as its last segment",
        "broker.json:4: the rule \"/a/\" can never match: \"/a\" before it is the same channel",
      ])
    #expect(
      fileErrors("{\n\"bayeux.rules\": [ {\"pattern\": \"/a\"},\n{\"pattern\":\n1, \"lazy\": true}, 7 ] }") == [
        "broker.json:3: \"pattern\" must be a text, not 1", "broker.json:4: a rule must be an object",
      ])
    #expect(fileErrors(#"{"bayeux.rules": "none"}"#).first?.contains("must be a list of channel rules") == true)
  }

  @Test func theEnvironmentIsCheckedAlike() throws {
    let bad = SettingsSources(environment: ["BAYEUX_RULES": #"[{"pattern":"/_genesys","publish":"anyone"}]"#])
    #expect(
      try refusal(of: bad).description
        == "environment variable BAYEUX_RULES: the rule \"/_genesys\" can never match: "
        + "events there go to their user, and no client publishes")
    let good = SettingsSources(environment: ["BAYEUX_RULES": #"[{"pattern":"/a","publish":"none"}]"#])
    let rules = try Settings.load(from: good).settings.server.bayeux.rules
    #expect(rules.map(\.pattern) == ["/a"] && rules.first?.publish == .nobody)
  }

  @Test func aPatternThatIsLongerThanNamesMayBeIsRefused() throws {
    let environment = [
      "BAYEUX_RULES": #"[{"pattern":"/aaaaaaaaaaaaaaaaaaaa","echo":true}]"#, "BAYEUX_MAX_CHANNEL_BYTES": "16",
    ]
    #expect(try refusal(of: SettingsSources(environment: environment)).description.contains("can never match"))
  }
}
