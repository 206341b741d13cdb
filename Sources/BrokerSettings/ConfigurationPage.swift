// SPDX-License-Identifier: Apache-2.0
import BrokerServer

/// `Docs/Configuration.md`, written from the table.
enum ConfigurationPage {
  static var markdown: String {
    ([introduction] + SettingsTable.sections.map(section) + [channelRules]).joined(separator: "\n")
  }

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
    - `bayeux.rules` hold no pattern that is longer than `bayeux.maxChannelBytes`.
    - `http.maxRequestLineBytes` is not above `http.maxHeadBytes`.
    - `chat.remote.url`, and `chat.remote.secret` with at least \(ServerConfiguration.Chat.minSecretCharacters) \
    characters, where `chat.backend` is `remote`.
    - `gms.maxMessageBytes` is not above \(ChatBackendKind.remote.maxTextBytes) where `chat.backend` is `remote`, and \
    not above \(ChatBackendKind.embedded.maxTextBytes) elsewhere.
    - `bayeux.browserCookieSecure` is on, where `bayeux.browserCookieSameSite` is `None`.

    """

  private static let channelRules = """
    ## Channel rules

    `bayeux.rules` is a list of objects, in the environment the same list as JSON text:

    ```json
    [
      { "pattern": "/news/**", "subscribe": "anyone", "publish": ["editor"] },
      { "pattern": "/chat/*", "subscribe": "any user", "publish": "any user", "echo": false, "maxMessagesPerSecond": 20 },
      { "pattern": "/ticker", "lazy": true, "maxLazyTimeout": 2000 }
    ]
    ```

    The narrowest rule wins: a name, then `/a/*`, then `/a/**`, then `/**`. What it does not say the next wider one says,
    and in the end `bayeux.openChannels`. A rule that could never take effect stops the start and is named: a pattern that
    is none, a second rule for the same channel, `/meta`, `/_genesys`.

    | Option | Value | Where nothing is said | Meaning |
    |---|---|---|---|
    | `pattern` | a channel, or a pattern with `*` or `**` as its last segment | required | Where the rule holds. Rules \
    for `/**` say nothing of `/service` channels, which are open. |
    | `create` | `"anyone"`, `"any user"`, `"none"` or a list of users | anyone | Who may use a channel while nobody is \
    subscribed to it. |
    | `subscribe` | the same | `bayeux.openChannels` | Who may subscribe. Who may not gets nothing through a wider \
    pattern either. |
    | `publish` | the same | `bayeux.openChannels` | Who may publish. A pattern itself is never published to. |
    | `echo` | true or false | `true` | Whether a publisher that is subscribed gets its own message. |
    | `lazy` | true or false | `false` | Whether messages wait for another reason to answer. |
    | `maxLazyTimeout` | milliseconds from 1 to 3600000 | `5000` | How long they may wait. |
    | `durable` | true or false | `false` | Whether messages are kept for who subscribes later. |
    | `history` | an object with `maxMessages`, `maxBytes` and `maxAge` (milliseconds) | 1000, 1048576, 86400000 | What is \
    kept of a durable channel; beyond any bound the oldest goes. |
    | `maxMessageBytes` | bytes from 1 to 1073741824 | no bound | `data` of a message; more is \
    `413:message_too_large:publish_denied`. |
    | `maxMessagesPerSecond` | from 1 to 1000000 | no bound | Messages of clients to one channel on each shard; more is \
    `429:channel_too_busy:publish_denied`. |

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
