// SPDX-License-Identifier: Apache-2.0
import Bytes

extension Broker {
  /// The shard on which the session of a handshake will live.
  ///
  /// That of its user; without one, where the session lives that it wants to take over; else, where connects are counted
  /// by browser, one for all sessions of that browser; else wherever it came. Nil for that.
  func handshakeHome(
    _ message: Message, _ text: Span<UInt8>, user: Span<UInt8>, origin: RequestOrigin, stream: (any StreamConduit)?
  ) -> Int? {
    if !user.isEmpty { return Self.home(of: user, shards: shardCount) }
    let ext = HandshakeExt(message.ext, in: text)
    if let named = named(in: ext, origin, stream) {
      return Self.home(of: named.span, shards: shardCount)
    }
    guard origin.browser != 0 else { return nil }
    if options.restoresSessions, let id = ext.restores { return id.shard }
    return options.limitsBrowsers ? Self.home(ofBrowser: origin.browser, shards: shardCount) : nil
  }

  /// A handshake always makes a new session. An older one of the same client dies of its own deadline, unless the
  /// handshake takes it over.
  mutating func handshake(
    _ message: Message, _ text: Span<UInt8>, user: Span<UInt8>, origin: RequestOrigin, on stream: (any StreamConduit)?,
    now: Instant, into writer: inout ByteWriter
  ) -> Reception {
    let ext = HandshakeExt(message.ext, in: text)
    guard let named = named(in: ext, origin, stream) else {
      return shake(message, text, ext, user: user, origin: origin, on: stream, now: now, into: &writer)
    }
    if !user.isEmpty, !Self.equal(user, named) { return refuseHandshake(message, text, .userMismatch, into: &writer) }
    if named.count > options.limits.maxUserBytes {
      return refuseHandshake(message, text, .handshakeDenied, into: &writer)
    }
    return shake(message, text, ext, user: named.span, origin: origin, on: stream, now: now, into: &writer)
  }

  /// The user that a handshake names, where that counts: over a WebSocket, whose page could set no header.
  private func named(in ext: HandshakeExt, _ origin: RequestOrigin, _ stream: (any StreamConduit)?) -> [UInt8]? {
    stream != nil && options.takesUserFromHandshake && origin.mayNameUser ? ext.user : nil
  }

  private mutating func shake(
    _ message: Message, _ text: Span<UInt8>, _ ext: HandshakeExt, user: Span<UInt8>, origin: RequestOrigin,
    on stream: (any StreamConduit)?, now: Instant, into writer: inout ByteWriter
  ) -> Reception {
    let (id, fault) = check(message, in: text)
    // Its stream has other sessions of this shard and cannot go where the user is at home.
    let isFar = !user.isEmpty && Self.home(of: user, shards: shardCount) != shard
    let old = restorable(ext, user: user, browser: origin.browser)
    let refusal: BayeuxError? =
      fault ?? (isFar || isOffline ? .handshakeFailed : nil)
      ?? (user.isEmpty && options.requiresUser ? .handshakeDenied : nil)
      ?? admit(user: user, origin: origin, replacing: old, now: now)
    if let refusal { return refuseHandshake(message, text, refusal, into: &writer) }
    let session = addSession(user: user, address: origin.address, now: now)
    session.browser = origin.browser
    lastHandshake = stream == nil && origin.browser == 0 ? session : nil
    if let stream {
      _ = session.attach(to: stream)
      if stream.streamUser.isEmpty, !user.isEmpty { stream.streamUser = Array(user) }
    }
    if ext.asksForAck { session.ack = AckQueue() }
    session.receivesReplayIDs = ext.asksForReplay
    if let old { passOn(from: old, to: session, now: now) }
    let events = options.allowMessageDeliveryDuringHandshake ? eventsOfHandshake(session) : nil
    writer.append("[")
    let start = writer.count
    writer.appendHandshakeReply(
      id: id, clientID: session.id, options: options, restored: ext.restores == nil ? nil : old != nil,
      events: events.map { ($0.count, $0.ackBatch) })
    extendReply(in: &writer, from: start, request: request(of: message), session)
    if let events, events.count > 0 {
      if writer.count > start { writer.append(",") }
      writer.append(events.text)
    }
    writer.closeArray()
    return .shookHands
  }

  /// What waited for a restored session, each event followed by a comma.
  private mutating func eventsOfHandshake(_ session: Session) -> (text: [UInt8], count: Int, ackBatch: Int?) {
    guard !session.queue.isEmpty else { return ([], 0, nil) }
    let before = session.queue.count
    var events = ByteWriter(capacity: 4096)
    let batch = takeConnectEvents(of: session, into: &events)
    return (events.array, before - session.queue.count, batch)
  }

