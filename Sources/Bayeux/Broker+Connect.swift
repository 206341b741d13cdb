// SPDX-License-Identifier: Apache-2.0
import Bytes

extension Broker {
  mutating func addSession(user: Span<UInt8>, address: UInt64, now: Instant) -> Session {
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
    session.lastActivity = now
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
    writer.append("[")
    replies.clear(keepingAtMost: 1 << 16)
    if isInactive(session, at: now) {
      retire(session, message, id, now: now, events: &writer)
      writer.append(replies.bytes)
    } else {
      let (fate, isFirst) = begin(request, session, on: nil, mayHold: true, now: now)
      if fate == .held {
        writer.truncate(to: writer.count - 1)
        conduit.heldSession = session
        hold(session, on: conduit, isStream: false, request, message, now: now)
        return .held
      }
      let batch = takeConnectEvents(of: session, into: &writer)
      answer(request, fate, isDue: isFirst || isMoved, ackBatch: batch, message, text, session)
      writer.append(replies.bytes)
    }
    writer.closeArray()
    return .answered
  }

  /// A connect beside other messages is not held over HTTP, where their replies would wait with it; on a stream it is.
  mutating func connectInBatch(
    _ message: Message, _ id: MessageID, _ text: Span<UInt8>, _ session: Session, on stream: (any StreamConduit)?,
    isMoved: Bool, now: Instant
  ) {
    counters.connects += 1
    let request = ConnectRequest(message, text, id: id, options: options, usual: holdTime)
    if isInactive(session, at: now) {
      var events = ByteWriter(capacity: 256)
      retire(session, message, id, now: now, events: &events)
      return resent.append(events.bytes)
    }
    let (fate, isFirst) = begin(request, session, on: stream, mayHold: stream != nil, now: now)
    if fate == .held, let stream { return hold(session, on: stream, isStream: true, request, message, now: now) }
    var batch: Int?
    if session.deliversOnConnectOnly(options) {
      var events = ByteWriter(capacity: 256)
      batch = takeConnectEvents(of: session, into: &events)
      resent.append(events.bytes)
    }
    answer(request, fate, isDue: isFirst || isMoved, ackBatch: batch, message, text, session)
  }

  /// What becomes of a connect.
  private enum Fate {
    case held, answered
    /// Its browser has as many held as it may.
    case crowded
  }

  /// Ends an older connect of the session, and decides whether this one is held. If not, the expiry clock starts.
  private mutating func begin(
    _ request: ConnectRequest, _ session: Session, on stream: (any StreamConduit)?, mayHold: Bool, now: Instant
  ) -> (fate: Fate, isFirst: Bool) {
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
    let resends = (session.ack?.isUrgent ?? false) && !request.setsTimeout
    let isHeld = mayHold && !isFirst && !session.isUrgent(at: now) && !resends && request.holdTime > .zero
    let isCrowded = isHeld && stream == nil && hasTooMany(session.browser)
    if isHeld, !isCrowded { return (.held, isFirst) }
    let interval = isCrowded ? options.multiSessionInterval : request.interval
    session.state = .away(expires: now + interval + options.maxInterval)
    deadlines.note(session)
    return (isCrowded ? .crowded : .answered, isFirst)
  }

  /// Appends the reply to a connect that is not held to `replies`.
  private mutating func answer(
    _ request: ConnectRequest, _ fate: Fate, isDue: Bool, ackBatch: Int?, _ message: Message, _ text: Span<UInt8>,
    _ session: Session
  ) {
    let start = replies.count
    let isDue = isDue || session.isCrowded
    session.isCrowded = fate == .crowded
    if fate == .crowded {
      counters.connectsCrowded += 1
      var advice = options.advice(interval: max(.zero, options.multiSessionInterval))
      advice.hasMultipleClients = true
      if options.multiSessionInterval > .zero {
        replies.appendConnectReply(id: request.id, advice: advice, ackBatch: ackBatch)
      } else {
        counters.refusals += 1
        advice.reconnect = .none
        replies.appendReply(to: message, id: request.id, in: text, error: .tooManyClients, advice: advice)
      }
    } else {
      replies.appendConnectReply(
        id: request.id, advice: request.advice(isDue: isDue, options: options), ackBatch: ackBatch)
    }
    extendReply(from: start, to: message, session)
  }

  private mutating func hold(
    _ session: Session, on conduit: any Conduit, isStream: Bool, _ request: ConnectRequest, _ message: Message,
    now: Instant
  ) {
    counters.connectsHeld += 1
    heldCount += 1
    if options.limitsBrowsers, !isStream, session.browser != 0 { heldByBrowser[session.browser, default: 0] += 1 }
    let isAdvised = request.asksForAdvice || session.isCrowded
    session.isCrowded = false
    session.state = .held(
      HeldConnect(
        conduit: conduit, isStream: isStream, id: request.id, until: now + request.holdTime, isAdvised: isAdvised,
        interval: request.interval, request: self.request(of: message)?.remembered))
    deadlines.note(session)
  }

  /// Every end of a held connect comes through here, so that nothing is counted as held that is not.
  mutating func release(_ session: Session, at now: Instant) -> HeldConnect? {
    guard let connect = session.release(at: now, maxInterval: options.maxInterval) else { return nil }
    heldCount -= 1
    if !connect.isStream { noteReleased(session.browser) }
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
  func advice(isDue: Bool, options: BayeuxOptions) -> Advice? {
    guard isDue || asksForAdvice else { return nil }
    return options.advice(interval: interval)
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
