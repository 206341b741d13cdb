// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Wire

extension SettingsTable {
  /// The bounds of the broker core; each default and its reason stands in `BayeuxLimits`.
  static let bayeuxLimits: [SettingKey] = [
    .whole(
      "bayeux.maxMessagesPerBatch", \.limits.maxMessagesPerBatch, 1...1_000_000, .messages,
      "Messages in one request; more is HTTP 413."),
    .whole(
      "bayeux.maxDepth", \.limits.maxDepth, 1...63, .levels, "Nesting of the JSON of a request; more is HTTP 400."),
    .whole(
      "bayeux.maxChannelBytes", \.limits.maxChannelBytes, 16...65_536, .bytes,
      "Name of a channel; more is `405::channel_invalid`."),
    .whole(
      "bayeux.maxIdBytes", \.limits.maxIDBytes, 1...65_536, .bytes,
      "Id of a message; more is `405::message_id_invalid`."),
    .whole("bayeux.maxUserBytes", \.limits.maxUserBytes, 1...65_536, .bytes, "A `gms_user`; more is HTTP 400."),
    .whole(
      "bayeux.maxSubscriptionsPerSession", \.limits.maxSubscriptionsPerSession, 1...1_000_000, .subscriptions,
      "Subscriptions of one session; more is refused."),
    .whole(
      "bayeux.maxSessions", \.limits.maxSessions, 1...(1 << 24), .sessions,
      "Sessions of one shard; more is `403::handshake_failed` with advice to try again."),
    .whole(
      "bayeux.maxSessionsPerUser", \.limits.maxSessionsPerUser, 1...(1 << 24), .sessions,
      "Sessions of one user; more is refused with advice to try again."),
    .whole(
      "bayeux.maxSessionsPerAddress", \.limits.maxSessionsPerAddress, 1...(1 << 24), .sessions,
      "Sessions on one shard of one IPv4 address or IPv6 /64; more is refused with advice to try again. This machine and "
        + "`gms.trustedProxies` are not counted."),
    .whole(
      "bayeux.maxHandshakesPerSecond", \.limits.maxHandshakesPerSecond, 1...1_000_000, .handshakes,
      "Handshakes on one shard of one such address in a second; more is refused with advice to try again later."),
    .time(
      "bayeux.handshakePause", \.limits.handshakePause, 0...longestMilliseconds,
      "The least pause advised to a client whose handshake a limit refused; up to as much is added at random."),
    .optionalWhole(
      "bayeux.maxPublishesPerSecond", \.limits.maxPublishesPerSecond, 1...1_000_000, .messages,
      "Messages that one session may publish in a second; more is refused, and the session goes on.",
      unset: "no bound"),
    .whole(
      "bayeux.maxQueueMessages", \.limits.maxQueueMessages, 1...100_000_000, .messages,
      "Messages that wait for one session; beyond it `bayeux.queuePolicy` holds."),
    .whole(
      "bayeux.maxQueueBytes", \.limits.maxQueueBytes, 1...(1 << 40), .bytes,
      "Messages that wait for one session; beyond it `bayeux.queuePolicy` holds."),
    .whole(
      "bayeux.maxShardQueueBytes", \.limits.maxShardQueueBytes, 1...(1 << 44), .bytes,
      "Messages that wait for all sessions of one shard; beyond it the sessions with the longest queues end."),
    .whole(
      "bayeux.maxResponseBytes", \.limits.maxResponseBytes, 1...(1 << 30), .bytes,
      "Events in one response; what is left waits for the next connect, which returns at once."),
    .whole(
      "bayeux.maxBacklogMessages", \.limits.maxBacklogMessages, 0...100_000_000, .messages,
      "Messages kept for one user who is away; beyond it the oldest goes."),
    .whole(
      "bayeux.maxBacklogBytes", \.limits.maxBacklogBytes, 0...(1 << 40), .bytes,
      "Messages kept for one user who is away; beyond it the oldest goes."),
    .time(
      "bayeux.maxBacklogAge", \.limits.maxBacklogAge, 1...longestMilliseconds,
      "How long a message is kept for a user who is away."),
    .whole(
      "bayeux.maxBacklogUsers", \.limits.maxBacklogUsers, 0...100_000_000, .users,
      "Users of one shard for whom messages are kept; a message for a further one is dropped."),
    .whole(
      "bayeux.maxHistoryBytes", \.limits.maxHistoryBytes, 0...(1 << 40), .bytes,
      "Events kept of all durable channels together; beyond it the oldest goes."),
    .whole(
      "bayeux.maxHistoryChannels", \.limits.maxHistoryChannels, 1...1_000_000, .channels,
      "Durable channels of which something is kept; for a further one that which was silent longest is forgotten."),
    .whole(
      "bayeux.maxReplaySlice", \.limits.maxReplaySlice, 1...1_000_000, .messages,
      "Events of the past put into the queue of a session at a time; the next follow when it has taken them."),
    .whole(
      "bayeux.maxUnkeptPublishes", \.limits.maxUnkeptPublishes, 0...10_000_000, .messages,
      "Publishes of one shard to durable channels that wait to be written; a further one is `507::not_stored`."),
  ]
}

extension SettingsTable {
  static let webSocket: [SettingKey] = [
    .bool(
      "websocket.enabled", \.server.webSocket.isEnabled,
      "Whether upgrades are accepted and `websocket` is offered in handshake replies."),
    .optionalText(
      "websocket.subprotocol", \.server.webSocket.subprotocol, .token,
      "The subprotocol that a client has to offer.", unset: "none is asked for"),
    .bool(
      "websocket.compression", \.server.webSocket.allowsCompression,
      "Whether messages are compressed where the client offers it (permessage-deflate, no context takeover)."),
    .whole(
      "websocket.minCompressedBytes", \.server.webSocket.limits.minCompressedBytes, 1...(1 << 30), .bytes,
      "Messages below this go out uncompressed."),
    .whole(
      "websocket.maxMessageBytes", \.server.webSocket.limits.maxMessageBytes, 1...(1 << 30), .bytes,
      "A message of a client, all its fragments together, and decompressed; more closes the socket with 1009."),
    .time(
      "websocket.firstMessageTimeout", \.server.webSocket.limits.firstMessageTimeout, 1...longestMilliseconds,
      "How long a new socket may say nothing."),
    .time(
      "websocket.messageTimeout", \.server.webSocket.limits.messageTimeout, 1...longestMilliseconds,
      "How long a message may take from its first byte."),
    .time(
      "websocket.closeTimeout", \.server.webSocket.limits.closeTimeout, 1...longestMilliseconds,
      "How long the peer has to answer a ping or a close frame."),
  ]
}

extension Settings {
  /// Shorter key paths for the table.
  fileprivate var limits: BayeuxLimits {
    get { server.bayeux.options.limits }
    set { server.bayeux.options.limits = newValue }
  }
}
