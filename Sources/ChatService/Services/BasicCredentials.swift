// SPDX-License-Identifier: Apache-2.0

/// What HTTP Basic asks for (RFC 7617), or what a request gave.
public struct BasicCredentials: Sendable, Hashable {
  public var username: String?
  public var password: String?

  public init(username: String? = nil, password: String? = nil) {
    self.username = username
    self.password = password
  }

  /// Whether nobody is asked for anything.
  public var isOpen: Bool { username == nil && password == nil }

  /// These, and where one of them is left open, that of `server`: a user of one section may go with the password of the
  /// other.
  public func inheriting(_ server: BasicCredentials) -> BasicCredentials {
    BasicCredentials(username: username ?? server.username, password: password ?? server.password)
  }

  /// Whether `given` is what is asked for. Takes the same time wherever they differ.
  public func accept(_ given: BasicCredentials?) -> Bool {
    if isOpen { return true }
    guard let given else { return false }
    let isUser = Self.isEqual(given.username ?? "", username ?? "")
    let isPassword = Self.isEqual(given.password ?? "", password ?? "")
    return isUser && isPassword
  }

  /// Reads the value of an `Authorization` header; nil where it is no Basic one.
  public init?(header: String) {
    let words = header.split(separator: " ", maxSplits: 1)
    guard words.count == 2, words[0].lowercased() == "basic", let bytes = Self.base64(words[1]) else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    guard let colon = text.firstIndex(of: ":") else { return nil }
    self.init(username: String(text[..<colon]), password: String(text[text.index(after: colon)...]))
  }

  /// Compares every byte of what was given, so that its time tells nothing of what is right.
  public static func isEqual(_ given: String, _ wanted: String) -> Bool {
    let given = Array(given.utf8)
    let wanted = Array(wanted.utf8)
    var difference = given.count ^ wanted.count
    for index in given.indices {
      difference |= Int(given[index] ^ (wanted.isEmpty ? 0xFF : wanted[index % wanted.count]))
    }
    return difference == 0
  }

  /// RFC 4648 section 4; nil for anything else.
  static func base64(_ text: some StringProtocol) -> [UInt8]? {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var bits = 0
    var count = 0
    var bytes: [UInt8] = []
    var digits = Array(text.utf8.drop { $0 == 0x20 })
    while digits.last == UInt8(ascii: "=") || digits.last == 0x20 { digits.removeLast() }
    for digit in digits {
      guard let value = alphabet.firstIndex(of: digit) else { return nil }
      bits = bits << 6 | value
      count += 6
      guard count >= 8 else { continue }
      count -= 8
      bytes.append(UInt8(bits >> count & 0xFF))
    }
    return digits.count % 4 == 1 ? nil : bytes
  }
}
