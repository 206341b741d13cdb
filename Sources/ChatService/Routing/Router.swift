// SPDX-License-Identifier: Apache-2.0
import Bytes

/// What a service wants of routing.
public struct RoutingRequest: Sendable, Hashable {
  /// Who may take the chat; nil for any ready agent.
  public var plan: RoutingPlan?
  /// Requests of one virtual queue are counted together.
  public var virtualQueue: String
  /// Whether it is queued from the creation of the service on, before there is a chat.
  public var isQueuedAtOnce: Bool
  /// How long a service without a chat is queued; asking for the status queues it again.
  public var queuedTTL: Duration
  /// How long an offered chat belongs to one agent.
  public var reserveTimeout: Duration

  public init(
    plan: RoutingPlan? = nil, virtualQueue: String = "chat", isQueuedAtOnce: Bool = false,
    queuedTTL: Duration = .seconds(660), reserveTimeout: Duration = .seconds(30)
  ) {
    self.plan = plan
    self.virtualQueue = virtualQueue
    self.isQueuedAtOnce = isQueuedAtOnce
    self.queuedTTL = queuedTTL
    self.reserveTimeout = reserveTimeout
  }
}

/// An agent as routing knows him.
public struct RoutingAgent: Sendable, Hashable {
  public let name: String
  public var isReady = false
  /// Levels by skill; one that is missing is 0.
  public var skills: [String: Int] = [:]
  public var groups: Set<String> = []
  /// Where the agent sits, for targets of the type `AP`.
  public var place: String?
  /// Chats at once, offered ones included; nil for any number.
  public var capacity: Int?
  /// Services whose chats the agent is in.
  var chats: Set<String> = []
  /// Services whose chats are offered to the agent.
  var offers: Set<String> = []
  /// Counts offers, so that those of equal load take turns.
  var lastOffer = 0

  public init(name: String) { self.name = name }

  var load: Int { chats.count + offers.count }
  var hasRoom: Bool { isReady && load < capacity ?? .max }
}

/// Where a request stands in its virtual queue.
public struct QueuePosition: Sendable, Hashable {
  /// From 1; 0 when it is not queued any more.
  public let position: Int
  /// Requests in the same virtual queue.
  public let total: Int
  /// Whether a matching agent is ready.
  public let isAgentReady: Bool
  /// Expected wait.
  public let eta: Duration

  public init(position: Int, total: Int, isAgentReady: Bool, eta: Duration) {
    self.position = position
    self.total = total
    self.isAgentReady = isAgentReady
    self.eta = eta
  }
}

/// Brings chats and agents together. A value without clock: time is an argument, and effects are returned.
struct Router: Sendable {
  struct Offer: Sendable, Hashable {
    let agent: String
    let until: Instant
  }
  struct Entry: Sendable {
    let request: RoutingRequest
    var progress: TargetProgress?
    /// Order of service; one that was offered in vain goes to the end.
    var rank: Int
    let since: Instant
    let expires: Instant
    /// Before there is a chat nothing can be offered; whether it could be is its availability.
    var hasChat = false
    var isAvailable = false
    var offer: Offer?
    /// Agents who let an offer of it pass, until all had theirs.
    var passedBy: Set<String> = []
    /// Agents who refused it; until they say again that they are ready.
    var declinedBy: Set<String> = []
    /// All had it; it is free for whoever wants it until then.
    var restsUntil: Instant?
  }
  enum Effect: Sendable, Hashable {
    case offered(serviceID: String, agent: String)
    /// The offer is over without a join.
    case withdrawn(serviceID: String, agent: String)
    case became(ChatAvailability, serviceID: String)
  }

  private(set) var agents: [String: RoutingAgent] = [:]
  private(set) var entries: [String: Entry] = [:]
  /// A source of statistics in place of the router's own; nil answers are the router's own.
  var statistics: (@Sendable (_ name: String, _ target: RoutingTarget) -> Double?)?
  private(set) var nextDeadline = Instant.distantFuture
  private var ranks = 0
  private var offers = 0
  /// The latest waits from queue to join, for the expected wait.
  private var waits: [Duration] = []
  private static let rememberedWaits = 16
  /// What a wait is taken for while nobody has joined anything yet.
  private static let firstGuess = Duration.seconds(60)

