// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// Replies in the order of members that GMS and CometD 2 send, each followed by nothing: the caller sets the commas.
extension ByteWriter {
  /// `{"id":…,"successful":true[,"advice":…],"channel":"/meta/connect"[,"ext":{"ack":…}]}`.
  mutating func appendConnectReply(id: MessageID, advice: Advice?, ackBatch: Int?) {
    append("{")
    id.writeMember(to: &self)
    append("\"successful\":true,")
    if let advice { append(advice) }
    append("\"channel\":\"/meta/connect\"")
    if let ackBatch {
      append(",\"ext\":{\"ack\":")
      append(decimal: ackBatch)
      append("}")
    }
    append("}")
  }

  /// `"advice":{…},`. Who may go on is sent all three members, since a client replaces what it knew by what it is sent;
  /// who has to start again learns the timeout then.
  mutating func append(_ advice: Advice) {
    append("\"advice\":{\"interval\":")
    append(decimal: Int(advice.interval.wholeMilliseconds))
    append(",\"reconnect\":\"")
    append(advice.reconnect.text)
    append("\"")
    if let timeout = advice.timeout {
      append(",\"timeout\":")
      append(decimal: Int(timeout.wholeMilliseconds))
    }
    if let maxInterval = advice.maxInterval {
      append(",\"maxInterval\":")
      append(decimal: Int(maxInterval.wholeMilliseconds))
    }
    if advice.hasMultipleClients { append(",\"multiple-clients\":true") }
    append("},")
  }

  /// A reply to any message but handshake and connect. `channel` and `subscription` stand as they came.
  mutating func appendReply(
    to message: Message, id: MessageID, in text: Span<UInt8>, error: BayeuxError?, advice: Advice?,
    hasEmptyExt: Bool = false, replay: String = ""
  ) {
    append("{")
    id.writeMember(to: &self)
    if let subscription = message.subscription {
      append("\"subscription\":")
      append(echo: subscription, in: text)
      append(",")
    }
    append(error == nil ? "\"successful\":true," : "\"successful\":false,")
    if let error {
      append("\"error\":\"")
      append(error.text)
      append("\",")
    }
    if let advice { append(advice) }
    if !replay.isEmpty {
      append("\"ext\":{\"replay\":{")
      append(replay)
      append("}},")
    } else if hasEmptyExt {
      append("\"ext\":{},")
    }
    if let channel = message.channel {
      append("\"channel\":")
      append(echo: channel, in: text)
      append("}")
    } else {
      truncate(to: count - 1)
      append("}")
    }
  }

  /// A value of a request as it came, but without the commas before a closing bracket that were tolerated: not every
  /// client tolerates them.
  private mutating func append(echo slice: JSONSlice, in text: Span<UInt8>) {
    guard slice.kind == .array || slice.kind == .object else { return append(text.extracting(slice.outerRange)) }
    var scanner = JSONScanner(at: Int(slice.start))
    var copied = scanner.position
    while scanner.position < Int(slice.end) {
      let at = scanner.position
      switch text[at] {
      case UInt8(ascii: "\""): _ = try? scanner.string(text)
      case UInt8(ascii: ","):
        scanner.position += 1
        let next = scanner.peek(text)
        guard next == UInt8(ascii: "]") || next == UInt8(ascii: "}") else { continue }
        append(text.extracting(copied..<at))
        copied = at + 1
      default: scanner.position += 1
      }
    }
    append(text.extracting(copied..<Int(slice.end)))
  }

  /// - Parameters:
  ///   - restored: whether an earlier session was taken over; nil where none was named.
  ///   - events: how many follow the reply, and the number of their batch where they are acknowledged; nil where events
  ///     never do.
  mutating func appendHandshakeReply(
    id: MessageID, clientID: ClientID, options: BayeuxOptions, restored: Bool? = nil,
    events: (count: Int, ackBatch: Int?)? = nil
  ) {
    append("{")
    id.writeMember(to: &self)
    append("\"minimumVersion\":\"1.0\",\"supportedConnectionTypes\":[")
    for (index, type) in options.connectionTypes.enumerated() {
      if index > 0 { append(",") }
      append(jsonString: type)
    }
    append("],\"successful\":true,")
    append(options.advice(interval: options.interval))
    append("\"channel\":\"/meta/handshake\",\"ext\":{\"ack\":")
    if let batch = events?.ackBatch {
      append("{\"enabled\":true,\"batch\":")
      append(decimal: batch)
      append("}")
    } else {
      append("true")
    }
    if let restored { append(restored ? ",\"restore\":true" : ",\"restore\":false") }
    if options.hasDurableChannels { append(",\"replay\":true") }
    append("},")
    if let events {
      append("\"x-messages\":")
      append(decimal: events.count)
      append(",")
    }
    append("\"clientId\":\"")
    clientID.write(to: &self)
    append("\",\"version\":\"1.0\"}")
  }
}

/// The `advice` member of a reply.
struct Advice {
  var reconnect: Reconnect
  let interval: Duration
  let timeout: Duration?
  /// How long the session lives without a connect, for clients that count themselves.
  var maxInterval: Duration?
  /// Other clients of the same browser are held, this one polls.
  var hasMultipleClients = false
}

extension BayeuxOptions {
  /// What a client that may go on is advised.
  func advice(_ reconnect: Reconnect = .retry, interval: Duration) -> Advice {
    Advice(
      reconnect: reconnect, interval: interval, timeout: timeout, maxInterval: handshakeReconnect ? maxInterval : nil)
  }
}

extension Payload {
  /// The event that subscribers receive: `{"data":…,"channel":"…"}`.
  ///
  /// Nothing of the publisher's message but `data` and `ext` goes to others: a stock client obeys `advice` in any
  /// message it is sent, so passing that on would let one client command the others.
  ///
  /// - Parameters:
  ///   - data: JSON text, passed on as it came; empty stands for a publish without data, sent as `null`.
  ///   - ext: JSON text; empty for none.
  public init(event channel: Channel, data: Span<UInt8>, ext: Span<UInt8>) {
    var writer = ByteWriter(capacity: data.count + ext.count + channel.name.utf8.count + 40)
    writer.append("{\"data\":")
    if data.isEmpty {
      writer.append("null")
    } else {
      writer.append(data)
    }
    writer.append(",\"channel\":\"")
    writer.append(channel.name)
    writer.append("\"")
    if !ext.isEmpty {
      writer.append(",\"ext\":")
      writer.append(ext)
    }
    writer.append("}")
    self.init(writer.array)
  }
}
