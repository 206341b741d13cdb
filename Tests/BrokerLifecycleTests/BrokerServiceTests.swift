// SPDX-License-Identifier: Apache-2.0
import BrokerLifecycle
import BrokerServer
import Logging
import ServiceLifecycle
import ServiceLifecycleTestKit
import Testing

@Suite struct BrokerServiceTests {
  private func broker(host: String = "127.0.0.1") throws -> BrokerServer {
    var configuration = ServerConfiguration()
    configuration.server.host = host
    configuration.server.port = 0
    configuration.admin.port = 0
    return try BrokerServer(
      configuration: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  @Test(.timeLimit(.minutes(1)))
  func theBrokerListensWhileItsGroupRunsAndEndsWithIt() async throws {
    let broker = try broker()
    let (addresses, told) = AsyncStream<ListenAddresses>.makeStream()
    let service = BrokerService(broker) { told.yield($0) }
    try await testGracefulShutdown { trigger in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await service.run() }
        let address = try #require(await addresses.first { _ in true })
        #expect(address.publicAddress.hasPrefix("127.0.0.1:"))
        trigger.triggerGracefulShutdown()
        try await group.waitForAll()
      }
    }
    // It has ended by itself, so there is nothing to wait for.
    await broker.waitUntilStopped()
  }

  @Test(.timeLimit(.minutes(1)))
  func aCancelledTaskEndsTheBroker() async throws {
    let broker = try broker()
    let (addresses, told) = AsyncStream<ListenAddresses>.makeStream()
    let run = Task { try await BrokerService(broker) { told.yield($0) }.run() }
    _ = try #require(await addresses.first { _ in true })
    run.cancel()
    try await run.value
    await broker.waitUntilStopped()
  }

  @Test(.timeLimit(.minutes(1)))
  func aBrokerThatCannotListenFailsItsGroup() async throws {
    let first = try broker()
    let port = try #require(try await first.start().publicAddress.split(separator: ":").last.flatMap { Int($0) })
    var configuration = ServerConfiguration()
    configuration.server.port = port
    configuration.admin.port = 0
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let second = try BrokerServer(configuration: configuration, logger: logger)
    await #expect(throws: (any Error).self) { try await BrokerService(second).run() }
    await first.shutdown()
  }
}
