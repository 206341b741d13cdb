// SPDX-License-Identifier: Apache-2.0
public import BrokerServer
public import ServiceLifecycle

/// A broker as one service of a `ServiceGroup`, beside a GMS server or whatever else the program runs.
///
/// It starts with the group and ends gracefully with it: held connects are answered, so that their clients come again
/// somewhere else.
///
///     let group = ServiceGroup(services: [BrokerService(broker), gms], gracefulShutdownSignals: [.sigterm], logger: logger)
///     try await group.run()
public struct BrokerService: Service {
  private let broker: BrokerServer
  private let limit: Duration
  private let started: @Sendable (ListenAddresses) -> Void

  /// - Parameters:
  ///   - broker: one that was not started yet.
  ///   - limit: how long clients may take to read their last answers when the group ends.
  ///   - started: told where the broker listens, once it does.
  public init(
    _ broker: BrokerServer, shutdownWithin limit: Duration = .seconds(5),
    started: @escaping @Sendable (ListenAddresses) -> Void = { _ in }
  ) {
    self.broker = broker
    self.limit = limit
    self.started = started
  }

  /// Runs the broker until the group ends or the task is cancelled.
  ///
  /// - Throws: what ``BrokerServer/start()`` throws.
  public func run() async throws {
    started(try await broker.start())
    await withTaskCancellationOrGracefulShutdownHandler {
      await broker.waitUntilStopped()
    } onCancelOrGracefulShutdown: {
      Task { await broker.shutdown(within: limit) }
    }
  }
}
