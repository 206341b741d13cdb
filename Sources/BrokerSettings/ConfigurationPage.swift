// SPDX-License-Identifier: Apache-2.0

/// `Docs/Configuration.md`, written from the table.
enum ConfigurationPage {
  static var markdown: String { ([introduction] + SettingsTable.sections.map(section)).joined(separator: "\n") }

  private static let introduction = """
    # Configuration

    This page is generated from the table of settings in `Sources/BrokerSettings`; a test compares the two.

    A setting is given as a flag of `broker-cli serve`, as an environment variable, or in the JSON file named by
    `--config`. Precedence: flag, environment, file, default. Times are milliseconds, sizes are bytes.

    A file holds one object. Keys stand in their sections or under their full name:

    ```json
    {
      "server": { "port": 8080 },
      "bayeux": { "timeout": 60000, "maxInterval": 30000 },
      "http.allowedOrigins": ["https://www.example.com"]
    }
    ```

    In the environment a key is written in capitals, words parted by `_`: `BAYEUX_MAX_INTERVAL=30000`. A list is
    parted by commas: `HTTP_ALLOWED_ORIGINS=https://a.example,https://b.example`. Truth is `true`, `yes` or `1`, and
    `false`, `no` or `0`. An empty variable counts as not set.

    Nothing is guessed. An unknown key, a key given twice, a value of the wrong kind or out of bounds is an error with
    file, line and what was expected, and all errors are reported together:

        broker.json:7: unknown key "bayeux.maxIntervall"; did you mean "bayeux.maxInterval"?

    Each source is checked whole, also where another one wins. A variable that begins like ours and is no setting
    (`BAYEUX_TIMEOUTS`) is only a warning, since the environment is shared with other programs. Secrets are never
    printed.

    What has to fit together:

    - `admin.token` with at least \(CrossChecks.minAdminTokenCharacters) characters, where `admin.host` is not a \
    loopback address.
    - `server.port` and `admin.port` differ, or both are 0, or the hosts differ.
    - `http.allowedOrigins` holds `*` alone or not at all.
    - `http.maxRequestLineBytes` is not above `http.maxHeadBytes`.

    """

  private static func section(_ name: String) -> String {
    let rows = SettingsTable.keys.filter { $0.section == name }.map(row)
    let head = ["## \(name)", "", "| Key | Value | Default | Meaning |", "|---|---|---|---|"]
    return (head + rows).joined(separator: "\n") + "\n"
  }

  private static func row(_ key: SettingKey) -> String {
    let names = ["`\(key.name)`", "`\(key.environmentName)`"] + (key.flag.map { ["`\($0)`"] } ?? [])
    let standard = key.defaultValue == nil ? key.defaultText : "`\(key.defaultText)`"
    let meaning = key.meaning + (key.isSecret ? " Secret." : "")
    return "| \(names.joined(separator: "<br>")) | \(key.shape.expectation) | \(standard) | \(meaning) |"
  }
}
