// SPDX-License-Identifier: Apache-2.0
import Bytes

extension Broker {
  /// A handshake always makes a new session; an older one of the same client dies of its own deadline.
  mutating func handshake(
    _ message: Message, _ text: Span<UInt8>, user: Span<UInt8>, origin: RequestOrigin,
    on stream: (any StreamConduit)?, now: Instant, into writer: inout ByteWriter
  ) -> Reception {
    var isFar = false
    if !user.isEmpty {
      let home = Self.home(of: user, shards: shardCount)
      isFar = home != shard
      // A stream that other sessions of this shard share can not go there.
      if isFar, stream?.streamSessions.isEmpty ?? true { return .elsewhere(shard: home) }
    }
    let (id, fault) = check(message, in: text)
    let refusal: BayeuxError? =
      fault ?? (isFar || isOffline ? .handshakeFailed : nil)
      ?? (user.isEmpty && options.requiresUser ? .handshakeDenied : nil)
      ?? admit(user: user, origin: origin, now: now)
    writer.append("[")
    if let refusal {
      counters.handshakesRefused += 1
      counters.note(refusal)
      writer.appendReply(
        to: message, id: id, in: text, error: refusal,
        advice: isOffline ? comeLater() : refusal.isPassing ? pause() : advice(for: refusal))
      writer.append("]")
      return .answered
    }
    let session = addSession(user: user, address: origin.address, now: now)
    if let stream { _ = session.attach(to: stream) }
    let ext = HandshakeExt(message.ext, in: text)
    if ext.asksForAck { session.ack = AckQueue() }
    session.receivesReplayIDs = ext.asksForReplay
    writer.appendHandshakeReply(id: id, clientID: session.id, options: options)
    writer.append("]")
    return .shookHands
  }

  /// A node that was taken out wants its clients elsewhere, and not all at the same moment.
  private mutating func comeLater() -> Advice {
    let seconds = Int64.random(in: 5...15, using: &generator)
    return Advice(reconnect: .retry, interval: .seconds(seconds), timeout: nil)
  }

  private mutating func addSession(user: Span<UInt8>, address: UInt64, now: Instant) -> Session {
    counters.handshakes += 1
    if user.isEmpty { counters.handshakesWithoutUser += 1 }
    if freeSlots.isEmpty {
      freeSlots.append(sessions.count)
      sessions.append(nil)
    }
    let slot = freeSlots.removeLast()
    let id = newID(slot: slot)
    let record = user.isEmpty ? nil : users.findOrAdd(Array(user))
    record?.sessionCount += 1
    let session = Session(
      id, user: record, address: address, expires: now + options.interval + options.maxInterval)
    addresses.joined(address)
    sessions[slot] = session
    deadlines.note(session)
    return session
  }

  private mutating func newID(slot: Int) -> ClientID {
    func draw(_ generator: inout some RandomNumberGenerator) -> ClientID {
      ClientID(shard: UInt8(shard), slot: slot, using: &generator)
    }
    return draw(&generator)
  }

  /// A connect that is alone in its request: the one kind that may be held.
  mutating func connect(
    _ message: Message, _ text: Span<UInt8>, _ session: Session?, user: Span<UInt8>, alone conduit: any Conduit,
    now: Instant, into writer: inout ByteWriter
  ) -> Reception {
    counters.connects += 1
    let (id, fault) = check(message, in: text)
    let failure = fault ?? permit(message, text, session, user: user)
    guard failure == nil, let session else {
      replies.clear(keepingAtMost: 1 << 16)
      refuse(message, id, text, failure ?? .sessionUnknown)
      writer.append("[")
      writer.append(replies.bytes)
      writer.append("]")
      return .answered
    }
    let isMoved = session.stream != nil
    session.detach()
    let request = ConnectRequest(message, text, id: id, options: options, usual: holdTime)
    let (holds, isFirst) = begin(request, session, mayHold: true, now: now)
    if holds {
      conduit.heldSession = session
      hold(session, on: conduit, isStream: false, request, now: now)
      return .held
    }
    writer.append("[")
    let batch = takeConnectEvents(of: session, into: &writer)
    writer.appendConnectReply(
      id: id, advice: request.advice(isFirst: isFirst || isMoved, options: options), ackBatch: batch)
    writer.append("]")
    return .answered
  }

  /// A connect beside other messages is not held over HTTP, where their replies would wait with it; on a stream it is.
  mutating func connectInBatch(
    _ message: Message, _ id: MessageID, _ text: Span<UInt8>, _ session: Session, on stream: (any StreamConduit)?,
    isMoved: Bool, now: Instant
  ) {
    counters.connects += 1
    let request = ConnectRequest(message, text, id: id, options: options, usual: holdTime)
    let (holds, isFirst) = begin(request, session, mayHold: stream != nil, now: now)
    if holds, let stream { return hold(session, on: stream, isStream: true, request, now: now) }
    var batch: Int?
    if session.deliversOnConnectOnly(options) {
      var events = ByteWriter(capacity: 256)
      batch = takeConnectEvents(of: session, into: &events)
      resent.append(events.bytes)
    }
    replies.appendConnectReply(
      id: id, advice: request.advice(isFirst: isFirst || isMoved, options: options), ackBatch: batch)
  }

