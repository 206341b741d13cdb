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

  /// `"advice":{…},`, always with all three members: a client replaces what it knew by what it is sent.
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
    append("},")
  }

  /// A reply to any message but handshake and connect. `channel` and `subscription` stand as they came.
  mutating func appendReply(
    to message: Message, id: MessageID, in text: Span<UInt8>, error: BayeuxError?, advice: Advice?,
    hasEmptyExt: Bool = false
  ) {
    append("{")
    id.writeMember(to: &self)
    if let subscription = message.subscription {
      append("\"subscription\":")
      append(text.extracting(subscription.outerRange))
      append(",")
    }
    append(error == nil ? "\"successful\":true," : "\"successful\":false,")
    if let error {
      append("\"error\":\"")
      append(error.text)
      append("\",")
    }
    if let advice { append(advice) }
    if hasEmptyExt { append("\"ext\":{},") }
    if let channel = message.channel {
      append("\"channel\":")
      append(text.extracting(channel.outerRange))
      append("}")
    } else {
      truncate(to: count - 1)
      append("}")
    }
  }

  mutating func appendHandshakeReply(id: MessageID, clientID: ClientID, options: BayeuxOptions) {
    append("{")
    id.writeMember(to: &self)
    append("\"minimumVersion\":\"1.0\",\"supportedConnectionTypes\":[")
    for (index, type) in options.connectionTypes.enumerated() {
      if index > 0 { append(",") }
      append(jsonString: type)
    }
    append("],\"successful\":true,")
    append(Advice(reconnect: .retry, interval: options.interval, timeout: options.timeout))
    append("\"channel\":\"/meta/handshake\",\"ext\":{\"ack\":true},\"clientId\":\"")
    clientID.write(to: &self)
    append("\",\"version\":\"1.0\"}")
  }
}

/// The `advice` member of a reply.
struct Advice {
  let reconnect: Reconnect
  let interval: Duration
  let timeout: Duration?
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
