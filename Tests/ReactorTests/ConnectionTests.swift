// SPDX-License-Identifier: Apache-2.0
import Bytes
import Glibc
import Synchronization
import Testing

@testable import Reactor

@Suite struct ConnectionTests {
  @Test func bytesComeInAndGoOutWithoutAnythingPending() throws {
    let loop = try EventLoop()
    let (probe, peer) = try Sockets.pair(on: loop)
    probe.onBytes = { $0.send($0.bytes) }
    peer.send("hello")
    #expect(loop.run(until: { probe.receptions == 1 }))
    #expect(peer.read() == Array("hello".utf8))
    #expect(probe.pendingBytes == 0)
    #expect(probe.drains == 0)
    #expect(!probe.isClosed)
    probe.close(.local("test"))
  }

  @Test func moreThanOneScratchComesInPiecesAndInOrder() throws {
    let loop = try EventLoop()
    let (probe, peer) = try Sockets.pair(on: loop)
    let all = pattern(0..<300_000)
    let writer = try LoopThread.start(name: "writer") { peer.send(all) }
    #expect(loop.run(until: { probe.bytes.count == all.count }))
    writer.join()
    #expect(probe.bytes == all)
    #expect(probe.receptions >= 300_000 / ReactorLimits.readScratchBytes)
    probe.close(.local("test"))
  }

  @Test func whatASlowReaderDoesNotTakeWaitsAndArrivesWhole() throws {
    let loop = try EventLoop()
    let (probe, peer) = try Sockets.pair(on: loop, bufferBytes: 4096)
    let total = 8 * 1024 * 1024
    let all = pattern(0..<total)
    // In many parts, so that some are appended while others are being written.
    var sent = 0
    func sendNext(_ count: Int) {
      let end = min(total, sent + count)
      all[sent..<end].withUnsafeBytes { probe.send($0) }
      sent = end
    }
    sendNext(total / 2)
    #expect(probe.pendingBytes > total / 4)
    let read = Mutex<[UInt8]?>(nil)
    let reader = try LoopThread.start(name: "reader") {
      let bytes = peer.readAll(chunk: 16 * 1024)
      read.withLock { $0 = bytes }
    }
    var turns = 0
    loop.run {
      turns += 1
      if sent < total { sendNext(100_000) }
      if probe.pendingBytes == 0, sent == total { loop.stop() }
      return .wait
    }
    #expect(turns > 1)
    #expect(probe.drains >= 1)
    probe.close(.local("test"))
    reader.join()
    #expect(read.withLock { $0 } == all)
  }

  @Test func drainedIsToldOnceWhenEverythingIsWritten() throws {
    let loop = try EventLoop()
    let (probe, peer) = try Sockets.pair(on: loop, bufferBytes: 4096)
    var pendingWhenDrained: Int?
    probe.onDrain = { pendingWhenDrained = $0.pendingBytes }
    probe.send(pattern(0..<1_000_000))
    let reader = try LoopThread.start(name: "reader") {
      var count = 0
      while count < 1_000_000, let bytes = peer.read() { count += bytes.count }
    }
    #expect(loop.run(until: { probe.drains > 0 }))
    reader.join()
    #expect(probe.drains == 1)
    #expect(pendingWhenDrained == 0)
    probe.close(.local("test"))
  }

  @Test func drainedMaySendAgain() throws {
    let loop = try EventLoop()
    let (probe, peer) = try Sockets.pair(on: loop, bufferBytes: 4096)
    probe.onDrain = { if $0.drains < 3 { $0.send(pattern(0..<500_000)) } else { $0.close(.local("test")) } }
    probe.send(pattern(0..<500_000))
    let count = Mutex(0)
    let reader = try LoopThread.start(name: "reader") {
      let bytes = peer.readAll()
      count.withLock { $0 = bytes?.count ?? -1 }
    }
    #expect(loop.run(until: { probe.isClosed }))
    reader.join()
    #expect(count.withLock { $0 } == 1_500_000)
  }

  @Test func sendingNothingIsNothing() throws {
    let loop = try EventLoop()
    let (probe, _) = try Sockets.pair(on: loop)
    probe.send([])
    #expect(probe.pendingBytes == 0)
    probe.close(.local("test"))
    probe.send([1, 2, 3])
    #expect(probe.pendingBytes == 0)
  }

