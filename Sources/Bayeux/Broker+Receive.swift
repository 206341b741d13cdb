// SPDX-License-Identifier: Apache-2.0
public import Bytes

extension Broker {
  /// Takes one request.
  ///
  /// - Parameters:
  ///   - text: the body: a message or an array of messages.
  ///   - user: the `gms_user` that the request names; empty for none.
  ///   - conduit: where the answer goes if the request is held.
  ///   - writer: receives the answer; untouched unless the result is `.answered`.
  public mutating func receive(
    _ text: Span<UInt8>, user: Span<UInt8>, origin: RequestOrigin = RequestOrigin(), on conduit: some Conduit,
    now: Instant, into writer: inout ByteWriter
  ) -> Reception {
    receive(text, user: user, origin: origin, on: conduit, stream: nil, now: now, into: &writer)
  }

  /// Takes one message of a WebSocket, which is a batch as well. The sessions it speaks for are pushed to on `stream`.
  ///
  /// - Parameter user: the `gms_user` of the upgrade request; empty for none.
  public mutating func receive(
    _ text: Span<UInt8>, user: Span<UInt8>, origin: RequestOrigin = RequestOrigin(),
    onStream stream: some StreamConduit, now: Instant, into writer: inout ByteWriter
  ) -> Reception {
    receive(text, user: user, origin: origin, on: stream, stream: stream, now: now, into: &writer)
  }

  /// - Parameters:
  ///   - conduit: where a held connect is answered.
  ///   - stream: the same, where it takes any number of answers.
  private mutating func receive(
    _ text: Span<UInt8>, user: Span<UInt8>, origin: RequestOrigin, on conduit: any Conduit,
    stream: (any StreamConduit)?, now: Instant, into writer: inout ByteWriter
  ) -> Reception {
    latest = now
    lastTaker = nil
    do throws(RequestFault) {
      try Batch.scan(text, limits: options.limits, into: &messages)
      if messages.isEmpty {
        writer.append("[]")
        return .answered
      }
      if let home = home(text, user: user, origin: origin, stream: stream) { return .elsewhere(shard: home) }
      if additions.extensions.isEmpty {
        return try process(text, user: user, origin: origin, on: conduit, stream: stream, now: now, into: &writer)
      }
      let text = try extendIncoming(text, user: user)
      return try process(text.span, user: user, origin: origin, on: conduit, stream: stream, now: now, into: &writer)
    } catch {
      if error == .tooManyMessages { counters.limitBatch += 1 }
      return .refused(error)
    }
  }

  /// The shard that has to take the request whose messages have been scanned; nil for this one, and for one that cannot
  /// go there, because its stream is shared with sessions of this shard.
  private func home(
    _ text: Span<UInt8>, user: Span<UInt8>, origin: RequestOrigin, stream: (any StreamConduit)?
  ) -> Int? {
    guard shardCount > 1, let first = messages.first, stream?.streamSessions.isEmpty ?? true else { return nil }
    let home: Int?
    if messages.contains(where: { $0.verb == .handshake }) {
      home = messages.count == 1 ? handshakeHome(first, text, user: user, origin: origin, stream: stream) : nil
    } else {
      home = namedClient(in: text)?.shard
    }
    return home.flatMap { $0 != shard && $0 < shardCount ? $0 : nil }
  }

  /// One session a request: the one that its first message with a clientId names.
  private func namedClient(in text: Span<UInt8>) -> ClientID? {
    messages.first { $0.clientID != nil }.flatMap { clientID(of: $0, in: text) }
  }

  private mutating func process(
    _ text: Span<UInt8>, user: Span<UInt8>, origin: RequestOrigin, on conduit: any Conduit,
    stream: (any StreamConduit)?, now: Instant, into writer: inout ByteWriter
  ) throws(RequestFault) -> Reception {
    let first = messages[0]
    subscriptionsOfRequest = 0
    if messages.contains(where: { $0.verb == .handshake }) {
      guard messages.count == 1 else { throw .handshakeNotAlone }
      return handshake(first, text, user: user, origin: origin, on: stream, now: now, into: &writer)
    }
    let session = namedClient(in: text).flatMap { find($0) }
    if stream == nil, messages.count == 1, first.verb == .connect {
      return connect(first, text, session, user: user, alone: conduit, now: now, into: &writer)
    }
    return batch(text, session, user: user, origin: origin, on: conduit, stream: stream, now: now, into: &writer)
  }

