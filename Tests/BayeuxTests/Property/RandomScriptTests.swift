// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

/// Seeded random scripts, played to the broker and to the model: every answer has to be the same text at the same moment.
/// Beside that, and without the model's help: per session nothing comes twice, to the wrong one, or out of order, and
/// nothing for a user is lost without being counted.
struct RandomScriptTests {
  static let scripts: UInt64 = 152
  static let steps = 200

  @Test(arguments: [1, 3])
  func brokerDoesWhatTheModelDoes(_ shards: Int) {
    var total = BrokerCounters()
    for seed in 1...Self.scripts {
      let script = Script(shards: shards, seed: seed)
      for step in 0..<Self.steps {
        if let complaint = script.play() {
          // Users are spread over shards by Swift's seeded hash: repeat with SWIFT_DETERMINISTIC_HASHING=1.
          Issue.record("\(shards) shards, seed \(seed), step \(step), \(script.last): \(complaint)")
          break
        }
      }
      if let complaint = script.finish() { Issue.record("\(shards) shards, seed \(seed), at the end: \(complaint)") }
      total = total + script.scene.counters
    }
    // The dice have to bring up what the test is about.
    let mustHappen = [
      total.connectsHeld, total.connectsOvertaken, total.connectsAbandoned, total.disconnects, total.unknownSessions,
      total.userMismatches, total.sessionsExpired, total.sessionsOverflowed, total.delivered, total.discardedExpired,
      total.discardedDisconnected, total.discardedOverflow, total.personalDelivered, total.personalExpired,
      total.personalDroppedFull,
    ]
    #expect(mustHappen.allSatisfy { $0 > 50 }, "\(total)")
  }
}

/// One random script, as far as it has been played.
final class Script {
  static let names = ["", "", "ann", "ben"]
  static let channels = ["/a", "/a/b", "/a/b/c", "/d"]
  static let patterns = channels + ["/*", "/**", "/a/*", "/a/**", "/_genesys", "/_genesys", "/_genesys"]

  let scene: Scene
  private var model: ModelBroker
  private var generator: SeededGenerator
  private(set) var last = "nothing"
  private var clientIDs: [String] = []
  private var polls: [Int: Exchange] = [:]
  /// The number of the connect that a session has held.
  private var held: [Int: Int] = [:]
  private var nextNumber = 1
  /// Every event that a session was given, in order.
  private var received: [[Int]] = []
  /// Who a message was for, and on which shard a publication began.
  private var addressees: [Int: String] = [:]
  private var origins: [Int: Int] = [:]

  init(shards: Int, seed: UInt64) {
    let limits = ModelBroker.Options()
    scene = Scene(shards: shards, seed: seed) {
      $0.limits.maxQueueMessages = limits.queueMessages
      $0.limits.maxResponseBytes = limits.responseBytes
      $0.limits.maxBacklogMessages = limits.backlogMessages
      $0.limits.maxBacklogAge = .milliseconds(limits.backlogAge)
    }
    scene.runsByItself = false
    model = ModelBroker(shards: shards)
    generator = SeededGenerator(seed: seed)
  }

  /// Plays one more step. Nil if broker and model agree.
  func play() -> String? {
    let step = randomStep()
    last = "\(step)"
    if let complaint = play(step) { return complaint }
    // Most turns are short; some gather several requests.
    if Int.random(in: 0..<10, using: &generator) < 6 {
      for shard in scene.shards.indices where Int.random(in: 0..<3, using: &generator) > 0 {
        if let complaint = play(.bus(shard: shard)) { return complaint }
      }
      return play(.endTurn)
    }
    return nil
  }

  // MARK: the dice

  private func pick<Element>(_ from: [Element]) -> Element { from[Int.random(in: 0..<from.count, using: &generator)] }

  private func number() -> Int {
    nextNumber += 1
    return nextNumber
  }

