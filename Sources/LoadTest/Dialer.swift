// SPDX-License-Identifier: Apache-2.0
import Bytes
import Glibc
import Reactor

/// Opens sockets to one server, from one or several source addresses.
final class Dialer {
  let target: SocketAddress
  private let sources: Int
  private var next = 0
  /// nil for a server without TLS.
  private let tls: TLSContext?

  /// - Parameter sources: how many of 127.0.0.1, .2, … connections come from; only where the server is on loopback.
  init(_ url: TargetURL, sources: Int, _ options: LoadOptions) throws(LoadTestError) {
    do throws(ReactorError) {
      target = try SocketAddress(host: url.host, port: url.port)
    } catch {
      throw .unreachable(url.authority, error.description)
    }
    tls = url.isSecure ? try TLSContext(url, options) : nil
    self.sources = target.isLoopback && target.bitCount == 32 ? sources : 1
  }

  /// A socket whose connection is under way.
  func dial() throws(LoadTestError) -> Int32 {
    let family = target.bitCount == 32 ? AF_INET : AF_INET6
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let descriptor = socket(family, kind, 0)
    guard descriptor >= 0 else { throw failure(errno) }
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    if sources > 1 { bindSource(descriptor) }
    if connect(descriptor, family) != 0, errno != EINPROGRESS {
      let code = errno
      close(descriptor)
      throw failure(code)
    }
    return descriptor
  }

  /// The TLS of a new connection; nil for a server without.
  func secure() throws(LoadTestError) -> TLSSession? {
    guard let tls else { return nil }
    guard let session = tls.session() else { throw .unreachable(target.description, "no memory for TLS") }
    return session
  }

  private func failure(_ code: Int32) -> LoadTestError {
    .unreachable(target.description, String(cString: strerror(code)))
  }

  private func bindSource(_ descriptor: Int32) {
    var on: Int32 = 1
    // The port is chosen with the whole connection in sight, so each address has all of them.
    setsockopt(descriptor, Int32(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT, &on, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = (0x7F00_0001 as UInt32 + UInt32(next % sources)).bigEndian
    next += 1
    withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        // Where it fails the kernel chooses; the connect then says what is wrong.
        _ = bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  private func connect(_ descriptor: Int32, _ family: Int32) -> Int32 {
    if family == AF_INET {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = in_port_t(target.port).bigEndian
      inet_pton(AF_INET, target.host, &address.sin_addr)
      return Self.connect(descriptor, &address)
    }
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = in_port_t(target.port).bigEndian
    inet_pton(AF_INET6, target.host, &address.sin6_addr)
    return Self.connect(descriptor, &address)
  }

  private static func connect<Address>(_ descriptor: Int32, _ address: inout Address) -> Int32 {
    withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
      }
    }
  }
}
