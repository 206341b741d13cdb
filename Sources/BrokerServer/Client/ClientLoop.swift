// SPDX-License-Identifier: Apache-2.0
import Bytes
import Reactor
import Wire

/// A request on its way: waiting for a connection, or on one.
final class Exchange {
  let request: OutgoingRequest
  private let complete: @Sendable (Result<IncomingAnswer, HTTPClientError>) -> Void
  private var timer: Timer?
  /// The connection that carries it; nil while it waits for one.
  weak var connection: ClientConnection?
  /// Whether a kept connection was closed under it, which is tried again on a new one, once.
  var hasMetClosedConnection = false
  private(set) var isDone = false

  init(_ order: ClientOrder) {
    request = order.request
    complete = order.complete
  }

  func expire(at deadline: Instant, on loop: EventLoop, _ expired: @escaping () -> Void) {
    let timer = Timer(on: loop, expired)
    timer.schedule(at: deadline)
    self.timer = timer
  }

  func finish(_ result: Result<IncomingAnswer, HTTPClientError>) {
    guard !isDone else { return }
    isDone = true
    timer?.cancel()
    complete(result)
  }
}

/// An ``HTTPClient``'s side of the loop: its connections, and the requests that wait for one. Confined to its thread.
final class ClientLoop {
  let loop: EventLoop
  let options: HTTPClientOptions
  private var open: [ObjectIdentifier: ClientConnection] = [:]
  /// By authority, the one used last at the end.
  private var idle: [String: [ClientConnection]] = [:]
  /// In the order of their coming.
  private var waiting: [Exchange] = []

  init(_ loop: EventLoop, _ options: HTTPClientOptions) {
    self.loop = loop
    self.options = options
  }

  func run(_ mailbox: Mailbox<ClientCommand>) {
    do throws(ReactorError) {
      try mailbox.attach(to: loop) { [unowned self] commands in
        for command in commands {
          switch command {
          case .send(let order): begin(order)
          case .stop: loop.stop()
          }
        }
      }
      loop.run { .wait }
    } catch {
      // Not even a mailbox can be watched: every order fails from here on.
    }
    for case .send(let order) in mailbox.close() { order.complete(.failure(.stopped)) }
    let left = waiting
    waiting = []
    for exchange in left { exchange.finish(.failure(.stopped)) }
    for connection in Array(open.values) { connection.end(.stopped) }
  }

  private func begin(_ order: ClientOrder) {
    let exchange = Exchange(order)
    exchange.expire(at: loop.now + order.request.timeout, on: loop) { [unowned self, unowned exchange] in
      expired(exchange)
    }
    assign(exchange)
  }

  private func expired(_ exchange: Exchange) {
    if let connection = exchange.connection { return connection.end(.timeout) }
    waiting.removeAll { $0 === exchange }
    exchange.finish(.failure(.timeout))
  }

  /// Gives the exchange a connection, or lets it wait for one.
  private func assign(_ exchange: Exchange) {
    let authority = exchange.request.url.authority
    if !exchange.hasMetClosedConnection, let kept = idle[authority]?.popLast() { return kept.carry(exchange) }
    if open.count >= options.maxConnections, let spare = idle.values.lazy.compactMap(\.first).first {
      spare.end(.stopped)
    }
    guard open.count < options.maxConnections else { return waiting.append(exchange) }
    dial(exchange)
  }

  private func dial(_ exchange: Exchange) {
    let url = exchange.request.url
    do throws(ReactorError) {
      let address = try SocketAddress(host: url.host, port: url.port)
      let connection = try ClientConnection(self, adopting: try address.dial(), to: url.authority)
      open[ObjectIdentifier(connection)] = connection
      connection.carry(exchange)
    } catch {
      exchange.finish(.failure(.unreachable(error.description)))
    }
  }

  /// The connection has brought its answer and can carry the next request.
  func becameIdle(_ connection: ClientConnection) {
    if let next = waiting.firstIndex(where: { $0.request.url.authority == connection.authority }) {
      return connection.carry(waiting.remove(at: next))
    }
    idle[connection.authority, default: []].append(connection)
    connection.expireUnused(at: loop.now + options.idleTimeout)
  }

