// SPDX-License-Identifier: Apache-2.0

/// How keys are called in the environment.
public enum EnvironmentNames {
  /// `bayeux.maxInterval` → `BAYEUX_MAX_INTERVAL`: a dot or a capital behind a small letter begins a new word.
  public static func variable(for key: String) -> String {
    var name = ""
    var previous: Character = "."
    for character in key {
      if character.isUppercase, previous.isLowercase { name.append("_") }
      name.append(character == "." ? "_" : character.uppercased())
      previous = character
    }
    return name
  }

  private static let keysByVariable = Dictionary(
    uniqueKeysWithValues: SettingsTable.keys.map { ($0.environmentName, $0) })

  /// The key that a variable sets.
  public static func key(for variable: String) -> SettingKey? { keysByVariable[variable] }

  /// Sections whose variables nobody else uses; the other sections share their prefix with half the world
  /// (`HTTP_PROXY`, `SERVER_SOFTWARE`, `ADMIN_EMAIL`), so that only a near miss is worth a warning there.
  private static let ownSections: Set<String> = ["bayeux", "gms"]

  /// Variables that look like ours and are not, in alphabetical order.
  static func warnings(about environment: [String: String]) -> [SettingsWarning] {
    environment.keys.sorted().compactMap { variable in
      guard key(for: variable) == nil,
        let section = SettingsTable.sections.first(where: { variable.hasPrefix($0.uppercased() + "_") })
      else { return nil }
      let nearest = Nearest.name(to: variable, among: keysByVariable.keys.sorted())
      guard nearest != nil || ownSections.contains(section) else { return nil }
      return SettingsWarning(variable: variable, nearest: nearest)
    }
  }
}
