// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// What is to be written to a conduit that was held.
public enum Delivery {
  /// The writer holds the answer, a JSON array; of a stream conduit one message of it.
  /// The session is told whether the answer stalled, see ``Broker/answerStalled(_:)``.
  case answer(any Conduit, Session)
  /// One event, alone in a message of a stream: for many sessions the same bytes. The writer holds nothing.
  case event(any StreamConduit, Session, Payload)
  /// No Bayeux body, only this HTTP status: an overtaken connect.
  case status(any Conduit, Int)

  public var conduit: any Conduit {
    switch self {
    case .answer(let conduit, _), .status(let conduit, _): conduit
    case .event(let stream, _, _): stream
    }
  }
}

extension Broker {
  /// Whether ``nextDelivery(now:into:)`` has something to look at.
  public var hasOutput: Bool { !lookout.isEmpty || !farewells.isEmpty || hasReplayOutput }

  /// The next held connect to answer in this turn, its body appended to `writer`; nil when there is none left.
  ///
  /// The shell calls it as often as it likes in one turn; the rest keeps for the next.
  public mutating func nextDelivery(now: Instant, into writer: inout ByteWriter) -> Delivery? {
    latest = now
    shed(now: now)
    if let farewell = farewells.popLast() { return render(farewell, into: &writer) }
    if let answer = nextAnswer(into: &writer) { return answer }
    feedNext()
    while let session = lookout.next() {
      if isOverfull(session) || hasLostReplay(session) {
        end(session, .overflowed, now: now)
        if let farewell = farewells.popLast() { return render(farewell, into: &writer) }
        continue
      }
      // What stays waits from here on, and counts as that.
      account(session)
      guard session.isUrgent(at: now) else { continue }
      if let stream = session.stream, !session.deliversOnConnectOnly(options) {
        // It is noted again when the stream's reader has taken what waits for it.
        if stream.isStalled { continue }
        if let payload = takeOnlyEvent(of: session) { return .event(stream, session, payload) }
        push(session, into: &writer)
        return .answer(stream, session)
      }
      guard let connect = release(session, at: now) else { continue }
      render(connect, of: session, into: &writer)
      return .answer(connect.conduit, session)
    }
    shed(now: now)
    return farewells.popLast().map { render($0, into: &writer) }
  }

  /// The moment by which ``nextDue(now:into:)`` has to be called; nil while nothing has a deadline.
  public var nextDeadline: Instant? {
    let next = min(
      deadlines.next ?? .distantFuture, users.nextDeadline ?? .distantFuture, replay.log.nextExpiry)
    return next == .distantFuture ? nil : next
  }

  /// Whether ``nextDue(now:into:)`` has something to do.
  public func isDue(at now: Instant) -> Bool { nextDeadline.map { $0 <= now } ?? false }

  /// Answers connects that have been held long enough, and ends sessions whose client stayed away.
  ///
  /// - Returns: the next due connect, its body appended to `writer`; nil when nothing is due any more.
  public mutating func nextDue(now: Instant, into writer: inout ByteWriter) -> Delivery? {
    latest = now
    while let session = deadlines.popDue(at: now) {
      if session.lazyUntil <= now {
        session.queue.hurry()
        session.lazyUntil = .distantFuture
        lookout.note(session, isToFew: false)
        deadlines.note(session)
        continue
      }
      if let connect = release(session, at: now) {
        render(connect, of: session, into: &writer)
        return .answer(connect.conduit, session)
      }
      end(session, .expired, now: now)
    }
    users.expire(at: now, limits: options.limits, counters: &counters)
    expireHistory(at: now)
    return nil
  }

  /// The peer of a held connect hung up: the session lives on, its clock runs, what comes waits for its next connect.
  public mutating func conduitClosed(_ conduit: some Conduit, now: Instant) {
    abandonAnswers(on: conduit)
    guard let session = conduit.heldSession else { return }
    _ = release(session, at: now)
    counters.connectsAbandoned += 1
  }

