// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

/// A broker of one shard or of several, and a clock that only the test moves.
///
/// Does what a shell does, without sockets: moves a request to the shard that it belongs to, carries publications from
/// shard to shard, and ends the turn after each call. After every step the books have to balance.
final class Scene {
  /// `Broker` can not be copied, hence not stand in an array by itself.
  final class Shard {
    var broker: Broker
    init(_ broker: consuming Broker) { self.broker = broker }

    // `#expect` takes no value that can not be copied.
    var sessionCount: Int { broker.sessionCount }
    var heldCount: Int { broker.heldCount }
    var deadlineCount: Int { broker.deadlines.count }
    var nextDeadline: Instant? { broker.nextDeadline }
    var hasOutput: Bool { broker.hasOutput }
    var hasUnkept: Bool { !broker.replay.waiting.isEmpty }
    var queueBytes: Int { broker.queueBytes }
    func isDue(at now: Instant) -> Bool { broker.isDue(at: now) }
  }

  let shards: [Shard]
  private(set) var now = Instant(nanoseconds: 0) + .seconds(1000)
  /// Whether publications reach the other shards, and held connects are answered, after every step.
  var runsByItself = true
  /// Publications on their way, by the shard that they are for.
  private(set) var bus: [[Publication]]
  private(set) var presence: [PresenceChange] = []
  /// What the store does with publishes to durable channels: keeps them at once, refuses them, or lets them wait.
  enum Store { case keeps, refuses, waits }
  var store = Store.keeps
  /// Events that were kept, in the order of their ids.
  private(set) var kept: [DurableEvent] = []
  private var unkept: [(shard: Int, publish: DurablePublish)] = []
  /// Events on their way, by the shard that they are for, with the shard and the ticket of the publisher.
  private var eventBus: [[(DurableEvent, Int, UInt64)]]
  private var out = ByteWriter()

  init(
    shards count: Int = 1, seed: UInt64 = 1, authorizers: [any Authorizer] = [],
    additions: BrokerAdditions = BrokerAdditions(),
    _ configure: (inout BayeuxOptions) -> Void = { _ in }
  ) {
    var options = BayeuxOptions()
    configure(&options)
    shards = (0..<count).map {
      Shard(
        Broker(
          shard: $0, of: count, options: options, authorizers: authorizers, additions: additions,
          generator: SeededGenerator(seed: seed &+ UInt64($0) &* 7919)))
    }
    bus = Array(repeating: [], count: count)
    eventBus = Array(repeating: [], count: count)
  }

  func client(user: String = "", on shard: Int = 0) -> Client { Client(in: self, user: user, on: shard) }

  /// A client that has shaken hands and had its first connect.
  func connectedClient(user: String = "", on shard: Int = 0) -> Client {
    let client = client(user: user, on: shard)
    client.handshake()
    client.connect()
    return client
  }

  // MARK: what reaches the broker

