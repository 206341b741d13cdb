// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import ChatService
import Logging
import Synchronization
import Testing

/// A broker that serves on ports of the kernel's choice.
final class RunningBroker: Sendable {
  let server: BrokerServer
  let port: Int
  let adminPort: Int
  /// Header lines that its admin listener asks for.
  private let adminFields: [String]
  private let isRunning = Atomic(true)

  init(_ server: BrokerServer, adminToken: String?) async throws {
    func port(_ address: String) throws -> Int {
      try #require(address.split(separator: ":").last.flatMap { Int($0) })
    }
    self.server = server
    adminFields = adminToken.map { ["Authorization: Bearer \($0)"] } ?? []
    let addresses = try await server.start()
    self.port = try port(addresses.publicAddress)
    adminPort = try port(addresses.adminAddress)
  }

  /// Stops the broker; once is enough. However a test used it, its books balance.
  ///
  /// - Returns: how long stopping took.
  @discardableResult
  func shutdown(
    within limit: Duration = .seconds(2), sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> Duration {
    guard isRunning.exchange(false, ordering: .relaxed) else { return .zero }
    #expect(try metrics()["ledger_imbalance"] == 0, sourceLocation: sourceLocation)
    let start = ContinuousClock.now
    await server.shutdown(within: limit)
    return ContinuousClock.now - start
  }

  func client(receiveBufferBytes: Int32? = nil) throws -> RawClient {
    try RawClient(port: port, receiveBufferBytes: receiveBufferBytes)
  }

  func admin() throws -> RawClient { try RawClient(port: adminPort) }

  func metrics() throws -> MetricsPage {
    let response = try admin().call("GET", "/metrics", nil, adminFields)
    guard response.status == 200 else { throw ClientError.malformed("\(response)") }
    return try MetricsPage(response.text)
  }

  /// Waits until a metric has that value.
  func expect(_ metric: String, _ value: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
    var last = -1
    let isReached = try eventually {
      last = try metrics()[metric]
      return last == value
    }
    #expect(isReached, "\(metric) stays at \(last) instead of \(value)", sourceLocation: sourceLocation)
  }

  /// Sends an event to a user; the answer's `sessions`.
  @discardableResult
  func publish(to user: String, _ message: JSONValue, tag: String = "test") throws -> Int {
    let body: JSONValue = ["user": .string(user), "tag": .string(tag), "message": message]
    let response = try admin().post("/publish", body.text)
    guard let count = response.json["sessions"]?.int else { throw ClientError.malformed("\(response)") }
    return count
  }

  /// Sends a message to the subscribers of a channel; the answer's `sessions`.
  @discardableResult
  func publish(on channel: String, _ data: JSONValue) throws -> Int {
    let body: JSONValue = ["channel": .string(channel), "data": data]
    let response = try admin().post("/publish", body.text)
    guard let count = response.json["sessions"]?.int else { throw ClientError.malformed("\(response)") }
    return count
  }
}

extension ServerConfiguration {
  /// The defaults, on ports of the kernel's choice.
  static func forTests(shards: Int = 1) -> ServerConfiguration {
    var configuration = ServerConfiguration()
    configuration.server.port = 0
    configuration.server.shards = shards
    configuration.admin.port = 0
    return configuration
  }
}

extension Logger {
  static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

/// Runs `body` against a broker, on a thread that may block, and stops the broker.
func withBroker(
  shards: Int = 1, _ configure: (inout ServerConfiguration) -> Void = { _ in }, backend: (any ChatBackend)? = nil,
  verifier: (any UserVerifier)? = nil, pushProviders: [String: any PushProvider] = [:],
  sourceLocation: SourceLocation = #_sourceLocation,
  _ body: (RunningBroker) async throws -> Void
) async throws {
  var configuration = ServerConfiguration.forTests(shards: shards)
  configure(&configuration)
  let server = try BrokerServer(
    configuration: configuration, backend: backend, verifier: verifier, pushProviders: pushProviders, logger: .silent)
  await Turnstile.brokers.enter()
  do {
    try await withTaskExecutorPreference(TestThreads.shared) {
      let broker = try await RunningBroker(server, adminToken: configuration.admin.token)
      try await body(broker)
      try await broker.shutdown(sourceLocation: sourceLocation)
    }
    await Turnstile.brokers.leave()
  } catch {
    await server.shutdown(within: .zero)
    await Turnstile.brokers.leave()
    throw error
  }
}