  /// Several messages, or one that is no connect: over HTTP nothing of it is held.
  private mutating func batch(
    _ text: Span<UInt8>, _ session: Session?, user: Span<UInt8>, origin: RequestOrigin, on conduit: any Conduit,
    stream: (any StreamConduit)?, now: Instant, into writer: inout ByteWriter
  ) -> Reception {
    replies.clear(keepingAtMost: 1 << 16)
    resent.clear(keepingAtMost: 1 << 16)
    var carriesEvents = origin.carriesEventsOnAnyReply
    var speaksForSession = false
    var waiting: WaitingAnswer?
    for index in messages.indices {
      let before = replies.count
      if before > 0 { replies.append(",") }
      let start = replies.count
      let message = messages[index]
      if message.verb == .connect { carriesEvents = true }
      if answer(message, text, session, user: user, origin: origin, on: stream, &waiting, now: now) {
        speaksForSession = true
      }
      if replies.count == start { replies.truncate(to: before) }
    }
    if let session { feed(session) }
    if let waiting {
      waiting.conduit = conduit
      if stream == nil {
        waiting.replies = replies.array
        waiting.resent = resent.array
        waiting.carriesEvents = carriesEvents && speaksForSession
        return .held
      }
    }
    writer.append("[")
    writer.append(resent.bytes)
    // Naming a session is not enough: what waits for it goes only to a request that may speak for it.
    if carriesEvents, speaksForSession, let session, !session.hasEnded, !session.deliversOnConnectOnly(options) {
      takeEvents(of: session, into: &writer)
    }
    // Nothing to say: the one connect is held, or extensions dropped every reply, which only HTTP has to be told.
    if stream != nil, replies.isEmpty, writer.count == 1 {
      writer.truncate(to: 0)
      return .held
    }
    writer.append(replies.bytes)
    writer.closeArray()
    return .answered
  }

  /// One message of a batch; its reply goes to `replies`, unless it is a connect that a stream holds, or a publish that
  /// has to be kept first and waits in `waiting`.
  ///
  /// - Returns: whether the message may speak for `session`.
  private mutating func answer(
    _ message: Message, _ text: Span<UInt8>, _ session: Session?, user: Span<UInt8>, origin: RequestOrigin,
    on stream: (any StreamConduit)?, _ waiting: inout WaitingAnswer?, now: Instant
  ) -> Bool {
    let (id, fault) = check(message, in: text)
    if let fault {
      refuse(message, id, text, fault)
      return false
    }
    let failure = permit(message, text, session, user: user)
    // A client that restores itself names its dead session once more; for a known user that is no failure.
    if failure == .sessionUnknown, message.verb == .disconnect, !user.isEmpty {
      takeReadPosition(message, text, user: user.withUnsafeBufferPointer { Array($0) })
      let start = replies.count
      replies.appendReply(to: message, id: id, in: text, error: nil, advice: nil)
      extendReply(from: start, to: message, nil)
      return false
    }
    guard failure == nil, let session else {
      refuse(message, id, text, namesNoChannel(message, text) ? .channelInvalid : failure ?? .sessionUnknown)
      return false
    }
    session.touch(at: now, maxInterval: options.maxInterval)
    if message.verb != .connect { session.lastActivity = now }
    let isMoved = stream.map { session.attach(to: $0) } ?? false
    if isMoved, !session.queue.isEmpty { lookout.note(session, isToFew: false) }
    let outcome: BayeuxError?
    switch message.verb {
    case .connect:
      connectInBatch(message, id, text, session, on: stream, isMoved: isMoved, now: now)
      return true
    case .subscribe: outcome = subscribe(message, text, session, origin: origin)
    case .unsubscribe: outcome = unsubscribe(message, text, session)
    case .disconnect: outcome = disconnect(message, text, session, now: now)
    case .publish: outcome = publish(message, text, session, origin: origin, now: now)
    case .handshake: outcome = .handshakeFailed
    }
    if let outcome {
      refuse(message, id, text, outcome)
    } else if let draft = replay.draft {
      replay.draft = nil
      keepWaiting(draft, &waiting, session) { broker, error in
        let start = broker.replies.count
        broker.replies.appendReply(to: message, id: id, in: text, error: error, advice: nil)
        broker.extendReply(from: start, to: message, session)
      }
    } else {
      let start = replies.count
      replies.appendReply(
        to: message, id: id, in: text, error: nil, advice: nil,
        hasEmptyExt: session.ack != nil && message.verb != .publish,
        replay: message.verb == .subscribe ? replay.reply : "")
      extendReply(from: start, to: message, session)
    }
    return true
  }

