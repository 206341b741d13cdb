// SPDX-License-Identifier: Apache-2.0
import BrokerSettings
import Bytes
import Logging

/// A moment of the wall clock.
struct WallTime: Sendable, Hashable {
  var secondsSince1970: Int64
  /// 0 to 999.
  var milliseconds: Int

  /// `2026-01-02T03:04:05.678Z`
  var iso8601: String {
    let digits = String(milliseconds)
    let padded = String(repeating: "0", count: max(0, 3 - digits.count)) + digits
    return "\(UTCTime(secondsSince1970: secondsSince1970).iso8601.dropLast()).\(padded)Z"
  }
}

/// One log line as a value, and the two ways to write it. Whatever a client put into it stays on this line and does
/// nothing to a terminal.
struct LogLine {
  var time: WallTime
  var level: Logger.Level
  var message: String
  var metadata: Logger.Metadata = [:]

  /// The line with its end.
  func bytes(as format: LogFormat) -> [UInt8] {
    switch format {
    case .text: Array("\(text)\n".utf8)
    case .json: Array("\(json)\n".utf8)
    }
  }

  /// `2026-01-02T03:04:05.678Z info message key=value`, keys in alphabetical order.
  private var text: String {
    let pairs = metadata.sorted { $0.key < $1.key }.map {
      " \(Printable.escaped($0.key))=\(Self.word($0.value.description))"
    }
    return "\(time.iso8601) \(level) \(Printable.escaped(message))\(pairs.joined())"
  }

  /// `value` as one word: quoted, where a reader could not see where it ends.
  private static func word(_ value: String) -> String {
    let isPlain = !value.isEmpty && !value.contains { $0 == " " || $0 == "\"" || $0 == "=" || $0 == "\\" }
    if isPlain { return Printable.escaped(value) }
    let quoted = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    return "\"\(Printable.escaped(quoted))\""
  }

  private var json: String {
    let reserved: Set<String> = ["time", "level", "message"]
    let members: [JSONValue.Member] =
      [
        .init("time", .string(time.iso8601)), .init("level", .string("\(level)")), .init("message", .string(message)),
      ]
      + metadata.sorted { $0.key < $1.key }.map { key, value in
        .init(reserved.contains(key) ? "\(key)_" : key, value.json)
      }
    return Self.escapedHidden(JSONValue.object(members).text)
  }

  /// JSON allows most characters that a terminal acts on; they stand as `\u` escapes here (RFC 8259 section 7).
  private static func escapedHidden(_ json: String) -> String {
    if json.utf8.allSatisfy({ $0 < 0x7F }) { return json }
    return json.unicodeScalars.map { scalar in
      guard Printable.isHidden(scalar) else { return String(scalar) }
      return scalar.utf16.map { "\\u" + Identifiers.hex(UInt64($0), digits: 4) }.joined()
    }.joined()
  }
}

extension Logger.MetadataValue {
  fileprivate var json: JSONValue {
    switch self {
    case .string(let text): .string(text)
    case .stringConvertible(let value): .string(value.description)
    case .array(let elements): .array(elements.map(\.json))
    case .dictionary(let members): .object(members.sorted { $0.key < $1.key }.map { .init($0.key, $0.value.json) })
    }
  }
}
