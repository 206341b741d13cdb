// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// Tells a client how far its clock is off, as CometD's extension of that name does.
///
/// A handshake or connect brings `ext.timesync` `{"tc","l","o"}`: the client's time in milliseconds, its lag and its
/// offset. The reply brings `{"tc","ts","p","a"}`: that time, ours when the request came, the milliseconds since, and by
/// how much `tc + l + o` was off. A client that gave no `l` gets no `a`; one that is right within
/// ``accuracyMilliseconds`` gets nothing.
public struct TimesyncExtension: Extension {
  public static let accuracyMilliseconds: Int64 = 25
  private static let name = "timesync"

  public init() {}

  /// Notes the arrival in the request, which a held connect keeps.
  public func incomingMeta(_ message: inout ExtensionMessage, _ context: ExtensionContext) -> Bool {
    guard var members = message[ext: Self.name]?.members else { return true }
    members.removeAll { $0.name == "ts" }
    members.append(.init("ts", .number(String(context.wallMilliseconds))))
    message[ext: Self.name] = .object(members)
    return true
  }

  public func outgoingMeta(_ message: inout ExtensionMessage, _ context: ExtensionContext) -> Bool {
    guard let sync = context.request?[ext: Self.name], let client = Self.whole(sync["tc"]),
      let server = Self.whole(sync["ts"])
    else { return true }
    var members: [JSONValue.Member] = [
      .init("tc", .number(String(client))), .init("ts", .number(String(server))),
      .init("p", .number(String(context.wallMilliseconds - server))),
    ]
    if let lag = Self.whole(sync["l"]) {
      // What is no clock reading may be any number.
      let accuracy = client &+ (Self.whole(sync["o"]) ?? 0) &+ lag &- server
      guard lag == 0 || accuracy.magnitude >= UInt64(Self.accuracyMilliseconds) else { return true }
      members.append(.init("a", .number(String(accuracy))))
    }
    message[ext: Self.name] = .object(members)
    return true
  }

  /// Clients send whole milliseconds; some languages write them with a fraction of zero.
  private static func whole(_ value: JSONValue?) -> Int64? {
    guard case .number(let text) = value else { return nil }
    return Int64(text) ?? Double(text).flatMap { Int64(exactly: $0.rounded()) }
  }
}

/// Puts the time of day into every message that goes out: `"timestamp":"Mon Feb 05 12:00:00 UTC 2024"`, as CometD's
/// extension of that name does.
public struct TimestampExtension: Extension {
  public init() {}

  public func outgoing(_ message: inout ExtensionMessage, _ context: ExtensionContext) -> Bool {
    message["timestamp"] = .string(Self.text(context.wallMilliseconds))
    return true
  }

  public func outgoingMeta(_ message: inout ExtensionMessage, _ context: ExtensionContext) -> Bool {
    outgoing(&message, context)
  }

  /// From `Mon, 05 Feb 2024 12:00:00 GMT`.
  static func text(_ milliseconds: Int64) -> String {
    let time = UTCTime(secondsSince1970: milliseconds / 1000)
    let words = time.httpDate.split(separator: " ")
    return "\(words[0].dropLast()) \(words[2]) \(words[1]) \(words[4]) UTC \(words[3])"
  }
}

/// The time of day as a value: what it was at one moment of the monotonic clock.
public struct WallClock: Sendable, Hashable {
  public let moment: Instant
  /// Since 1970, at that moment.
  public let milliseconds: Int64

  public init(milliseconds: Int64 = 0, at moment: Instant = Instant(nanoseconds: 0)) {
    self.moment = moment
    self.milliseconds = milliseconds
  }

  public func milliseconds(at now: Instant) -> Int64 { milliseconds + (now - moment).wholeMilliseconds }
}
