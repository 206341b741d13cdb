// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import ChatService
import Configuration

/// The three places where settings come from; what none of them says is the default.
public struct SettingsSources: Sendable {
  /// A JSON file; nil is none.
  public var filePath: String?
  /// Variables of any program; those of this one are picked out. An empty variable is as good as none.
  public var environment: [String: String]
  /// Options of the command line by the name of their key, `server.port`.
  public var flags: [String: SettingValue]

  public init(filePath: String? = nil, environment: [String: String] = [:], flags: [String: SettingValue] = [:]) {
    self.filePath = filePath
    self.environment = environment
    self.flags = flags
  }
}

public struct LoadedSettings: Sendable {
  public let settings: Settings
  /// Where each value that is not the default was given, by key.
  public let origins: [String: SettingOrigin]
  public let warnings: [SettingsWarning]
}

extension Settings {
  /// Merges all sources: a flag wins over the environment, that over the file, that over the default.
  ///
  /// Each source is checked whole, also where another one wins, so that a slip does not wait for the day when a flag
  /// is left out.
  ///
  /// - Throws: ``SettingsFailure`` with every error of every source, or, where the sources are sound, with everything
  ///   that does not fit together.
  public static func load(from sources: SettingsSources) throws(SettingsFailure) -> LoadedSettings {
    try load(from: sources, file: try sources.filePath.map(FileReading.settings))
  }

  /// The same for the contents of a file alone, without touching the disk.
  ///
  /// - Parameter path: what errors begin with.
  package static func load(fileContents: [UInt8], path: String) throws(SettingsFailure) -> LoadedSettings {
    try load(from: SettingsSources(), file: SettingsFile(parsing: fileContents, path: path))
  }

  private static func load(
    from sources: SettingsSources, file: SettingsFile?
  ) throws(SettingsFailure) -> LoadedSettings {
    let environment = EnvironmentReading(sources.environment)
    let flags = FlagReading(sources.flags)
    let inFile = file?.allErrors(server: Self.credentials(file, environment)) ?? []
    let errors = inFile + environment.errors + flags.errors
    guard errors.isEmpty else { throw SettingsFailure(errors: errors) }

    let reader = ConfigReader(providers: [
      flags.provider, environment.provider,
      InMemoryProvider(name: file?.path, values: configValues(file?.entries.mapValues(\.value) ?? [:])),
    ])
    var settings = Settings()
    for key in SettingsTable.keys {
      if let value = reader.value(of: key) { key.write(value, &settings) }
    }
    if let file {
      let server = BasicCredentials(
        username: settings.server.server.username, password: settings.server.server.password)
      settings.server.gms.chat.services = file.services.definitions(server: server).services
    }
    var origins = (file?.entries ?? [:]).mapValues { SettingOrigin.file(path: file?.path ?? "", line: $0.line) }
    origins.merge(environment.origins) { $1 }
    origins.merge(flags.origins) { $1 }
    let conflicts = CrossChecks.errors(in: settings, origins: origins)
    guard conflicts.isEmpty else { throw SettingsFailure(errors: conflicts) }
    return LoadedSettings(
      settings: settings, origins: origins, warnings: EnvironmentNames.warnings(about: sources.environment))
  }
}

extension Settings {
  /// Which of user and password any source gives; their values do not matter for what fits together.
  private static func credentials(_ file: SettingsFile?, _ environment: EnvironmentReading) -> BasicCredentials {
    func isGiven(_ name: String) -> String? {
      file?.entries[name] != nil || environment.origins[name] != nil ? "given" : nil
    }
    return BasicCredentials(username: isGiven("server.username"), password: isGiven("server.password"))
  }
}

/// The variables that are ours, checked.
private struct EnvironmentReading {
  let provider: EnvironmentVariablesProvider
  private(set) var errors: [SettingsError] = []
  private(set) var origins: [String: SettingOrigin] = [:]

