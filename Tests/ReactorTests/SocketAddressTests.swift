// SPDX-License-Identifier: Apache-2.0
import Reactor
import Testing

@Suite struct SocketAddressTests {
  @Test(arguments: [
    ("127.0.0.1", 8080, "127.0.0.1:8080"), ("0.0.0.0", 0, "0.0.0.0:0"), ("255.1.2.254", 65535, "255.1.2.254:65535"),
    ("::1", 8080, "[::1]:8080"), ("[::1]", 8080, "[::1]:8080"), ("::", 80, "[::]:80"),
    ("2001:DB8:0:0:0:0:0:1", 443, "[2001:db8::1]:443"), ("localhost", 9, "127.0.0.1:9"),
    ("::ffff:192.0.2.1", 1, "192.0.2.1:1"), ("fe80::1%1", 5, "[fe80::1%1]:5"),
  ])
  func anAddressReadsAsItStandsInAURL(host: String, port: Int, text: String) throws {
    let address = try SocketAddress(host: host, port: port)
    #expect(address.description == text)
    #expect(address.port == port)
    #expect(try SocketAddress(host: address.host, port: port) == address)
  }

  @Test(arguments: [-1, 65536, Int.max])
  func aNumberThatIsNoPortIsRefused(port: Int) throws {
    #expect(throws: ReactorError.badPort(port)) { try SocketAddress(host: "127.0.0.1", port: port) }
    let address = try SocketAddress(host: "::1", port: 1)
    #expect(throws: ReactorError.badPort(port)) { try address.with(port: port) }
  }

  // Hosts that are refused without a question to a name server.
  @Test(arguments: [
    "", "[]", "[127.0.0.1]", "[localhost]", "[::1::]", "127.0.0.1\0", String(repeating: "a", count: 300),
  ])
  func aHostThatIsNoneIsRefusedByItsName(host: String) {
    let error = #expect(throws: ReactorError.self) { try SocketAddress(host: host, port: 1) }
    guard case .unknownHost(host, let reason) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(!reason.isEmpty)
  }

  @Test func anotherPortIsAnotherAddressOnTheSameHost() throws {
    let address = try SocketAddress(host: "::1", port: 1)
    #expect(try address.with(port: 2) == SocketAddress(host: "::1", port: 2))
    #expect(try address.with(port: 2) != address)
  }

  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "::ffff:192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false),
    ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true), ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
    ("0.0.0.0", "::", false), ("::", "::1", true),
  ])
  func oneClientIsAnIPv4AddressOrA64BitNetwork(left: String, right: String, isSame: Bool) throws {
    let (one, other) = try (SocketAddress(host: left, port: 1), SocketAddress(host: right, port: 2))
    #expect((one.networkKey == other.networkKey) == isSame)
    #expect(one.networkKey != 0 && other.networkKey != 0)
  }

  @Test(arguments: [
    ("127.0.0.1", true, false), ("127.255.0.9", true, false), ("::1", true, false), ("::ffff:127.0.0.1", true, false),
    ("128.0.0.1", false, false), ("::2", false, false), ("0.0.0.0", false, true), ("::", false, true),
    ("0.0.0.1", false, false),
  ])
  func loopbackAndUnspecifiedAreTold(host: String, isLoopback: Bool, isUnspecified: Bool) throws {
    let address = try SocketAddress(host: host, port: 1)
    #expect(address.isLoopback == isLoopback)
    #expect(address.isUnspecified == isUnspecified)
  }
}
