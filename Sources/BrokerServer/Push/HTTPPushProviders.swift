// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService

/// Device type `customhttp`: `POST {"deviceId","message"}` to one configured URL; any 2xx is success.
struct CustomHTTPProvider: PushProvider {
  let client: PushClient
  let url: PushURL

  func push(_ message: PushMessage) async -> PushOutcome {
    let body: JSONValue = ["deviceId": .string(message.device.id), "message": message.payload]
    return PushOutcome(await client.post(body.encoded, to: url)) { (200...299).contains($0) }
  }
}

/// Device type `httpcb`: `POST` of the message to the URL that is the device id; 200 alone is success.
///
/// Clients choose the URL, so only hosts that are allowed are called: else any client could make the broker speak to
/// whatever it can reach.
struct HTTPCallbackProvider: PushProvider {
  let client: PushClient
  let allowedHosts: Set<String>

  func push(_ message: PushMessage) async -> PushOutcome {
    guard let url = PushURL(message.device.id), allowedHosts.contains(url.host.lowercased()) else {
      return .failed("the device id is no http:// URL of an allowed host")
    }
    return PushOutcome(await client.post(message.payload.encoded, to: url)) { $0 == 200 }
  }
}

extension PushOutcome {
  fileprivate init(_ result: Result<Int, PushFailure>, isSuccess: (Int) -> Bool) {
    switch result {
    case .success(let status): self = isSuccess(status) ? .delivered : .failed("the provider answered \(status)")
    case .failure(let failure): self = .failed(failure.sentence)
    }
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
      guard let text = configuration.customHttpUrl, PushURL(text) != nil else {
        throw .badPushURL(configuration.customHttpUrl ?? "")
      }
    }
    if configuration.enabled.contains("httpcb"), configuration.httpCallbackHosts.isEmpty {
      throw .pushNeedsHosts
    }
  }

  static func make(_ configuration: ServerConfiguration.Push, _ client: PushClient?) -> [String: any PushProvider] {
    guard let client else { return [:] }
    var providers: [String: any PushProvider] = [:]
    if configuration.enabled.contains("customhttp"), let url = configuration.customHttpUrl.flatMap(PushURL.init) {
      providers["customhttp"] = CustomHTTPProvider(client: client, url: url)
    }
    if configuration.enabled.contains("httpcb") {
      providers["httpcb"] = HTTPCallbackProvider(
        client: client, allowedHosts: Set(configuration.httpCallbackHosts.map { $0.lowercased() }))
    }
    return providers
  }
}
