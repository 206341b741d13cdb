// SPDX-License-Identifier: Apache-2.0
import Bytes

/// The channels whose replies a client acts on; everything else is an event or the reply to a publish.
enum ReplyChannel: Sendable { case handshake, connect, subscribe, disconnect, otherMeta, other }

/// One message of a server, as places in the text it came in.
struct ReplyMessage: Sendable {
  var channel = ReplyChannel.other
  var successful: Bool?
  var clientID: JSONSlice?
  var error: JSONSlice?
  /// The value of `data`; nil where there is none, which tells the reply to a publish from an event.
  var data: JSONSlice?
  var advice = Advice()
  /// `ext.ack` of a connect reply (the acknowledgement extension of CometD).
  var acknowledged: Int?

  struct Advice: Sendable, Hashable {
    var reconnect: Reconnect?
    /// Milliseconds.
    var interval: Int?
    enum Reconnect: Sendable { case retry, handshake, never }
  }
}

/// Reads what a Bayeux server answers: an array of messages or one alone, members in any order, strictly JSON.
///
/// It allocates nothing and builds no tree; on the way of every delivery it costs some hundred nanoseconds.
enum ReplyScanner {
  /// Calls `each` for every message of `text`.
  ///
  /// - Throws: ``JSONError``, after the messages before the fault were handed over.
  static func scan(_ text: Span<UInt8>, _ each: (ReplyMessage, Span<UInt8>) -> Void) throws(JSONError) {
    var scanner = JSONScanner()
    if scanner.take(UInt8(ascii: "["), text) {
      if scanner.take(UInt8(ascii: "]"), text) { return try scanner.expectEnd(text) }
      repeat { each(try message(&scanner, text), text) } while scanner.take(UInt8(ascii: ","), text)
      try scanner.expect(UInt8(ascii: "]"), text)
    } else {
      each(try message(&scanner, text), text)
    }
    try scanner.expectEnd(text)
  }

  private static func message(_ scanner: inout JSONScanner, _ text: Span<UInt8>) throws(JSONError) -> ReplyMessage {
    var message = ReplyMessage()
    try members(&scanner, text) { key, scanner, text throws(JSONError) in
      switch key.count {
      case 3 where is_(key, "ext", text): message.acknowledged = try acknowledged(&scanner, text)
      case 4 where is_(key, "data", text): message.data = try scanner.value(text)
      case 5 where is_(key, "error", text): message.error = try scanner.value(text)
      case 6 where is_(key, "advice", text): message.advice = try advice(&scanner, text)
      case 7 where is_(key, "channel", text): message.channel = channel(try scanner.value(text), text)
      case 8 where is_(key, "clientId", text): message.clientID = try scanner.value(text)
      case 10 where is_(key, "successful", text): message.successful = truth(try scanner.value(text), text)
      default: _ = try scanner.value(text)
      }
    }
    return message
  }

  private static func members(
    _ scanner: inout JSONScanner, _ text: Span<UInt8>,
    _ each: (JSONSlice, inout JSONScanner, Span<UInt8>) throws(JSONError) -> Void
  ) throws(JSONError) {
    try scanner.expect(UInt8(ascii: "{"), text)
    if scanner.take(UInt8(ascii: "}"), text) { return }
    repeat {
      let key = try scanner.string(text)
      try scanner.expect(UInt8(ascii: ":"), text)
      try each(key, &scanner, text)
    } while scanner.take(UInt8(ascii: ","), text)
    try scanner.expect(UInt8(ascii: "}"), text)
  }

  private static func advice(
    _ scanner: inout JSONScanner, _ text: Span<UInt8>
  ) throws(JSONError) -> ReplyMessage.Advice {
    var advice = ReplyMessage.Advice()
    guard scanner.peek(text) == UInt8(ascii: "{") else {
      _ = try scanner.value(text)
      return advice
    }
    try members(&scanner, text) { key, scanner, text throws(JSONError) in
      let value = try scanner.value(text)
      if is_(key, "reconnect", text) {
        if is_(value, "retry", text) { advice.reconnect = .retry }
        if is_(value, "handshake", text) { advice.reconnect = .handshake }
        if is_(value, "none", text) { advice.reconnect = .never }
      } else if is_(key, "interval", text) {
        advice.interval = ASCII.decimal(text.extracting(value.range))
      }
    }
    return advice
  }

  private static func acknowledged(_ scanner: inout JSONScanner, _ text: Span<UInt8>) throws(JSONError) -> Int? {
    guard scanner.peek(text) == UInt8(ascii: "{") else {
      _ = try scanner.value(text)
      return nil
    }
    var number: Int?
    try members(&scanner, text) { key, scanner, text throws(JSONError) in
      let value = try scanner.value(text)
      if is_(key, "ack", text), value.kind == .number { number = ASCII.decimal(text.extracting(value.range)) }
    }
    return number
  }

  private static func truth(_ value: JSONSlice, _ text: Span<UInt8>) -> Bool? {
    switch value.kind {
    case .true: true
    case .false: false
    case .string: is_(value, "true", text)
    default: nil
    }
  }

  private static func channel(_ value: JSONSlice, _ text: Span<UInt8>) -> ReplyChannel {
    if value.isEscaped {
      // Some servers write `\/`.
      let plain = value.unescaped(in: text)
      return channel(plain.span)
    }
    return channel(text.extracting(value.range))
  }

  private static func channel(_ name: Span<UInt8>) -> ReplyChannel {
    guard name.count > 6, ASCII.equal(name.extracting(0..<6), "/meta/") else { return .other }
    let kind = name.extracting(6..<name.count)
    if ASCII.equal(kind, "connect") { return .connect }
    if ASCII.equal(kind, "handshake") { return .handshake }
    if ASCII.equal(kind, "subscribe") { return .subscribe }
    return ASCII.equal(kind, "disconnect") ? .disconnect : .otherMeta
  }

  /// Whether the string `slice` is `word`.
  private static func is_(_ slice: JSONSlice, _ word: StaticString, _ text: Span<UInt8>) -> Bool {
    if slice.isEscaped { return ASCII.equal(slice.unescaped(in: text).span, word) }
    return ASCII.equal(text.extracting(slice.range), word)
  }
}
