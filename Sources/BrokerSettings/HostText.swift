// SPDX-License-Identifier: Apache-2.0
import Bytes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Host names, addresses and networks as they are written.
package enum HostText {
  /// A name (RFC 1123 section 2.1, and the underscore that container networks use) or an address, an IPv6 one also in
  /// brackets, or with its interface, `fe80::1%eth0`.
  static func isHost(_ text: String) -> Bool {
    if bytes(ofIPv6: unwrapped(text)) != nil { return true }
    guard !text.isEmpty, text.utf8.count <= 253 else { return false }
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    if labels.allSatisfy({ $0.utf8.allSatisfy(ASCII.isDigit) }) { return bytes(ofIPv4: text) != nil }
    return labels.allSatisfy { label in
      !label.isEmpty && label.utf8.count <= 63 && !label.hasPrefix("-") && !label.hasSuffix("-")
        && label.utf8.allSatisfy { ASCII.isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
    }
  }

  /// An address, or an address and the number of its bits that count (RFC 4632 section 3.1, RFC 4291 section 2.3).
  static func isNetwork(_ text: String) -> Bool {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = bytes(ofIPv4: String(parts[0])) ?? bytes(ofIPv6: String(parts[0])) else { return false }
    guard parts.count == 2 else { return true }
    guard parts[1].utf8.allSatisfy(ASCII.isDigit), let bits = Int(parts[1]) else { return false }
    return bits <= address.count * 8
  }

  /// Whether only this machine can reach a listener on `host`.
  package static func isLoopback(_ host: String) -> Bool {
    if host.lowercased() == "localhost" { return true }
    if let address = bytes(ofIPv4: host) { return address[0] == 127 }
    guard let address = bytes(ofIPv6: unwrapped(host)) else { return false }
    let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
    return address == [UInt8](repeating: 0, count: 15) + [1] || address.starts(with: mapped) && address[12] == 127
  }

  /// Whether listeners on both hosts would want the same port of the same address.
  static func overlap(_ left: String, _ right: String) -> Bool {
    func canonical(_ host: String) -> [UInt8] {
      if host.lowercased() == "localhost" { return [127, 0, 0, 1] }
      return bytes(ofIPv4: host) ?? bytes(ofIPv6: unwrapped(host)) ?? Array(host.lowercased().utf8)
    }
    func isEverything(_ address: [UInt8]) -> Bool { address.allSatisfy { $0 == 0 } }
    let (one, other) = (canonical(left), canonical(right))
    return one == other || isEverything(one) || isEverything(other)
  }

  /// An IPv6 address without brackets and interface; anything else as it is.
  private static func unwrapped(_ host: String) -> String {
    let bare = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    return bare.contains(":") ? String(bare.prefix { $0 != "%" }) : bare
  }

  static func bytes(ofIPv4 text: String) -> [UInt8]? {
    var address = in_addr()
    guard inet_pton(AF_INET, text, &address) == 1 else { return nil }
    return withUnsafeBytes(of: &address) { Array($0) }
  }

  static func bytes(ofIPv6 text: String) -> [UInt8]? {
    var address = in6_addr()
    guard inet_pton(AF_INET6, text, &address) == 1 else { return nil }
    return withUnsafeBytes(of: &address) { Array($0) }
  }
}