  /// The peer of a held connect ended its sending side. Nearly always it is gone, as in ``conduitClosed(_:now:)``; in case
  /// it still reads, it is answered without events, which wait for its next connect.
  public mutating func conduitEnded(_ conduit: some Conduit, now: Instant) {
    guard let session = conduit.heldSession, let connect = release(session, at: now) else { return }
    counters.connectsAbandoned += 1
    farewells.append(Farewell(connect: connect, session: session, kind: .dropped))
  }

  /// Answers every held connect, because the broker is about to stop: the client retries, and finds the next broker.
  public mutating func releaseAll(now: Instant) {
    for case let session? in sessions {
      guard let connect = release(session, at: now) else { continue }
      farewells.append(Farewell(connect: connect, session: session, kind: .stopping))
    }
  }

  /// An answer of `session` could not be written whole: the expiry clock stands still until its reader took it.
  public mutating func answerStalled(_ session: Session, on conduit: some Conduit) { session.stalledOn = conduit }

  /// The answer that stalled has been written, or its connection is gone: the expiry clock starts. Nothing happens where
  /// the session has moved to another conduit meanwhile.
  public mutating func answerSettled(_ session: Session, on conduit: some Conduit, now: Instant) {
    guard session.stalledOn === conduit else { return }
    session.stalledOn = nil
    session.touch(at: now, maxInterval: options.maxInterval)
    deadlines.note(session)
  }

  /// The reader of a stream has taken all that was written: those who share it are pushed to again.
  public mutating func streamDrained(_ stream: some StreamConduit) {
    for session in stream.streamSessions where !session.queue.isEmpty { lookout.note(session, isToFew: false) }
  }

  /// The peer of a stream is gone: its sessions live on and wait for their next connect, wherever it comes.
  public mutating func streamClosed(_ stream: some StreamConduit, now: Instant) {
    abandonAnswers(on: stream)
    guard !stream.streamSessions.isEmpty else { return }
    let sessions = stream.streamSessions
    stream.streamSessions = []
    for session in sessions {
      session.stream = nil
      guard case .held(let connect) = session.state, connect.isStream else { continue }
      _ = release(session, at: now)
      counters.connectsAbandoned += 1
    }
  }

  // MARK: rendering

  /// `[event…]`: a message of a stream. What does not fit goes with the next one.
  private mutating func push(_ session: Session, into writer: inout ByteWriter) {
    writer.append("[")
    takeEvents(of: session, into: &writer, atMost: options.messagesPerFrame)
    writer.truncate(to: writer.count - 1)
    writer.append("]")
    if !session.queue.isEmpty { lookout.note(session, isToFew: false) }
  }

  /// `[event…, connect reply]`: events first, as CometD and GMS send them.
  private mutating func render(_ connect: HeldConnect, of session: Session, into writer: inout ByteWriter) {
    writer.append("[")
    let batch = takeConnectEvents(of: session, into: &writer)
    let start = writer.count
    let advice = connect.isAdvised ? options.advice(interval: connect.interval) : nil
    writer.appendConnectReply(id: connect.id, advice: advice, ackBatch: batch)
    extendReply(in: &writer, from: start, request: connect.request, session)
    writer.closeArray()
  }

  private mutating func render(_ farewell: Farewell, into writer: inout ByteWriter) -> Delivery {
    let connect = farewell.connect
    let reconnect: Reconnect
    switch farewell.kind {
    case .overtaken where options.duplicateMetaConnectHttpResponseCode != 200:
      return .status(connect.conduit, options.duplicateMetaConnectHttpResponseCode)
    case .overtaken, .dropped, .stopping: reconnect = .retry
    case .disconnected: reconnect = .none
    }
    writer.append("[")
    let batch = farewell.kind == .stopping ? takeConnectEvents(of: farewell.session, into: &writer) : nil
    let start = writer.count
    writer.appendConnectReply(
      id: connect.id, advice: options.advice(reconnect, interval: options.interval), ackBatch: batch)
    extendReply(in: &writer, from: start, request: connect.request, farewell.session)
    writer.closeArray()
    return .answer(connect.conduit, farewell.session)
  }

