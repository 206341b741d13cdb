// SPDX-License-Identifier: Apache-2.0
public import Bytes

extension Broker {
  // MARK: messages of clients

  /// `subscription` is a channel or an array of them; an array stops at its first failure and keeps what went before.
  mutating func subscribe(
    _ message: Message, _ text: Span<UInt8>, _ session: Session, origin: RequestOrigin
  ) -> BayeuxError? {
    counters.subscribes += 1
    let request =
      options.hasDurableChannels
      ? ReplayRequest(message.ext, in: text, maxChannelBytes: options.limits.maxChannelBytes) : nil
    replay.reply = ""
    return eachSubscription(of: message, text) { broker, channel in
      broker.subscribe(session, to: channel, request, origin: origin)
    }
  }

  /// Idempotent: what was not subscribed is unsubscribed with success.
  mutating func unsubscribe(_ message: Message, _ text: Span<UInt8>, _ session: Session) -> BayeuxError? {
    counters.unsubscribes += 1
    return eachSubscription(of: message, text) { broker, channel in
      if channel == .genesys { broker.leaveGenesys(session) }
      broker.unfollow(channel, session)
      _ = broker.subscriptions.unsubscribe(session, from: channel)
      return nil
    }
  }

  private mutating func eachSubscription(
    of message: Message, _ text: Span<UInt8>, _ apply: (inout Broker, Channel) -> BayeuxError?
  ) -> BayeuxError? {
    guard let slice = message.subscription, slice.kind != .null else { return .subscriptionMissing }
    guard slice.kind == .array else {
      guard let channel = channel(slice, in: text) else { return .subscriptionInvalid }
      return apply(&self, channel)
    }
    var scanner = JSONScanner(at: Int(slice.start) + 1)
    var count = 0
    while !scanner.take(UInt8(ascii: "]"), text) {
      guard let element = try? scanner.value(text, lenient: true), let channel = channel(element, in: text) else {
        return .subscriptionInvalid
      }
      count += 1
      subscriptionsOfRequest += 1
      // Nobody can have more of them, and each costs a look at those that there are.
      if subscriptionsOfRequest > options.limits.maxSubscriptionsPerSession { return .tooManySubscriptions }
      if let error = apply(&self, channel) { return error }
      guard scanner.take(UInt8(ascii: ","), text) else { break }
    }
    return count == 0 ? .subscriptionInvalid : nil
  }

  private mutating func subscribe(
    _ session: Session, to channel: Channel, _ request: ReplayRequest?, origin: RequestOrigin
  ) -> BayeuxError? {
    switch channel.kind {
    case .meta: return .subscribeDenied
    // A service channel is spoken to, never listened on: allowed, and without effect.
    case .service: return nil
    case .broadcast: break
    }
    if channel == .genesys { return joinGenesys(session) }
    if let denial = deny(subscribe: channel, by: session, origin: origin) { return denial }
    let isFull = session.subscriptions.count >= options.limits.maxSubscriptionsPerSession
    if isFull, !subscriptions.contains(session, in: channel) { return .tooManySubscriptions }
    do throws(BayeuxError) {
      let place = try place(request, of: channel)
      _ = subscriptions.subscribe(session, to: channel)
      follow(channel, place, session)
      if let place { note(place, of: channel) }
    } catch {
      return error
    }
    return nil
  }

  mutating func disconnect(
    _ message: Message, _ text: Span<UInt8>, _ session: Session, now: Instant
  ) -> BayeuxError? {
    counters.disconnects += 1
    takeReadPosition(message, text, user: session.user?.name ?? [])
    end(session, .disconnected, now: now)
    return nil
  }

  /// A publish to a broadcast channel goes to its subscribers on every shard, to a service channel to its handler.
  mutating func publish(
    _ message: Message, _ text: Span<UInt8>, _ session: Session, origin: RequestOrigin, now: Instant
  ) -> BayeuxError? {
    guard let slice = message.channel, let channel = channel(slice, in: text) else { return .channelInvalid }
    if channel.kind == .meta { return .channelCreateDenied }
    if channel.reach != .exact { return .channelInvalid }
    if channel == .genesys { return .publishDenied }
    if let denial = deny(publish: channel, by: session, origin: origin) { return denial }
    if let fault = bound(message, to: channel, by: session, now: now) { return fault }
    if channel.kind == .service {
      call(channel, message, text, session)
      return nil
    }
    counters.publishes += 1
    func part(_ slice: JSONSlice?) -> Range<Int> { slice?.outerRange ?? 0..<0 }
    let event = Payload(
      event: channel, data: text.extracting(part(message.data)), ext: text.extracting(part(message.ext)))
    guard let payload = extended(event, from: session) else { return nil }
    let publication = Publication(channel: channel, payload: payload)
    if let draft = draft(publication) {
      if replay.waiting.count >= options.limits.maxUnkeptPublishes { return .publishNotKept }
      replay.draft = draft
      return nil
    }
    _ = publish(publication, withID: nil, by: session, now: now)
    if shardCount > 1 { publications.append(publication) }
    return nil
  }

