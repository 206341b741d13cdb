// SPDX-License-Identifier: Apache-2.0
import Bytes
import Glibc
import Reactor
import Synchronization
import Testing

@Suite struct FarewellTests {
  @Test func aPeerThatStillSendsGetsTheAnswerAndNotAReset() throws {
    let loop = try EventLoop()
    let (probe, peer) = try Sockets.tcpPair(on: loop)
    probe.onBytes = {
      $0.send(Array("too large".utf8))
      $0.closeAfterDraining(.local("refused"), by: loop.now + .seconds(20), dropping: 20_000_000)
    }
    let seen = Mutex<(sent: Int, answer: [UInt8]?)>((0, nil))
    let sender = try LoopThread.start(name: "sender") {
      // More than the kernel's buffers hold, so that it is still being sent when the answer is given.
      let sent = peer.send([UInt8](repeating: 7, count: 16_000_000))
      let answer = peer.readAll()
      seen.withLock { $0 = (sent, answer) }
      peer.hangUp()
    }
    #expect(loop.run(until: { probe.isClosed }))
    sender.join()
    let (sent, answer) = seen.withLock { $0 }
    #expect(sent == 16_000_000)
    #expect(answer == Array("too large".utf8))
    #expect(probe.reasons == [.local("refused")])
    // Nothing is received after the goodbye, not even the end.
    #expect(probe.receptions == 1)
    #expect(probe.ends == 0)
  }

  @Test func whatIsPendingIsSentBeforeTheEnd() throws {
    let loop = try EventLoop()
    let (probe, peer) = try Sockets.pair(on: loop, bufferBytes: 4096)
    let all = pattern(0..<2_000_000)
    probe.send(all)
    probe.closeAfterDraining(by: loop.now + .seconds(20))
    probe.send([1, 2, 3])
    #expect(probe.pendingBytes > 0)
    let read = Mutex<[UInt8]?>(nil)
    let reader = try LoopThread.start(name: "reader") {
      let bytes = peer.readAll()
      read.withLock { $0 = bytes }
      peer.hangUp()
    }
    #expect(loop.run(until: { probe.isClosed }))
    reader.join()
    #expect(read.withLock { $0 } == all)
    #expect(probe.reasons == [.local("done")])
    #expect(probe.drains == 0)
  }

  @Test func aPeerThatReadsNothingIsLeftAtTheDeadline() throws {
    let loop = try EventLoop()
    let (probe, peer) = try Sockets.pair(on: loop, bufferBytes: 4096)
    probe.send(pattern(0..<2_000_000))
    let deadline = loop.now + .milliseconds(30)
    probe.closeAfterDraining(by: deadline)
    #expect(loop.run(until: { probe.isClosed }))
    #expect(EventLoop.clock() >= deadline)
    #expect(probe.reasons == [.stalled])
    _ = peer
  }

  @Test func aPeerThatNeverEndsIsLeftAtTheDeadline() throws {
    let loop = try EventLoop()
    let (probe, peer) = try Sockets.tcpPair(on: loop)
    probe.send([1])
    let deadline = loop.now + .milliseconds(30)
    probe.closeAfterDraining(by: deadline)
    #expect(loop.run(until: { probe.isClosed }))
    #expect(EventLoop.clock() >= deadline)
    #expect(probe.reasons == [.local("done")])
    #expect(peer.readAll() == [1])
  }

  @Test func aPeerThatSendsWithoutEndIsLeftAtTheBound() throws {
    let loop = try EventLoop()
    let (probe, peer) = try Sockets.pair(on: loop)
    probe.closeAfterDraining(by: .distantFuture, dropping: 100_000)
    let sender = try LoopThread.start(name: "sender") { peer.send([UInt8](repeating: 7, count: 10_000_000)) }
    #expect(loop.run(until: { probe.isClosed }))
    sender.join()
    #expect(probe.reasons == [.local("done")])
    #expect(probe.bytes.isEmpty)
  }

  @Test func aPausedConnectionStillSeesThePeersEnd() throws {
    let loop = try EventLoop()
    let (probe, peer) = try Sockets.pair(on: loop)
    probe.pauseReading()
    probe.closeAfterDraining(by: .distantFuture)
    probe.pauseReading()
    peer.hangUp()
    #expect(loop.run(until: { probe.isClosed }))
    #expect(probe.reasons == [.local("done")])
  }

  @Test func aResetBeforeEverythingIsSentIsTheReason() throws {
    let loop = try EventLoop()
    let (probe, peer) = try Sockets.tcpPair(on: loop)
    probe.send([UInt8](repeating: 7, count: 16_000_000))
    probe.closeAfterDraining(by: .distantFuture)
    peer.reset()
    #expect(loop.run(until: { probe.isClosed }))
    #expect(probe.reasons == [.peerReset])
  }

  @Test func theFirstGoodbyeCounts() throws {
    let loop = try EventLoop()
    let (probe, peer) = try Sockets.pair(on: loop)
    probe.closeAfterDraining(.local("first"), by: .distantFuture)
    probe.closeAfterDraining(.local("second"), by: loop.now)
    #expect(loop.turns(in: .milliseconds(20)) <= 3)
    #expect(!probe.isClosed)
    peer.hangUp()
    #expect(loop.run(until: { probe.isClosed }))
    #expect(probe.reasons == [.local("first")])
  }

  @Test func closingOutrightEndsAGoodbye() throws {
    let loop = try EventLoop()
    let (probe, _) = try Sockets.pair(on: loop)
    probe.closeAfterDraining(.local("first"), by: loop.now)
    probe.close(.local("now"))
    #expect(loop.turns(in: .milliseconds(20)) <= 3)
    #expect(probe.reasons == [.local("now")])
  }
}
