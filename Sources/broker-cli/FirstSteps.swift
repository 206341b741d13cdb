// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import BrokerSettings

/// Lines to paste into a shell after the start: a whole conversation with the broker by `curl`.
enum FirstSteps {
  /// Handshake, connect, subscribe, a held connect, and a publish that answers it. Empty where clients may not use
  /// broadcast channels, or rules say which.
  ///
  /// The publish goes to the admin listener: of the client itself, the message would ride on the reply to its publish.
  static func lines(publicAddress: String, adminAddress: String, settings: Settings) -> [String] {
    let server = settings.server
    let isOpen = server.bayeux.openChannels ?? HostText.isLoopback(server.server.host)
    guard isOpen, server.bayeux.rules.isEmpty else { return [] }
    let header = "-H '\(server.gms.userHeaders.first ?? "gms_user"): alice'"
    let call = "curl -s http://\(publicAddress)\(server.bayeux.path) \(header) -H 'Content-Type: application/json' -d"
    func message(_ channel: String, _ rest: String) -> String {
      "\"[{\\\"channel\\\":\\\"\(channel)\\\",\\\"clientId\\\":\\\"$ID\\\"\(rest.replacing("\"", with: "\\\""))}]\""
    }
    let token = server.admin.token == nil ? "" : " -H \"Authorization: Bearer $ADMIN_TOKEN\""
    let connect = message("/meta/connect", #","connectionType":"long-polling""#)
    let handshake = #"'[{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["long-polling"]}]'"#
    return [
      "To see it work, paste these lines into another shell:",
      "ID=$(\(call) \(handshake) | sed 's/.*\"clientId\":\"\\([^\"]*\\)\".*/\\1/')",
      "\(call) \(connect)",
      "\(call) \(message("/meta/subscribe", #","subscription":"/greetings""#))",
      "\(call) \(connect) &",
      "curl -s http://\(adminAddress)/publish\(token) -H 'Content-Type: application/json' "
        + #"-d '{"channel":"/greetings","data":{"text":"hello"}}'"#,
    ]
  }
}
