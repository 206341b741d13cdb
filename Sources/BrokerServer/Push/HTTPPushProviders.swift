// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService

/// Posts to push providers.
struct PushSender: Sendable {
  let client: HTTPClient
  let timeout: Duration

  func post(_ body: [UInt8], to url: WebURL) async -> Result<IncomingAnswer, HTTPClientError> {
    await client.send(OutgoingRequest(method: "POST", url: url, body: body, timeout: timeout))
  }
}

/// Device type `customhttp`: `POST {"deviceId","message"}` to one configured URL; any 2xx is success.
struct CustomHTTPProvider: PushProvider {
  let sender: PushSender
  let url: WebURL

  func push(_ message: PushMessage) async -> PushOutcome {
    let body: JSONValue = ["deviceId": .string(message.device.id), "message": message.payload]
    return PushOutcome(await sender.post(body.encoded, to: url)) { (200...299).contains($0) }
  }
}

/// Device type `httpcb`: `POST` of the message to the URL that is the device id; 200 alone is success.
///
/// Clients choose the URL, so only hosts that are allowed are called: else any client could make the broker speak to
/// whatever it can reach.
struct HTTPCallbackProvider: PushProvider {
  let sender: PushSender
  let allowedHosts: Set<String>

  func push(_ message: PushMessage) async -> PushOutcome {
    guard let url = WebURL(message.device.id), allowedHosts.contains(url.host.lowercased()) else {
      return .failed("the device id is no http:// URL of an allowed host")
    }
    return PushOutcome(await sender.post(message.payload.encoded, to: url)) { $0 == 200 }
  }
}

extension PushOutcome {
  fileprivate init(_ result: Result<IncomingAnswer, HTTPClientError>, isSuccess: (Int) -> Bool) {
    switch result {
    case .success(let answer):
      self = isSuccess(answer.status) ? .delivered : .failed("the provider answered \(answer.status)")
    case .failure(let failure): self = .failed(failure.sentence)
    }
  }
}

extension ServerConfiguration.Push {
  /// A connection for each push: a provider is seldom called twice within seconds.
  var client: HTTPClientOptions {
    HTTPClientOptions(maxPending: maxPending, maxConnections: maxPending, keepsAlive: false)
  }
}

/// The providers that the configuration switches on.
enum PushProviders {
  static let names = ["comet", "customhttp", "httpcb"]

  /// - Throws: ``ConfigurationError`` of what cannot work.
  static func check(_ configuration: ServerConfiguration.Push) throws(ConfigurationError) {
    guard configuration.enabled.contains("comet") else { throw .pushNeedsComet }
    for name in configuration.enabled where !names.contains(name) { throw .unknownPushProvider(name) }
    if configuration.enabled.contains("customhttp") {
      guard let text = configuration.customHttpUrl, WebURL(text) != nil else {
        throw .badPushURL(configuration.customHttpUrl ?? "")
      }
    }
    if configuration.enabled.contains("httpcb"), configuration.httpCallbackHosts.isEmpty {
      throw .pushNeedsHosts
    }
  }

  static func make(_ configuration: ServerConfiguration.Push, _ client: HTTPClient?) -> [String: any PushProvider] {
    guard let client else { return [:] }
    let sender = PushSender(client: client, timeout: configuration.timeout)
    var providers: [String: any PushProvider] = [:]
    if configuration.enabled.contains("customhttp"), let url = configuration.customHttpUrl.flatMap(WebURL.init) {
      providers["customhttp"] = CustomHTTPProvider(sender: sender, url: url)
    }
    if configuration.enabled.contains("httpcb") {
      providers["httpcb"] = HTTPCallbackProvider(
        sender: sender, allowedHosts: Set(configuration.httpCallbackHosts.map { $0.lowercased() }))
    }
    return providers
  }
}
