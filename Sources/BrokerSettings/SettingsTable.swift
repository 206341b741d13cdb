// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import ChatService
import Store
import Wire

/// THE table of settings. Parsing, errors, the names of environment variables, `--help` and `Docs/Configuration.md`
/// come from it; defaults come from the structures that it fills.
public enum SettingsTable {
  /// Every key, section by section, in the order of the documentation.
  public static let keys: [SettingKey] =
    server + admin + data + bayeux + bayeuxSessions + bayeuxLimits + webSocket + http + gms + chat + chatLimits
    + storage + backend + push + demoAndLog

  /// The sections in the same order.
  public static let sections: [String] = keys.map(\.section).reduce(into: []) { sections, section in
    if sections.last != section { sections.append(section) }
  }

  /// What may hold an object of further keys in a file: sections, and parts of sections such as `chat.remote`.
  static let groups: Set<String> = keys.reduce(into: []) { groups, key in
    var name = key.name[...]
    while let dot = name.lastIndex(of: ".") {
      name = name[..<dot]
      groups.insert(String(name))
    }
  }

  private static let byName = Dictionary(uniqueKeysWithValues: keys.map { ($0.name, $0) })

  public static func key(_ name: String) -> SettingKey? { byName[name] }

  /// The longest time that a setting accepts: ten days, well inside what every clock and client can count.
  static let longestMilliseconds = 864_000_000
  private static let ports = 0...65_535

  private static let server: [SettingKey] = [
    .text("server.host", \.server.server.host, .host, "Address of the public listener.", flag: "--host"),
    .whole(
      "server.port", \.server.server.port, ports, .none, "Port of the public listener; 0 lets the system choose.",
      flag: "--port"),
    .optionalWhole(
      "server.shards", \.server.server.shards, 1...255, .threads, "Loop threads that share the connections.",
      unset: "one per core", flag: "--shards"),
    .optionalText(
      "server.username", \.server.server.username, .any,
      "User that HTTP Basic asks for below `/genesys/1`; goes with `server.password`.", unset: "nobody is asked"),
    .optionalText(
      "server.password", \.server.server.password, .any, "Password that HTTP Basic asks for below `/genesys/1`.",
      unset: "nobody is asked", isSecret: true),
  ]

  private static let admin: [SettingKey] = [
    .text("admin.host", \.server.admin.host, .host, "Address of the admin listener."),
    .whole(
      "admin.port", \.server.admin.port, ports, .none, "Port of the admin listener; 0 lets the system choose.",
      flag: "--admin-port"),
    .optionalText(
      "admin.token", \.server.admin.token, .bearerToken,
      "What `Authorization: Bearer` must carry on the admin listener; required, with at least "
        + "\(CrossChecks.minAdminTokenCharacters) characters, when `admin.host` is not a loopback address.",
      unset: "none is asked for", isSecret: true),
    .texts(
      "admin.allowedHosts", \.server.admin.allowedHosts, .authority,
      "Hosts that a `Host` header may give on the admin listener, besides its own address and `localhost`."),
  ]

  private static let data: [SettingKey] = [
    .optionalText(
      "data.directory", \.server.data.directory, .directory,
      "Directory for services, chats and messages of absent users, so that they outlive the broker.",
      unset: "all is kept in memory alone", flag: "--data"),
    .choice(
      "data.durability", \.server.data.durability,
      "What an accepted message outlives: the end of the process, `kill -9` included, or a loss of power too."),
    .optionalWhole(
      "data.maxBytes", \.server.data.maxBytes, 65_536...(1 << 44), .bytes,
      "Size of the data file; beyond it what has to be kept is refused (507).", unset: "what the disk holds"),
    .time(
      "data.endedChatRetention", \.server.gms.chat.endedChatRetention, 1...longestMilliseconds,
      "How long a service is kept whose chat has ended, where `gms.serviceTtl` does not end it sooner."),
  ]

