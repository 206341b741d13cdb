// SPDX-License-Identifier: Apache-2.0
import Bytes

/// Where messages meet the extensions. With none, nothing here is reached.
extension Broker {
  /// What happens now, for an extension.
  func context(_ session: Session?, request: ExtensionMessage? = nil) -> ExtensionContext {
    ExtensionContext(
      clientID: session?.id.text, user: session?.user?.text,
      wallMilliseconds: wallClock.milliseconds(at: latest), request: request)
  }

  /// Shows every message of a request to the extensions.
  ///
  /// - Returns: the request as they left it, whose messages are in ``messages`` from now on, those marked that are vetoed.
  mutating func extendIncoming(_ text: Span<UInt8>, user: Span<UInt8>) throws(RequestFault) -> [UInt8] {
    requests = ExtensionMessage.all(in: text)
    // Both readers see the same messages; were it otherwise, none could be told from another.
    guard requests.count == messages.count else { throw .notMessages }
    var scanner = JSONScanner()
    let isArray = scanner.peek(text) == UInt8(ascii: "[")
    var vetoes: [Bool] = []
    var writer = ByteWriter(capacity: text.count + 256)
    if isArray { writer.append("[") }
    for index in requests.indices {
      let message = messages[index]
      let session = clientID(of: message, in: text).flatMap { find($0) }
      let isSpokenFor = permit(message, text, session, user: user) == nil
      let isMeta = requests[index].channel?.hasPrefix("/meta/") ?? false
      let passes = additions.extensions.incoming(
        &requests[index], isMeta: isMeta, context(isSpokenFor ? session : nil))
      vetoes.append(!passes)
      if index > 0 { writer.append(",") }
      requests[index].write(to: &writer)
    }
    if isArray { writer.append("]") }
    let extended = writer.array
    try Batch.scan(extended.span, limits: options.limits, into: &messages)
    for index in messages.indices {
      messages[index].isVetoed = vetoes[index]
      messages[index].position = UInt32(index)
    }
    return extended
  }

  /// The request that `message` is, as the extensions left it.
  func request(of message: Message) -> ExtensionMessage? {
    requests.indices.contains(Int(message.position)) ? requests[Int(message.position)] : nil
  }

  /// An event of `session` on its way to the queues; nil if an extension drops it.
  func extended(_ payload: Payload, from session: Session) -> Payload? {
    let chain = additions.extensions
    return chain.isEmpty ? payload : chain.outgoing(event: payload, context(session))
  }

  /// Shows the reply that stands in `replies` from `start` on to the extensions.
  mutating func extendReply(from start: Int, to message: Message, _ session: Session?) {
    if additions.extensions.isEmpty { return }
    let context = context(session, request: request(of: message))
    additions.extensions.outgoing(replyIn: &replies, from: start, context)
  }

  /// Shows the reply that stands in `writer` from `start` on to the extensions.
  func extendReply(
    in writer: inout ByteWriter, from start: Int, request: ExtensionMessage?, _ session: Session?
  ) {
    if additions.extensions.isEmpty { return }
    additions.extensions.outgoing(replyIn: &writer, from: start, context(session, request: request))
  }
}

extension ByteWriter {
  /// Ends an array whose elements were each followed by a comma, or of which the last was dropped.
  mutating func closeArray() {
    if bytes.last == UInt8(ascii: ",") { truncate(to: count - 1) }
    append("]")
  }
}