  init(_ environment: [String: String]) {
    let secrets = Set(SettingsTable.keys.filter(\.isSecret).map(\.environmentName))
    let ours = environment.filter { !$0.value.isEmpty && EnvironmentNames.key(for: $0.key) != nil }
    provider = EnvironmentVariablesProvider(environmentVariables: ours, secretsSpecifier: .specific(secrets))
    for key in SettingsTable.keys {
      guard let text = ours[key.environmentName] else { continue }
      let origin = SettingOrigin.environment(variable: key.environmentName)
      origins[key.name] = origin
      guard let value = value(of: key) else {
        errors.append(key.badValue(.text(text), element: 0, at: origin))
        continue
      }
      if case .json(let text) = value {
        errors += ChannelRuleText(text).faults.map { .badRule(origin, sentence: Shown.sentence($0.sentence)) }
      } else if let fault = key.shape.firstFault(in: value) {
        errors.append(key.badValue(value, element: fault, at: origin))
      }
    }
  }

  /// What the provider makes of the text; nil where it cannot make the wanted type of it.
  private func value(of key: SettingKey) -> SettingValue? {
    let lookup = try? provider.value(forKey: AbsoluteConfigKey(key.configKey), type: key.configType)
    let value = (lookup?.value?.content).flatMap(SettingValue.init)
    if case .channelRules = key.shape, case .text(let text) = value { return .json(text) }
    return value
  }
}

/// The options of the command line, checked.
private struct FlagReading {
  let provider: InMemoryProvider
  private(set) var errors: [SettingsError] = []
  private(set) var origins: [String: SettingOrigin] = [:]

  init(_ flags: [String: SettingValue]) {
    provider = InMemoryProvider(name: "flags", values: configValues(flags))
    for key in SettingsTable.keys {
      guard let value = flags[key.name] else { continue }
      let origin = SettingOrigin.flag(key.flag ?? key.name)
      origins[key.name] = origin
      if let fault = key.shape.firstFault(in: value) {
        errors.append(key.badValue(value, element: fault, at: origin))
      }
    }
  }
}

// MARK: between the table and swift-configuration

private func configValues(_ values: [String: SettingValue]) -> [AbsoluteConfigKey: ConfigValue] {
  var result: [AbsoluteConfigKey: ConfigValue] = [:]
  for (name, value) in values {
    guard let key = SettingsTable.key(name) else { continue }
    result[AbsoluteConfigKey(key.configKey)] = ConfigValue(value.content, isSecret: key.isSecret)
  }
  return result
}

extension SettingKey {
  fileprivate var configKey: ConfigKey { ConfigKey(name) }

  fileprivate var configType: ConfigType {
    switch shape {
    case .text, .choice, .channelRules: .string
    case .whole: .int
    case .bool: .bool
    case .texts: .stringArray
    }
  }
}

extension SettingValue {
  fileprivate var content: ConfigContent {
    switch self {
    case .text(let text), .json(let text): .string(text)
    case .whole(let number): .int(number)
    case .bool(let value): .bool(value)
    case .texts(let elements): .stringArray(elements)
    }
  }

  fileprivate init?(_ content: ConfigContent) {
    switch content {
    case .string(let text): self = .text(text)
    case .int(let number): self = .whole(number)
    case .bool(let value): self = .bool(value)
    case .stringArray(let elements): self = .texts(elements.filter { !$0.isEmpty })
    default: return nil
    }
  }
}

extension ConfigReader {
  /// The value of the first source that has one.
  fileprivate func value(of key: SettingKey) -> SettingValue? {
    let content: ConfigContent? =
      switch key.configType {
      case .int: int(forKey: key.configKey, isSecret: key.isSecret).map(ConfigContent.int)
      case .bool: bool(forKey: key.configKey, isSecret: key.isSecret).map(ConfigContent.bool)
      case .stringArray: stringArray(forKey: key.configKey, isSecret: key.isSecret).map(ConfigContent.stringArray)
      default: string(forKey: key.configKey, isSecret: key.isSecret).map(ConfigContent.string)
      }
    return content.flatMap(SettingValue.init)
  }
}
