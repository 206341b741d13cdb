// SPDX-License-Identifier: Apache-2.0
import Bytes

/// What a subscribe gets that asks for events which are not kept any more, or for an id that was never given.
public enum ReplayPolicy: String, Hashable, Sendable, CaseIterable {
  /// The subscribe is refused.
  case error
  /// All that is kept, and the reply says that it is not complete.
  case earliest
  /// New events alone, and the reply says that it is not complete.
  case latest
}

/// From where a subscription begins.
enum ReplayStart: Hashable {
  /// `-1`: with the next event.
  case tip
  /// `-2`: with the oldest event that is kept.
  case earliest
  case after(Int64)

  init?(_ number: Int) {
    switch number {
    case -1: self = .tip
    case -2: self = .earliest
    case 0...: self = .after(Int64(number))
    default: return nil
    }
  }
}

/// The `ext` of a subscribe: `"ext":{"replay":{"/channel":-1}}` (Salesforce replay extension).
struct ReplayRequest {
  private let map: JSONSlice

  /// Nil where the message asks for no replay at all.
  init?(_ ext: JSONSlice?, in text: Span<UInt8>) {
    guard let value = ext.flatMap({ ExtMember("replay", of: $0, in: text) })?.value, value.kind == .object else {
      return nil
    }
    map = value
  }

  /// From where `channel` begins; nil where the request does not name it. Its name may be written in any way that a
  /// subscription can be.
  ///
  /// - Throws: ``BayeuxError/replayIDInvalid`` for anything but a whole number from -2 on.
  func start(of channel: Channel, in text: Span<UInt8>, maxBytes: Int) throws(BayeuxError) -> ReplayStart? {
    var scanner = JSONScanner(at: Int(map.start) + 1)
    while let key = try? scanner.string(text), scanner.take(UInt8(ascii: ":"), text),
      let value = try? scanner.value(text)
    {
      let named =
        key.isEscaped
        ? Channel(parsing: key.unescaped(in: text).span, maxBytes: maxBytes)
        : Channel(parsing: text.extracting(key.range), maxBytes: maxBytes)
      if named == channel {
        if value.kind == .null { return nil }
        guard let number = ExtMember(value: value).number(in: text), let start = ReplayStart(number) else {
          throw .replayIDInvalid
        }
        return start
      }
      guard scanner.take(UInt8(ascii: ","), text) else { return nil }
    }
    return nil
  }
}
