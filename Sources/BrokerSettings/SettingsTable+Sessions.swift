// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer

extension SettingsTable {
  /// Clients of one browser, handshakes and extensions; CometD's names where CometD has the option.
  static let bayeuxSessions: [SettingKey] = [
    .whole(
      "bayeux.maxSessionsPerBrowser", \.bayeux.options.maxSessionsPerBrowser, -1...1_000_000, .sessions,
      "Connects of one browser that are held over HTTP; -1 is any number, 0 never holds one."),
    .time(
      "bayeux.multiSessionInterval", \.bayeux.options.multiSessionInterval, 0...longestMilliseconds,
      "The interval for clients beyond `bayeux.maxSessionsPerBrowser`; 0 turns them away."),
    .bool(
      "bayeux.handshakeReconnect", \.bayeux.options.handshakeReconnect,
      "Whether advice carries `maxInterval`, so that a client shakes hands by itself when its session is gone."),
    .bool(
      "bayeux.allowMessageDeliveryDuringHandshake", \.bayeux.options.allowMessageDeliveryDuringHandshake,
      "Whether messages that wait for a restored session go out with the reply to its handshake."),
    .bool(
      "bayeux.restoreSessions", \.bayeux.options.restoresSessions,
      "Whether a handshake may take over subscriptions and queue of an earlier session (`ext.restore`)."),
    .time(
      "bayeux.maxInactivity", \.bayeux.options.maxInactivity, 0...longestMilliseconds,
      "How long a session may do nothing but connect; then its next connect ends it. 0 is for ever."),
    .choice(
      "bayeux.activity", \.bayeux.options.activity,
      "Whose messages count as activity: those of the client, or those to it too."),
    .bool("bayeux.timesync", \.bayeux.timesync, "Whether the extension that tells clients their clock's offset is on."),
    .bool("bayeux.timestamp", \.bayeux.timestamp, "Whether every message to a client carries the time of day."),
    .text(
      "bayeux.browserCookieName", \.bayeux.browserCookie.name, .token, "The cookie that a handshake sets."),
    .optionalText(
      "bayeux.browserCookieDomain", \.bayeux.browserCookie.domain, .host, "Its attribute `Domain`.",
      unset: "left out"),
    .text("bayeux.browserCookiePath", \.bayeux.browserCookie.path, .cookiePath, "Its attribute `Path`."),
    .whole(
      "bayeux.browserCookieMaxAge", \.bayeux.browserCookie.maxAgeSeconds, -1...1_000_000_000, .seconds,
      "Its attribute `Max-Age`; -1 leaves it out, and the cookie goes with the browser's session."),
    .bool("bayeux.browserCookieHttpOnly", \.bayeux.browserCookie.httpOnly, "Its attribute `HttpOnly`."),
    .bool(
      "bayeux.browserCookieSecure", \.bayeux.browserCookie.secure,
      "Its attribute `Secure`, for clients that come by TLS through a proxy."),
    .choice(
      "bayeux.browserCookieSameSite", \.bayeux.browserCookie.sameSite,
      "Its attribute `SameSite`; `None` needs `bayeux.browserCookieSecure`."),
  ]
}

extension Settings {
  /// Shorter key paths for the table.
  fileprivate var bayeux: ServerConfiguration.Bayeux {
    get { server.bayeux }
    set { server.bayeux = newValue }
  }
}
