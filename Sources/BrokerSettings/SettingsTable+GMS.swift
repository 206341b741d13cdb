// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import ChatService

extension SettingsTable {
  /// How a user is known, and the chat API.
  static let gms: [SettingKey] = [
    .texts(
      "gms.userHeaders", \.server.gms.userHeaders, .headerName,
      "Headers that carry the user; some proxies drop names with underscores, hence the aliases."),
    .bool(
      "gms.userFromQuery", \.server.gms.userFromQuery,
      "Whether a query parameter `gms_user` counts where no header can be set."),
    .bool(
      "gms.userFromCookie", \.server.gms.userFromCookie,
      "Whether a cookie `gms_user` counts where no header can be set."),
    .bool(
      "gms.userFromHandshake", \.server.bayeux.options.takesUserFromHandshake,
      "Whether `ext.gms_user` of a handshake over WebSocket names the user of a socket whose upgrade named none."),
    .texts(
      "gms.trustedProxies", \.server.gms.trustedProxies, .network,
      "Networks that are believed when they say who the user is; empty believes every peer."),
    .bool(
      "gms.requireUser", \.server.bayeux.options.requiresUser, "Whether a handshake without a user is refused."),
    .bool(
      "gms.requireUserOnEveryRequest", \.server.bayeux.options.requiresUserOnEveryRequest,
      "Whether every later request has to repeat the user of its handshake; to one without, the session is unknown."),
    .optionalText(
      "gms.externalUrlBase", \.server.gms.externalUrlBase, .baseURL,
      "Base of the absolute URLs of callbacks and chats (`_start_chat_url`, `_comet_url`, `poke_url`).",
      unset: "taken from the request"),
  ]

  /// How the chat API answers; the reasons for the defaults stand in `ChatConfiguration`.
  static let chat: [SettingKey] = [
    .choice(
      "gms.cometReply", \.chat.cometReply,
      "What a chat call with `notify_by=comet` answers: the whole chat object, a sentence, or the channel."),
    .choice("gms.transcriptPosition", \.chat.transcriptPosition, "How `transcriptPosition` is written in JSON."),
    .bool("gms.prettyJson", \.chat.prettyJSON, "Whether bodies are indented as GMS 8.1.1 wrote them."),
    .bool("gms.allowRechat", \.chat.allowRechat, "Whether a create after the end of a chat opens a new one."),
    .bool("gms.allowGetCreate", \.chat.allowGetCreate, "Whether a GET with query parameters creates a service."),
    .bool(
      "gms.strictUser", \.chat.strictUser,
      "Whether a chat call with another user than the one of its service is refused (403)."),
    .bool(
      "gms.refuseCallsOnEndedChats", \.chat.chat400OnDisconnected,
      "Whether calls on an ended chat are 400 instead of 200 with `DISCONNECTED` "
        + "(GMS `_chat_400_response_on_disconnected`)."),
    .time(
      "gms.serviceTtl", \.chat.serviceTTL, 1...longestMilliseconds,
      "How long a service is kept after it was last used (GMS `_ttl`); then its id is unknown (404)."),
    .text(
      "gms.defaultEndpoint", \.chat.defaultEndpoint, .any,
      "Chat endpoint, `tenant:endpoint`, of services that name none (GMS `default_chat_endpoint`)."),
    .optionalText(
      "gms.selectedAgentGroup", \.chat.selectedAgentGroup, .any,
      "Agents who are asked first for chats of services without a `_target` (GMS `app_selected_agent_group`).",
      unset: "any ready agent"),
    .time(
      "gms.findAgentTimeout", \.chat.findAgentTimeout, 0...86_400_000,
      "How long only they are asked, in whole seconds; then any ready agent (GMS `app_find_agent_timeout`)."),
    .text(
      "gms.loadBalancerPath", \.chat.loadBalancerPath, .absolutePath,
      "A member of verbose replies (GMS `chat_load_balancer_url_path`); nothing is served there."),
    .whole(
      "gms.timeZoneOffsetMinutes", \.chat.timeZoneOffsetMinutes, -1_440...1_440, .minutes,
      "What `clientTimeZoneOffset` shows when the client gave none."),
  ]

