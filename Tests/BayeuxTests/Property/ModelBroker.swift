// SPDX-License-Identifier: Apache-2.0

/// What a broker has to do, in the plainest form: arrays that are searched from end to end, no queue of deadlines, no
/// memory reused. It gives the very text of every answer.
struct ModelBroker {
  struct Options {
    var hold = 55_000
    var maxInterval = 30_000
    var queueMessages = 6
    var responseBytes = 100
    var backlogMessages = 4
    var backlogAge = 40_000
  }
  struct Item {
    let text: String
    /// The number of a message for a user; nil for what was published to a channel.
    let personal: Int?
  }
  struct Held {
    let poll: Part.Poll
    let until: Int
  }
  struct Session {
    let user: String
    let shard: Int
    var expires: Int
    var isAlive = true
    var hasConnected = false
    var held: Held?
    var queue: [Item] = []
    var channels: Set<String> = []
    var isPersonal = false
  }
  struct Kept {
    let number: Int
    let text: String
    let arrival: Int
  }

  let options = Options()
  var now = 0
  var sessions: [Session] = []
  var backlog: [String: [Kept]] = [:]
  /// Messages for users that nobody was handed before they had to go.
  var lost: Set<Int> = []
  var bus: [[(channel: String, text: String)]]
  /// How held connects were answered, by their number; `nextTurn` is told at the end of the turn.
  var answers: [Int: Exchange.Outcome] = [:]
  private var nextTurn: [Int: Exchange.Outcome] = [:]

  init(shards: Int) { bus = Array(repeating: [], count: shards) }

  // MARK: requests

  mutating func handshake(user: String, shard: Int) {
    sessions.append(Session(user: user, shard: shard, expires: now + options.maxInterval))
  }

  /// Nil if the connect is held.
  mutating func request(_ index: Int, _ parts: [Part], user: String, isScript: Bool) -> String? {
    let isForeign =
      sessions[index].isAlive && !user.isEmpty && user != sessions[index].user && !sessions[index].user.isEmpty
    if !isForeign, sessions[index].isAlive, parts.count == 1, case .connect(let poll) = parts[0] {
      let isFirst = begin(index, poll)
      let timeout = poll.timeout ?? options.hold
      guard !isFirst, sessions[index].queue.isEmpty, timeout > 0 else {
        return "[" + take(index) + connectReply(poll, isFirst: isFirst) + "]"
      }
      sessions[index].held = Held(poll: poll, until: now + timeout)
      return nil
    }
    let replies = parts.map { isForeign ? refusal($0, "403::gms_user mismatch") : answer(index, $0, user: user) }
    let carriesEvents = !isScript || parts.contains(where: \.isConnect)
    let events = carriesEvents && sessions[index].isAlive && !isForeign ? take(index) : ""
    return "[" + events + replies.joined(separator: ",") + "]"
  }

