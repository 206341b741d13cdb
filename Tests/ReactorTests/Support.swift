// SPDX-License-Identifier: Apache-2.0
import Bytes
import Glibc
import Reactor
import Testing

extension EventLoop {
  /// Runs until `isDone` holds at the end of a turn; false where that takes longer than `limit`.
  func run(until isDone: () -> Bool, within limit: Duration = .seconds(20)) -> Bool {
    if isDone() { return true }
    let watchdog = Timer(on: self) { [unowned self] in stop() }
    watchdog.schedule(at: now + limit)
    run {
      if isDone() { stop() }
      return .wait
    }
    return isDone()
  }

  /// Runs for `time` and tells how many turns that took.
  func turns(in time: Duration) -> Int {
    var count = 0
    let end = Timer(on: self) { [unowned self] in stop() }
    end.schedule(at: now + time)
    run {
      count += 1
      return .wait
    }
    return count
  }

  /// One turn that does not wait.
  func turn() {
    let soon = Timer(on: self) { [unowned self] in stop() }
    soon.schedule(at: now)
    run { .wait }
  }
}

/// Remembers what it is told; what a test wants done on an occasion it sets as a closure.
final class Probe: Connection {
  var bytes: [UInt8] = []
  var receptions = 0
  var ends = 0
  var drains = 0
  var reasons: [CloseReason] = []
  var onBytes: ((Probe) -> Void)?
  /// In place of closing.
  var onEnd: ((Probe) -> Void)?
  var onDrain: ((Probe) -> Void)?
  var onClose: ((Probe) -> Void)?

  override func received(_ bytes: Span<UInt8>) {
    self.bytes += [UInt8](bytes)
    receptions += 1
    onBytes?(self)
  }

  override func readEnded() {
    ends += 1
    if let onEnd { onEnd(self) } else { super.readEnded() }
  }

  override func closed(_ reason: CloseReason) {
    reasons.append(reason)
    onClose?(self)
  }

  override func drained() {
    drains += 1
    onDrain?(self)
  }
}

/// The other end of a connection: a plain socket that blocks, for up to 20 s. Closed when released.
final class Peer: Sendable {
  let descriptor: Int32

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
    var patience = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { Glibc.close(descriptor) }

  /// - Returns: how many bytes the connection took before it broke: all, where it did not.
  @discardableResult
  func send(_ bytes: [UInt8]) -> Int {
    var offset = 0
    while offset < bytes.count {
      let count = bytes[offset...].withUnsafeBytes { rest in
        Glibc.send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { break }
      offset += count
    }
    return offset
  }

  func send(_ text: String) { send(Array(text.utf8)) }

  /// What comes next, at most `count` bytes; empty at the end of the stream; nil where it was reset or nothing comes.
  func read(atMost count: Int = 65536) -> [UInt8]? {
    var got = -1
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, length in
      got = Glibc.read(descriptor, buffer.baseAddress, count)
      length = max(0, got)
    }
    return got < 0 ? nil : bytes
  }

  /// Everything up to the end of the stream; nil where the stream does not end well.
  func readAll(chunk: Int = 65536) -> [UInt8]? {
    var all: [UInt8] = []
    while let bytes = read(atMost: chunk) {
      if bytes.isEmpty { return all }
      all += bytes
    }
    return nil
  }

  func endWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Closes the socket now, while this object still holds its number.
  func hangUp() {
    let other = open("/dev/null", O_RDONLY | O_CLOEXEC)
    dup2(other, descriptor)
    Glibc.close(other)
  }

  /// Closes the socket with RST in place of FIN.
  func reset() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    hangUp()
  }
}

enum Sockets {
  /// Closed on exec: a test that runs in a process of its own would keep the sockets of the others open.
  static let streamKind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)

  /// Whether this machine has IPv6 at all; a container often has not.
  static var hasIPv6: Bool {
    guard let address = try? SocketAddress(host: "::1", port: 0) else { return false }
    guard let group = try? ListenerGroup.open(address, count: 1) else { return false }
    group.close()
    return true
  }

  /// A connection on `loop` and its peer, by socketpair(2).
  static func pair(on loop: EventLoop, bufferBytes: Int? = nil) throws -> (Probe, Peer) {
    var ends: [Int32] = [-1, -1]
    try #require(socketpair(AF_UNIX, streamKind, 0, &ends) == 0)
    _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
    if let bufferBytes {
      var size = Int32(bufferBytes)
      setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    let peer = Peer(ends[1])
    return (try Probe(on: loop, adopting: ends[0]), peer)
  }

  /// The same over TCP on the loopback interface, where RST exists.
  static func tcpPair(on loop: EventLoop) throws -> (Probe, Peer) {
    var probe: Probe?
    var failure: (any Error)?
    let listener = try Listener(on: loop, address: .loopback) { descriptor, _ in
      do { probe = try Probe(on: loop, adopting: descriptor) } catch { failure = error }
    }
    let peer = try connect(to: listener.localAddress)
    try #require(loop.run(until: { probe != nil || failure != nil }))
    if let failure { throw failure }
    return (try #require(probe), peer)
  }

  static func connect(to address: SocketAddress) throws -> Peer {
    let descriptor = socket(AF_INET, streamKind, 0)
    try #require(descriptor >= 0)
    let peer = Peer(descriptor)
    try #require(connect(descriptor, to: address) == 0)
    return peer
  }

  /// connect(2) to an IPv4 loopback address.
  static func connect(_ descriptor: Int32, to address: SocketAddress) -> Int32 {
    var target = sockaddr_in()
    target.sin_family = sa_family_t(AF_INET)
    target.sin_port = UInt16(address.port).bigEndian
    target.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &target) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }
}

extension SocketAddress {
  /// A port of the kernel's choice on 127.0.0.1.
  static var loopback: SocketAddress { get throws { try SocketAddress(host: "127.0.0.1", port: 0) } }
}

/// Bytes that tell their place, so that a lost, doubled or exchanged stretch shows. Of a prime length, and repeated: tests
/// are built without optimisation, and megabytes are made of it.
private let stretch: [UInt8] = (0..<65521).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8 &* 7) }

func pattern(_ range: Range<Int>) -> [UInt8] {
  var bytes: [UInt8] = []
  bytes.reserveCapacity(range.count)
  var position = range.lowerBound
  while position < range.upperBound {
    let start = position % stretch.count
    let count = min(stretch.count - start, range.upperBound - position)
    bytes += stretch[start..<start + count]
    position += count
  }
  return bytes
}