  private func randomStep() -> Step {
    let shard = Int.random(in: 0..<scene.shards.count, using: &generator)
    // Mostly one of the latest that live; the others get old and expire.
    let alive = model.sessions.indices.filter { model.sessions[$0].isAlive }.suffix(6)
    guard alive.count > 1 else { return .handshake(user: pick(Self.names), shard: shard) }
    let isAny = Int.random(in: 0..<12, using: &generator) == 0
    let session = pick(isAny ? Array(model.sessions.indices) : Array(alive))
    let isScript = Int.random(in: 0..<5, using: &generator) == 0
    func request(_ parts: [Part], user: String? = nil) -> Step {
      .request(session: session, parts, user: user, isScript: isScript, shard: shard)
    }
    switch Int.random(in: 0..<100, using: &generator) {
    case 0..<7: return .handshake(user: pick(Self.names), shard: shard)
    case 7..<36: return request([.connect(randomPoll())])
    case 36..<50: return request([.subscribe(pick(Self.patterns))])
    case 50..<54: return request([.unsubscribe(pick(Self.patterns))])
    case 54..<68: return request([randomPublish(by: session)])
    case 68..<72: return request((0..<3).map { _ in randomPublish(by: session) })
    case 72..<74: return request([randomPublish(by: session), .connect(randomPoll()), .subscribe(pick(Self.patterns))])
    case 74..<76: return request([.disconnect])
    case 76: return request([randomPublish(by: session), .disconnect, randomPublish(by: session)])
    case 77: return request([randomPublish(by: session)], user: "mallory")
    case 78..<83: return .hangUp(session: session)
    case 83..<93:
      let (user, data) = (pick(["ann", "ben"]), number())
      addressees[data] = user
      return .deliver(user: user, data: data)
    default: return .pass(milliseconds: Int.random(in: 1...15_000, using: &generator))
    }
  }

  private func randomPoll() -> Part.Poll {
    var poll = Part.Poll(number: number())
    switch Int.random(in: 0..<10, using: &generator) {
    case 0: poll.timeout = 0
    case 1: poll.timeout = 9000
    case 2: poll.interval = 15_000
    case 3: (poll.timeout, poll.interval) = (0, 7000)
    default: break
    }
    return poll
  }

  private func randomPublish(by session: Int) -> Part {
    let data = number()
    origins[data] = model.sessions[session].shard
    return .publish(pick(Self.channels), data: data)
  }

  // MARK: playing

  private func play(_ step: Step) -> String? {
    switch step {
    case .handshake(let user, let shard): return handshake(user, shard)
    case .request(let session, let parts, let user, let isScript, let shard):
      return request(session, parts, user ?? model.sessions[session].user, isScript: isScript, shard)
    case .hangUp(let session):
      guard let number = held[session], let poll = polls[number], poll.heldSession != nil else { return nil }
      model.hangUp(session)
      scene.hangUp(poll)
      polls[number] = nil
      held[session] = nil
    case .deliver(let user, let data):
      model.deliver(data, to: user)
      scene.deliver("\(data)", to: user)
    case .pass(let milliseconds):
      // Each shard's loop answers what is held before it sleeps.
      model.endTurn()
      scene.endTurn()
      model.pass(milliseconds)
      scene.pass(.milliseconds(milliseconds))
    case .bus(let shard):
      model.runBus(to: shard)
      scene.runBus(to: shard)
    case .endTurn:
      model.endTurn()
      scene.endTurn()
    }
    return compare()
  }