  // MARK: agents

  /// Changes what is known of an agent, who is new if need be.
  mutating func update(_ name: String, now: Instant, _ change: (inout RoutingAgent) -> Void) -> [Effect] {
    var agent = agents[name] ?? RoutingAgent(name: name)
    let wasReady = agent.isReady
    change(&agent)
    agents[name] = agent
    var effects: [Effect] = []
    if agent.isReady, !wasReady {
      for id in Array(entries.keys) where entries[id]?.declinedBy.contains(name) == true {
        entries[id]?.declinedBy.remove(name)
      }
    }
    for id in agent.offers where !agent.isReady { effects += withdraw(id) }
    return effects + routeAll(now: now)
  }

  mutating func joined(_ id: String, _ name: String, now: Instant) -> [Effect] {
    agents[name]?.chats.insert(id)
    guard let entry = entries[id] else { return [] }
    if let offer = entry.offer { agents[offer.agent]?.offers.remove(id) }
    entries[id] = nil
    waits = waits.suffix(Self.rememberedWaits - 1) + [now - entry.since]
    return []
  }

  mutating func left(_ id: String, _ name: String, now: Instant) -> [Effect] {
    guard agents[name]?.chats.remove(id) != nil else { return [] }
    return agents[name]?.capacity == nil ? [] : routeAll(now: now)
  }

  mutating func ended(_ id: String, now: Instant) -> [Effect] {
    var hasRoom = false
    for name in agents.keys where agents[name]?.chats.contains(id) == true {
      agents[name]?.chats.remove(id)
      hasRoom = hasRoom || agents[name]?.capacity != nil
    }
    let effects = withdraw(id)
    hasRoom = hasRoom || !effects.isEmpty
    entries[id] = nil
    return effects + (hasRoom ? routeAll(now: now) : [])
  }

  /// - Returns: nil unless the chat is offered to this agent.
  mutating func declined(_ id: String, _ name: String, now: Instant) -> [Effect]? {
    guard entries[id]?.offer?.agent == name else { return nil }
    entries[id]?.declinedBy.insert(name)
    sendToEnd(id)
    return withdraw(id) + routeAll(now: now)
  }

  // MARK: requests

  /// Queues a service, or its chat.
  mutating func enqueue(_ id: String, _ request: RoutingRequest, hasChat: Bool, now: Instant) -> [Effect] {
    if entries[id] == nil {
      ranks += 1
      let progress = request.plan.map { TargetProgress($0, now: now, statistic: value) }
      entries[id] = Entry(
        request: request, progress: progress, rank: ranks, since: now, expires: now + request.queuedTTL)
    }
    if hasChat { entries[id]?.hasChat = true }
    let effects = route(id, now: now)
    noteDeadline(of: id)
    return effects
  }

  func isAvailable(_ request: RoutingRequest, _ id: String, now: Instant) -> Bool {
    if let entry = entries[id] { return match(entry) != nil || entry.offer != nil }
    let targets = request.plan.map { TargetProgress($0, now: now, statistic: value).targets }
    return agents.values.contains { agent in
      agent.hasRoom && targets?.contains { $0.means(agent) } ?? true
    }
  }

  func position(_ id: String) -> QueuePosition? {
    guard let entry = entries[id] else { return nil }
    let queue = entries.values.filter { $0.request.virtualQueue == entry.request.virtualQueue }
    let position = 1 + queue.count { $0.rank < entry.rank }
    let isReady = match(entry) != nil || entry.offer != nil
    let mean = waits.isEmpty ? Self.firstGuess : waits.reduce(.zero, +) / waits.count
    return QueuePosition(
      position: position, total: queue.count, isAgentReady: isReady, eta: isReady ? .zero : mean * position)
  }

