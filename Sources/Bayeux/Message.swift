// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// One Bayeux message of a request: where its members stand in the text, nothing copied.
public struct Message {
  /// What the message asks for, as far as the bytes of its channel tell.
  public enum Verb: UInt8, Hashable, Sendable {
    case handshake, connect, subscribe, unsubscribe, disconnect
    /// Any other channel: published to, or refused.
    case publish
  }

  public var verb = Verb.publish
  public var channel: JSONSlice?
  public var clientID: JSONSlice?
  public var id: JSONSlice?
  public var subscription: JSONSlice?
  public var data: JSONSlice?
  public var ext: JSONSlice?
  public var advice: JSONSlice?
  /// An extension dropped it.
  var isVetoed = false
  /// Which message of its request it is; counted only where there are extensions.
  var position: UInt32 = 0

  init() {}

  /// Nil for a channel that is no meta channel with a meaning of its own. Exact: `/meta/connect/` is none.
  static func verb(of channel: Span<UInt8>) -> Verb? {
    guard channel.count >= 13 else { return nil }
    switch channel[6] {
    case UInt8(ascii: "c"): return ASCII.equal(channel, "/meta/connect") ? .connect : nil
    case UInt8(ascii: "h"): return ASCII.equal(channel, "/meta/handshake") ? .handshake : nil
    case UInt8(ascii: "s"): return ASCII.equal(channel, "/meta/subscribe") ? .subscribe : nil
    case UInt8(ascii: "u"): return ASCII.equal(channel, "/meta/unsubscribe") ? .unsubscribe : nil
    case UInt8(ascii: "d"): return ASCII.equal(channel, "/meta/disconnect") ? .disconnect : nil
    default: return nil
    }
  }
}

/// The messages of one request, in order.
public enum Batch {
  /// Finds the messages in `text`: an object, or an array of objects; `null` holds none.
  ///
  /// Strict JSON but for one trailing comma after a message, after a member, and in arrays outside `data` and `ext`, as
  /// hand-written clients send it. Unknown members are checked and passed over.
  ///
  /// - Parameter messages: cleared first; its capacity serves request after request.
  public static func scan(
    _ text: Span<UInt8>, limits: BayeuxLimits, into messages: inout [Message]
  ) throws(RequestFault) {
    messages.removeAll(keepingCapacity: true)
    do {
      var scanner = JSONScanner()
      let first = scanner.peek(text)
      // Depth counts from the outermost bracket: what a message holds stands one level deep, or two in an array.
      let levels = first == UInt8(ascii: "[") ? 2 : 1
      scanner = JSONScanner(at: scanner.position, maxDepth: max(0, min(limits.maxDepth, 63) - levels))
      switch first {
      case UInt8(ascii: "{"):
        messages.append(try message(&scanner, text))
      case UInt8(ascii: "["):
        guard try array(&scanner, text, limits, &messages) else {
          throw messages.count > limits.maxMessagesPerBatch ? RequestFault.tooManyMessages : .notMessages
        }
      default:
        let value = try scanner.value(text)
        try scanner.expectEnd(text)
        guard value.kind == .null else { throw RequestFault.notMessages }
      }
      try scanner.expectEnd(text)
    } catch let error as JSONError {
      throw .notJSON(.init(reason: error.reason.rawValue, offset: error.offset))
    } catch let fault as RequestFault {
      throw fault
    } catch {
      throw .notMessages
    }
  }

  /// False if an element is no object, or there are too many of them.
  private static func array(
    _ scanner: inout JSONScanner, _ text: Span<UInt8>, _ limits: BayeuxLimits, _ messages: inout [Message]
  ) throws(JSONError) -> Bool {
    try scanner.expect(UInt8(ascii: "["), text)
    while !scanner.take(UInt8(ascii: "]"), text) {
      guard scanner.peek(text) == UInt8(ascii: "{") else {
        _ = try scanner.value(text)
        return false
      }
      messages.append(try message(&scanner, text))
      if messages.count > limits.maxMessagesPerBatch { return false }
      if !scanner.take(UInt8(ascii: ","), text) {
        try scanner.expect(UInt8(ascii: "]"), text)
        break
      }
    }
    return true
  }

  private static func message(_ scanner: inout JSONScanner, _ text: Span<UInt8>) throws(JSONError) -> Message {
    var message = Message()
    try scanner.expect(UInt8(ascii: "{"), text)
    while !scanner.take(UInt8(ascii: "}"), text) {
      let key = try scanner.string(text)
      try scanner.expect(UInt8(ascii: ":"), text)
      if key.isEscaped {
        let name = key.unescaped(in: text)
        try member(name.span, key, &message, &scanner, text)
      } else {
        try member(text.extracting(key.range), key, &message, &scanner, text)
      }
      if !scanner.take(UInt8(ascii: ","), text) {
        try scanner.expect(UInt8(ascii: "}"), text)
        break
      }
    }
    if let channel = message.channel, channel.kind == .string {
      let verb =
        channel.isEscaped
        ? Message.verb(of: channel.unescaped(in: text).span) : Message.verb(of: text.extracting(channel.range))
      message.verb = verb ?? .publish
    }
    return message
  }

  private static func member(
    _ name: Span<UInt8>, _ key: JSONSlice, _ message: inout Message, _ scanner: inout JSONScanner, _ text: Span<UInt8>
  ) throws(JSONError) {
    func set(_ slot: inout JSONSlice?, lenient: Bool = true) throws(JSONError) {
      guard slot == nil else { throw JSONError(.duplicateMember, at: Int(key.start)) }
      slot = try scanner.value(text, lenient: lenient)
    }
    switch name.count {
    case 2 where ASCII.equal(name, "id"): try set(&message.id)
    case 3 where ASCII.equal(name, "ext"): try set(&message.ext, lenient: false)
    case 4 where ASCII.equal(name, "data"): try set(&message.data, lenient: false)
    case 6 where ASCII.equal(name, "advice"): try set(&message.advice)
    case 7 where ASCII.equal(name, "channel"): try set(&message.channel)
    case 8 where ASCII.equal(name, "clientId"): try set(&message.clientID)
    case 12 where ASCII.equal(name, "subscription"): try set(&message.subscription)
    default: _ = try scanner.value(text, lenient: true)
    }
  }
}

/// The `advice` of a connect: how this one connect differs from the usual.
public struct RequestedAdvice: Hashable, Sendable {
  /// How long to hold it; zero answers at once.
  public var timeout: Duration?
  /// How long the client will wait before its next connect.
  public var interval: Duration?

  /// Members that are no whole numbers of milliseconds count as absent. The slice comes from ``Batch/scan``.
  init(_ advice: JSONSlice, in text: Span<UInt8>) {
    guard advice.kind == .object else { return }
    var scanner = JSONScanner(at: Int(advice.start))
    guard scanner.take(UInt8(ascii: "{"), text) else { return }
    while let key = try? scanner.string(text), scanner.take(UInt8(ascii: ":"), text),
      let value = try? scanner.value(text, lenient: true)
    {
      let milliseconds =
        value.kind == .number ? ASCII.decimal(text.extracting(value.range)).map { Duration.milliseconds($0) } : nil
      switch key.string(in: text) {
      case "timeout": timeout = milliseconds
      case "interval": interval = milliseconds
      default: break
      }
      guard scanner.take(UInt8(ascii: ","), text) else { return }
    }
  }
}
