// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import BrokerSettings

extension SettingKey {
  /// Two different legal values, the first of them not the default.
  var samples: (first: SettingValue, second: SettingValue) {
    switch shape {
    case .whole(let bounds, _):
      guard case .whole(let standard) = defaultValue else {
        return (.whole(bounds.lowerBound + 2), .whole(bounds.lowerBound + 3))
      }
      return (.whole(standard + 2), .whole(standard + 3))
    case .bool: return defaultValue == .bool(true) ? (.bool(false), .bool(true)) : (.bool(true), .bool(false))
    case .choice(let names):
      let others = names.filter { .text($0) != defaultValue }
      return (.text(others[0]), .text(names.first { $0 != others[0] }!))
    case .text(let rule): return (.text(rule.samples.0), .text(rule.samples.1))
    case .texts(let rule): return (.texts([rule.samples.0, rule.samples.1]), .texts([rule.samples.1]))
    case .channelRules:
      return (
        .json(#"[{"pattern":"/a/**","subscribe":"anyone","publish":["ann","bob"]}]"#),
        .json(#"[{"pattern":"/b","echo":false}]"#)
      )
    }
  }

  /// Variables without which no broker starts that has the first of ``samples``.
  var company: [String: String] {
    guard name == "chat.backend" else { return [:] }
    return ["CHAT_REMOTE_URL": "http://127.0.0.1:9090", "CHAT_REMOTE_SECRET": "0123456789abcdef"]
  }

  /// Values of the right kind that are out of bounds.
  var outOfBounds: [SettingValue] {
    switch shape {
    case .whole(let bounds, _): [.whole(bounds.lowerBound - 1), .whole(bounds.upperBound + 1)]
    case .choice: [.text("nonsense"), .text("")]
    case .text(let rule): [.text(rule.bad)]
    case .texts(let rule): [.texts([rule.samples.0, rule.bad])]
    // What is wrong with a rule is told of the rule.
    case .bool, .channelRules: []
    }
  }
}

extension TextRule {
  var samples: (String, String) {
    switch self {
    case .any: ("Resources:chat", "Environment:other")
    case .host: ("localhost", "127.0.0.2")
    case .authority: ("broker.example", "localhost:9000")
    case .mountPath: ("/cometd", "/push/v1")
    case .origin: ("https://a.example", "http://*.b.example:8080")
    case .network: ("10.0.0.0/8", "fd00::/8")
    case .baseURL: ("https://chat.example.com", "http://127.0.0.1:8080/base")
    case .httpURL: ("http://127.0.0.1:9090", "http://chat.example.com/base")
    case .headerName: ("x-user", "remote-user")
    case .bearerToken: ("0123456789abcdef", "fedcba9876543210")
    case .absolutePath: ("/a", "/b?c=d")
    case .directory: ("data", "/var/lib/my broker")
    case .token: ("One", "two.2")
    case .cookiePath: ("/a", "/b/c")
    }
  }

  var bad: String {
    switch self {
    case .any: "a\nb"
    case .host: "http://localhost"
    case .authority: "broker.example:port"
    case .mountPath: "cometd"
    case .origin: "a.example"
    case .network: "10.0.0.0/33"
    case .baseURL: "chat.example.com"
    case .httpURL: "https://chat.example.com"
    case .headerName: "x user"
    case .bearerToken: "hunter2 hunter2 hunter2"
    case .absolutePath: "a"
    case .directory: ""
    case .token: "a;b"
    case .cookiePath: "/a;b"
    }
  }
}

extension SettingValue {
  /// As an environment variable holds it.
  var variable: String {
    switch self {
    case .text(let text): text
    case .texts(let elements): elements.joined(separator: ", ")
    default: literal
    }
  }

  /// As a JSON file holds it.
  var json: String {
    switch self {
    case .text(let text): Self.quoted(text)
    case .texts(let elements): "[" + elements.map(Self.quoted).joined(separator: ",") + "]"
    default: literal
    }
  }

  private static func quoted(_ text: String) -> String { "\"" + text.replacing("\n", with: "\\n") + "\"" }
}

/// What went wrong in `text`, as the file `broker.json`, one sentence an element.
func fileErrors(_ text: String) -> [String] {
  SettingsFile(parsing: Array(text.utf8), path: "broker.json").errors.map(\.description)
}

/// Why `sources` are refused.
func refusal(of sources: SettingsSources) throws -> SettingsFailure {
  try #require(throws: SettingsFailure.self) { try Settings.load(from: sources) }
}