  /// A name that is none is told as such even to a client without session, as CometD does.
  private func namesNoChannel(_ message: Message, _ text: Span<UInt8>) -> Bool {
    guard message.verb == .publish, let slice = message.channel else { return false }
    return channel(slice, in: text) == nil
  }

  mutating func refuse(_ message: Message, _ id: MessageID, _ text: Span<UInt8>, _ error: BayeuxError) {
    counters.refusals += 1
    counters.note(error)
    let start = replies.count
    replies.appendReply(to: message, id: id, in: text, error: error, advice: advice(for: error))
    extendReply(from: start, to: message, nil)
  }

  func advice(for error: BayeuxError) -> Advice? {
    error.reconnect.map { Advice(reconnect: $0, interval: options.interval, timeout: nil) }
  }

  // MARK: what every message is asked

  /// The id to echo, and what is wrong with channel or id; the same for every message, whatever its session.
  mutating func check(_ message: Message, in text: Span<UInt8>) -> (MessageID, BayeuxError?) {
    var id = MessageID.none
    var fault: BayeuxError?
    if let slice = message.id, slice.kind != .null {
      if slice.kind == .string || slice.kind == .number, slice.count <= options.limits.maxIDBytes {
        id = MessageID(text.extracting(slice.range))
      } else {
        fault = .messageIDInvalid
      }
    }
    guard let channel = message.channel, channel.kind != .null else { return (id, .channelMissing) }
    if channel.kind != .string { return (id, .channelInvalid) }
    return (id, fault ?? (message.isVetoed ? .messageDeleted : nil))
  }

  /// Whether the request may speak for the session it names.
  func permit(_ message: Message, _ text: Span<UInt8>, _ session: Session?, user: Span<UInt8>) -> BayeuxError? {
    guard let session, !session.hasEnded else { return .sessionUnknown }
    guard let id = clientID(of: message, in: text), id == session.id else { return .sessionUnknown }
    guard let bound = session.user else { return nil }
    if user.isEmpty { return options.requiresUserOnEveryRequest ? .sessionUnknown : nil }
    return Self.equal(user, bound.name) ? nil : .userMismatch
  }

  static func equal(_ left: Span<UInt8>, _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    return left.withUnsafeBytes { left in right.withUnsafeBytes { right in left.elementsEqual(right) } }
  }

  func clientID(of message: Message, in text: Span<UInt8>) -> ClientID? {
    guard let slice = message.clientID, slice.kind == .string else { return nil }
    if slice.isEscaped { return ClientID(parsing: slice.unescaped(in: text).span) }
    return ClientID(parsing: text.extracting(slice.range))
  }

  func find(_ id: ClientID) -> Session? {
    guard id.shard == shard, id.slot < sessions.count, let session = sessions[id.slot], session.id == id else {
      return nil
    }
    return session
  }

  func channel(_ slice: JSONSlice, in text: Span<UInt8>) -> Channel? {
    guard slice.kind == .string else { return nil }
    let most = options.limits.maxChannelBytes
    if slice.isEscaped { return Channel(parsing: slice.unescaped(in: text).span, maxBytes: most) }
    return Channel(parsing: text.extracting(slice.range), maxBytes: most)
  }
}
