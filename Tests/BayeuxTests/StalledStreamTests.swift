// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

/// Several sessions on one stream whose reader does not keep up.
struct StalledStreamTests {
  private final class Socket: StreamConduit {
    var heldSession: Session?
    var streamSessions: [Session] = []
    var streamUser: [UInt8] = []
    var isStalled = false
  }

  private final class Desk {
    var broker = Broker(options: BayeuxOptions())
    var now = Instant(nanoseconds: 0)
    var out = ByteWriter()

    @discardableResult
    func send(_ text: String, on socket: Socket) throws -> JSONValue {
      out.clear()
      let body = Array(text.utf8)
      _ = broker.receive(body.span, user: [UInt8]().span, onStream: socket, now: now, into: &out)
      return out.isEmpty ? .null : try JSONValue(parsing: out.array.span)
    }

    /// A session with a held connect, subscribed to `/a`; its clientId.
    func session(on socket: Socket) throws -> String {
      let id = try #require(try send(#"{"channel":"/meta/handshake"}"#, on: socket)[0]?["clientId"]?.string)
      try connect(id, on: socket)
      try send(#"{"channel":"/meta/subscribe","clientId":"\#(id)","subscription":"/a"}"#, on: socket)
      try connect(id, on: socket)
      return id
    }

    func connect(_ id: String, on socket: Socket) throws {
      try send(#"{"channel":"/meta/connect","clientId":"\#(id)","connectionType":"websocket"}"#, on: socket)
    }

    func publish(_ number: Int) throws {
      let channel = try #require(Channel("/a"))
      let payload = Payload(event: channel, data: Array("\(number)".utf8).span, ext: [UInt8]().span)
      _ = broker.publish(Publication(channel: channel, payload: payload), now: now)
    }

    /// What a turn writes: the socket and the text of each message.
    func turn() -> [(conduit: any Conduit, text: String)] {
      var written: [(any Conduit, String)] = []
      while true {
        out.clear()
        guard let delivery = broker.nextDelivery(now: now, into: &out) ?? broker.nextDue(now: now, into: &out) else {
          return written
        }
        if case .event(_, _, let payload) = delivery {
          written.append((delivery.conduit, "[\(payload.text)]"))
        } else {
          written.append((delivery.conduit, Payload(out.array).text))
        }
      }
    }
  }

  private func event(_ number: Int) -> String { #"{"data":\#(number),"channel":"/a"}"# }

  @Test func nobodyIsPushedToWhileTheReaderOfTheirStreamIsBehind() throws {
    let desk = Desk()
    let socket = Socket()
    for _ in 0..<2 { _ = try desk.session(on: socket) }
    socket.isStalled = true
    for number in 1...2 { try desk.publish(number) }
    let behind = desk.turn()
    #expect(behind.isEmpty)
    socket.isStalled = false
    desk.broker.streamDrained(socket)
    let caughtUp = desk.turn().map(\.text)
    let both = "[\(event(1)),\(event(2))]"
    #expect(caughtUp == [both, both])
  }

  @Test func sessionsThatStallOnOneStreamAllGoOn() throws {
    let desk = Desk()
    let socket = Socket()
    for _ in 0..<3 { _ = try desk.session(on: socket) }
    let sessions = socket.streamSessions
    for session in sessions { desk.broker.answerStalled(session, on: socket) }
    socket.isStalled = true
    try desk.publish(1)
    _ = desk.turn()
    for session in sessions { desk.broker.answerSettled(session, on: socket, now: desk.now) }
    socket.isStalled = false
    desk.broker.streamDrained(socket)
    #expect(sessions.allSatisfy { !$0.isWriting })
    let texts = desk.turn().map(\.text)
    #expect(texts == Array(repeating: "[\(event(1))]", count: 3))
  }

  @Test func whoMovesToANewStreamIsPushedToThereAtOnce() throws {
    let desk = Desk()
    let (old, new) = (Socket(), Socket())
    let id = try desk.session(on: old)
    let session = try #require(old.streamSessions.first)
    old.isStalled = true
    desk.broker.answerStalled(session, on: old)
    for number in 1...2 { try desk.publish(number) }
    let behind = desk.turn()
    #expect(behind.isEmpty)
    try desk.connect(id, on: new)
    try desk.publish(3)
    let written = desk.turn()
    let texts = written.map(\.text).joined()
    #expect(!written.isEmpty && written.allSatisfy { $0.conduit === new })
    // The first two may have come with the reply to the connect.
    #expect(texts.contains(event(3)))
    #expect(session.queue.isEmpty && !session.isWriting)
    // The old one is written, or gone: that is no matter of the session any more.
    let before = session.deadline
    desk.now = desk.now + .seconds(1)
    desk.broker.answerSettled(session, on: old, now: desk.now)
    #expect(session.deadline == before)
  }

  @Test func aSessionThatStalledEndsInTimeOnceItsStreamIsGone() throws {
    let desk = Desk()
    let socket = Socket()
    for _ in 0..<2 { _ = try desk.session(on: socket) }
    let sessions = socket.streamSessions
    for session in sessions { desk.broker.answerStalled(session, on: socket) }
    for session in sessions { desk.broker.answerSettled(session, on: socket, now: desk.now) }
    desk.broker.streamClosed(socket, now: desk.now)
    desk.now = desk.now + .seconds(31)
    _ = desk.turn()
    #expect(desk.broker.sessionCount == 0)
  }
}
