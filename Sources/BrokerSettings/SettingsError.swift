// SPDX-License-Identifier: Apache-2.0

/// Where a value was given.
public enum SettingOrigin: Hashable, Sendable, CustomStringConvertible {
  /// Lines count from 1.
  case file(path: String, line: Int)
  case environment(variable: String)
  case flag(String)

  public var description: String {
    switch self {
    case .file(let path, let line): "\(path):\(line)"
    case .environment(let variable): "environment variable \(variable)"
    case .flag(let name): "option \(name)"
    }
  }
}

/// One thing that is wrong with what was configured. THE table of errors of this layer.
public enum SettingsError: Error, Hashable, Sendable {
  case unreadableFile(path: String, reason: String)
  case fileTooLarge(path: String, maxBytes: Int)
  case badJSON(SettingOrigin, reason: String)
  case notAnObject(SettingOrigin)
  case unknownKey(SettingOrigin, key: String, nearest: String?)
  case duplicateKey(SettingOrigin, key: String, firstLine: Int)
  /// `found` is nil where the value is a secret.
  case badValue(SettingOrigin, key: String, expected: String, found: String?)
  /// A service or one of its options; the sentence names both.
  case badService(SettingOrigin, sentence: String)
  /// A channel rule; the sentence says which.
  case badRule(SettingOrigin?, sentence: String)
  case adminNeedsToken(SettingOrigin?, host: String)
  case adminTokenTooShort(SettingOrigin?, minCharacters: Int)
  case samePort(SettingOrigin?, port: Int)
  case anyOriginAmongOthers(SettingOrigin?)
  case requestLineLongerThanHead(SettingOrigin?, headBytes: Int)
  case backendNeedsURL(SettingOrigin?)
  case backendNeedsSecret(SettingOrigin?, minCharacters: Int)
  case messageLongerThanBackendTakes(SettingOrigin?, maxBytes: Int)
  case sameSiteNoneNotSecure(SettingOrigin?)

  public var origin: SettingOrigin? {
    switch self {
    case .unreadableFile, .fileTooLarge: nil
    case .badJSON(let origin, _), .notAnObject(let origin), .unknownKey(let origin, _, _),
      .duplicateKey(let origin, _, _), .badValue(let origin, _, _, _), .badService(let origin, _):
      origin
    case .adminNeedsToken(let origin, _), .adminTokenTooShort(let origin, _), .samePort(let origin, _),
      .anyOriginAmongOthers(let origin), .requestLineLongerThanHead(let origin, _), .badRule(let origin, _),
      .backendNeedsURL(let origin), .backendNeedsSecret(let origin, _), .sameSiteNoneNotSecure(let origin),
      .messageLongerThanBackendTakes(let origin, _):
      origin
    }
  }

  /// What is wrong, without the place.
  public var sentence: String {
    switch self {
    case .unreadableFile(let path, let reason): "cannot read \(path): \(reason)"
    case .fileTooLarge(let path, let maxBytes): "\(path) is larger than \(maxBytes) bytes"
    case .badJSON(_, let reason): "not valid JSON: \(reason)"
    case .notAnObject: "a configuration file is one JSON object, {…}"
    case .unknownKey(_, let key, let nearest):
      "unknown key \"\(key)\"" + (nearest.map { "; did you mean \"\($0)\"?" } ?? "")
    case .duplicateKey(_, let key, let firstLine): "\"\(key)\" is given twice; it stands in line \(firstLine) already"
    case .badValue(_, let key, let expected, let found):
      "\"\(key)\" must be \(expected)" + (found.map { ", not \($0)" } ?? "; what was given is not shown")
    case .badService(_, let sentence), .badRule(_, let sentence): sentence
    case .adminNeedsToken(_, let host):
      "\"admin.token\" must be set, since \"admin.host\" \(host) can be reached from other machines"
    case .adminTokenTooShort(_, let minCharacters):
      "\"admin.token\" must have at least \(minCharacters) characters, "
        + "since \"admin.host\" can be reached from other machines"
    case .samePort(_, let port): "\"server.port\" and \"admin.port\" are both \(port) on the same address"
    case .anyOriginAmongOthers: "\"http.allowedOrigins\" must hold \"*\" alone or not at all"
    case .requestLineLongerThanHead(_, let headBytes):
      "\"http.maxRequestLineBytes\" must not be above \"http.maxHeadBytes\", which is \(headBytes)"
    case .backendNeedsURL: "\"chat.remote.url\" must be set, since \"chat.backend\" is \"remote\""
    case .backendNeedsSecret(_, let minCharacters):
      "\"chat.remote.secret\" must have at least \(minCharacters) characters, "
        + "since \"chat.backend\" is \"remote\""
    case .messageLongerThanBackendTakes(_, let maxBytes):
      "\"gms.maxMessageBytes\" must not be above \(maxBytes), the longest text that \"chat.backend\" takes"
    case .sameSiteNoneNotSecure:
      "\"bayeux.browserCookieSameSite\" None needs \"bayeux.browserCookieSecure\": browsers drop the cookie otherwise"
    }
  }
}

extension SettingsError: CustomStringConvertible {
  /// `broker.json:7: unknown key "bayeux.maxIntervall"; did you mean "bayeux.maxInterval"?`
  public var description: String { origin.map { "\($0): \(sentence)" } ?? sentence }
}

/// Everything that is wrong, reported together.
public struct SettingsFailure: Error, Hashable, Sendable, CustomStringConvertible {
  public let errors: [SettingsError]

  /// One error a line.
  public var description: String { errors.map(\.description).joined(separator: "\n") }
}

/// Something that looks like a slip but may be meant for another program.
public struct SettingsWarning: Hashable, Sendable, CustomStringConvertible {
  public let variable: String
  /// The variable that may have been meant.
  public let nearest: String?

  public var description: String {
    "environment variable \(variable) is no setting of this broker"
      + (nearest.map { "; did you mean \($0)?" } ?? "")
  }
}
