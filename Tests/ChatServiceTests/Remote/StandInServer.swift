// SPDX-License-Identifier: Apache-2.0
import Bytes
import Reactor
import Synchronization
import Wire

/// An HTTP server in this process, on a thread of its own, whose answers a test makes up.
final class StandInServer: Sendable {
  struct Request: Sendable {
    let method: String
    /// Decoded: `services`, the id, and what is asked.
    let segments: [String]
    let body: JSONValue
    let secret: String?
    let key: String?

    var verb: String { segments.count > 2 ? segments[2] : "" }
    var serviceID: String { segments.count > 1 ? segments[1] : "" }
  }
  enum Reply: Sendable {
    case answer(Int, JSONValue? = nil)
    /// These bytes, and perhaps the end of the connection.
    case raw(String, thenEnds: Bool = false)
    /// The connection ends without an answer.
    case hangUp
    /// No answer ever comes.
    case silence
  }
  enum Command: Sendable {
    case reply(Int, Reply)
    case stop
  }

  let port: Int
  private let mailbox: Mailbox<Command>
  private let thread: LoopThread

  /// - Parameter port: 0 lets the kernel choose.
  init(port: Int = 0, _ answer: @escaping @Sendable (Request) async -> Reply) throws {
    let group = try ListenerGroup.open(try SocketAddress(host: "127.0.0.1", port: port), count: 1)
    self.port = group.address.port
    let mailbox = try Mailbox<Command>()
    self.mailbox = mailbox
    let opened = Opened()
    let descriptor = group.descriptors[0]
    thread = try LoopThread.start(name: "stand-in") { loop in
      StandInLoop(loop, mailbox, answer, opened).run(descriptor)
    }
    self.opened = opened
  }

  /// Counts connections.
  final class Opened: Sendable {
    let count = Atomic(0)
  }
  private let opened: Opened
  /// Connections accepted so far.
  var connections: Int { opened.count.load(ordering: .relaxed) }
  var url: String { "http://127.0.0.1:\(port)" }

  /// Ends it with all its connections; its port is free afterwards.
  func stop() {
    mailbox.post(.stop)
    thread.join()
  }
}

private final class StandInLoop {
  let loop: EventLoop
  let answer: @Sendable (StandInServer.Request) async -> StandInServer.Reply
  let mailbox: Mailbox<StandInServer.Command>
  private let opened: StandInServer.Opened
  var connections: [Int: StandInConnection] = [:]
  private var count = 0

  init(
    _ loop: EventLoop, _ mailbox: Mailbox<StandInServer.Command>,
    _ answer: @escaping @Sendable (StandInServer.Request) async -> StandInServer.Reply, _ opened: StandInServer.Opened
  ) {
    self.loop = loop
    self.mailbox = mailbox
    self.answer = answer
    self.opened = opened
  }

  func run(_ descriptor: Int32) {
    do throws(ReactorError) {
      try mailbox.attach(to: loop) { [unowned self] commands in
        for command in commands {
          switch command {
          case .reply(let number, let reply): connections[number]?.reply(reply)
          case .stop: loop.stop()
          }
        }
      }
      let listener = try Listener(on: loop, adopting: descriptor) { [unowned self] descriptor, _ in
        count += 1
        opened.count.add(1, ordering: .relaxed)
        connections[count] = try? StandInConnection(self, number: count, adopting: descriptor)
      }
      loop.run { .wait }
      listener.close()
    } catch {
      preconditionFailure("the stand-in cannot listen: \(error)")
    }
    for connection in Array(connections.values) { connection.close(.local("stopped")) }
    _ = mailbox.close()
  }
}

private final class StandInConnection: Connection {
  private unowned let server: StandInLoop
  private let number: Int
  private var parser = RequestParser()
  private var head = RequestHead()

  init(_ server: StandInLoop, number: Int, adopting descriptor: Int32) throws(ReactorError) {
    self.server = server
    self.number = number
    try super.init(on: server.loop, adopting: descriptor)
  }

  override func received(_ bytes: Span<UInt8>) {
    switch parser.parse(bytes, limits: HTTPLimits(), into: &head) {
    case .needMore: return
    case .failed: close(.local("no request"))
    case .inPlace: take(bytes)
    case .buffered:
      let text = parser.text
      parser.reset()
      take(text.span)
    }
  }

  private func take(_ text: Span<UInt8>) {
    func field(_ name: StaticString) -> String? {
      head.value(of: name, in: text).map { String(text.extracting($0)) }
    }
    let methods: [HTTPMethod: String] = [.get: "GET", .post: "POST", .put: "PUT", .delete: "DELETE"]
    let request = StandInServer.Request(
      method: methods[head.method] ?? "?",
      segments: (try? PercentCoding.segments(of: text.extracting(head.path))) ?? [],
      body: (try? JSONValue(parsing: text.extracting(head.body))) ?? .null, secret: field("x-backend-secret"),
      key: field("idempotency-key"))
    let (answer, mailbox, number) = (server.answer, server.mailbox, number)
    Task { mailbox.post(.reply(number, await answer(request))) }
  }

  func reply(_ reply: StandInServer.Reply) {
    switch reply {
    case .silence: return
    case .hangUp: close(.local("as asked"))
    case .raw(let text, let ends):
      send(Array(text.utf8))
      if ends { close(.local("as asked")) }
    case .answer(let status, let body):
      let bytes = body?.encoded ?? []
      send(Array("HTTP/1.1 \(status) Said\r\nContent-Length: \(bytes.count)\r\n\r\n".utf8) + bytes)
    }
  }

  override func closed(_ reason: CloseReason) { server.connections[number] = nil }
}