  // MARK: messages from elsewhere

  /// Puts a publication into the queue of each of its subscribers on this shard, one copy each.
  ///
  /// - Returns: how many sessions that is.
  public mutating func publish(_ publication: Publication, now: Instant) -> Int {
    publish(publication, withID: nil, by: nil, now: now)
  }

  /// - Parameters:
  ///   - numbered: set on a durable channel: the event for sessions with the replay extension.
  ///   - publisher: the session it comes from, where that is on this shard.
  mutating func publish(
    _ publication: Publication, withID numbered: Payload?, by publisher: Session?, now: Instant
  ) -> Int {
    publicationSerial += 1
    let policy = policy(of: publication.channel)
    let passedOver = policy?.echoes ?? true ? nil : publisher
    let lazyUntil = policy?.lazyTimeout.map { now + $0 }
    let entry = DeliveryQueue.Entry(payload: publication.payload, personal: nil, isLazy: lazyUntil != nil)
    let numberedEntry = DeliveryQueue.Entry(
      payload: numbered ?? publication.payload, personal: nil, isLazy: lazyUntil != nil)
    var reached = 0
    let nodes = subscriptions.nodes(reachedBy: publication.channel)
    let isToFew = nodes.reduce(0) { $0 + $1.subscribers.count } <= Lookout.mostOfFew
    for node in nodes {
      // Who subscribed to a pattern was asked about the pattern, not about each channel below it.
      let audience = node.isPattern ? policy?.subscribe : nil
      for session in node.subscribers where session.lastPublication != publicationSerial {
        if session === passedOver { continue }
        if let audience, !audience.includes(session.user) { continue }
        session.lastPublication = publicationSerial
        if numbered != nil, session.feed != nil {
          // Comes out of the log, behind what comes before it.
          wantMore(session)
        } else {
          enqueue(
            session.receivesReplayIDs ? numberedEntry : entry, for: session, lazyUntil: lazyUntil, isToFew: isToFew)
        }
        reached += 1
      }
    }
    return reached
  }

  /// Puts a `/_genesys` event into the queue of each subscribed session of `user`, and keeps it for the user until one of
  /// them has been handed it. To be called on the shard that is ``home(of:shards:)`` of the user.
  ///
  /// - Parameters:
  ///   - payload: the whole event, channel included.
  ///   - origin: where it is kept, and what it is about.
  /// - Returns: how many sessions are subscribed.
  public mutating func deliver(
    _ payload: Payload, to user: [UInt8], as origin: MessageOrigin = MessageOrigin(), now: Instant
  ) -> Int {
    latest = now
    let record = users.findOrAdd(user)
    let message = PersonalMessage(payload, at: now, origin)
    users.keep(message, for: record, limits: options.limits, counters: &counters)
    for session in record.subscribers {
      enqueue(DeliveryQueue.Entry(payload: payload, personal: message), for: session, isToFew: true)
    }
    users.release(record)
    return record.subscribers.count
  }

  /// What clients of this shard published since the last call, for the other shards.
  public mutating func takePublications() -> [Publication] {
    guard !publications.isEmpty else { return [] }
    defer { publications.removeAll(keepingCapacity: true) }
    return publications
  }

  public mutating func takePresenceChanges() -> [PresenceChange] {
    guard !presence.isEmpty else { return [] }
    defer { presence.removeAll(keepingCapacity: true) }
    return presence
  }

  // MARK: /_genesys

  private mutating func joinGenesys(_ session: Session) -> BayeuxError? {
    guard let user = session.user else { return .genesysNeedsUser }
    guard !session.receivesGenesys else { return nil }
    session.receivesGenesys = true
    user.subscribers.append(session)
    if user.subscribers.count == 1 { presence.append(PresenceChange(user: user.text, isOnline: true)) }
    users.settle(user, counters: &counters)
    for message in user.waiting where !message.isHandedOver && !session.queue.contains(message) {
      enqueue(DeliveryQueue.Entry(payload: message.payload, personal: message), for: session, isToFew: true)
    }
    return nil
  }

  mutating func leaveGenesys(_ session: Session) {
    guard session.receivesGenesys, let user = session.user else { return }
    session.receivesGenesys = false
    user.subscribers.removeAll { $0 === session }
    guard user.subscribers.isEmpty else { return }
    presence.append(PresenceChange(user: user.text, isOnline: false))
    users.bound(user, limits: options.limits, counters: &counters)
  }
}
