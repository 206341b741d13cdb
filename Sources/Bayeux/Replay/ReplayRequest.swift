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
  private enum Wish {
    /// `null`: the channel is named, and nothing is asked for it.
    case nothing
    case start(ReplayStart)
    case invalid
  }
  /// Read once, however many channels the subscribe names. What names no channel is passed over.
  private var wishes: [Channel: Wish] = [:]

  /// Nil where the message asks for no replay at all.
  init?(_ ext: JSONSlice?, in text: Span<UInt8>, maxChannelBytes: Int) {
    guard let map = ext.flatMap({ ExtMember("replay", of: $0, in: text) })?.value, map.kind == .object else {
      return nil
    }
    var scanner = JSONScanner(at: Int(map.start) + 1)
    while let key = try? scanner.string(text), scanner.take(UInt8(ascii: ":"), text),
      let value = try? scanner.value(text)
    {
      // Its name may be written in any way that a subscription can be.
      let channel =
        key.isEscaped
        ? Channel(parsing: key.unescaped(in: text).span, maxBytes: maxChannelBytes)
        : Channel(parsing: text.extracting(key.range), maxBytes: maxChannelBytes)
      if let channel, wishes[channel] == nil { wishes[channel] = Self.wish(value, in: text) }
      guard scanner.take(UInt8(ascii: ","), text) else { break }
    }
  }

  private static func wish(_ value: JSONSlice, in text: Span<UInt8>) -> Wish {
    if value.kind == .null { return .nothing }
    return ExtMember(value: value).number(in: text).flatMap(ReplayStart.init).map { .start($0) } ?? .invalid
  }

  /// From where `channel` begins; nil where the request does not ask for it.
  ///
  /// - Throws: ``BayeuxError/replayIDInvalid`` for anything but a whole number from -2 on.
  func start(of channel: Channel) throws(BayeuxError) -> ReplayStart? {
    switch wishes[channel] {
    case nil, .nothing: return nil
    case .start(let start): return start
    case .invalid: throw .replayIDInvalid
    }
  }
}
