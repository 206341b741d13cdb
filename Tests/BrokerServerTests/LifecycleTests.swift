// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import Glibc
import Logging
import Reactor
import Testing

/// The beginning of a broker, and what remains of it after its end.
@Suite(.timeLimit(.minutes(2))) struct LifecycleTests {
  private static func server(port: Int = 0, adminPort: Int = 0, shards: Int = 1) throws -> BrokerServer {
    var configuration = ServerConfiguration.forTests(shards: shards)
    configuration.server.port = port
    configuration.admin.port = adminPort
    return try BrokerServer(configuration: configuration, logger: .silent)
  }

  @Test(arguments: [1, 2], [1, 2])
  func aPortThatIsTakenIsSaidToBeTaken(_ shards: Int, _ others: Int) async throws {
    try await withBroker(shards: shards) { broker in
      let taken = try SocketAddress(host: "127.0.0.1", port: broker.port)
      let second = try Self.server(port: broker.port, shards: others)
      await #expect(throws: ReactorError.addressInUse(taken)) { try await second.start() }
      // The first has not noticed.
      for _ in 0..<20 { #expect(try broker.client().post(BayeuxClient.path, "[]").status == 200) }
      await second.shutdown()
      await second.waitUntilStopped()
    }
  }

  /// Where the second of two listeners cannot be had, the first is given back.
  @Test func aBrokerWithoutItsAdminPortLeavesThePublicPort() async throws {
    try await withBroker { broker in
      let free = try await Self.freePort()
      let taken = try SocketAddress(host: "127.0.0.1", port: broker.adminPort)
      let half = try Self.server(port: free, adminPort: broker.adminPort, shards: 2)
      await #expect(throws: ReactorError.addressInUse(taken)) { try await half.start() }
      let whole = try Self.server(port: free)
      #expect(try await whole.start().publicAddress == "127.0.0.1:\(free)")
      await whole.shutdown(within: .zero)
    }
  }

  /// A port that a broker had a moment ago.
  private static func freePort() async throws -> Int {
    let server = try server()
    let address = try await server.start().publicAddress
    await server.shutdown(within: .zero)
    return try #require(address.split(separator: ":").last.flatMap { Int($0) })
  }

  @Test func aPortCanBeTakenAgainAtOnce() async throws {
    try await withBroker(shards: 2) { broker in
      let clients = try (0..<10).map { _ in try BayeuxClient(broker) }
      for client in clients { try client.hold() }
      try await broker.shutdown(within: .milliseconds(100))
      let next = try Self.server(port: broker.port, adminPort: broker.adminPort, shards: 2)
      let addresses = try await next.start()
      #expect(addresses.publicAddress == "127.0.0.1:\(broker.port)")
      #expect(addresses.adminAddress == "127.0.0.1:\(broker.adminPort)")
      #expect(try broker.client().post(BayeuxClient.path, "[]").status == 200)
      await next.shutdown(within: .zero)
    }
  }

  @Test func whatIsNoAddressIsSaidToBeNone() async throws {
    var configuration = ServerConfiguration.forTests()
    configuration.server.port = 70_000
    let server = try BrokerServer(configuration: configuration, logger: .silent)
    await #expect(throws: ReactorError.badPort(70_000)) { try await server.start() }
    await server.waitUntilStopped()
  }

  @Test func aBrokerThatNeverStartedCanBeStopped() async throws {
    let server = try Self.server()
    await server.shutdown()
    await server.waitUntilStopped()
  }

  @Test func aBrokerListensOnIPv6() async throws {
    var configuration = ServerConfiguration.forTests()
    configuration.server.host = "::1"
    configuration.admin.host = "::1"
    let server = try BrokerServer(configuration: configuration, logger: .silent)
    let addresses = try await server.start()
    #expect(addresses.publicAddress.hasPrefix("[::1]:"))
    #expect(addresses.adminAddress.hasPrefix("[::1]:"))
    await server.shutdown(within: .zero)
  }

  /// In a process of its own, which has room for sixteen connections.
  @Test func whoeverWatchesTheBrokerGetsInWhenClientsHaveTakenAllPlaces() async {
    await #expect(processExitsWith: .success) {
      var limit = rlimit(rlim_cur: 80, rlim_max: 80)
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      try await withBroker { broker in
        let served = try (0..<16).map { _ in try broker.client() }
        for client in served { guard try client.post(BayeuxClient.path, "[]").status == 200 else { exit(3) } }
        let waiting = try (0..<3).map { _ in try broker.client() }
        for client in waiting { try client.send(client.text("POST", BayeuxClient.path, "[]")) }
        for _ in 0..<5 { guard try broker.metrics()["http_connections"] == 17 else { exit(4) } }
        for client in waiting { guard !client.hasSomething(within: .milliseconds(50)) else { exit(5) } }
        for client in served.prefix(5) { client.hangUp() }
        for client in waiting { guard try client.response().status == 200 else { exit(6) } }
      }
    }
  }

  /// In a process of its own, where nobody else opens anything.
  @Test func twentyBrokersLeaveNoDescriptorBehind() async {
    await #expect(processExitsWith: .success) {
      func round() async throws {
        try await withBroker(shards: 2) { broker in
          let vasya = try broker.listener("vasya")
          try vasya.hold()
          try broker.expect("connects_held", 1)
          let customer = try Customer(broker, user: "vasya", ["notify_by": "comet"])
          #expect(try customer.call("send", "message=x").status == 200)
          let idle = try broker.client()
          let moving = try broker.client()
          for index in 0..<10 { _ = try moving.post(BayeuxClient.path, handshake(id: 1), "gms_user: user\(index)") }
          try await broker.shutdown(within: .milliseconds(50))
          idle.hangUp()
        }
      }
      try await round()
      let before = try #require(Reactor.openDescriptorCount)
      for _ in 0..<20 { try await round() }
      // What belongs to a thread or task goes with it, which may take a moment.
      guard eventually({ Reactor.openDescriptorCount == before }) else { exit(3) }
    }
  }
}
