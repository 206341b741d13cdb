// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes
import Deflate
import Glibc
import Logging
import Reactor
import Store
import Synchronization
import Wire

/// One loop with all that lives on it: connections, sessions, what is to be written. Confined to the loop's thread.
///
/// A turn: callbacks take requests in and change the broker; the end of the turn answers what they woke, at most
/// `deliveriesPerTurn` of it, so that one publication to many never keeps other clients waiting for long.
final class Shard {
  let index: Int
  let loop: EventLoop
  let context: ServerContext
  var broker: Broker
  var http = HTTPCounters()
  /// The request being looked at.
  var head = RequestHead()
  /// Where every answer is built.
  var out = ByteWriter(capacity: 64 << 10, headroom: ResponseHead.recommendedHeadroom)
  /// Where a JSONP answer is built from it.
  var script = ByteWriter(capacity: 4096, headroom: ResponseHead.recommendedHeadroom)
  /// The WebSocket message being looked at.
  var message: [UInt8] = []
  /// Made with the first socket that wants it; nil where the system has no memory for it.
  private(set) lazy var deflate: Deflate? = Deflate()
  var compressed = CompressedMessages()
  var frames = SharedFrames()
  private(set) var isDraining = false
  private var dateText: [UInt8] = []

  private var connections: [UInt64: HTTPConnection] = [:]
  private var nextNumber: UInt64 = 1
  private var listeners: [Listener] = []
  private var connectionDeadlines = Deadlines<HTTPConnection>()
  private var withKeptRequests: [HTTPConnection] = []
  private var timer: Timer!
  /// Set while the public listener rests because nearly all descriptors are in use.
  private var acceptTimer: Timer!
  private var dateExpires = Instant(nanoseconds: 0)
  private var wallExpires = Instant(nanoseconds: 0)
  private var drainDeadline = Instant.distantFuture
  private var losses = LossReport()

  /// Answers written before the loop looks for new events.
  private static let deliveriesPerTurn = 256
  /// How long the public listener rests before it looks again whether descriptors are free.
  private static let acceptPause = Duration.milliseconds(100)
  /// Memory that the writer keeps between two answers.
  static let keptWriterBytes = 1 << 20

  init(index: Int, loop: EventLoop, context: ServerContext) {
    self.index = index
    self.loop = loop
    self.context = context
    broker = context.makeBroker(shard: index)
    // Waking the loop is all it does: the end of the turn looks at what is due.
    timer = Timer(on: loop) {}
    acceptTimer = Timer(on: loop) { [unowned self] in acceptAgain() }
  }

  var now: Instant { loop.now }

  // MARK: life

  /// Takes over its share of the listening sockets and runs until it has been drained.
  func run(publicDescriptor: Int32, adminDescriptor: Int32?) {
    for message in context.store.takeBacklog(of: index) {
      broker.restore(message.payload, to: message.user, as: message.origin, arrival: message.arrival)
    }
    if let kept = context.store.events.takeKept() { broker.restore(kept, now: now) }
    do throws(ReactorError) {
      try context.mailboxes[index].attach(to: loop) { [unowned self] commands in
        for command in commands { obey(command) }
      }
      try listen(on: publicDescriptor, isAdmin: false)
      if let adminDescriptor { try listen(on: adminDescriptor, isAdmin: true) }
    } catch {
      context.logger.error("a shard can not listen", metadata: ["shard": "\(index)", "reason": "\(error)"])
      return
    }
    refreshWallClock()
    loop.run { [unowned self] in endTurn() }
    for listener in listeners { listener.close() }
    for connection in Array(connections.values) { connection.close(.local("stopped")) }
    for command in context.mailboxes[index].close() { abandon(command) }
    // What still refers to connections, which refer to this shard.
    connectionDeadlines = Deadlines()
    withKeptRequests = []
    broker = context.makeBroker(shard: index)
  }

  private func listen(on descriptor: Int32, isAdmin: Bool) throws(ReactorError) {
    let listener = try Listener(on: loop, adopting: descriptor) { [unowned self] descriptor, peer in
      accept(descriptor, peer, isAdmin: isAdmin)
    }
    listener.onExhausted = { [unowned self] error in
      http.exhausted += 1
      context.logger.warning(
        "accepting pauses until a descriptor is free", metadata: ["shard": "\(index)", "reason": "\(error)"])
    }
    listener.resume()
    listeners.append(listener)
  }

  private func accept(_ descriptor: Int32, _ peer: SocketAddress, isAdmin: Bool) {
    guard connections.count < context.maxConnections || isAdmin else {
      http.overLimit += 1
      Glibc.close(descriptor)
      return
    }
    http.accepted += 1
    if !isAdmin { noteAccepted() }
    _ = adopt(
      descriptor, isAdmin: isAdmin, trustsUserHeader: context.identity.trusts(peer),
      address: context.identity.countedAddress(of: peer))
  }