  private func handshake(_ user: String, _ shard: Int) -> String? {
    model.handshake(user: user, shard: user.isEmpty ? shard : scene.home(of: user))
    let reply = scene.send(#"{"channel":"/meta/handshake"}"#, user: user, on: shard)
    guard let id = reply.reply["clientId"]?.string else { return "no session: \(reply.outcome)" }
    clientIDs.append(id)
    received.append([])
    return nil
  }

  private func request(
    _ session: Int, _ parts: [Part], _ user: String, isScript: Bool = false, _ shard: Int
  ) -> String? {
    let expected = model.request(session, parts, user: user, isScript: isScript)
    let texts = parts.map { $0.text(clientID: clientIDs[session]) }
    let exchange = scene.send(
      texts.count == 1 ? texts[0] : "[\(texts.joined(separator: ","))]", user: user,
      origin: RequestOrigin(carriesEventsOnAnyReply: !isScript), on: shard)
    if let expected {
      guard exchange.text == expected else { return "answered \(exchange.outcome), not \(expected)" }
      note(exchange.text, for: session)
    } else {
      guard exchange.isWaiting, case .connect(let poll) = parts[0] else { return "not held: \(exchange.outcome)" }
      polls[poll.number] = exchange
      held[session] = poll.number
    }
    return compare()
  }

  /// Held connects are answered when the model says so, with the text that it says.
  private func compare() -> String? {
    for (number, poll) in polls {
      guard poll.outcome == model.answers[number] ?? .waiting else {
        return "connect \(number) has \(poll.outcome), not \(model.answers[number] ?? .waiting)"
      }
      guard !poll.isWaiting else { continue }
      polls[number] = nil
      if let session = held.first(where: { $0.value == number })?.key { held[session] = nil }
      if let session = clientIDs.firstIndex(of: poll.session?.id.text ?? "") { note(poll.text, for: session) }
    }
    var (alive, queued) = (0, 0)
    for session in model.sessions where session.isAlive {
      alive += 1
      queued += session.queue.count
    }
    let kept = model.backlog.values.reduce(0) { $0 + $1.count }
    guard alive == scene.sessionCount else { return "\(scene.sessionCount) sessions, not \(alive)" }
    guard queued == scene.waiting else { return "\(scene.waiting) messages wait, not \(queued)" }
    guard kept == scene.personalWaiting else { return "\(scene.personalWaiting) are kept for users, not \(kept)" }
    return nil
  }

  // MARK: what does not need the model

  /// Notes the events of an answer; their data are numbers.
  private func note(_ text: String, for session: Int) {
    for piece in text.split(separator: #"{"data":"#).dropFirst() {
      if let number = Int(piece.prefix { $0.isNumber }) { received[session].append(number) }
    }
  }

  /// Lets everything arrive, and looks at what each session and each user was given.
  func finish() -> String? {
    for shard in scene.shards.indices { if let complaint = play(.bus(shard: shard)) { return complaint } }
    if let complaint = play(.endTurn) { return complaint }
    for user in ["ann", "ben"] {
      if let complaint = handshake(user, 0) { return complaint }
      let session = clientIDs.count - 1
      if let complaint = request(session, [.subscribe("/_genesys")], user, 0) { return complaint }
    }
    for _ in 0..<20 {
      for session in clientIDs.indices where model.sessions[session].isAlive && !model.sessions[session].queue.isEmpty {
        let poll = Part.connect(Part.Poll(number: number()))
        if let complaint = request(session, [poll], model.sessions[session].user, 0) { return complaint }
        if let complaint = play(.endTurn) { return complaint }
      }
    }
    if scene.waiting > 0 || scene.personalWaiting > 0 { return "something waits for ever" }
    return received.indices.lazy.compactMap(complaint(about:)).first ?? lostMessages()
  }

  private func complaint(about session: Int) -> String? {
    let (numbers, user) = (received[session], model.sessions[session].user)
    if Set(numbers).count != numbers.count { return "session \(session) was given something twice: \(numbers)" }
    let personal = numbers.filter { addressees[$0] != nil }
    if personal != personal.sorted() { return "session \(session) was given \(personal)" }
    if personal.contains(where: { addressees[$0] != user }) { return "session \(session) was given what is another's" }
    for shard in scene.shards.indices {
      let published = numbers.filter { origins[$0] == shard }
      if published != published.sorted() { return "session \(session) was given \(published) of shard \(shard)" }
    }
    return nil
  }

  private func lostMessages() -> String? {
    let given = Set(received.joined())
    let missing = addressees.keys.filter { !given.contains($0) }
    if Set(missing) != model.lost { return "\(missing.sorted()) reached nobody; \(model.lost.sorted()) were given up" }
    let counters = scene.counters
    let gone =
      counters.personalExpired + counters.personalDroppedFull + counters.personalDroppedBytes
      + counters.personalDroppedUsers
    if gone < missing.count { return "\(missing.count) messages were lost, and \(gone) counted" }
    return nil
  }
}