  /// Ends an older connect of the session, and decides whether this one is held. If not, the expiry clock starts.
  private mutating func begin(
    _ request: ConnectRequest, _ session: Session, mayHold: Bool, now: Instant
  ) -> (holds: Bool, isFirst: Bool) {
    var isFirst = false
    if case .handshaken = session.state { isFirst = true }
    if let older = release(session, at: now) {
      counters.connectsOvertaken += 1
      if !older.isStream { farewells.append(Farewell(connect: older, session: session, kind: .overtaken)) }
    }
    if let ack = session.ack, let number = request.acknowledged {
      ack.acknowledge(number)
      account(session)
      if session.receivesGenesys, let user = session.user { users.settle(user, counters: &counters) }
    }
    feed(session)
    // What was sent and not confirmed goes out again at once, unless the client says how long it wants to wait.
    let resends = !(session.ack?.isEmpty ?? true) && !request.setsTimeout
    guard mayHold, !isFirst, !session.isUrgent(at: now), !resends, request.holdTime > .zero else {
      session.state = .away(expires: now + request.interval + options.maxInterval)
      deadlines.note(session)
      return (false, isFirst)
    }
    return (true, isFirst)
  }

  private mutating func hold(
    _ session: Session, on conduit: any Conduit, isStream: Bool, _ request: ConnectRequest, now: Instant
  ) {
    counters.connectsHeld += 1
    heldCount += 1
    session.state = .held(
      HeldConnect(
        conduit: conduit, isStream: isStream, id: request.id, until: now + request.holdTime,
        advice: request.asksForAdvice ? request.interval : nil, interval: request.interval))
    deadlines.note(session)
  }

  /// Every end of a held connect comes through here, so that nothing is counted as held that is not.
  mutating func release(_ session: Session, at now: Instant) -> HeldConnect? {
    guard let connect = session.release(at: now, maxInterval: options.maxInterval) else { return nil }
    heldCount -= 1
    deadlines.note(session)
    return connect
  }
}

/// What one connect asks for.
struct ConnectRequest {
  let id: MessageID
  let asksForAdvice: Bool
  /// Whether the request says itself how long to hold it.
  let setsTimeout: Bool
  let holdTime: Duration
  let interval: Duration
  /// The last batch that arrived, where the request carries it.
  let acknowledged: Int?

  /// - Parameter usual: how long a connect is held that does not say otherwise.
  init(_ message: Message, _ text: Span<UInt8>, id: MessageID, options: BayeuxOptions, usual: Duration) {
    self.id = id
    acknowledged = message.ext.flatMap { ExtMember("ack", of: $0, in: text)?.number(in: text) }
    guard let slice = message.advice, slice.kind == .object else {
      asksForAdvice = false
      setsTimeout = false
      holdTime = usual
      interval = options.interval
      return
    }
    let requested = RequestedAdvice(slice, in: text)
    asksForAdvice = true
    setsTimeout = requested.timeout != nil
    holdTime = min(requested.timeout ?? usual, options.limits.maxRequestedTimeout)
    interval = min(requested.interval ?? options.interval, options.limits.maxRequestedInterval)
  }

  /// The first connect is always answered with advice, and each that asks for it; the others need none.
  func advice(isFirst: Bool, options: BayeuxOptions) -> Advice? {
    guard isFirst || asksForAdvice else { return nil }
    return Advice(reconnect: .retry, interval: interval, timeout: options.timeout)
  }
}

/// One member of an `ext`.
struct ExtMember {
  let value: JSONSlice

  init(value: JSONSlice) { self.value = value }

  /// Nil where there is none. The slice comes from ``Batch/scan``, which checked it.
  init?(_ name: StaticString, of ext: JSONSlice, in text: Span<UInt8>) {
    guard ext.kind == .object else { return nil }
    var scanner = JSONScanner(at: Int(ext.start) + 1)
    while let key = try? scanner.string(text), scanner.take(UInt8(ascii: ":"), text),
      let value = try? scanner.value(text)
    {
      if ASCII.equal(text.extracting(key.range), name) {
        self.value = value
        return
      }
      guard scanner.take(UInt8(ascii: ","), text) else { return nil }
    }
    return nil
  }

  /// A whole number; nil for anything else.
  func number(in text: Span<UInt8>) -> Int? {
    guard value.kind == .number, value.count > 0 else { return nil }
    if text[Int(value.start)] == UInt8(ascii: "-") {
      return ASCII.decimal(text.extracting(Int(value.start) + 1..<Int(value.end))).map { -$0 }
    }
    return ASCII.decimal(text.extracting(value.range))
  }
}

/// What a handshake asks for in its `ext`.
struct HandshakeExt {
  let asksForAck: Bool
  let asksForReplay: Bool

  init(_ ext: JSONSlice?, in text: Span<UInt8>) {
    asksForAck = ext.flatMap { ExtMember("ack", of: $0, in: text) }?.value.kind == .true
    asksForReplay = ext.flatMap { ExtMember("replay", of: $0, in: text) }?.value.kind == .true
  }
}