  /// Keeps some descriptors back: whoever watches the broker must still get in when its clients have taken all others.
  private func noteAccepted() {
    let open = context.openConnections.add(1, ordering: .relaxed).newValue
    guard open >= context.connectionsBeforePause, acceptTimer.deadline == nil else { return }
    http.exhausted += 1
    context.logger.warning(
      "accepting pauses until a descriptor is free", metadata: ["shard": "\(index)", "connections": "\(open)"])
    acceptTimer.schedule(at: now + Self.acceptPause)
    publicListener?.pause()
  }

  private func noteClosed() { context.openConnections.subtract(1, ordering: .relaxed) }

  private func acceptAgain() {
    if context.openConnections.load(ordering: .relaxed) < context.connectionsBeforePause {
      publicListener?.resume()
    } else {
      acceptTimer.schedule(at: now + Self.acceptPause)
    }
  }

  private var publicListener: Listener? { listeners.first }

  private func adopt(
    _ descriptor: Int32, isAdmin: Bool, trustsUserHeader: Bool, address: UInt64
  ) -> HTTPConnection? {
    let number = nextNumber
    nextNumber += 1
    guard
      let connection = try? HTTPConnection(
        on: self, adopting: descriptor, number: number, isAdmin: isAdmin, trustsUserHeader: trustsUserHeader,
        address: address)
    else {
      if !isAdmin { noteClosed() }
      return nil
    }
    connections[number] = connection
    return connection
  }

  /// A connection closed: whatever it held is let go.
  func closed(_ connection: HTTPConnection) {
    connections[connection.number] = nil
    if !connection.isAdmin { noteClosed() }
    broker.conduitClosed(connection, now: now)
    broker.streamClosed(connection, now: now)
    connectionDeadlines.compact(live: connections.count)
  }

  /// A socket said goodbye: its sessions live on without it.
  func socketEnded(_ connection: HTTPConnection) { broker.streamClosed(connection, now: now) }

  /// A connection leaves for another shard; it lives on there.
  func leaving(_ connection: HTTPConnection) {
    connection.deadline = .distantFuture
    connections[connection.number] = nil
    http.moved += 1
  }

  func send(_ moved: MovedConnection, to shard: Int) {
    if context.mailboxes[shard].post(.adopt(moved)) { return }
    Glibc.close(moved.descriptor)
    if !moved.isAdmin { noteClosed() }
  }

  /// The peer of a held connect ended its side; it is answered without events, in case it still reads.
  func abandoned(_ connection: HTTPConnection) { broker.conduitEnded(connection, now: now) }

  // MARK: what other threads ask

  private func obey(_ command: ShardCommand) {
    switch command {
    case .adopt(let moved):
      adopt(
        moved.descriptor, isAdmin: moved.isAdmin, trustsUserHeader: moved.trustsUserHeader, address: moved.address
      )?.resume(moved)
    case .publish(let publication, let tally):
      let count = broker.publish(publication, now: now)
      tally?.add(count)
    case .broadcast(let publication, let complete):
      if let sessions = broadcast(publication, complete) { complete(.success(sessions)) }
    case .event(let event, let source):
      switch source {
      case .client(let shard, let ticket):
        _ = broker.publish(event, answering: shard == index ? ticket : nil, now: now)
      case .host(let tally, _): tally.add(broker.publish(event, now: now))
      }
    case .refusePublish(let ticket): broker.settle(ticket, isKept: false)
    case .deliver(let payload, let user, let origin, let tally):
      let count = broker.deliver(payload, to: user, as: origin, now: now)
      tally?.add(count)
    case .markRead(let read): broker.markRead(read)
    case .note(let change): broker.note(change)
    case .serve(let client, let messages): broker.deliver(messages, to: client, now: now)
    case .respond(let exchange, let reply):
      guard let connection = connections[exchange.connection], connection.phase == .working else { return }
      connection.answer(reply)
    case .report(let receive): receive(report)
    case .drain(let deadline): drain(by: deadline)
    }
  }

  /// What was asked of a shard that has ended must not leave anybody waiting.
  private func abandon(_ command: ShardCommand) {
    switch command {
    case .adopt(let moved): Glibc.close(moved.descriptor)
    case .publish(_, let tally), .deliver(_, _, _, let tally): tally?.add(0)
    case .broadcast(_, let complete): complete(.failure(.closed))
    case .event(_, .host(let tally, _)): tally.add(0)
    case .report(let receive): receive(ShardReport())
    case .respond, .drain, .markRead, .note, .serve, .event, .refusePublish: break
    }
  }

  private var report: ShardReport {
    http.compressed = compressed.made
    http.compressedShared = compressed.shared
    var report = ShardReport(
      counters: broker.counters, http: http, sessions: broker.sessionCount, held: broker.heldCount,
      channels: broker.channelCount, users: broker.userCount, connections: connections.count,
      queueBytes: broker.queueBytes)
    // Every shard holds the same one.
    if index == 0 { report.history = broker.historyStatistics }
    return report
  }

  private func drain(by deadline: Instant) {
    guard !isDraining else { return }
    isDraining = true
    drainDeadline = deadline
    for listener in listeners { listener.close() }
    broker.releaseAll(now: now)
    for connection in Array(connections.values) { connection.drain() }
    scheduleDeadlines()
  }

