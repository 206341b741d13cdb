// SPDX-License-Identifier: Apache-2.0
import Bayeux

/// One rule.
func rule(_ pattern: String, _ set: (inout ChannelRule) -> Void) -> ChannelRule {
  var rule = ChannelRule(pattern)
  set(&rule)
  return rule
}

/// Rules that are known to be sound.
func rules(_ list: ChannelRule...) -> ChannelRules { (try? ChannelRules(list)) ?? ChannelRules() }

func rules(_ pattern: String, _ set: (inout ChannelRule) -> Void) -> ChannelRules { rules(rule(pattern, set)) }
