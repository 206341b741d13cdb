// SPDX-License-Identifier: Apache-2.0
import Bytes
import Reactor
import Synchronization
import Wire

/// One request of ours.
struct OutgoingRequest: Sendable {
  let method: String
  let url: WebURL
  /// Besides those that HTTP itself needs; values of visible ASCII and spaces.
  var fields: [(name: String, value: String)] = []
  /// JSON; nil sends no body.
  var body: [UInt8]?
  /// From now until the whole answer is there.
  var timeout: Duration

  func encoded(keepsAlive: Bool) -> [UInt8] {
    var head = "\(method) \(url.target) HTTP/1.1\r\nHost: \(url.authority)\r\n"
    for field in fields { head += "\(field.name): \(field.value)\r\n" }
    if let body { head += "Content-Type: application/json; charset=UTF-8\r\nContent-Length: \(body.count)\r\n" }
    if !keepsAlive { head += "Connection: close\r\n" }
    return Array(head.utf8) + [0x0D, 0x0A] + (body ?? [])
  }
}

/// What a server answered.
struct IncomingAnswer: Sendable, Hashable {
  let status: Int
  let body: [UInt8]
}

/// THE table of requests that got no answer.
enum HTTPClientError: Error, Sendable, Hashable {
  case tooMany
  case stopped
  case timeout
  case unreachable(String)
  case noAnswer(String)

  var sentence: String {
    switch self {
    case .tooMany: "too many requests are under way"
    case .stopped: "the broker is stopping"
    case .timeout: "no answer in time"
    case .unreachable(let reason): reason
    case .noAnswer(let reason): "the answer is no HTTP: \(reason)"
    }
  }
}

/// The bounds of an HTTP client.
struct HTTPClientOptions: Sendable {
  /// Requests that wait for a connection or an answer; a further one fails at once.
  var maxPending: Int
  /// Sockets at once; a further request waits for one.
  var maxConnections: Int
  /// Whether a connection is used again.
  var keepsAlive: Bool
  /// How long an unused connection is kept. Servers give theirs up after 5 s to some minutes; meeting one that is just
  /// being closed costs a second connection and nothing else.
  var idleTimeout = Duration.seconds(30)
  /// Bytes of an answer's body; many times what any of ours has.
  var maxAnswerBytes = 1 << 20
}

/// Sends requests to other servers from a loop and thread of its own, so that a slow server or a slow resolver (names
/// are looked up here, which blocks) keeps nobody waiting but other requests of this client.
final class HTTPClient: Sendable {
  private let mailbox: Mailbox<ClientCommand>
  private let thread: LoopThread
  private let pending = Atomic(0)
  private let options: HTTPClientOptions

  /// - Throws: ``ReactorError`` where the system has no thread or descriptor left.
  init(name: String, _ options: HTTPClientOptions) throws {
    self.options = options
    let mailbox = try Mailbox<ClientCommand>()
    self.mailbox = mailbox
    thread = try LoopThread.start(name: name) { loop in ClientLoop(loop, options).run(mailbox) }
  }

  deinit { mailbox.post(.stop) }

  /// Sends a request and waits for its answer, at most as long as its timeout. Whatever the status, an answer is an
  /// answer.
  func send(_ request: OutgoingRequest) async -> Result<IncomingAnswer, HTTPClientError> {
    let count = pending.add(1, ordering: .relaxed).newValue
    defer { pending.subtract(1, ordering: .relaxed) }
    guard count <= options.maxPending else { return .failure(.tooMany) }
    return await withCheckedContinuation { continuation in
      let order = ClientOrder(request: request) { continuation.resume(returning: $0) }
      if !mailbox.post(.send(order)) { order.complete(.failure(.stopped)) }
    }
  }

  /// Ends the thread; what is under way fails. Blocks until it has ended.
  func stop() {
    mailbox.post(.stop)
    thread.join()
  }
}

enum ClientCommand: Sendable {
  case send(ClientOrder)
  case stop
}

/// A request and who waits for its outcome.
struct ClientOrder: Sendable {
  let request: OutgoingRequest
  let complete: @Sendable (Result<IncomingAnswer, HTTPClientError>) -> Void
}
