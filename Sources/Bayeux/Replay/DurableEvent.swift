// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// A publication to a durable channel that has no place among the others yet.
public struct EventDraft: Sendable {
  public let channel: Channel
  /// As subscribers without the extension receive it.
  public let payload: Payload
  private let shape: Shape

  /// How the replay id is written into the event.
  private enum Shape: Sendable {
    /// `data` is an object without a member `event`: it gets one, before the bracket at that offset.
    case member(at: Int, isFirst: Bool)
    /// `data`, which stands there, becomes the member `payload` of a new object.
    case wrapped(Range<Int>)
    /// There is no `data`.
    case absent
  }

  public init(_ publication: Publication) {
    channel = publication.channel
    payload = publication.payload
    let bytes = payload.bytes
    shape = Self.shape(of: bytes.span)
  }

  /// The event with its id: `"event":{"createdDate":"…","replayId":…}` within `data`, where clients of the Salesforce
  /// replay extension look for it.
  ///
  /// - Parameters:
  ///   - id: greater than that of every event before it, on whatever channel.
  ///   - arrival: what its age is counted from.
  public func event(id: Int64, createdAtSecondsSince1970 seconds: Int64, arrival: Instant) -> DurableEvent {
    let text = payload.bytes.span
    var writer = ByteWriter(capacity: text.count + 96)
    func tag(_ writer: inout ByteWriter) {
      writer.append("\"event\":{\"createdDate\":\"")
      writer.append(UTCTime(secondsSince1970: seconds).iso8601)
      writer.append("\",\"replayId\":")
      writer.append(decimal: Int(id))
      writer.append("}")
    }
    switch shape {
    case .member(let end, let isFirst):
      writer.append(text.extracting(0..<end))
      if !isFirst { writer.append(",") }
      tag(&writer)
      writer.append(text.extracting(end...))
    case .wrapped(let range):
      writer.append(text.extracting(0..<range.lowerBound))
      writer.append("{")
      tag(&writer)
      writer.append(",\"payload\":")
      writer.append(text.extracting(range))
      writer.append("}")
      writer.append(text.extracting(range.upperBound...))
    case .absent:
      writer.append("{\"data\":{")
      tag(&writer)
      writer.append("}")
      if text.count > 2 { writer.append(",") }
      writer.append(text.extracting(1...))
    }
    return DurableEvent(id: id, channel: channel, payload: Payload(writer.array), plain: payload, arrival: arrival)
  }

  private static func shape(of text: Span<UInt8>) -> Shape {
    guard let data = member("data", of: text, at: 0) else { return .absent }
    guard data.kind == .object, member("event", of: text, at: Int(data.start)) == nil else {
      return .wrapped(data.outerRange)
    }
    var scanner = JSONScanner(at: Int(data.start) + 1)
    return .member(at: Int(data.end) - 1, isFirst: scanner.peek(text) == UInt8(ascii: "}"))
  }

  /// A member of the object that begins at `start`, whatever way its name is written.
  private static func member(_ name: StaticString, of text: Span<UInt8>, at start: Int) -> JSONSlice? {
    var scanner = JSONScanner(at: start, maxDepth: 63)
    guard scanner.take(UInt8(ascii: "{"), text) else { return nil }
    while let key = try? scanner.string(text), scanner.take(UInt8(ascii: ":"), text),
      let value = try? scanner.value(text)
    {
      let isIt =
        key.isEscaped
        ? ASCII.equal(key.unescaped(in: text).span, name) : ASCII.equal(text.extracting(key.range), name)
      if isIt { return value }
      guard scanner.take(UInt8(ascii: ","), text) else { return nil }
    }
    return nil
  }
}

/// An event of a durable channel that is kept, with its place among all others.
public struct DurableEvent: Sendable {
  /// What the extension calls the replay id: rises over all channels of a broker, not without gaps.
  public let id: Int64
  public let channel: Channel
  /// With the id in it.
  public let payload: Payload
  /// As subscribers without the extension receive it.
  public let plain: Payload
  public let arrival: Instant

  public init(id: Int64, channel: Channel, payload: Payload, plain: Payload, arrival: Instant) {
    self.id = id
    self.channel = channel
    self.payload = payload
    self.plain = plain
    self.arrival = arrival
  }
}

/// What was kept of the durable channels when a broker ended.
public struct KeptHistory: Sendable {
  /// In the order of their ids; restored ones have no use for ``DurableEvent/plain``.
  public var events: [DurableEvent] = []
  /// The last event of a channel that is not kept any more.
  public var droppedThrough: [Channel: Int64] = [:]
  /// No event up to this one of any channel that is not named here is kept.
  public var forgottenThrough: Int64 = 0
  /// The last id that was given.
  public var lastID: Int64 = 0

  public init() {}
}
