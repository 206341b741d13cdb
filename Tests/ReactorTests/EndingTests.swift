// SPDX-License-Identifier: Apache-2.0
import Bytes
import Glibc
import Reactor
import Testing

@Suite struct EndingTests {
  @Test func aHangUpOfAWaitingClientIsSeenAtOnce() throws {
    let loop = try EventLoop()
    let (probe, peer) = try Sockets.tcpPair(on: loop)
    peer.hangUp()
    var turns = 0
    loop.run {
      turns += 1
      loop.stop()
      return .wait
    }
    #expect(turns == 1)
    #expect(probe.reasons == [.peerClosed])
    #expect(probe.ends == 1)
  }

  @Test func aResetIsToldAsOne() throws {
    let loop = try EventLoop()
    let (probe, peer) = try Sockets.tcpPair(on: loop)
    peer.reset()
    #expect(loop.run(until: { probe.isClosed }))
    #expect(probe.reasons == [.peerReset])
  }

  @Test func sendingOnABrokenConnectionClosesItLaterAndOnce() throws {
    let loop = try EventLoop()
    let (probe, peer) = try Sockets.pair(on: loop)
    peer.hangUp()
    probe.send([1])
    probe.send([2])
    // The caller, perhaps in the middle of a walk over many, still has its connection.
    #expect(probe.reasons.isEmpty)
    #expect(!probe.isClosed)
    probe.pauseReading()
    #expect(loop.run(until: { probe.isClosed }))
    #expect(probe.reasons == [.peerReset])
    #expect(probe.ends == 0)
    probe.close(.local("again"))
    #expect(probe.reasons.count == 1)
  }

  @Test func aClientThatEndedItsHalfStillGetsItsAnswer() throws {
    let loop = try EventLoop()
    let (probe, peer) = try Sockets.tcpPair(on: loop)
    probe.onEnd = { _ in }
    peer.send("question")
    peer.endWriting()
    #expect(loop.run(until: { probe.ends == 1 }))
    #expect(probe.bytes == Array("question".utf8))
    // The end stays readable for ever, and must not be read for ever.
    #expect(loop.turns(in: .milliseconds(30)) <= 3)
    #expect(probe.ends == 1)
    probe.pauseReading()
    probe.resumeReading()
    #expect(loop.turns(in: .milliseconds(30)) <= 3)
    probe.send(Array("answer".utf8))
    probe.closeAfterDraining(.local("answered"), by: loop.now + .seconds(20))
    #expect(probe.reasons == [.local("answered")])
    #expect(peer.readAll() == Array("answer".utf8))
  }

  @Test func aResetAfterAHalfCloseIsNoticedByWriting() throws {
    let loop = try EventLoop()
    let (probe, peer) = try Sockets.tcpPair(on: loop)
    probe.onEnd = { _ in }
    peer.endWriting()
    #expect(loop.run(until: { probe.ends == 1 }))
    peer.reset()
    probe.send([1])
    #expect(loop.run(until: { probe.isClosed }))
    #expect(probe.reasons == [.peerReset])
  }

  @Test func aResetWhileOutputWaitsEndsIt() throws {
    let loop = try EventLoop()
    let (probe, peer) = try Sockets.tcpPair(on: loop)
    probe.send([UInt8](repeating: 7, count: 16_000_000))
    #expect(probe.pendingBytes > 0)
    peer.reset()
    #expect(loop.run(until: { probe.isClosed }))
    #expect(probe.reasons == [.peerReset])
    #expect(probe.pendingBytes == 0)
  }

  @Test func aConnectionMayCloseAndGoInItsOwnCallback() throws {
    let loop = try EventLoop()
    weak var gone: Probe?
    var (probe, peer): (Probe?, Peer) = try Sockets.pair(on: loop)
    gone = probe
    var reasons: [CloseReason] = []
    probe?.onBytes = {
      $0.close(.local("enough"))
      reasons = $0.reasons
      $0.close(.local("twice"))
      $0.send([1])
      $0.pauseReading()
      $0.resumeReading()
      $0.closeAfterDraining(by: .distantFuture)
      reasons = $0.reasons
    }
    probe = nil
    #expect(gone != nil)
    peer.send("x")
    #expect(loop.run(until: { gone == nil }))
    #expect(reasons == [.local("enough")])
    #expect(peer.readAll() == [])
    _ = probe
  }

  @Test func ofTwoReadableConnectionsTheFirstMayCloseTheSecond() throws {
    let loop = try EventLoop()
    let pairs = try (0..<2).map { _ in try Sockets.pair(on: loop) }
    let probes = pairs.map(\.0)
    for (index, probe) in probes.enumerated() {
      probe.onBytes = { _ in probes[1 - index].close(.local("by the other")) }
    }
    for (_, peer) in pairs { peer.send("x") }
    #expect(loop.run(until: { probes.contains { $0.isClosed } }))
    _ = loop.turns(in: .milliseconds(10))
    #expect(probes.map(\.receptions).sorted() == [0, 1])
    #expect(probes.flatMap(\.reasons) == [.local("by the other")])
    for probe in probes {
      probe.onBytes = nil
      probe.close(.local("test"))
    }
  }

  @Test func aTimerMayCloseAConnectionThatIsReadable() throws {
    let loop = try EventLoop()
    let (probe, peer) = try Sockets.pair(on: loop)
    peer.send("x")
    let timer = Timer(on: loop) { probe.close(.local("too late")) }
    timer.schedule(at: loop.now)
    #expect(loop.run(until: { probe.isClosed }))
    #expect(probe.reasons == [.local("too late")])
    #expect(probe.receptions <= 1)
  }
}
