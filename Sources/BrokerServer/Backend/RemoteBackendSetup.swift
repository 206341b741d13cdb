// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService
import Logging

extension ChatBackendKind {
  /// UTF-8 bytes of the longest text that it takes of a customer, and tells.
  public var maxTextBytes: Int {
    switch self {
    case .embedded: EmbeddedChatLimits().maxTextBytes
    case .remote: RemoteLimits.maxTextBytes
    }
  }
}

extension ServerConfiguration.Chat {
  /// Characters of the secret, which whoever reaches the admin listener can try to guess.
  public static let minSecretCharacters = 16

  /// - Throws: ``ConfigurationError`` of a remote backend that cannot be reached or told from others.
  func check() throws(ConfigurationError) {
    if backend == .remote { _ = try remoteParts() }
  }

  private func remoteParts() throws(ConfigurationError) -> (url: WebURL, secret: String) {
    guard let url = remote.url.flatMap(WebURL.init), !url.target.contains("?") else {
      throw .badBackendURL(remote.url ?? "")
    }
    guard let secret = remote.secret, secret.count >= Self.minSecretCharacters,
      secret.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { throw .backendNeedsSecret }
    return (url, secret)
  }

  /// The client of the remote backend; nil where the backend is another one.
  ///
  /// - Throws: ``ReactorError`` where the system has no thread or descriptor left.
  func makeClient() throws -> HTTPClient? {
    guard backend == .remote else { return nil }
    return try HTTPClient(
      name: "backend",
      HTTPClientOptions(maxPending: remote.maxWaiting, maxConnections: remote.maxConnections, keepsAlive: true))
  }

  /// - Parameter limits: of the chat service, on whose patience and memory a backend's calls and events depend.
  func makeBackend(
    _ client: HTTPClient, limits: ChatLimits, clock: any ChatClock, logger: Logger
  ) throws(ConfigurationError) -> RemoteChatBackend {
    let (url, secret) = try remoteParts()
    let options = RemoteBackendOptions(
      url: url, secret: secret, timeout: remote.timeout, deadline: limits.callTimeout, retries: remote.retries,
      backoff: remote.backoff, maxWaiting: remote.maxWaiting,
      keepAlive: remote.keepAlive > .zero ? remote.keepAlive : nil,
      maxBatchEvents: max(1, limits.maxRememberedEvents))
    return RemoteChatBackend(options, client: client, clock: clock, logger: logger)
  }
}