  /// Sends one request, to another shard too if the first says that it belongs there.
  @discardableResult
  func send(
    _ text: String, user: String = "", origin: RequestOrigin = RequestOrigin(), on shard: Int = 0,
    sourceLocation: SourceLocation = #_sourceLocation
  ) -> Exchange {
    let exchange = Exchange()
    exchange.shard = shard
    let (body, name) = (Array(text.utf8), Array(user.utf8))
    while true {
      out.clear()
      shards[exchange.shard].broker.noteNewestEvent(kept.last?.id ?? 0)
      let reception = shards[exchange.shard].broker.receive(
        body.span, user: name.span, origin: origin, on: exchange, now: now, into: &out)
      let isUntouched = out.isEmpty
      switch reception {
      case .answered, .shookHands: exchange.end(.answered(Payload(out.array).text), sourceLocation: sourceLocation)
      case .refused(let fault): exchange.end(.refused(fault), sourceLocation: sourceLocation)
      case .held:
        let isWaiting = exchange.heldSession != nil || shards[exchange.shard].hasUnkept
        #expect(isWaiting, sourceLocation: sourceLocation)
      case .elsewhere(let other):
        #expect(exchange.moves == 0 && isUntouched, "moved in circles", sourceLocation: sourceLocation)
        exchange.shard = other
        exchange.moves += 1
        continue
      }
      if exchange.text.isEmpty { #expect(isUntouched, sourceLocation: sourceLocation) }
      settle(sourceLocation)
      return exchange
    }
  }

  /// A publication of the host, not of a client. Returns how many sessions it reached.
  @discardableResult
  func publish(_ channel: String, _ data: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> Int {
    let channel = try #require(Channel(channel), sourceLocation: sourceLocation)
    let payload = Payload(event: channel, data: Array(data.utf8).span, ext: [UInt8]().span)
    let reached = shards.reduce(0) { $0 + $1.broker.publish(Publication(channel: channel, payload: payload), now: now) }
    settle(sourceLocation)
    return reached
  }

  /// An event for one user; `data` is JSON. Returns how many sessions are subscribed.
  @discardableResult
  func deliver(_ data: String, to user: String, sourceLocation: SourceLocation = #_sourceLocation) -> Int {
    let payload = Payload(event: .genesys, data: Array(data.utf8).span, ext: [UInt8]().span)
    let sessions = shards[home(of: user)].broker.deliver(payload, to: Array(user.utf8), now: now)
    settle(sourceLocation)
    return sessions
  }

  func home(of user: String) -> Int { Broker.home(of: Array(user.utf8).span, shards: shards.count) }

  /// The client of a held connect closes its connection.
  func hangUp(_ exchange: Exchange, sourceLocation: SourceLocation = #_sourceLocation) {
    shards[exchange.shard].broker.conduitClosed(exchange, now: now)
    exchange.end(.hungUp, sourceLocation: sourceLocation)
    settle(sourceLocation)
  }

  // MARK: time and turns

  /// Lets time go by, all at once, and does what has become due.
  func pass(_ duration: Duration, sourceLocation: SourceLocation = #_sourceLocation) {
    now = now + duration
    for shard in shards {
      while true {
        out.clear()
        guard let due = shard.broker.nextDue(now: now, into: &out) else { break }
        finish(due, sourceLocation)
      }
      #expect(!shard.isDue(at: now), "still due", sourceLocation: sourceLocation)
    }
    settle(sourceLocation)
  }

  /// Carries what waits on the bus to one shard.
  func runBus(to shard: Int) {
    let arriving = bus[shard]
    bus[shard] = []
    for publication in arriving { _ = shards[shard].broker.publish(publication, now: now) }
    let events = eventBus[shard]
    eventBus[shard] = []
    for (event, origin, ticket) in events {
      _ = shards[shard].broker.publish(event, answering: origin == shard ? ticket : nil, now: now)
    }
  }

  /// Keeps or refuses what clients published to durable channels.
  private func runStore() {
    if store == .waits { return }
    for (shard, publish) in unkept {
      if store == .refuses {
        shards[shard].broker.settle(publish.ticket, isKept: false)
        continue
      }
      let event = publish.draft.event(
        id: (kept.last?.id ?? 0) + 1, createdAtSecondsSince1970: 0, arrival: now)
      kept.append(event)
      for other in shards.indices { eventBus[other].append((event, shard, publish.ticket)) }
    }
    unkept = []
  }

  /// Has the store go on, and all that follows from it happen.
  func runStore(_ store: Store, sourceLocation: SourceLocation = #_sourceLocation) {
    self.store = store
    settle(sourceLocation)
  }

  /// Answers the held connects for which something came.
  func endTurn(_ sourceLocation: SourceLocation = #_sourceLocation) {
    for shard in shards {
      presence += shard.broker.takePresenceChanges()
      repeat {
        while true {
          out.clear()
          guard let delivery = shard.broker.nextDelivery(now: now, into: &out) else { break }
          finish(delivery, sourceLocation)
        }
      } while shard.hasOutput
      #expect(!shard.hasOutput, sourceLocation: sourceLocation)
      presence += shard.broker.takePresenceChanges()
    }
  }

  private func settle(_ sourceLocation: SourceLocation) {
    for (index, shard) in shards.enumerated() {
      let publications = shard.broker.takePublications()
      let changes = shard.broker.takeChannelChanges()
      for other in shards.indices where other != index {
        bus[other] += publications
        for change in changes { shards[other].broker.note(change) }
      }
      unkept += shard.broker.takeDurablePublishes().map { (index, $0) }
    }
    runStore()
    if runsByItself {
      for index in shards.indices { runBus(to: index) }
      endTurn(sourceLocation)
    }
    checkBooks(sourceLocation)
  }

  private func finish(_ delivery: Delivery, _ sourceLocation: SourceLocation) {
    guard let exchange = delivery.conduit as? Exchange else {
      Issue.record("not our conduit", sourceLocation: sourceLocation)
      return
    }
    switch delivery {
    case .answer(_, let session):
      exchange.session = session
      // A client that hung up after its answer was decided: the answer goes nowhere.
      if exchange.outcome != .hungUp {
        exchange.end(.answered(Payload(out.array).text), sourceLocation: sourceLocation)
      }
    case .event: Issue.record("an event by itself is for streams", sourceLocation: sourceLocation)
    case .status(_, let status):
      #expect(out.array.isEmpty, "a status has no body", sourceLocation: sourceLocation)
      exchange.end(.status(status), sourceLocation: sourceLocation)
    }
  }

  // MARK: looking inside

  var counters: BrokerCounters { shards.reduce(BrokerCounters()) { $0 + $1.broker.counters } }
  /// Messages that wait in the queues of sessions, and for users.
  var waiting: Int { shards.reduce(0) { $0 + $1.broker.counters.waiting } }
  var personalWaiting: Int { shards.reduce(0) { $0 + $1.broker.counters.personalWaiting } }
  var sessionCount: Int { shards.reduce(0) { $0 + $1.broker.sessionCount } }
  var userCount: Int { shards.reduce(0) { $0 + $1.broker.userCount } }
  var channelCount: Int { shards.reduce(0) { $0 + $1.broker.channelCount } }
  var heldCount: Int { shards.reduce(0) { $0 + $1.broker.heldCount } }

  /// The ledgers balance, and what they and the gauges say is what the sessions hold.
  private func checkBooks(_ sourceLocation: SourceLocation) {
    for shard in shards {
      let sessions = shard.broker.sessions.compactMap { $0 }
      let counters = shard.broker.counters
      let waiting = sessions.reduce(0) { $0 + $1.queue.count }
      let held = sessions.count { $0.isHeld }
      let accounted = sessions.reduce(0) { $0 + $1.accountedBytes }
      #expect(shard.queueBytes == accounted, sourceLocation: sourceLocation)
      guard
        counters.imbalance != 0 || counters.waiting != waiting || shard.broker.heldCount != held
          || shard.broker.sessionCount != sessions.count || counters.personalWaiting < 0
      else { continue }
      Issue.record(
        "off by \(counters.imbalance); \(waiting) wait and \(held) are held: \(counters)",
        sourceLocation: sourceLocation)
    }
  }
}