  private mutating func refuseHandshake(
    _ message: Message, _ text: Span<UInt8>, _ refusal: BayeuxError, into writer: inout ByteWriter
  ) -> Reception {
    counters.handshakesRefused += 1
    counters.note(refusal)
    writer.append("[")
    let start = writer.count
    let (id, _) = check(message, in: text)
    writer.appendReply(
      to: message, id: id, in: text, error: refusal,
      advice: isOffline ? comeLater() : refusal.isPassing ? pause() : advice(for: refusal))
    extendReply(in: &writer, from: start, request: request(of: message), nil)
    writer.append("]")
    return .answered
  }
}

extension Broker {
  /// A node that was taken out wants its clients elsewhere, and not all at the same moment.
  private mutating func comeLater() -> Advice {
    let seconds = Int64.random(in: 5...15, using: &generator)
    return Advice(reconnect: .retry, interval: .seconds(seconds), timeout: nil)
  }
}

// MARK: browsers

extension Broker {
  /// Which browser the handshake came from that was just answered: a number made of the cookie that it is given with the
  /// answer, and that comes back as ``RequestOrigin/browser``.
  public mutating func noteBrowser(_ browser: UInt64) {
    lastHandshake?.browser = browser
    lastHandshake = nil
  }

  /// The shard of the anonymous sessions of a browser, where its connects are counted.
  public static func home(ofBrowser browser: UInt64, shards: Int) -> Int { Int(browser % UInt64(shards)) }

  /// Whether one more held connect of the browser would be too many.
  func hasTooMany(_ browser: UInt64) -> Bool {
    options.limitsBrowsers && browser != 0 && heldByBrowser[browser, default: 0] >= options.maxSessionsPerBrowser
  }

  mutating func noteReleased(_ browser: UInt64) {
    guard options.limitsBrowsers, browser != 0, let held = heldByBrowser[browser] else { return }
    heldByBrowser[browser] = held > 1 ? held - 1 : nil
  }
}

// MARK: activity

extension Broker {
  /// Whether a session has only connected for longer than it may.
  func isInactive(_ session: Session, at now: Instant) -> Bool {
    options.maxInactivity > .zero && now - session.lastActivity > options.maxInactivity
  }

  func noteActivity(of session: Session, events: Int) {
    if events > 0, options.activity == .clientServer { session.lastActivity = latest }
  }

  /// Ends an inactive session at its connect, as CometD's extension does: what waits for it, and
  /// `{"channel":"/meta/disconnect","successful":true}`, go to `events`, and the reply with `reconnect: none` to `replies`.
  mutating func retire(
    _ session: Session, _ message: Message, _ id: MessageID, now: Instant, events: inout ByteWriter
  ) {
    let batch = takeConnectEvents(of: session, into: &events)
    var start = events.count
    events.append("{\"channel\":\"/meta/disconnect\",\"successful\":true}")
    extendReply(in: &events, from: start, request: nil, session)
    if events.count > start { events.append(",") }
    end(session, .inactive, now: now)
    start = replies.count
    replies.appendConnectReply(
      id: id, advice: options.advice(.none, interval: options.interval), ackBatch: batch)
    extendReply(from: start, to: message, session)
  }
}

/// What a handshake asks for in its `ext`.
struct HandshakeExt {
  let asksForAck: Bool
  let asksForReplay: Bool
  /// The earlier session that it wants to take over.
  let restores: ClientID?
  /// The `gms_user` that it names; nil for none.
  let user: [UInt8]?

  init(_ ext: JSONSlice?, in text: Span<UInt8>) {
    func member(_ name: StaticString, of slice: JSONSlice?) -> JSONSlice? {
      slice.flatMap { ExtMember(name, of: $0, in: text)?.value }
    }
    func string(_ slice: JSONSlice?) -> [UInt8]? {
      guard let slice, slice.kind == .string, slice.count > 0 else { return nil }
      return slice.isEscaped ? slice.unescaped(in: text) : Array(text.extracting(slice.range))
    }
    asksForAck = member("ack", of: ext)?.kind == .true
    asksForReplay = member("replay", of: ext)?.kind == .true
    user = string(member("gms_user", of: ext))
    restores = string(member("clientId", of: member("restore", of: ext))).flatMap { ClientID(parsing: $0.span) }
  }
}
