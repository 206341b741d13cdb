// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import ChatService
import Wire

/// What has to hold between settings, whoever gave them.
enum CrossChecks {
  /// Characters of `admin.token` where other machines can try to guess it.
  static let minAdminTokenCharacters = 16

  static func errors(in settings: Settings, origins: [String: SettingOrigin]) -> [SettingsError] {
    let (server, admin, http) = (settings.server.server, settings.server.admin, settings.server.http)
    var errors: [SettingsError] = []
    if !HostText.isLoopback(admin.host) {
      if let token = admin.token {
        if token.count < minAdminTokenCharacters {
          errors.append(.adminTokenTooShort(origins["admin.token"], minCharacters: minAdminTokenCharacters))
        }
      } else {
        errors.append(.adminNeedsToken(origins["admin.host"], host: admin.host))
      }
    }
    if server.port != 0, server.port == admin.port, HostText.overlap(server.host, admin.host) {
      errors.append(.samePort(origins["admin.port"] ?? origins["server.port"], port: server.port))
    }
    if http.allowedOrigins.count > 1, http.allowedOrigins.contains("*") {
      errors.append(.anyOriginAmongOthers(origins["http.allowedOrigins"]))
    }
    if http.limits.maxRequestLineBytes > http.limits.maxHeadBytes {
      errors.append(
        .requestLineLongerThanHead(
          origins["http.maxRequestLineBytes"] ?? origins["http.maxHeadBytes"], headBytes: http.limits.maxHeadBytes))
    }
    // Their text has been checked with its lines; only how long a name may be is another setting.
    let bayeux = settings.server.bayeux
    errors += ChannelRules.faults(in: bayeux.rules, maxChannelBytes: bayeux.options.limits.maxChannelBytes).map {
      .badRule(origins["bayeux.rules"], sentence: Shown.sentence($0.fault.sentence))
    }
    let cookie = bayeux.browserCookie
    if cookie.sameSite == .none, !cookie.secure {
      errors.append(.sameSiteNoneNotSecure(origins["bayeux.browserCookieSameSite"]))
    }
    errors += backendErrors(settings, origins)
    return errors
  }

  private static func backendErrors(
    _ settings: Settings, _ origins: [String: SettingOrigin]
  ) -> [SettingsError] {
    let chat = settings.server.chat
    var errors: [SettingsError] = []
    if settings.server.gms.chat.limits.maxMessageBytes > chat.backend.maxTextBytes {
      errors.append(
        .messageLongerThanBackendTakes(origins["gms.maxMessageBytes"], maxBytes: chat.backend.maxTextBytes))
    }
    guard chat.backend == .remote else { return errors }
    if chat.remote.url == nil { errors.append(.backendNeedsURL(origins["chat.backend"])) }
    let minCharacters = ServerConfiguration.Chat.minSecretCharacters
    if chat.remote.secret?.count ?? 0 < minCharacters {
      let origin = origins["chat.remote.secret"] ?? origins["chat.backend"]
      errors.append(.backendNeedsSecret(origin, minCharacters: minCharacters))
    }
    return errors
  }
}
