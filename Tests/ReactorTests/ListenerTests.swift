// SPDX-License-Identifier: Apache-2.0
import Bytes
import Glibc
import Reactor
import Testing

@Suite struct ListenerTests {
  /// Accepts and keeps.
  private final class Hall {
    var guests: [Peer] = []
    var addresses: [SocketAddress] = []
    func enter(_ descriptor: Int32, _ address: SocketAddress) {
      guests.append(Peer(descriptor))
      addresses.append(address)
    }
  }

  @Test func acceptedSocketsDoNotBlockCloseOnExecAndDoNotDelay() throws {
    let loop = try EventLoop()
    let hall = Hall()
    let listener = try Listener(on: loop, address: .loopback, accept: hall.enter)
    #expect(listener.localAddress.port > 0)
    #expect(listener.localAddress.host == "127.0.0.1")
    let client = try Sockets.connect(to: listener.localAddress)
    #expect(loop.run(until: { hall.guests.count == 1 }))
    let descriptor = hall.guests[0].descriptor
    #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0)
    #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
    var option: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &option, &length)
    #expect(option != 0)
    let probe = try Probe(on: loop, adopting: fcntl(client.descriptor, F_DUPFD_CLOEXEC, 0))
    #expect(hall.addresses == [try #require(probe.localAddress)])
    probe.close(.local("test"))
  }

  @Test(.enabled(if: Sockets.hasIPv6))
  func anIPv6ListenerOnAllAddressesAcceptsIPv4() throws {
    let loop = try EventLoop()
    let hall = Hall()
    let listener = try Listener(on: loop, address: SocketAddress(host: "::", port: 0), accept: hall.enter)
    let client = try Sockets.connect(to: SocketAddress(host: "127.0.0.1", port: listener.localAddress.port))
    #expect(loop.run(until: { hall.guests.count == 1 }))
    #expect(hall.addresses[0].host == "127.0.0.1")
    #expect(listener.localAddress.host == "::")
    _ = client
  }

  @Test func aStormIsAcceptedInBoundedTurns() throws {
    let loop = try EventLoop()
    let hall = Hall()
    let options = Listener.Options(acceptsPerTurn: 10)
    let listener = try Listener(on: loop, address: .loopback, options: options, accept: hall.enter)
    let clients = try (0..<35).map { _ in try Sockets.connect(to: listener.localAddress) }
    var perTurn: [Int] = []
    var before = 0
    #expect(
      loop.run(until: {
        perTurn.append(hall.guests.count - before)
        before = hall.guests.count
        return before == clients.count
      }))
    #expect(perTurn.max() == 10)
  }

  @Test func aPausedListenerAcceptsNothingAndLosesNothing() throws {
    let loop = try EventLoop()
    let hall = Hall()
    let listener = try Listener(on: loop, address: .loopback, accept: hall.enter)
    listener.pause()
    let client = try Sockets.connect(to: listener.localAddress)
    #expect(loop.turns(in: .milliseconds(20)) <= 3)
    #expect(hall.guests.isEmpty)
    listener.resume()
    listener.resume()
    #expect(loop.run(until: { hall.guests.count == 1 }))
    _ = client
  }

  @Test(arguments: ["close", "pause", "release"])
  func aListenerMayBeEndedInItsCallback(how: String) throws {
    let loop = try EventLoop()
    let hall = Hall()
    var listener: Listener?
    listener = try Listener(on: loop, address: .loopback) { descriptor, peer in
      hall.enter(descriptor, peer)
      switch how {
      case "close": listener?.close()
      case "pause": listener?.pause()
      default: listener = nil
      }
    }
    let address = try #require(listener).localAddress
    let clients = try (0..<3).map { _ in try Sockets.connect(to: address) }
    #expect(loop.run(until: { !hall.guests.isEmpty }))
    #expect(loop.turns(in: .milliseconds(20)) <= 3)
    #expect(hall.guests.count == 1)
    listener?.close()
    listener?.resume()
    #expect(throws: ReactorError.self) { try refuse(address) }
    listener = nil
    _ = clients
  }

  /// Throws where somebody would accept or listens: here, what a closed port must not do.
  private func refuse(_ address: SocketAddress) throws {
    let descriptor = socket(AF_INET, Sockets.streamKind, 0)
    defer { close(descriptor) }
    if Sockets.connect(descriptor, to: address) != 0, errno == ECONNREFUSED { throw ReactorError.noEventLoop(0) }
  }

  @Test func aSecondListenerIsToldThatTheAddressIsInUse() throws {
    let loop = try EventLoop()
    let first = try Listener(on: loop, address: .loopback) { _, _ in }
    let address = first.localAddress
    let error = #expect(throws: ReactorError.addressInUse(address)) {
      try Listener(on: loop, address: address) { _, _ in }
    }
    #expect(error?.description == "127.0.0.1:\(address.port): address in use; is another broker running?")
    #expect(throws: ReactorError.addressInUse(address)) { try ListenerGroup.open(address, count: 2) }
    let everywhere = try SocketAddress(host: "0.0.0.0", port: address.port)
    #expect(throws: ReactorError.addressInUse(everywhere)) { try ListenerGroup.open(everywhere, count: 2) }
  }

  @Test func anAddressOfAnotherMachineIsNamed() throws {
    let loop = try EventLoop()
    // TEST-NET-1 (RFC 5737): nobody's.
    let address = try SocketAddress(host: "192.0.2.1", port: 0)
    #expect(throws: ReactorError.addressNotLocal(address)) { try Listener(on: loop, address: address) { _, _ in } }
  }

  @Test func whatDoesNotListenIsNotAdopted() throws {
    let loop = try EventLoop()
    let (probe, _) = try Sockets.pair(on: loop)
    let descriptor = probe.detach()
    #expect(throws: ReactorError.notAListener(descriptor)) {
      try Listener(on: loop, adopting: descriptor) { _, _ in }
    }
    #expect(fcntl(descriptor, F_GETFD) == -1 || !isSocketPair(descriptor))
  }

  private func isSocketPair(_ descriptor: Int32) -> Bool {
    var domain: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    return getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_UNIX
  }
}

