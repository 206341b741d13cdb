// SPDX-License-Identifier: Apache-2.0
import Bytes
import Reactor
import Synchronization
import Testing

/// A connection that hops from loop to loop while its peer sends.
@Suite struct MovingTests {
  /// A socket on its way, with what must travel along.
  private struct Parcel: Sendable {
    var descriptor: Int32
    var position: Int
    var hops: Int
  }

  private enum Order: Sendable {
    case adopt(Parcel)
    case stop
  }

  private struct Outcome: Sendable {
    var position = 0
    var hops = 0
    var wrong = 0
    var endings: [CloseReason] = []
  }

  private final class Traveller: Connection {
    var parcel: Parcel
    let next: Mailbox<Order>
    let report: ((inout Outcome) -> Void) -> Void
    let limit: Int

    init(
      _ parcel: Parcel, on loop: EventLoop, next: Mailbox<Order>, report: @escaping ((inout Outcome) -> Void) -> Void
    ) throws(ReactorError) {
      self.parcel = parcel
      self.next = next
      self.report = report
      limit = parcel.position + 50_000
      try super.init(on: loop, adopting: parcel.descriptor)
    }

    override func received(_ bytes: Span<UInt8>) {
      let expected = pattern(parcel.position..<parcel.position + bytes.count)
      if [UInt8](bytes) != expected { report { $0.wrong += 1 } }
      parcel.position += bytes.count
      guard parcel.position >= limit else { return }
      parcel.descriptor = detach()
      parcel.hops += 1
      next.post(.adopt(parcel))
    }

    override func closed(_ reason: CloseReason) {
      report { outcome in
        outcome.position = parcel.position
        outcome.hops = parcel.hops
        outcome.endings.append(reason)
      }
      next.post(.stop)
      loop.stop()
    }
  }

  @Test func aConnectionMovesBetweenTwoLoopsWithoutLosingAByte() throws {
    let outcome = Mutex(Outcome())
    let mailboxes = [try Mailbox<Order>(), try Mailbox<Order>()]
    let threads = try (0..<2).map { index in
      try LoopThread.start(name: "loop \(index)") { loop in
        do {
          try mailboxes[index].attach(to: loop) { orders in
            for order in orders {
              guard case .adopt(let parcel) = order else { return loop.stop() }
              do {
                _ = try Traveller(parcel, on: loop, next: mailboxes[1 - index]) { change in
                  outcome.withLock { change(&$0) }
                }
              } catch {
                Issue.record(error)
                loop.stop()
              }
            }
          }
        } catch {
          Issue.record(error)
          return
        }
        loop.run { .wait }
      }
    }
    let total = 3_000_000
    let home = try EventLoop()
    let (probe, peer) = try Sockets.tcpPair(on: home)
    peer.send(pattern(0..<1000))
    mailboxes[0].post(.adopt(Parcel(descriptor: probe.detach(), position: 0, hops: 0)))
    #expect(probe.isClosed)
    peer.send(pattern(1000..<total))
    peer.endWriting()
    for thread in threads { thread.join() }
    let end = outcome.withLock { $0 }
    #expect(end.position == total)
    #expect(end.wrong == 0)
    #expect(end.hops >= total / 50_000 / 3)
    #expect(end.endings == [.peerClosed])
    #expect(probe.reasons.isEmpty)
  }

  @Test func aDetachedConnectionIsReleasedAndToldNothing() throws {
    let loop = try EventLoop()
    weak var gone: Probe?
    let peer: Peer
    let descriptor: Int32
    do {
      let probe: Probe
      (probe, peer) = try Sockets.pair(on: loop)
      gone = probe
      peer.send("unread")
      descriptor = probe.detach()
      #expect(probe.reasons.isEmpty)
    }
    #expect(gone == nil)
    let heir = try Probe(on: loop, adopting: descriptor)
    #expect(loop.run(until: { heir.receptions == 1 }))
    #expect(heir.bytes == Array("unread".utf8))
    heir.close(.local("test"))
  }
}
