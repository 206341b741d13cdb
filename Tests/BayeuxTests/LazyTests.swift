// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

/// Messages of lazy channels wait for another reason to answer, and not longer than they may.
struct LazyTests {
  private func scene() -> Scene {
    Scene {
      $0.rules = rules("/lazy/*") {
        $0.lazy = true
        $0.maxLazyTimeout = .seconds(3)
      }
    }
  }

  @Test func aLazyMessageDoesNotWakeAHeldConnectBeforeItsTime() throws {
    let scene = scene()
    let ann = scene.connectedClient()
    ann.subscribe("/lazy/a")
    let poll = ann.connect()
    try scene.publish("/lazy/a", "1")
    scene.pass(.seconds(2))
    try scene.publish("/lazy/a", "2")
    scene.pass(.seconds(1) - .nanoseconds(1))
    #expect(poll.isWaiting)
    scene.pass(.nanoseconds(1))
    #expect(poll.data == ["1", "2"] && poll.isSuccessful)
    #expect(ann.connect().isWaiting)
  }

  @Test func aLazyMessageRidesWithTheNextAnswer() throws {
    let scene = scene()
    let ann = scene.connectedClient()
    ann.subscribe("/lazy/a")
    ann.subscribe("/b")
    let poll = ann.connect()
    try scene.publish("/lazy/a", "1")
    try scene.publish("/b", "2")
    #expect(poll.data == ["1", "2"])
    try scene.publish("/lazy/a", "3")
    #expect(ann.publish("/service/x").data == ["3"], "with any reply")
    let next = ann.connect()
    scene.pass(.seconds(10))
    #expect(next.isWaiting, "what has been delivered has no deadline")
  }

  @Test func aConnectIsHeldWhileOnlyLazyMessagesWait() throws {
    let scene = scene()
    let ann = scene.connectedClient()
    ann.subscribe("/lazy/a")
    try scene.publish("/lazy/a", "1")
    scene.pass(.seconds(1))
    let poll = ann.connect()
    #expect(poll.isWaiting)
    scene.pass(.seconds(2))
    #expect(poll.data == ["1"])
    try scene.publish("/lazy/a", "2")
    scene.pass(.seconds(3))
    #expect(ann.connect().data == ["2"], "it has waited long enough already")
  }

  @Test func theHoldEndsAllTheSame() throws {
    let scene = scene()
    let ann = scene.connectedClient()
    ann.subscribe("/lazy/a")
    let poll = ann.connect(#","advice":{"timeout":1000}"#)
    try scene.publish("/lazy/a", "1")
    scene.pass(.seconds(1))
    #expect(poll.data == ["1"])
    try scene.publish("/lazy/a", "2")
    scene.pass(.seconds(29))
    #expect(ann.isKnown)
    scene.pass(.seconds(2))
    #expect(!ann.isKnown, "a waiting message keeps no session alive")
  }

  @Test func whatIsUnconfirmedAndLazyWaitsForAnotherReason() throws {
    let scene = scene()
    let ann = scene.client()
    ann.handshake(#","ext":{"ack":true}"#)
    ann.connect()
    ann.subscribe("/lazy/a")
    let poll = ann.connect(#","advice":{"timeout":1000}"#)
    try scene.publish("/lazy/a", "1")
    scene.pass(.seconds(1))
    #expect(poll.data == ["1"])
    // Not confirmed: it comes again, but is no reason to come at once.
    let next = ann.connect()
    #expect(next.isWaiting)
    scene.pass(.seconds(60))
    #expect(next.data == ["1"])
  }

  @Test func aFullQueueOfLazyMessagesIsFull() throws {
    let scene = Scene {
      $0.rules = rules("/lazy") { $0.lazy = true }
      $0.limits.maxQueueMessages = 2
    }
    let ann = scene.connectedClient()
    ann.subscribe("/lazy")
    let poll = ann.connect()
    for _ in 0..<2 { try scene.publish("/lazy", "1") }
    #expect(poll.isWaiting)
    try scene.publish("/lazy", "1")
    #expect(!poll.isWaiting && !ann.isKnown)
  }

  /// A stream without sockets: it takes what it is given.
  private final class Socket: StreamConduit {
    var heldSession: Session?
    var streamSessions: [Session] = []
    var streamUser: [UInt8] = []
    var isStalled = false
  }

  @Test(arguments: [true, false]) func aStreamIsPushedToWhenTheTimeHasCome(_ acknowledges: Bool) throws {
    var options = BayeuxOptions()
    options.rules = rules("/lazy") { $0.lazy = true }
    var broker = Broker(options: options)
    let socket = Socket()
    var now = Instant(nanoseconds: 0)
    var out = ByteWriter()
    func send(_ broker: inout Broker, _ text: String) throws -> JSONValue {
      out.clear()
      let body = Array(text.utf8)
      _ = broker.receive(body.span, user: [UInt8]().span, onStream: socket, now: now, into: &out)
      return out.isEmpty ? .null : try JSONValue(parsing: out.array.span)
    }
    /// What the turn after the time went by writes.
    func turn(_ broker: inout Broker) -> String? {
      out.clear()
      _ = broker.nextDue(now: now, into: &out)
      switch broker.nextDelivery(now: now, into: &out) {
      case nil: return nil
      case .event(_, _, let payload): return "[\(payload.text)]"
      case .answer, .status: return Payload(out.array).text
      }
    }
    let ext = acknowledges ? #","ext":{"ack":true}"# : ""
    let shake = try send(&broker, #"{"channel":"/meta/handshake"\#(ext)}"#)
    let id = try #require(shake[0]?["clientId"]?.string)
    let connect = #"{"channel":"/meta/connect","clientId":"\#(id)"}"#
    _ = try send(&broker, connect)
    _ = try send(&broker, #"{"channel":"/meta/subscribe","clientId":"\#(id)","subscription":"/lazy"}"#)
    let held = try send(&broker, connect)
    #expect(held == .null)
    let channel = try #require(Channel("/lazy"))
    let payload = Payload(event: channel, data: [0x31].span, ext: [UInt8]().span)
    _ = broker.publish(Publication(channel: channel, payload: payload), now: now)
    let early = turn(&broker)
    now = now + (.seconds(5) - .nanoseconds(1))
    let late = turn(&broker)
    #expect(early == nil && late == nil)
    now = now + .nanoseconds(1)
    let text = turn(&broker)
    #expect(text?.hasPrefix(#"[{"data":1,"channel":"/lazy"}"#) == true)
    #expect(text?.contains("/meta/connect") == acknowledges, "where events go with connects only, this one ends")
    let after = turn(&broker)
    #expect(after == nil)
  }
}
