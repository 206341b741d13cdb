// SPDX-License-Identifier: Apache-2.0
import Bytes
import Glibc
import Reactor
import Synchronization

/// One POST and who waits for its outcome.
struct PushOrder: Sendable {
  let url: PushURL
  let body: [UInt8]
  /// The status of the answer, or why there is none.
  let complete: @Sendable (Result<Int, PushFailure>) -> Void
}

/// THE table of pushes that got no answer.
enum PushFailure: Error, Sendable, Hashable {
  case tooMany
  case stopped
  case timeout
  case unreachable(String)
  case noAnswer

  var sentence: String {
    switch self {
    case .tooMany: "too many pushes are under way"
    case .stopped: "the broker is stopping"
    case .timeout: "no answer in time"
    case .unreachable(let reason): reason
    case .noAnswer: "the answer is no HTTP"
    }
  }
}

/// Sends POSTs to push providers from a loop and thread of its own, so that a slow provider or a slow resolver (names
/// are looked up here, which blocks) keeps nobody but other pushes waiting.
final class PushClient: Sendable {
  enum Command: Sendable {
    case post(PushOrder)
    case stop
  }
  private let mailbox: Mailbox<Command>
  private let thread: LoopThread
  private let pending = Mutex(0)
  private let maxPending: Int

  /// - Throws: ``ReactorError`` where the system has no thread or descriptor left.
  init(timeout: Duration, maxPending: Int) throws {
    self.maxPending = maxPending
    let mailbox = try Mailbox<Command>()
    self.mailbox = mailbox
    thread = try LoopThread.start(name: "push") { loop in PushLoop(loop, timeout: timeout).run(mailbox) }
  }

  deinit { mailbox.post(.stop) }

  /// Sends `body` to `url` and waits for the answer, at most as long as the client's timeout.
  func post(_ body: [UInt8], to url: PushURL) async -> Result<Int, PushFailure> {
    let isTaken = pending.withLock { count in
      guard count < maxPending else { return false }
      count += 1
      return true
    }
    guard isTaken else { return .failure(.tooMany) }
    defer { pending.withLock { $0 -= 1 } }
    return await withCheckedContinuation { continuation in
      let order = PushOrder(url: url, body: body) { continuation.resume(returning: $0) }
      if !mailbox.post(.post(order)) { order.complete(.failure(.stopped)) }
    }
  }

  /// Ends the thread; what is under way fails.
  func stop() {
    mailbox.post(.stop)
    thread.join()
  }
}

/// The client's side of the loop; confined to its thread.
private final class PushLoop {
  let loop: EventLoop
  private let timeout: Duration
  private var open: [ObjectIdentifier: PushConnection] = [:]

  init(_ loop: EventLoop, timeout: Duration) {
    self.loop = loop
    self.timeout = timeout
  }

  func run(_ mailbox: Mailbox<PushClient.Command>) {
    do throws(ReactorError) {
      try mailbox.attach(to: loop) { [unowned self] commands in
        for command in commands {
          switch command {
          case .post(let order): begin(order)
          case .stop: loop.stop()
          }
        }
      }
      loop.run { .wait }
    } catch {
      // Not even a mailbox can be watched: every order fails from here on.
    }
    for case .post(let order) in mailbox.close() { order.complete(.failure(.stopped)) }
    for connection in Array(open.values) { connection.finish(.failure(.stopped)) }
  }

  private func begin(_ order: PushOrder) {
    do throws(ReactorError) {
      let address = try SocketAddress(host: order.url.host, port: order.url.port)
      let connection = try PushConnection(on: loop, adopting: try address.dial(), order) { [unowned self] in
        open[ObjectIdentifier($0)] = nil
      }
      open[ObjectIdentifier(connection)] = connection
      connection.begin(by: loop.now + timeout)
    } catch {
      order.complete(.failure(.unreachable(error.description)))
    }
  }
}

/// One POST on one connection. Only the status of the answer is read.
private final class PushConnection: Connection {
  private let order: PushOrder
  private let ended: (PushConnection) -> Void
  private var isDone = false
  private var line: [UInt8] = []
  private var timer: Timer?

  init(
    on loop: EventLoop, adopting descriptor: Int32, _ order: PushOrder, _ ended: @escaping (PushConnection) -> Void
  ) throws(ReactorError) {
    self.order = order
    self.ended = ended
    try super.init(on: loop, adopting: descriptor)
  }

  func begin(by deadline: Instant) {
    let timer = Timer(on: loop) { [unowned self] in finish(.failure(.timeout)) }
    timer.schedule(at: deadline)
    self.timer = timer
    send(order.url.post(order.body))
  }

  override func received(_ bytes: Span<UInt8>) {
    for index in bytes.indices where line.count < 13 { line.append(bytes[index]) }
    // "HTTP/1.1 200" and the byte behind it.
    guard line.count >= 13 else { return }
    let status = ASCII.decimal(line[9..<12].span)
    let isHTTP = line.starts(with: "HTTP/1.".utf8) && line[8] == 0x20
    guard isHTTP, let status, (100...599).contains(status) else { return finish(.failure(.noAnswer)) }
    finish(.success(status))
  }

  override func readEnded() { finish(.failure(.noAnswer)) }

  override func closed(_ reason: CloseReason) {
    timer?.cancel()
    report(.failure(.unreachable(reason.description)))
    ended(self)
  }

  func finish(_ result: Result<Int, PushFailure>) {
    report(result)
    close(.local("done"))
  }

  private func report(_ result: Result<Int, PushFailure>) {
    guard !isDone else { return }
    isDone = true
    order.complete(result)
  }
}
