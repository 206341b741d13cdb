// SPDX-License-Identifier: Apache-2.0
internal import CLibevent
import Glibc

/// Listening sockets on one address, among which the kernel spreads the connections: one for each loop.
///
/// An address that anybody listens on already is refused, even if that listener shares its port (SO_REUSEPORT): the
/// first socket is bound without sharing and begins to share only when it listens, so there is no moment at which a
/// second broker could slip in and no gap in which a connection is refused.
public struct ListenerGroup: Sendable {
  /// Where the group listens; the real port where 0 was asked for.
  public let address: SocketAddress
  /// Each belongs to whoever takes it, normally a ``Listener`` that adopts it.
  public let descriptors: [Int32]

  /// - Parameters:
  ///   - count: how many sockets, at least 1.
  ///   - backlog: see ``ReactorLimits/backlog``.
  /// - Throws: ``ReactorError/addressInUse(_:)`` and its relatives for listening.
  public static func open(
    _ address: SocketAddress, count: Int, backlog: Int = ReactorLimits.backlog
  ) throws(ReactorError) -> ListenerGroup {
    precondition(count > 0, "a group of no listeners")
    let first = try ListeningSocket.open(address, isShared: false, backlog: backlog)
    var descriptors = [first]
    do throws(ReactorError) {
      guard let bound = SocketAddress(localOf: first) else { throw .notAListener(first) }
      if count > 1 { try ListeningSocket.share(first, at: bound) }
      while descriptors.count < count {
        descriptors.append(try ListeningSocket.open(bound, isShared: true, backlog: backlog))
      }
      return ListenerGroup(address: bound, descriptors: descriptors)
    } catch {
      for descriptor in descriptors { Glibc.close(descriptor) }
      throw error
    }
  }

  /// Closes all sockets; for a group whose descriptors nobody has taken.
  public func close() {
    for descriptor in descriptors { Glibc.close(descriptor) }
  }
}

/// A TCP socket that listens, made in one step: options, bind, listen.
enum ListeningSocket {
  static func open(_ address: SocketAddress, isShared: Bool, backlog: Int) throws(ReactorError) -> Int32 {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(address.domain, kind, 0)
    guard descriptor >= 0 else { throw .listening(address, errno) }
    do throws(ReactorError) {
      // Lets the port be taken while connections of a process that was killed still linger in the kernel.
      try set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1, at: address)
      // The accepted sockets inherit it, which saves a system call per connection.
      try set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1, at: address)
      if address.domain == AF_INET6 {
        // "::" means every address, IPv4 too, whatever the machine's default is.
        try set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0, at: address)
      }
      if isShared { try share(descriptor, at: address) }
      let isBound = address.withSockaddr { bind(descriptor, $0, $1) } == 0
      guard isBound, listen(descriptor, Int32(clamping: backlog)) == 0 else { throw .listening(address, errno) }
      return descriptor
    } catch {
      Glibc.close(descriptor)
      throw error
    }
  }

  /// Lets other sockets of this user listen on the same address.
  static func share(_ descriptor: Int32, at address: SocketAddress) throws(ReactorError) {
    try set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1, at: address)
  }

  private static func set(
    _ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32, at address: SocketAddress
  ) throws(ReactorError) {
    var value = value
    guard setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
      throw .listening(address, errno)
    }
  }
}