  /// The connection is gone, and may have left an exchange without an answer.
  func ended(_ connection: ClientConnection, _ retried: Exchange?) {
    open[ObjectIdentifier(connection)] = nil
    idle[connection.authority]?.removeAll { $0 === connection }
    if let retried, !retried.isDone {
      retried.hasMetClosedConnection = true
      assign(retried)
    }
    if open.count < options.maxConnections, !waiting.isEmpty { assign(waiting.removeFirst()) }
  }
}

/// One connection to a server: a request at a time.
final class ClientConnection: Connection {
  private unowned let client: ClientLoop
  let authority: String
  private var exchange: Exchange?
  /// Whether it has brought an answer before.
  private var isReused = false
  private var input: [UInt8] = []
  /// Bytes that have to be there before it is worth looking again.
  private var needed = 0
  private var unused: Timer?

  init(_ client: ClientLoop, adopting descriptor: Int32, to authority: String) throws(ReactorError) {
    self.client = client
    self.authority = authority
    try super.init(on: client.loop, adopting: descriptor)
  }

  func carry(_ exchange: Exchange) {
    unused = nil
    self.exchange = exchange
    exchange.connection = self
    send(exchange.request.encoded(keepsAlive: client.options.keepsAlive))
  }

  func expireUnused(at deadline: Instant) {
    let timer = Timer(on: loop) { [unowned self] in end(.stopped) }
    timer.schedule(at: deadline)
    unused = timer
  }

  /// Ends it; an exchange on it gets this for an answer.
  func end(_ error: HTTPClientError) {
    exchange?.finish(.failure(error))
    exchange = nil
    close(.local("done"))
  }

  override func received(_ bytes: Span<UInt8>) {
    guard exchange != nil else { return end(.stopped) }
    bytes.withUnsafeBufferPointer { input.append(contentsOf: $0) }
    if input.count >= needed { look(ended: false) }
  }

  override func readEnded() {
    if exchange != nil, !input.isEmpty { look(ended: true) }
    if !isClosed { close(.peerClosed) }
  }

  private func look(ended: Bool) {
    let limits = ResponseLimits(maxBodyBytes: client.options.maxAnswerBytes)
    var at = 0
    do throws(ResponseFault) {
      while case .complete(let response) = try step(from: at, limits, ended) {
        at = response.end
        // Interim answers (100, 103) come before the answer.
        if response.status >= 200 { return answered(response) }
      }
      input.removeFirst(at)
      needed -= at
    } catch {
      end(.noAnswer(error.rawValue))
    }
  }

  private func step(from at: Int, _ limits: ResponseLimits, _ ended: Bool) throws(ResponseFault) -> ParsedOutcome {
    let bytes = input
    let outcome = try ResponseParser.parse(bytes.span, from: at, limits: limits, ended: ended)
    if case .incomplete(let atLeast) = outcome { needed = atLeast }
    return outcome
  }

  private func answered(_ response: ParsedResponse) {
    let answer = IncomingAnswer(
      status: response.status, body: response.chunks ?? Array(input[response.body]))
    // What stands behind the answer was not asked for.
    let isClean = response.end == input.count && client.options.keepsAlive && response.keepsAlive
    (input, needed, isReused) = ([], 0, true)
    let done = exchange
    exchange = nil
    done?.connection = nil
    if !isClean { close(.local("done")) }
    done?.finish(.success(answer))
    if isClean { client.becameIdle(self) }
  }

  override func closed(_ reason: CloseReason) {
    unused = nil
    var retried: Exchange?
    if let exchange {
      // A kept connection that ends before anything of an answer came had been given up by the server meanwhile.
      if isReused, input.isEmpty, !exchange.hasMetClosedConnection {
        exchange.connection = nil
        retried = exchange
      } else {
        exchange.finish(.failure(.unreachable(reason.description)))
      }
    }
    exchange = nil
    client.ended(self, retried)
  }
}