  // MARK: the turn

  /// The one place where held connects are answered.
  private func endTurn() -> EventLoop.TurnEnd {
    // First, because it may publish. What this turn's answers let in is looked at in the next one.
    let resumed = withKeptRequests
    withKeptRequests.removeAll(keepingCapacity: true)
    for connection in resumed { connection.takeKept() }
    if now >= wallExpires { refreshWallClock() }
    for publication in broker.takePublications() { passOn(.publish(publication, nil)) }
    for change in broker.takeChannelChanges() { passOn(.note(change)) }
    for publish in broker.takeDurablePublishes() {
      context.store.events.publish(publish.draft, from: .client(shard: index, ticket: publish.ticket))
    }
    for read in broker.takeReadPositions() {
      context.mailboxes[context.publisher.home(of: read.user)].post(.markRead(read))
    }
    for change in broker.takePresenceChanges() { context.publisher.presence(change) }
    var written = 0
    while written < Self.deliveriesPerTurn, let delivery = nextDelivery() {
      write(delivery)
      written += 1
    }
    if let line = losses.line(for: broker.counters, at: now) {
      context.logger.warning("queues of sessions were full", metadata: ["shard": "\(index)", "lost": "\(line)"])
    }
    while let connection = connectionDeadlines.popDue(at: now) { connection.deadlinePassed() }
    if isDraining, !broker.hasOutput, !broker.hasUnkeptPublishes { leaveSockets() }
    scheduleDeadlines()
    // After all writing of this turn: an answer that stalled has said so.
    context.store.forget(broker.takeSettled())
    let drops = broker.takeHistoryDrops()
    if index == 0, !drops.isEmpty { context.store.events.drop(drops) }
    if isDraining, connections.isEmpty || now >= drainDeadline { loop.stop() }
    return broker.hasOutput || !withKeptRequests.isEmpty || broker.isDue(at: now) ? .again : .wait
  }

  /// Everything that sockets were owed has been sent: they are told to come again.
  private func leaveSockets() {
    for connection in Array(connections.values) where connection.isLeaving {
      connection.closeSocket(.serviceRestart, "The broker is stopping")
    }
  }

  private func nextDelivery() -> Delivery? {
    broker.nextDelivery(now: now, into: &out) ?? broker.nextDue(now: now, into: &out)
  }

  private func passOn(_ command: ShardCommand) {
    for (other, mailbox) in context.mailboxes.enumerated() where other != index { mailbox.post(command) }
  }

  private func write(_ delivery: Delivery) {
    // Only this module makes conduits, and only of this class.
    let connection = unsafeDowncast(delivery.conduit as AnyObject, to: HTTPConnection.self)
    switch delivery {
    case .status(_, let status):
      out.clear()
      let crossOrigin = connection.extras?.crossOrigin ?? []
      connection.forgetRequest()
      connection.answer(status: status, type: nil, fields: crossOrigin)
    case .event(_, let session, let payload):
      if connection.phase == .socket { connection.sendEvent(payload) }
      noteStall(of: session, on: connection)
    case .answer(_, let session):
      if connection.phase == .socket {
        connection.sendMessage()
      } else if connection.socket != nil {
        // On its way to another shard, with no session here any more that could be answered.
        out.clear()
      } else {
        answerBayeux(
          connection, callback: connection.extras?.callback, fields: connection.extras?.crossOrigin ?? [])
      }
      noteStall(of: session, on: connection)
    }
  }

  /// The reader of an answer has not taken all of it yet: its session waits for it.
  func noteStall(of session: Session, on connection: HTTPConnection) {
    guard connection.pendingBytes > 0, !connection.isClosed else { return }
    broker.answerStalled(session, on: connection)
    connection.ensureExtras().note(stalled: session)
  }

  func hasKept(_ connection: HTTPConnection) { withKeptRequests.append(connection) }

  // MARK: time

  func watch(_ connection: HTTPConnection) { connectionDeadlines.note(connection) }

  func scheduleDeadlines() {
    var next = drainDeadline
    if let deadline = broker.nextDeadline { next = min(next, deadline) }
    if let deadline = connectionDeadlines.next { next = min(next, deadline) }
    if next == .distantFuture {
      timer.cancel()
    } else if timer.deadline != next {
      timer.schedule(at: next)
    }
  }

  /// The value of the `Date` header, made once a second.
  var date: [UInt8] {
    if now >= dateExpires { refreshDate() }
    return dateText
  }

  /// Tells the broker the time of day, for its extensions; where it has none, never again.
  private func refreshWallClock() {
    guard !context.additions.extensions.isEmpty else {
      wallExpires = .distantFuture
      return
    }
    let moment = EventLoop.clock()
    broker.wallClock = WallClock(milliseconds: SystemClock.millisecondsSince1970, at: moment)
    wallExpires = moment + .seconds(1)
  }

  private func refreshDate() {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    dateText = Array(UTCTime(secondsSince1970: Int64(time.tv_sec)).httpDate.utf8)
    dateExpires = now + .nanoseconds(1_000_000_000 - Int64(time.tv_nsec))
  }
}
