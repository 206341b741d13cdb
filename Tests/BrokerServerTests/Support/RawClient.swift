// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import Testing

/// What went wrong for a client, with what it had got so far.
enum ClientError: Error, CustomStringConvertible {
  case notConnected(Int32)
  case silence(after: String)
  case ended(after: String)
  case broken(Int32)
  case malformed(String)

  var description: String {
    switch self {
    case .notConnected(let code): "no connection: \(String(cString: strerror(code)))"
    case .silence(let text): "nothing came after \(text.debugDescription)"
    case .ended(let text): "the connection ended after \(text.debugDescription)"
    case .broken(let code): "the connection broke: \(String(cString: strerror(code)))"
    case .malformed(let reason): "the answer is malformed: \(reason)"
    }
  }
}

/// One TCP connection, byte by byte: a socket that blocks. Belongs to one task at a time.
final class RawClient: Sendable {
  private let descriptor: Int32
  private let isOpen = Atomic(true)
  /// Read and not yet taken.
  private let unread = Mutex<[UInt8]>([])
  let authority: String

  /// - Parameter receiveBufferBytes: makes a reader that the kernel holds little for.
  init(port: Int, receiveBufferBytes: Int32? = nil) throws {
    authority = "127.0.0.1:\(port)"
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw ClientError.notConnected(errno) }
    set(SO_RCVTIMEO, timeval(tv_sec: Patience.milliseconds / 1000, tv_usec: 0))
    set(SO_SNDTIMEO, timeval(tv_sec: Patience.milliseconds / 1000, tv_usec: 0))
    if let receiveBufferBytes { set(SO_RCVBUF, receiveBufferBytes) }
    // What a test sends is to be there before what it does next.
    set(TCP_NODELAY, Int32(1), level: Int32(IPPROTO_TCP))
    var target = sockaddr_in()
    target.sin_family = sa_family_t(AF_INET)
    target.sin_port = UInt16(port).bigEndian
    target.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let code = withUnsafePointer(to: &target) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 ? 0 : errno
      }
    }
    guard code == 0 else { throw ClientError.notConnected(code) }
  }

  deinit { hangUp() }

  private func set(_ option: Int32, _ value: some BitwiseCopyable, level: Int32 = SOL_SOCKET) {
    withUnsafeBytes(of: value) {
      _ = setsockopt(descriptor, level, option, $0.baseAddress, socklen_t($0.count))
    }
  }

  // MARK: ending

  /// Closes with FIN, or, where something is unread, as the kernel does it.
  func hangUp() {
    if isOpen.exchange(false, ordering: .relaxed) { close(descriptor) }
  }

  /// Closes with RST.
  func reset() {
    set(SO_LINGER, linger(l_onoff: 1, l_linger: 0))
    hangUp()
  }

  /// Sends FIN and goes on reading.
  func endWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

  // MARK: bytes

  func send(_ bytes: some Collection<UInt8>) throws {
    let bytes = Array(bytes)
    var offset = 0
    while offset < bytes.count {
      let count = bytes[offset...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0 { throw ClientError.broken(errno) }
      offset += count
    }
  }

  func send(_ text: String) throws { try send(text.utf8) }

  /// Takes what comes next; empty at the end of the stream.
  func read(atMost limit: Int = 65_536) throws -> [UInt8] {
    let kept = unread.withLock { kept in
      defer { kept.removeFirst(min(limit, kept.count)) }
      return Array(kept.prefix(limit))
    }
    return kept.isEmpty ? try receive(limit) : kept
  }

  /// Whether something comes within that time, the end of the stream included: the pace of a slow client.
  func hasSomething(within time: Duration) -> Bool {
    if unread.withLock({ !$0.isEmpty }) { return true }
    var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return Glibc.poll(&poll, 1, Int32(time / .milliseconds(1))) != 0
  }

  /// Everything up to the end of the stream; a reset is an end too.
  func readToEnd() throws -> String {
    var all: [UInt8] = []
    do {
      while true {
        let bytes = try read()
        if bytes.isEmpty { break }
        all += bytes
      }
    } catch ClientError.broken(ECONNRESET) {}
    return String(decoding: all, as: UTF8.self)
  }

  private func receive(_ limit: Int) throws -> [UInt8] {
    var count = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, length in
      repeat {
        count = recv(descriptor, buffer.baseAddress, limit, 0)
      } while count < 0 && errno == EINTR
      length = max(0, count)
    }
    if count < 0 {
      let code = errno
      throw code == EAGAIN ? ClientError.silence(after: peek) : ClientError.broken(code)
    }
    return bytes
  }

  private var peek: String { String(decoding: unread.withLock { $0.suffix(300) }, as: UTF8.self) }

  // MARK: answers

  /// The next whole answer.
  ///
  /// - Parameter toHead: the answer to a HEAD request has a length and no body.
  func response(toHead: Bool = false) throws -> Response {
    let head = try take { bytes in Response.headEnd(in: bytes) }
    var response = try Response(head: head)
    if response.hasBody, !toHead {
      guard let length = response.contentLength else { throw ClientError.malformed("no Content-Length: \(response)") }
      response.body = try take { bytes in bytes.count >= length ? length : nil }
    }
    return response
  }

  /// Reads on until `end` finds how much to take.
  private func take(_ end: ([UInt8]) -> Int?) throws -> [UInt8] {
    while true {
      let taken = unread.withLock { kept -> [UInt8]? in
        guard let count = end(kept) else { return nil }
        defer { kept.removeFirst(count) }
        return Array(kept.prefix(count))
      }
      if let taken { return taken }
      let more = try receive(1 << 18)
      if more.isEmpty { throw ClientError.ended(after: peek) }
      unread.withLock { $0 += more }
    }
  }
}

// MARK: requests

extension RawClient {
  /// The text of a request with a body of known length; no Content-Length where there is no body.
  func text(_ method: String, _ path: String, _ body: String? = nil, _ fields: [String] = []) -> String {
    var lines = ["\(method) \(path) HTTP/1.1", "Host: \(authority)"] + fields
    if let body { lines.append("Content-Length: \(body.utf8.count)") }
    return lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")
  }

  func call(_ method: String, _ path: String, _ body: String? = nil, _ fields: [String] = []) throws -> Response {
    try send(text(method, path, body, fields))
    return try response(toHead: method == "HEAD")
  }

  func get(_ path: String, _ fields: String...) throws -> Response { try call("GET", path, nil, fields) }

  func post(_ path: String, _ body: String, _ fields: String...) throws -> Response {
    try call("POST", path, body, fields)
  }
}