  private mutating func answer(_ index: Int, _ part: Part, user: String) -> String {
    guard sessions[index].isAlive else {
      if case .disconnect = part, !user.isEmpty { return success(part) }
      return refusal(part, "402::session_unknown", advice: #""advice":{"interval":0,"reconnect":"handshake"},"#)
    }
    if sessions[index].held == nil {
      sessions[index].expires = max(sessions[index].expires, now + options.maxInterval)
    }
    switch part {
    case .publish(let channel, let data):
      let text = #"{"data":\#(data),"channel":"\#(channel)"}"#
      fanOut(channel, text, on: sessions[index].shard)
      for shard in bus.indices where shard != sessions[index].shard { bus[shard].append((channel, text)) }
    case .subscribe("/_genesys"):
      if sessions[index].user.isEmpty { return refusal(part, "403:/_genesys:gms_user required") }
      if !sessions[index].isPersonal { join(index) }
    case .subscribe(let channel): sessions[index].channels.insert(channel)
    case .unsubscribe("/_genesys"): leave(index)
    case .unsubscribe(let channel): sessions[index].channels.remove(channel)
    case .disconnect: end(index, advice: "none")
    case .connect(let poll): return connectReply(poll, isFirst: begin(index, poll))
    }
    return success(part)
  }

  /// Whether it was the session's first connect.
  private mutating func begin(_ index: Int, _ poll: Part.Poll) -> Bool {
    if let older = sessions[index].held { nextTurn[older.poll.number] = .status(500) }
    let isFirst = !sessions[index].hasConnected
    sessions[index].held = nil
    sessions[index].hasConnected = true
    sessions[index].expires = now + (poll.interval ?? 0) + options.maxInterval
    return isFirst
  }

  mutating func hangUp(_ index: Int) { release(index) }

  @discardableResult
  private mutating func release(_ index: Int) -> Part.Poll? {
    guard let held = sessions[index].held else { return nil }
    sessions[index].held = nil
    sessions[index].expires = now + (held.poll.interval ?? 0) + options.maxInterval
    return held.poll
  }

  // MARK: events

  private mutating func fanOut(_ channel: String, _ text: String, on shard: Int) {
    let segments = channel.split(separator: "/")
    for index in sessions.indices where sessions[index].isAlive && sessions[index].shard == shard {
      let reached = sessions[index].channels.contains { pattern in
        let wanted = pattern.split(separator: "/")
        switch wanted.last {
        case "*": return segments.count == wanted.count && segments.dropLast() == wanted.dropLast()
        case "**": return segments.count >= wanted.count && segments.starts(with: wanted.dropLast())
        default: return pattern == channel
        }
      }
      if reached { sessions[index].queue.append(Item(text: text, personal: nil)) }
    }
  }

  mutating func deliver(_ number: Int, to user: String) {
    let text = #"{"data":\#(number),"channel":"/_genesys"}"#
    backlog[user, default: []].append(Kept(number: number, text: text, arrival: now))
    for index in sessions.indices where sessions[index].isPersonal && sessions[index].user == user {
      sessions[index].queue.append(Item(text: text, personal: number))
    }
    bound(user)
  }

  private mutating func join(_ index: Int) {
    sessions[index].isPersonal = true
    let queued = Set(sessions[index].queue.compactMap(\.personal))
    for kept in backlog[sessions[index].user, default: []] where !queued.contains(kept.number) {
      sessions[index].queue.append(Item(text: kept.text, personal: kept.number))
    }
  }

  private mutating func leave(_ index: Int) {
    guard sessions[index].isPersonal else { return }
    sessions[index].isPersonal = false
    bound(sessions[index].user)
  }

  private func isPresent(_ user: String) -> Bool { sessions.contains { $0.isPersonal && $0.user == user } }

  private mutating func bound(_ user: String) {
    while !isPresent(user), backlog[user, default: []].count > options.backlogMessages {
      lost.insert(backlog[user, default: []].removeFirst().number)
    }
  }

  /// What waits for a session, as much as fits one response, each event followed by a comma.
  private mutating func take(_ index: Int) -> String {
    var text = ""
    while text.utf8.count < options.responseBytes, let item = sessions[index].queue.first {
      sessions[index].queue.removeFirst()
      text += item.text + ","
      if let number = item.personal {
        backlog[sessions[index].user]?.removeAll { $0.number == number }
        lost.remove(number)
      }
    }
    return text
  }

  // MARK: time and turns

  mutating func pass(_ milliseconds: Int) {
    now += milliseconds
    for index in sessions.indices where sessions[index].isAlive {
      if let held = sessions[index].held {
        guard held.until <= now, let poll = release(index) else { continue }
        answers[poll.number] = .answered("[" + take(index) + connectReply(poll, isFirst: false) + "]")
      } else if sessions[index].expires <= now {
        end(index, advice: "retry")
      }
    }
    for (user, kept) in backlog where !isPresent(user) {
      lost.formUnion(kept.filter { $0.arrival + options.backlogAge <= now }.map(\.number))
      backlog[user] = kept.filter { $0.arrival + options.backlogAge > now }
    }
  }

  mutating func runBus(to shard: Int) {
    let arriving = bus[shard]
    bus[shard] = []
    for (channel, text) in arriving { fanOut(channel, text, on: shard) }
  }

  mutating func endTurn() {
    for index in sessions.indices where sessions[index].isAlive && !sessions[index].queue.isEmpty {
      if sessions[index].queue.count > options.queueMessages {
        end(index, advice: "retry")
      } else if let poll = release(index) {
        answers[poll.number] = .answered("[" + take(index) + connectReply(poll, isFirst: false) + "]")
      }
    }
    answers.merge(nextTurn) { _, new in new }
    nextTurn = [:]
  }

  private mutating func end(_ index: Int, advice: String) {
    if let poll = release(index) {
      let reply = connectReply(poll, advice: #""advice":{"interval":0,"reconnect":"\#(advice)","timeout":60000},"#)
      nextTurn[poll.number] = .answered("[\(reply)]")
    }
    sessions[index].isAlive = false
    sessions[index].queue = []
    sessions[index].channels = []
    leave(index)
  }

  // MARK: texts

  private func success(_ part: Part) -> String { #"{\#(part.echo)"successful":true,"channel":"\#(part.channel)"}"# }

  private func refusal(_ part: Part, _ error: String, advice: String = "") -> String {
    #"{\#(part.echo)"successful":false,"error":"\#(error)",\#(advice)"channel":"\#(part.channel)"}"#
  }

  private func connectReply(_ poll: Part.Poll, isFirst: Bool) -> String {
    guard isFirst || poll.timeout != nil || poll.interval != nil else { return connectReply(poll, advice: "") }
    return connectReply(
      poll, advice: #""advice":{"interval":\#(poll.interval ?? 0),"reconnect":"retry","timeout":60000},"#)
  }

  private func connectReply(_ poll: Part.Poll, advice: String) -> String {
    #"{"id":"\#(poll.number)","successful":true,\#(advice)"channel":"/meta/connect"}"#
  }
}
