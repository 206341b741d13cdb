// SPDX-License-Identifier: Apache-2.0
internal import CLibevent
import Glibc

/// An IPv4 or IPv6 address with a port, as a value.
///
/// An IPv4 address that arrives on a socket for both families (`::ffff:192.0.2.1`) is the IPv4 address.
public struct SocketAddress: Hashable, Sendable {
  private enum Family: Hashable { case v4, v6 }
  private let family: Family
  /// The address in network order, read as one number; of IPv4 the lowest 32 bits.
  private let bits: UInt128
  /// The interface of a link-local IPv6 address; 0 for any.
  private let scope: UInt32
  private let portNumber: UInt16

  /// - Parameters:
  ///   - host: `127.0.0.1`, `::1`, `[::1]`, `localhost`, or a name. Of a name with addresses of both families the first
  ///     IPv4 one is taken. A name is asked of the resolver, which blocks: not on a loop.
  ///   - port: 0 lets the kernel choose, when listening.
  /// - Throws: ``ReactorError/badPort(_:)``, ``ReactorError/unknownHost(_:_:)``.
  public init(host: String, port: Int) throws(ReactorError) {
    guard let portNumber = UInt16(exactly: port) else { throw .badPort(port) }
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    let name = isBracketed ? String(host.dropFirst().dropLast()) : host
    guard !name.isEmpty, !name.utf8.contains(0) else { throw .unknownHost(host, "no address and no name") }
    var hints = addrinfo()
    hints.ai_family = isBracketed ? AF_INET6 : AF_UNSPEC
    hints.ai_flags = isBracketed ? AI_NUMERICHOST : 0
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(name, nil, &hints, &list)
    guard code == 0 else { throw .unknownHost(host, String(cString: gai_strerror(code))) }
    defer { freeaddrinfo(list) }
    var found: [SocketAddress] = []
    var entry = list
    while let current = entry {
      if let address = current.pointee.ai_addr.flatMap({ SocketAddress($0, port: portNumber) }) {
        found.append(address)
      }
      entry = current.pointee.ai_next
    }
    guard let chosen = found.first(where: { $0.family == .v4 }) ?? found.first else {
      throw .unknownHost(host, "no IPv4 and no IPv6 address")
    }
    self = chosen
  }

  private init(_ family: Family, _ bits: UInt128, scope: UInt32 = 0, port: UInt16) {
    let isMapped = family == .v6 && bits >> 32 == 0xFFFF
    self.family = isMapped ? .v4 : family
    self.bits = isMapped ? bits & 0xFFFF_FFFF : bits
    self.scope = isMapped ? 0 : scope
    portNumber = port
  }

  public var port: Int { Int(portNumber) }

  /// The same address with another port.
  public func with(port: Int) throws(ReactorError) -> SocketAddress {
    guard let number = UInt16(exactly: port) else { throw .badPort(port) }
    return SocketAddress(family, bits, scope: scope, port: number)
  }

  /// The address alone, without brackets: `127.0.0.1`, `::1`, `fe80::1%2`.
  public var host: String {
    switch family {
    case .v4: return stride(from: 24, through: 0, by: -8).map { String(bits >> $0 & 0xFF) }.joined(separator: ".")
    case .v6:
      var address = Self.in6(bits)
      let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
        inet_ntop(AF_INET6, &address, buffer.baseAddress, socklen_t(buffer.count)).map { String(cString: $0) } ?? "?"
      }
      return scope == 0 ? text : "\(text)%\(scope)"
    }
  }

  /// Whether only this machine reaches it: 127.0.0.0/8 and ::1.
  public var isLoopback: Bool { family == .v4 ? bits >> 24 == 127 : bits == 1 }

  /// Whether it stands for every address of the machine: 0.0.0.0 and ::.
  public var isUnspecified: Bool { bits == 0 }

  /// What one client may be taken for: an IPv4 address, or the first 64 bits of an IPv6 one, which is the least that a
  /// network is given (RFC 6177). Never zero; no IPv6 network in use has the value of an IPv4 address.
  public var networkKey: UInt64 {
    family == .v4 ? 1 << 32 | UInt64(truncatingIfNeeded: bits) : max(1, UInt64(truncatingIfNeeded: bits >> 64))
  }

  /// Bits of an address of this family: 32 or 128.
  public var bitCount: Int { family == .v4 ? 32 : 128 }

  /// Whether the first `length` bits of both addresses are the same; never across families.
  public func sharesPrefix(of length: Int, with other: SocketAddress) -> Bool {
    guard family == other.family, length <= bitCount else { return false }
    return (bits ^ other.bits) >> (bitCount - length) == 0
  }
}

extension SocketAddress: CustomStringConvertible {
  /// `127.0.0.1:8080`, `[::1]:8080`: as it stands in a URL.
  public var description: String { family == .v4 ? "\(host):\(port)" : "[\(host)]:\(port)" }
}

/// To and from the kernel's form.
extension SocketAddress {
  var domain: Int32 { family == .v4 ? AF_INET : AF_INET6 }

  /// The address in a `sockaddr`, with `port` in place of its own; nil where it is of another family.
  private init?(_ address: UnsafePointer<sockaddr>, port: UInt16? = nil) {
    let raw = UnsafeRawPointer(address)
    switch Int32(address.pointee.sa_family) {
    case AF_INET:
      let v4 = raw.loadUnaligned(as: sockaddr_in.self)
      self.init(.v4, UInt128(v4.sin_addr.s_addr.bigEndian), port: port ?? v4.sin_port.bigEndian)
    case AF_INET6:
      let v6 = raw.loadUnaligned(as: sockaddr_in6.self)
      let bits = withUnsafeBytes(of: v6.sin6_addr) { $0.loadUnaligned(as: UInt128.self).bigEndian }
      self.init(.v6, bits, scope: v6.sin6_scope_id, port: port ?? v6.sin6_port.bigEndian)
    default: return nil
    }
  }

  /// What `fill` (accept4, getsockname, getpeername) writes; nil where it is no internet address.
  init?(filledBy fill: (UnsafeMutablePointer<sockaddr>, inout socklen_t) -> Void) {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let address = withUnsafeMutablePointer(to: &storage) { storage in
      storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        fill(address, &length)
        return SocketAddress(address)
      }
    }
    guard let address else { return nil }
    self = address
  }

  init?(localOf descriptor: Int32) {
    self.init { address, length in getsockname(descriptor, address, &length) }
  }

  init?(peerOf descriptor: Int32) {
    self.init { address, length in getpeername(descriptor, address, &length) }
  }

  func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    switch family {
    case .v4:
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = portNumber.bigEndian
      address.sin_addr.s_addr = UInt32(truncatingIfNeeded: bits).bigEndian
      return Self.rebinding(&address, body)
    case .v6:
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = portNumber.bigEndian
      address.sin6_addr = Self.in6(bits)
      address.sin6_scope_id = scope
      return Self.rebinding(&address, body)
    }
  }

  private static func rebinding<Address, Result>(
    _ address: inout Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<Address>.size)) }
    }
  }

  private static func in6(_ bits: UInt128) -> in6_addr {
    var address = in6_addr()
    withUnsafeMutableBytes(of: &address) { $0.storeBytes(of: bits.bigEndian, as: UInt128.self) }
    return address
  }
}