  @Test func aPausedConnectionReadsNothingUntilItIsResumed() throws {
    let loop = try EventLoop()
    let (probe, peer) = try Sockets.pair(on: loop)
    probe.pauseReading()
    probe.pauseReading()
    peer.send("later")
    #expect(loop.turns(in: .milliseconds(20)) <= 3)
    #expect(probe.receptions == 0)
    probe.resumeReading()
    #expect(loop.run(until: { probe.receptions == 1 }))
    #expect(probe.bytes == Array("later".utf8))
    probe.close(.local("test"))
  }

  @Test func aConnectionMayPauseInTheMiddleOfReading() throws {
    let loop = try EventLoop()
    let (probe, peer) = try Sockets.pair(on: loop)
    probe.onBytes = { $0.pauseReading() }
    peer.send("a")
    #expect(loop.run(until: { probe.receptions == 1 }))
    peer.send("b")
    _ = loop.turns(in: .milliseconds(20))
    #expect(probe.receptions == 1)
    probe.close(.local("test"))
  }

  @Test func aWaitingConnectionIsSmall() throws {
    let loop = try EventLoop()
    let (probe, _) = try Sockets.pair(on: loop)
    let plain = try Connection(on: loop, adopting: probe.detach())
    // The Glibc module does not show malloc_usable_size(3).
    typealias UsableSize = @convention(c) (UnsafeMutableRawPointer) -> Int
    let usableSize = unsafeBitCast(try #require(dlsym(nil, "malloc_usable_size")), to: UsableSize.self)
    // libevent's event is 128 bytes more.
    #expect(usableSize(Unmanaged.passUnretained(plain).toOpaque()) <= 72)
    plain.close(.local("test"))
  }

  @Test func theAddressesOfBothEndsAreToldWhenAsked() throws {
    let loop = try EventLoop()
    let (probe, peer) = try Sockets.tcpPair(on: loop)
    #expect(probe.peerAddress == SocketAddress(localOf: peer.descriptor))
    #expect(probe.localAddress == SocketAddress(peerOf: peer.descriptor))
    #expect(probe.peerAddress?.isLoopback == true)
    probe.close(.local("test"))
    #expect(probe.peerAddress == nil)
    let (local, _) = try Sockets.pair(on: loop)
    #expect(local.peerAddress == nil)
    local.close(.local("test"))
  }

  @Test func aDescriptorThatCannotBeWatchedIsRefusedAndClosed() throws {
    let loop = try EventLoop()
    // epoll(7) does not watch regular files.
    let file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
    try #require(file >= 0)
    #expect(throws: ReactorError.cannotWatch(EPERM)) { try Probe(on: loop, adopting: file) }
  }

  @Test func aConnectThatFailsEndsTheAdoptedSocket() throws {
    let loop = try EventLoop()
    let listener = try Listener(on: loop, address: .loopback) { _, _ in }
    let address = listener.localAddress
    listener.close()
    let descriptor = socket(AF_INET, Sockets.streamKind | Int32(SOCK_NONBLOCK.rawValue), 0)
    _ = Sockets.connect(descriptor, to: address)
    let probe = try Probe(on: loop, adopting: descriptor)
    #expect(loop.run(until: { probe.isClosed }))
    #expect(probe.reasons == [.ioError(ECONNREFUSED)])
  }

  @Test func whatIsSentWhileConnectingFollowsTheConnect() throws {
    let loop = try EventLoop()
    var accepted: Probe?
    let listener = try Listener(on: loop, address: .loopback) { descriptor, _ in
      accepted = try? Probe(on: loop, adopting: descriptor)
    }
    let descriptor = socket(AF_INET, Sockets.streamKind | Int32(SOCK_NONBLOCK.rawValue), 0)
    _ = Sockets.connect(descriptor, to: listener.localAddress)
    let probe = try Probe(on: loop, adopting: descriptor)
    probe.send(Array("first".utf8))
    #expect(loop.run(until: { accepted?.bytes.count == 5 }))
    probe.close(.local("test"))
    #expect(loop.run(until: { accepted?.isClosed == true }))
  }
}