  private static let bayeux: [SettingKey] = [
    .text(
      "bayeux.path", \.server.bayeux.path, .mountPath, "Mount path; every path below it is the same endpoint."),
    .bool("bayeux.jsonp", \.server.bayeux.jsonp, "Whether callback-polling (JSONP) is served."),
    .optionalBool(
      "bayeux.openChannels", \.server.bayeux.openChannels,
      "Whether clients may subscribe and publish to broadcast channels, wildcards included, of which no rule speaks.",
      unset: "only while `server.host` is a loopback address"),
    .channelRules(
      "bayeux.rules", \.server.bayeux.rules, "Who may do what on which channel, and what holds there; see below."),
    .time(
      "bayeux.timeout", \.server.bayeux.options.timeout, 1...longestMilliseconds,
      "What `advice.timeout` says; a held connect is answered min(5 s, a twelfth of it) earlier."),
    .time(
      "bayeux.interval", \.server.bayeux.options.interval, 0...longestMilliseconds,
      "How long a client is told to wait before it connects again."),
    .time(
      "bayeux.maxInterval", \.server.bayeux.options.maxInterval, 1...longestMilliseconds,
      "How long a session outlives its last answer, on top of `bayeux.interval`; also one that never connects."),
    .whole(
      "bayeux.duplicateMetaConnectHttpResponseCode",
      \.server.bayeux.options.duplicateMetaConnectHttpResponseCode, 200...599, .none,
      "HTTP status of the older of two connects of one session; 200 answers it as a connect that met no event."),
    .bool(
      "bayeux.metaConnectDeliverOnly", \.server.bayeux.options.metaConnectDeliverOnly,
      "Whether events go out with replies to connects only, on every transport."),
    .whole(
      "bayeux.messagesPerFrame", \.server.bayeux.options.messagesPerFrame, 1...1_000_000, .messages,
      "Events in one WebSocket frame at the most."),
    .choice(
      "bayeux.replayOutOfWindow", \.server.bayeux.options.replayOutOfWindow,
      "What a subscribe gets that asks for events of a durable channel which are not kept any more: an error, all that "
        + "is kept, or new events alone."),
    .choice(
      "bayeux.queuePolicy", \.server.bayeux.options.queuePolicy,
      "What gives way when the queue of a session is full: the session, or a message. Messages for a user never do."),
  ]

  private static let http: [SettingKey] = [
    .texts(
      "http.allowedOrigins", \.server.http.allowedOrigins, .origin,
      "Origins whose pages may read answers: `https://host[:port]`, `https://*.host`, or `*` alone for any; "
        + "empty is same-origin only."),
    .time(
      "http.headTimeout", \.server.http.limits.headTimeout, 1...longestMilliseconds,
      "How long the head of a request may take from its first byte; more is 408."),
    .time(
      "http.idleTimeout", \.server.http.idleTimeout, 1...longestMilliseconds,
      "How long a connection may be idle between two requests; a held connect is not idle."),
    .time(
      "http.writeTimeout", \.server.http.writeTimeout, 1...longestMilliseconds,
      "How long a client may take to read what was sent before it is cut off."),
    .whole(
      "http.maxBodyBytes", \.server.http.limits.maxBodyBytes, 1...(1 << 30), .bytes, "Body of a request; more is 413."),
    .whole(
      "http.maxHeadBytes", \.server.http.limits.maxHeadBytes, 64...(1 << 20), .bytes,
      "Head of a request with its request line; more is 431."),
    .whole(
      "http.maxRequestLineBytes", \.server.http.limits.maxRequestLineBytes, 32...(1 << 20), .bytes,
      "Request line; more is 414."),
    .whole(
      "http.maxHeaders", \.server.http.limits.maxHeaders, 1...10_000, .headers,
      "Header fields of a request; more is 431."),
    .whole(
      "http.maxFormFields", \.server.http.limits.maxFormFields, 1...100_000, .fields,
      "Fields of a form or a query; more is 400."),
    .whole(
      "http.maxPartHeadBytes", \.server.http.limits.maxPartHeadBytes, 16...(1 << 20), .bytes,
      "Header lines of one part of a multipart body; more is 400."),
    .whole(
      "http.maxChunkLineBytes", \.server.http.limits.maxChunkLineBytes, 3...65_536, .bytes,
      "Size line of a chunk with its extensions; more is 400."),
    .whole(
      "http.maxTrailerBytes", \.server.http.limits.maxTrailerBytes, 2...65_536, .bytes,
      "Trailers behind a chunked body; more is 431."),
    .whole(
      "http.minBodyBytesPerSecond", \.server.http.limits.minBodyBytesPerSecond, 1...(1 << 30), .bytesPerSecond,
      "How slowly a body may arrive; less is 408."),
    .optionalWhole(
      "http.maxConnections", \.server.http.maxConnections, 1...10_000_000, .connections,
      "Connections of one shard; beyond it new ones are closed at once.",
      unset: "what the limit of file descriptors allows"),
    .whole(
      "http.maxPipelinedBytes", \.server.http.maxPipelinedBytes, 1...(1 << 30), .bytes,
      "Pipelined requests that are kept while an earlier one is unanswered; then reading pauses."),
  ]

  private static let demoAndLog: [SettingKey] = [
    .bool(
      "demo.agent", \.server.demo.agent, "Whether a scripted agent joins and answers every chat.", flag: "--demo"),
    .choice("log.level", \.log.level, "What is less severe is not logged.", flag: "--log-level"),
    .choice("log.format", \.log.format, "How a line looks: readable text, or one JSON object.", flag: "--log-format"),
  ]
}