@Suite struct ListenerGroupTests {
  @Test func theKernelSpreadsConnectionsOverAGroup() throws {
    let loop = try EventLoop()
    let group = try ListenerGroup.open(.loopback, count: 4)
    #expect(Set(group.descriptors).count == 4)
    var counts = [0, 0, 0, 0]
    var guests: [Peer] = []
    let listeners = try group.descriptors.enumerated().map { index, descriptor in
      try Listener(on: loop, adopting: descriptor) { descriptor, _ in
        counts[index] += 1
        guests.append(Peer(descriptor))
      }
    }
    #expect(listeners.allSatisfy { $0.localAddress == group.address })
    let clients = try (0..<200).map { _ in try Sockets.connect(to: group.address) }
    #expect(loop.run(until: { guests.count == clients.count }))
    #expect(counts.allSatisfy { $0 > 0 }, "\(counts)")
  }

  @Test(arguments: [1, 3])
  func aGroupRefusesAnotherGroupOnItsAddress(count: Int) throws {
    let group = try ListenerGroup.open(.loopback, count: count)
    defer { group.close() }
    for other in [1, 2] {
      #expect(throws: ReactorError.addressInUse(group.address)) { try ListenerGroup.open(group.address, count: other) }
    }
    let loop = try EventLoop()
    #expect(throws: ReactorError.addressInUse(group.address)) {
      try Listener(on: loop, address: group.address) { _, _ in }
    }
  }

  @Test func aGroupIsRefusedWhereAnotherShares() throws {
    let loop = try EventLoop()
    // Somebody who shared from the start.
    let sharing = try Listener(on: loop, address: .loopback, options: .init(reusePort: true)) { _, _ in }
    let address = sharing.localAddress
    #expect(throws: ReactorError.addressInUse(address)) { try ListenerGroup.open(address, count: 2) }
  }

  @Test func aPortCanBeTakenAgainWhileItsConnectionsLinger() throws {
    let loop = try EventLoop()
    let group = try ListenerGroup.open(.loopback, count: 2)
    var guests: [Peer] = []
    var listeners = try group.descriptors.map { descriptor in
      try Listener(on: loop, adopting: descriptor) { descriptor, _ in guests.append(Peer(descriptor)) }
    }
    let client = try Sockets.connect(to: group.address)
    #expect(loop.run(until: { guests.count == 1 }))
    listeners.removeAll()
    // The server ends first, so its end stays in FIN-WAIT and TIME-WAIT.
    guests.removeAll()
    let again = try ListenerGroup.open(group.address, count: 2)
    #expect(again.address == group.address)
    again.close()
    _ = client
  }
}