  /// What goes out with the reply of a connect, and the batch number that the reply carries.
  mutating func takeConnectEvents(of session: Session, into writer: inout ByteWriter) -> Int? {
    guard let ack = session.ack else {
      takeEvents(of: session, into: &writer)
      return nil
    }
    let limit = writer.count + options.limits.maxResponseBytes
    let start = writer.count
    let (number, new) = ack.nextBatch(from: &session.queue, limit: limit, into: &writer)
    if writer.count > start { lastTaker = session }
    counters.delivered += new
    counters.waiting -= new
    account(session)
    wantMore(session)
    noteActivity(of: session, events: new)
    return number
  }

  /// Moves what waits for `session` into the response, each event followed by a comma.
  mutating func takeEvents(of session: Session, into writer: inout ByteWriter, atMost most: Int = .max) {
    let limit = writer.count + options.limits.maxResponseBytes
    var taken = 0
    while taken < most, writer.count < limit, let entry = session.queue.popFirst() {
      writer.append(entry.payload)
      writer.append(UInt8(ascii: ","))
      handOver(entry, to: session)
      taken += 1
    }
    finishTaking(taken, of: session)
  }

  /// The event that waits for `session`; nil where it is not the only one.
  private mutating func takeOnlyEvent(of session: Session) -> Payload? {
    guard session.queue.count == 1, let entry = session.queue.popFirst() else { return nil }
    handOver(entry, to: session)
    finishTaking(1, of: session)
    return entry.payload
  }

  private mutating func handOver(_ entry: DeliveryQueue.Entry, to session: Session) {
    counters.delivered += 1
    counters.waiting -= 1
    if let personal = entry.personal, !personal.isHandedOver {
      personal.isHandedOver = true
      note(personal, takenBy: session)
    }
    lastTaker = session
  }

  private mutating func finishTaking(_ taken: Int, of session: Session) {
    account(session)
    if !session.taken.isEmpty { takers.append(session) }
    noteActivity(of: session, events: taken)
    if let user = session.user { users.settle(user, counters: &counters) }
    wantMore(session)
  }

  // MARK: ends

  enum SessionEnd { case disconnected, expired, overflowed, shed, inactive, restored }

  /// Takes a session out of everything that knows it. A held connect of it is answered.
  mutating func end(_ session: Session, _ reason: SessionEnd, now: Instant) {
    guard !session.hasEnded else { return }
    if let connect = release(session, at: now) {
      farewells.append(
        Farewell(connect: connect, session: session, kind: Farewell.Kind(reason)))
    }
    session.state = .ended
    session.detach()
    let discarded = session.queue.removeAll()
    counters.waiting -= discarded
    switch reason {
    case .disconnected: counters.discardedDisconnected += discarded
    // Its queue went to another session.
    case .restored: break
    case .inactive:
      counters.discardedExpired += discarded
      counters.sessionsInactive += 1
    case .expired:
      counters.discardedExpired += discarded
      counters.sessionsExpired += 1
    case .overflowed:
      counters.discardedOverflow += discarded
      counters.sessionsOverflowed += 1
    case .shed:
      counters.discardedShed += discarded
      counters.sessionsShed += 1
    }
    queueBytes -= session.accountedBytes
    session.accountedBytes = 0
    addresses.left(session.address)
    leaveGenesys(session)
    subscriptions.unsubscribeFromAll(session)
    endFeed(of: session)
    sessions[session.id.slot] = nil
    freeSlots.append(session.id.slot)
    deadlines.compact(live: sessionCount)
    if let user = session.user {
      user.sessionCount -= 1
      users.release(user)
    }
  }
}
