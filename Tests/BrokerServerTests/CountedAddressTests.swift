// SPDX-License-Identifier: Apache-2.0
import Reactor
import Testing

@testable import BrokerServer

/// Whose connections count for the limits of an address.
struct CountedAddressTests {
  @Test(arguments: [
    ("127.0.0.1", false), ("::1", false), ("10.1.2.3", false), ("192.0.2.1", true), ("2001:db8::1", true),
  ])
  func neitherThisMachineNorATrustedProxyIsOneClient(_ host: String, _ isCounted: Bool) throws {
    var configuration = ServerConfiguration()
    configuration.gms.trustedProxies = ["10.0.0.0/8"]
    let identity = try UserIdentity(configuration, verifier: nil)
    let peer = try SocketAddress(host: host, port: 1)
    #expect(identity.countedAddress(of: peer) == (isCounted ? peer.networkKey : 0))
  }
}
