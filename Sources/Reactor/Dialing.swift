// SPDX-License-Identifier: Apache-2.0
import Glibc

extension SocketAddress {
  /// Begins to connect to this address; a ``Connection`` may adopt the socket at once.
  ///
  /// - Returns: a socket that does not block, whose connect(2) is under way. Owned by the caller.
  /// - Throws: ``ReactorError/cannotConnect(_:_:)`` where it fails at once; later failures are the connection's.
  public func dial() throws(ReactorError) -> Int32 {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(domain, kind, 0)
    guard descriptor >= 0 else { throw .cannotConnect(self, errno) }
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    let code = withSockaddr { address, length in connect(descriptor, address, length) == 0 ? 0 : errno }
    guard code == 0 || code == EINPROGRESS else {
      close(descriptor)
      throw .cannotConnect(self, code)
    }
    return descriptor
  }
}
