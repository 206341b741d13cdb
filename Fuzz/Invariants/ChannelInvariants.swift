// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes

/// `Channel` against the grammar written down plainly, and patterns against segments compared one by one.
enum ChannelInvariants {
  /// Lines that are looked at; each is matched with each.
  static let maxLines = 6

  private struct Plain: Equatable {
    var segments: [String]
    var name: String { segments.map { "/" + $0 }.joined() }

    var kind: Channel.Kind {
      switch segments.first {
      case "meta": .meta
      case "service": .service
      default: .broadcast
      }
    }

    var reach: Channel.Reach {
      switch segments.last {
      case "*": .oneLevel
      case "**": .anyDepth
      default: .exact
      }
    }

    func matches(_ other: Plain) -> Bool {
      let fixed = segments.dropLast()
      switch reach {
      case .exact: return segments == other.segments
      case .oneLevel: return other.segments.count == segments.count && other.segments.starts(with: fixed)
      case .anyDepth: return other.segments.count >= segments.count && other.segments.starts(with: fixed)
      }
    }
  }

  static func check(_ input: [UInt8]) throws(Violation) {
    var sound: [(channel: Channel, plain: Plain)] = []
    for line in input.split(separator: 10, omittingEmptySubsequences: false).prefix(maxLines) {
      for maxBytes in [8, 256] {
        let channel = Channel(parsing: Array(line).span, maxBytes: maxBytes)
        let plain = plain(Array(line), maxBytes: maxBytes)
        guard channel?.name == plain?.name else {
          throw Violation("\(channel?.name ?? "refused") instead of \(plain?.name ?? "refused")")
        }
        if let channel, let plain { try checkOne(channel, plain, maxBytes) }
        if maxBytes == 256, let channel, let plain { sound.append((channel, plain)) }
      }
    }
    for one in sound {
      for other in sound where one.channel.matches(other.channel) != one.plain.matches(other.plain) {
        throw Violation("\(one.plain.name) matches \(other.plain.name): \(one.channel.matches(other.channel))")
      }
    }
  }

  private static func checkOne(_ channel: Channel, _ plain: Plain, _ maxBytes: Int) throws(Violation) {
    guard channel.kind == plain.kind, channel.reach == plain.reach else {
      throw Violation("\(plain.name) is \(channel.kind) \(channel.reach), not \(plain.kind) \(plain.reach)")
    }
    // Blanks at the end of a name are part of it only in front of a slash.
    let spelling = channel.name.hasSuffix(" ") ? channel.name + "/" : channel.name
    guard Channel(spelling, maxBytes: maxBytes) == channel else {
      throw Violation("\(spelling) is read otherwise again")
    }
    guard (try? JSONValue(parsing: "\"\(channel.name)\"")) == .string(channel.name) else {
      throw Violation("\(channel.name) cannot stand in JSON as it is")
    }
    for name in channel.patterns {
      guard let pattern = Channel(name, maxBytes: .max), pattern.matches(channel), pattern.reach != .exact else {
        throw Violation("\(name) is given as a pattern of \(channel.name)")
      }
    }
  }

  private static func plain(_ line: [UInt8], maxBytes: Int) -> Plain? {
    var rest = line[...]
    while let first = rest.first, first <= 0x20 { rest.removeFirst() }
    while let last = rest.last, last <= 0x20 { rest.removeLast() }
    if rest.count > 1, rest.last == UInt8(ascii: "/") { rest.removeLast() }
    guard rest.count >= 2, rest.count <= maxBytes, rest.first == UInt8(ascii: "/") else { return nil }
    let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 !#$()*+-./@_{~}".utf8)
    guard rest.allSatisfy(allowed.contains) else { return nil }
    let segments = rest.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
    let areSound = segments.enumerated().allSatisfy { index, segment in
      let isWildcard = index == segments.count - 1 && (segment == "*" || segment == "**")
      return !segment.isEmpty && (isWildcard || !segment.contains("*"))
    }
    return areSound ? Plain(segments: segments) : nil
  }
}
