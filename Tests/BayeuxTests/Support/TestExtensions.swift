// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes

/// Does what a test tells it to; says yes to everything else.
struct ScriptedExtension: Extension {
  typealias Hook = @Sendable (inout ExtensionMessage, ExtensionContext) -> Bool
  var onIncoming: Hook = { _, _ in true }
  var onIncomingMeta: Hook = { _, _ in true }
  var onOutgoing: Hook = { _, _ in true }
  var onOutgoingMeta: Hook = { _, _ in true }

  func incoming(_ message: inout ExtensionMessage, _ context: ExtensionContext) -> Bool {
    onIncoming(&message, context)
  }
  func incomingMeta(_ message: inout ExtensionMessage, _ context: ExtensionContext) -> Bool {
    onIncomingMeta(&message, context)
  }
  func outgoing(_ message: inout ExtensionMessage, _ context: ExtensionContext) -> Bool {
    onOutgoing(&message, context)
  }
  func outgoingMeta(_ message: inout ExtensionMessage, _ context: ExtensionContext) -> Bool {
    onOutgoingMeta(&message, context)
  }

  /// Writes its name into `ext.trail` of every message that it sees.
  static func named(_ name: String) -> ScriptedExtension {
    let sign: Hook = { message, _ in
      let trail = message[ext: "trail"]?.string ?? ""
      message[ext: "trail"] = .string(trail + name)
      return true
    }
    return ScriptedExtension(onIncoming: sign, onIncomingMeta: sign, onOutgoing: sign, onOutgoingMeta: sign)
  }

  /// Drops what comes in on that channel.
  static func refusing(_ channel: String) -> ScriptedExtension {
    let hook: Hook = { message, _ in message.channel != channel }
    return ScriptedExtension(onIncoming: hook, onIncomingMeta: hook)
  }
}

extension BrokerAdditions {
  static func extensions(_ extensions: any Extension...) -> BrokerAdditions {
    var additions = BrokerAdditions()
    additions.extensions = ExtensionChain(extensions)
    return additions
  }
}