  /// Does what time brings: next targets, offers that ran out, requests that were queued too long.
  mutating func advance(to now: Instant) -> [Effect] {
    guard now >= nextDeadline else { return [] }
    var effects: [Effect] = []
    var hasChanged = false
    for (id, entry) in entries.sorted(by: { $0.value.rank < $1.value.rank }) {
      if let offer = entry.offer, offer.until <= now {
        entries[id]?.passedBy.insert(offer.agent)
        sendToEnd(id)
        effects += withdraw(id)
        hasChanged = true
      }
      if entry.expires <= now, !entry.hasChat {
        if entry.isAvailable { effects.append(.became(.waiting, serviceID: id)) }
        entries[id] = nil
        continue
      }
      if let rest = entry.restsUntil, rest <= now {
        entries[id]?.restsUntil = nil
        entries[id]?.passedBy = []
        hasChanged = true
      }
      // Out of the table first: the statistics read the table while the entry changes.
      if var progress = entry.progress, progress.advance(to: now, statistic: value) {
        entries[id]?.progress = progress
        hasChanged = true
      }
    }
    if hasChanged { effects += routeAll(now: now) } else { noteDeadlines() }
    return effects
  }

  // MARK: matching

  private mutating func routeAll(now: Instant) -> [Effect] {
    var effects: [Effect] = []
    for (id, _) in entries.sorted(by: { $0.value.rank < $1.value.rank }) { effects += route(id, now: now) }
    noteDeadlines()
    return effects
  }

  /// Offers a chat that is not offered, or notes whether a service that has none could have one.
  private mutating func route(_ id: String, now: Instant) -> [Effect] {
    guard let entry = entries[id] else { return [] }
    if !entry.hasChat {
      let isAvailable = match(entry) != nil
      guard isAvailable != entry.isAvailable else { return [] }
      entries[id]?.isAvailable = isAvailable
      return [.became(isAvailable ? .available : .waiting, serviceID: id)]
    }
    guard entry.offer == nil, entry.restsUntil == nil else { return [] }
    guard let agent = match(entry) else {
      if !entry.passedBy.isEmpty { entries[id]?.restsUntil = now + entry.request.reserveTimeout }
      return []
    }
    offers += 1
    entries[id]?.offer = Offer(agent: agent.name, until: now + entry.request.reserveTimeout)
    agents[agent.name]?.offers.insert(id)
    agents[agent.name]?.lastOffer = offers
    return [.offered(serviceID: id, agent: agent.name)]
  }

  /// Of those who match and have room, whoever has the fewest chats, then whoever was offered something longest ago.
  private func match(_ entry: Entry) -> RoutingAgent? {
    let targets = entry.progress?.targets
    return agents.values.filter { agent in
      agent.hasRoom && !entry.declinedBy.contains(agent.name) && !entry.passedBy.contains(agent.name)
        && (targets?.contains { $0.means(agent) } ?? true)
    }.min { ($0.load, $0.lastOffer, $0.name) < ($1.load, $1.lastOffer, $1.name) }
  }

  private mutating func withdraw(_ id: String) -> [Effect] {
    guard let offer = entries[id]?.offer else { return [] }
    entries[id]?.offer = nil
    agents[offer.agent]?.offers.remove(id)
    return [.withdrawn(serviceID: id, agent: offer.agent)]
  }

  private mutating func sendToEnd(_ id: String) {
    ranks += 1
    entries[id]?.rank = ranks
  }

  /// The statistics of URS that this backend has.
  private func value(_ name: String, _ target: RoutingTarget) -> Double? {
    if let given = statistics?(name, target) { return given }
    switch name {
    // Agents here have one medium, so those ready for voice are those ready for anything.
    case "RStatAgentsReady", "RStatAgentsReadyvoice":
      return Double(agents.values.count { $0.hasRoom && target.means($0) })
    case "RStatAgentsTotal": return Double(agents.values.count { target.means($0) })
    case "RStatCallsInQueue":
      return Double(entries.values.count { $0.progress?.targets.contains(target) ?? false })
    default: return nil
    }
  }

  // MARK: deadlines

  private mutating func noteDeadlines() {
    nextDeadline = .distantFuture
    for id in entries.keys { noteDeadline(of: id) }
  }

  private mutating func noteDeadline(of id: String) {
    guard let entry = entries[id] else { return }
    let expires = entry.hasChat ? nil : Optional(entry.expires)
    let moments = [expires, entry.offer?.until, entry.restsUntil, entry.progress?.switchesAt].compactMap { $0 }
    nextDeadline = moments.reduce(nextDeadline, min)
  }
}