  /// The bounds of the chat service; each default and its reason stands in `ChatLimits`.
  static let chatLimits: [SettingKey] = [
    .whole(
      "gms.maxServices", \.chat.limits.maxServices, 1...100_000_000, .services,
      "Services kept at once; the next creation is 503."),
    .whole(
      "gms.maxMessageBytes", \.chat.limits.maxMessageBytes, 1...(1 << 30), .bytes,
      "Text of one customer's message; more is 400."),
    .whole("gms.maxFields", \.chat.limits.maxFields, 1...100_000, .fields, "Fields of one request; more is 400."),
    .whole(
      "gms.maxFieldBytes", \.chat.limits.maxFieldBytes, 1...(1 << 30), .bytes,
      "Name and value of one field; more is 400."),
    .whole(
      "gms.maxDataBytes", \.chat.limits.maxDataBytes, 1...(1 << 30), .bytes,
      "All fields that are kept with one service; more is 400."),
    .whole(
      "gms.maxListedCallbacks", \.chat.limits.maxListedCallbacks, 1...100_000, .services,
      "Callbacks that one query shows; further ones are left out."),
    .whole(
      "gms.maxSubscriptions", \.chat.limits.maxSubscriptions, 1...100_000_000, .none,
      "Notification subscriptions at once; the next is 503."),
    .time(
      "gms.subscriptionExpiration", \.chat.limits.subscriptionExpiration, 30_000...longestMilliseconds,
      "How long a subscription lives at least (GMS `defaultSubscriptionExpiration`)."),
    .time(
      "gms.maxSubscriptionExpiration", \.chat.limits.maxSubscriptionExpiration, 30_000...longestMilliseconds,
      "How long a subscription lives at most; a longer time is cut to it."),
    .whole(
      "gms.maxTranscriptEntries", \.chat.limits.maxTranscriptEntries, 1...100_000_000, .entries,
      "Entries kept of one transcript; beyond it the oldest are forgotten."),
    .whole(
      "gms.maxTranscriptBytes", \.chat.limits.maxTranscriptBytes, 1...(1 << 40), .bytes,
      "Texts and nicknames kept of one transcript; beyond it the oldest entries are forgotten."),
    .whole(
      "gms.maxRememberedEvents", \.chat.limits.maxRememberedEvents, 0...1_000_000, .events,
      "Events remembered per chat, so that a backend may send one again without doubling it."),
    .whole(
      "gms.maxEventsWhileOpening", \.chat.limits.maxEventsWhileOpening, 0...1_000_000, .events,
      "Events that are held before the opening of their chat is answered; later ones are to be sent again."),
    .time(
      "gms.callTimeout", \.chat.limits.callTimeout, 1...longestMilliseconds,
      "How long a call waits for the chat backend; then it is 500."),
    .time(
      "gms.holdBack", \.chat.limits.holdBack, 0...longestMilliseconds,
      "How long events of a new chat wait for the reply of its create to be written."),
    .time(
      "gms.sweepInterval", \.chat.limits.sweepInterval, 1...longestMilliseconds,
      "How often the chat service looks for times that ran out."),
  ]
}

extension SettingsTable {
  /// What clients may store; each default and its reason stands in `StorageLimits`.
  static let storage: [SettingKey] = [
    .whole(
      "gms.maxStorageBoxes", \.chat.storageLimits.maxBoxes, 1...100_000_000, .none,
      "Boxes of stored values at once; the next is 507."),
    .whole(
      "gms.maxStorageKeys", \.chat.storageLimits.maxKeys, 1...100_000, .fields, "Values of one box; more is 507."),
    .whole(
      "gms.maxStorageBoxBytes", \.chat.storageLimits.maxBoxBytes, 1...(1 << 30), .bytes,
      "Values and keys of one box; more is 507."),
    .whole(
      "gms.maxStorageBytes", \.chat.storageLimits.maxTotalBytes, 1...(1 << 40), .bytes,
      "Values and keys of all boxes; more is 507."),
    .time(
      "gms.maxStorageTtl", \.chat.storageLimits.maxTTL, 1_000...longestMilliseconds,
      "The longest time that a stored value lives; a longer one is cut to it."),
  ]

  /// What stands behind the chat API.
  static let backend: [SettingKey] = [
    .choice(
      "chat.backend", \.server.chat.backend,
      "What stands behind the chat API: a backend in this process, driven through the admin listener, or another "
        + "process (see `Docs/Backend.md`)."),
    .optionalText(
      "chat.remote.url", \.server.chat.remote.url, .httpURL,
      "Base of the addresses of the remote backend; required for it.", unset: "none"),
    .optionalText(
      "chat.remote.secret", \.server.chat.remote.secret, .bearerToken,
      "What broker and remote backend show one another, at least \(ServerConfiguration.Chat.minSecretCharacters) "
        + "characters; required for it.", unset: "none", isSecret: true),
    .time(
      "chat.remote.timeout", \.server.chat.remote.timeout, 1...longestMilliseconds,
      "How long one attempt of a call may take; all together may take `gms.callTimeout`."),
    .whole(
      "chat.remote.retries", \.server.chat.remote.retries, 0...100, .none,
      "Attempts after the first, where there was no answer or a 5xx."),
    .time(
      "chat.remote.backoff", \.server.chat.remote.backoff, 1...longestMilliseconds,
      "The pause before the second attempt; doubled before each further one."),
    .whole(
      "chat.remote.maxConnections", \.server.chat.remote.maxConnections, 1...10_000, .connections,
      "Connections to the remote backend at once; they are kept and used again. Connections / latency is the number of "
        + "calls a second."),
    .whole(
      "chat.remote.maxWaiting", \.server.chat.remote.maxWaiting, 1...1_000_000, .none,
      "Calls that wait or are under way; the next one is answered 500 at once."),
    .time(
      "chat.remote.keepAlive", \.server.chat.remote.keepAlive, 0...longestMilliseconds,
      "How often the remote backend is told that a live chat is still there; 0 is never."),
  ]

  /// Native pushes.
  static let push: [SettingKey] = [
    .texts(
      "push.enabled", \.server.push.enabled, .any,
      "Push providers: `comet`, which has to be there, `customhttp`, `httpcb` (GMS `pushEnabled`)."),
    .optionalText(
      "push.customHttpUrl", \.server.push.customHttpUrl, .baseURL,
      "Where `customhttp` posts to, `http://` alone (GMS `customhttp.url`).", unset: "none"),
    .texts(
      "push.httpCallbackHosts", \.server.push.httpCallbackHosts, .host,
      "Hosts that `httpcb` may call; the URLs come from clients."),
    .time("push.timeout", \.server.push.timeout, 1...longestMilliseconds, "How long a push provider may take."),
    .whole(
      "push.maxPending", \.server.push.maxPending, 1...100_000, .none, "Pushes under way at once; the next one fails."),
  ]
}

extension Settings {
  /// Shorter key paths for the table.
  fileprivate var chat: ChatConfiguration {
    get { server.gms.chat }
    set { server.gms.chat = newValue }
  }
}
