// SPDX-License-Identifier: Apache-2.0
import Bytes
import Glibc
import Reactor
import Wire

/// How a server lies, or is merely odd. Numbers are of deliveries to one client: every how many-th.
struct Faults: Sendable {
  var losesEvery = 0
  var doublesEvery = 0
  /// Comes only after the next one.
  var delaysEvery = 0
  /// Goes to another client too.
  var misdeliversEvery = 0
  /// Answers in chunks, with blanks, escapes, another order of members and a cookie that has to come back.
  var isOdd = false
  var refusesPublishing = false
  var deniesHandshakes = false
  /// Forgets a session after so many polls.
  var forgetsAfterPolls = 0
  /// Answers publications by something that is no HTTP.
  var babbles = false
  /// Never answers a first connect before there is an event.
  var holdsFirstConnect = false
}

/// A small Bayeux server on a thread of its own, by long-polling and websocket: honest, or lying on request.
final class CannedServer {
  let port: Int
  private let thread: LoopThread
  private let stopping: Mailbox<Void>

  init(_ faults: Faults = Faults()) throws {
    let group = try ListenerGroup.open(try SocketAddress(host: "127.0.0.1", port: 0), count: 1)
    port = group.address.port
    let stopping = try Mailbox<Void>()
    self.stopping = stopping
    let descriptor = group.descriptors[0]
    thread = try LoopThread.start(name: "canned") { loop in
      let hub = Hub(faults, loop)
      let listener = try? Listener(on: loop, adopting: descriptor) { descriptor, _ in
        if let visitor = try? Visitor(hub, adopting: descriptor) { hub.visitors.append(visitor) }
      }
      try? stopping.attach(to: loop) { _ in loop.stop() }
      loop.run {
        hub.flush()
        return .wait
      }
      listener?.close()
      hub.close()
    }
  }

  var url: String { "http://127.0.0.1:\(port)/cometd" }
  var socketURL: String { "ws://127.0.0.1:\(port)/cometd" }

  func stop() {
    stopping.post(())
    thread.join()
  }
}

/// All sessions.
final class Hub {
  final class Session {
    let id: String
    var channels: Set<String> = []
    var queue: [String] = []
    var delayed: String?
    var deliveries = 0
    var polls = 0
    /// Where a poll is held, and its id; on a websocket, where everything goes.
    weak var visitor: Visitor?
    var heldID: String?
    init(_ id: String) { self.id = id }
  }

  let faults: Faults
  let loop: EventLoop
  var visitors: [Visitor] = []
  private var sessions: [String: Session] = [:]
  private var order: [Session] = []
  private var dirty: [Session] = []

  init(_ faults: Faults, _ loop: EventLoop) {
    self.faults = faults
    self.loop = loop
  }

  func close() {
    for visitor in visitors { visitor.close(.local("done")) }
    visitors = []
    sessions = [:]
    order = []
  }

  func publish(_ channel: String, _ data: String) {
    for (index, session) in order.enumerated() where session.channels.contains(channel) {
      session.deliveries += 1
      let event =
        faults.isOdd
        ? "{ \"data\" : \(data) , \"channel\":\(escaped(channel)) }" : "{\"channel\":\"\(channel)\",\"data\":\(data)}"
      func every(_ number: Int) -> Bool { number > 0 && session.deliveries % number == 0 }
      if every(faults.losesEvery) { continue }
      if every(faults.delaysEvery) {
        session.delayed = event
        continue
      }
      session.queue.append(event)
      if every(faults.doublesEvery) { session.queue.append(event) }
      if let delayed = session.delayed {
        session.queue.append(delayed)
        session.delayed = nil
      }
      dirty.append(session)
      if every(faults.misdeliversEvery) {
        let other = order[(index + 1) % order.count]
        other.queue.append(event)
        dirty.append(other)
      }
    }
  }

  private func escaped(_ channel: String) -> String { "\"\(channel.replacing("/", with: "\\/"))\"" }

  /// Answers what is held and has something to be answered with.
  func flush() {
    let sessions = dirty
    dirty = []
    for session in sessions { deliver(session) }
  }

  private func deliver(_ session: Session) {
    guard !session.queue.isEmpty, let visitor = session.visitor else { return }
    if visitor.isWebSocket {
      visitor.answer("[\(session.queue.joined(separator: ","))]")
      session.queue = []
    } else if let id = session.heldID {
      session.heldID = nil
      let reply = "{\"successful\":true,\"channel\":\"/meta/connect\",\"id\":\"\(id)\"}"
      visitor.answer("[\((session.queue + [reply]).joined(separator: ","))]")
      session.queue = []
    }
  }

  /// Takes one message; the reply, or nil where the answer comes later.
  func take(_ message: JSONValue, from visitor: Visitor) -> String? {
    let channel = message["channel"]?.string ?? ""
    let id = message["id"]?.string ?? ""
    let start = "{\"channel\":\"\(channel)\",\"id\":\"\(id)\","
    if channel == "/meta/handshake" { return handshake(start) }
    guard let session = sessions[message["clientId"]?.string ?? ""] else {
      return start + #""successful":false,"error":"402::unknown","advice":{"reconnect":"handshake","interval":0}}"#
    }
    switch channel {
    case "/meta/subscribe":
      session.channels.insert(message["subscription"]?.string ?? "")
      return start + #""successful":true,"subscription":\#((message["subscription"] ?? .null).text)}"#
    case "/meta/connect": return connect(session, message, start, id, visitor)
    default:
      if faults.refusesPublishing { return start + #""successful":false,"error":"403::no"}"# }
      publish(channel, (message["data"] ?? .null).text)
      return start + #""successful":true}"#
    }
  }

  private func handshake(_ start: String) -> String {
    if faults.deniesHandshakes {
      return start + #""successful":false,"error":"403::denied","advice":{"reconnect":"none"}}"#
    }
    let session = Session("client\(order.count)")
    sessions[session.id] = session
    order.append(session)
    return start + #""successful":true,"clientId":"\#(session.id)","advice":{"reconnect":"retry","interval":0}}"#
  }

  private func connect(
    _ session: Session, _ message: JSONValue, _ start: String, _ id: String, _ visitor: Visitor
  ) -> String? {
    session.polls += 1
    session.visitor = visitor
    if faults.forgetsAfterPolls > 0, session.polls > faults.forgetsAfterPolls {
      sessions[session.id] = nil
      return start + #""successful":false,"error":"402::unknown","advice":{"reconnect":"handshake","interval":0}}"#
    }
    if message["advice"]?["timeout"]?.int == 0, !faults.holdsFirstConnect { return start + #""successful":true}"# }
    session.heldID = id
    dirty.append(session)
    return nil
  }
}
