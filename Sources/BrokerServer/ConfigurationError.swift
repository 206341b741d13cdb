// SPDX-License-Identifier: Apache-2.0
public import Bayeux

/// THE table of configurations that a broker refuses to start with.
public enum ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// An admin listener that others can reach needs a token.
  case adminNeedsToken(host: String)
  case badOrigin(String)
  case badNetwork(String)
  case badPath(String)
  case badShardCount(Int)
  case badRule(ChannelRuleFault)
  case halfCredentials
  case pushNeedsComet
  case unknownPushProvider(String)
  case badPushURL(String)
  case pushNeedsHosts
  case badBackendURL(String)
  case backendNeedsSecret
  case badCookie(String)

  public var description: String {
    switch self {
    case .adminNeedsToken(let host):
      "The admin listener on \(host) can be reached by others: set admin.token, or let it listen on 127.0.0.1."
    case .badOrigin(let text): "\"\(text)\" is no origin such as https://shop.example, https://*.example or *."
    case .badNetwork(let text): "\"\(text)\" is no network such as 10.0.0.0/8 or ::1/128."
    case .badPath(let text): "\"\(text)\" is no mount path: it has to begin with / and lie outside /genesys/1/."
    case .halfCredentials: "server.username and server.password go together."
    case .pushNeedsComet: "push.enabled has to contain comet."
    case .unknownPushProvider(let name): "\"\(name)\" in push.enabled is no provider: comet, customhttp and httpcb are."
    case .badPushURL(let text): "push.customHttpUrl has to be an http:// URL, not \"\(text)\"."
    case .pushNeedsHosts: "httpcb needs push.httpCallbackHosts, the hosts that it may call."
    case .badRule(let fault): "bayeux.rules: \(fault.sentence)."
    case .badBackendURL(let text): "chat.remote.url has to be an http:// URL without query, not \"\(text)\"."
    case .backendNeedsSecret:
      "chat.remote.secret has to be at least \(ServerConfiguration.Chat.minSecretCharacters) visible ASCII characters."
    case .badCookie(let text):
      "\"\(text)\" can not stand in the browser cookie: no spaces, no semicolons, a plain name."
    case .badShardCount(let count): "\(count) shards are not possible: 1 to 255 are."
    }
  }
}
