// SPDX-License-Identifier: Apache-2.0
import Reactor

/// A range of addresses in CIDR notation: `10.0.0.0/8`, `::1/128`, or one address alone.
struct Network: Hashable, Sendable {
  private let address: SocketAddress
  private let prefix: Int

  init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, let first = parts.first, first.contains(where: { $0 == "." || $0 == ":" }),
      first.allSatisfy({ $0.isHexDigit || $0 == "." || $0 == ":" }),
      let address = try? SocketAddress(host: String(first), port: 0)
    else { return nil }
    self.address = address
    guard parts.count == 2 else {
      prefix = address.bitCount
      return
    }
    guard let length = Int(parts[1]), (0...address.bitCount).contains(length) else { return nil }
    prefix = length
  }

  func contains(_ other: SocketAddress) -> Bool { address.sharesPrefix(of: prefix, with: other) }
}
