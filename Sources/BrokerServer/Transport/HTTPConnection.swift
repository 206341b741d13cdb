// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes
import Reactor
import Wire

/// One HTTP/1.1 connection: takes requests off it one at a time and in order, and writes their answers.
///
/// While a request is unanswered (a held connect, a chat call on its way) nothing behind it is looked at; what a client
/// pipelines meanwhile is kept up to a bound, then reading pauses. Between two requests, and while a connect is held, the
/// connection owns no buffer.
final class HTTPConnection: Connection, Conduit, Deadlined {
  /// What the connection is doing.
  enum Phase: UInt8 {
    /// Taking in a request, or waiting for one.
    case reading
    /// A `/meta/connect` is held: it may take as long as it takes.
    case holding
    /// A route works on the answer elsewhere.
    case working
    /// Waits for its output to be written before it moves to the shard of its session.
    case moving
    /// Speaks WebSocket.
    case socket
    /// Says goodbye; nothing is read any more.
    case ending
  }

  /// What few connections have; nil for nearly all of them at nearly all times.
  final class Extras {
    /// Bytes that came behind an unanswered request.
    var pipelined: [UInt8] = []
    /// Set while a JSONP request is unanswered: the name of its function.
    var callback: [UInt8]?
    /// Header lines that the answer carries because of the request's `Origin`.
    var crossOrigin: [UInt8] = []
    /// The sessions of answers that wait for a slow reader.
    private(set) var stalled: [Session] = []
    /// Where the connection goes once its output is written.
    var destination: (shard: Int, cargo: MovedConnection.Cargo)?
    var isReadingPaused = false

    func note(stalled session: Session) {
      if !stalled.contains(where: { $0 === session }) { stalled.append(session) }
    }

    func takeStalled() -> [Session] {
      defer { stalled = [] }
      return stalled
    }
  }

  /// The shard holds its open connections, and they it; closing ends that.
  let shard: Shard
  let number: UInt64
  let isAdmin: Bool
  let trustsUserHeader: Bool
  /// The network address that limits count for; zero for none.
  let address: UInt64
  private var parser = RequestParser()
  var phase = Phase.reading
  /// Of the request that is being answered.
  private var keepsAlive = true
  private var minorVersion: UInt8 = 1
  private var isHead = false
  /// Ends as soon as what is owed has been sent, because the broker stops.
  private(set) var isLeaving = false
  var extras: Extras?
  /// Set once it speaks WebSocket.
  private(set) var socket: SocketState?
  var heldSession: Session?
  var deadline = Instant.distantFuture
  var queuedDeadline = Instant.distantFuture
  /// When the phase of reading began that a deadline is measured from.
  private var phaseStart = Instant.distantFuture
  private var isInBody = false
  /// The peer sent its end; what it sent before is still answered.
  private var hasPeerEnded = false

  init(
    on shard: Shard, adopting descriptor: Int32, number: UInt64, isAdmin: Bool, trustsUserHeader: Bool,
    address: UInt64
  ) throws(ReactorError) {
    self.shard = shard
    self.number = number
    self.isAdmin = isAdmin
    self.trustsUserHeader = trustsUserHeader
    self.address = address
    try super.init(on: shard.loop, adopting: descriptor)
    becomeIdle()
  }

  // MARK: reading

  override func received(_ bytes: Span<UInt8>) {
    shard.http.bytesIn += bytes.count
    // What is kept came first, also where its turn has come and it has not been looked at yet.
    if phase == .reading, !isBackedUp, !hasKept {
      take(bytes)
    } else if phase == .socket, !isBackedUp, let socket {
      takeFrames(bytes, socket)
      moveIfReady()
    } else if phase != .ending {
      keep(bytes)
    }
  }

  /// Takes the requests of `input` until one of them is not answered at once.
  private func take(_ input: Span<UInt8>) {
    var offset = 0
    let limits = isAdmin ? shard.context.adminLimits : shard.context.limits
    while offset < input.count, phase == .reading, !isClosed, !isBackedUp {
      let unread = input.extracting(offset...)
      switch parser.parse(unread, limits: limits, into: &shard.head) {
      case .inPlace(let consumed):
        offset += consumed
        shard.http.requests += 1
        begin(shard.head, unread.extracting(0..<consumed))
      case .buffered(let consumed):
        offset += consumed
        let text = parser.text
        parser.reset()
        shard.http.requests += 1
        begin(shard.head, text.span)
      case .needMore(let sendContinue):
        if sendContinue { sendInterim() }
        return watchArrival()
      case .failed(let fault):
        return refuse(fault)
      }
    }
    if offset < input.count, !isClosed, phase != .ending {
      if phase == .socket, let socket {
        takeFrames(input.extracting(offset...), socket)
      } else {
        keep(input.extracting(offset...))
      }
    }
    moveIfReady()
  }

  var isStalled: Bool { pendingBytes > 0 }

  /// A client that does not read its answers is not given more of them.
  var isBackedUp: Bool { pendingBytes > shard.context.maxUnreadBytes }
  private var hasKept: Bool { extras.map { !$0.pipelined.isEmpty } ?? false }

  func begin(_ head: RequestHead, _ text: Span<UInt8>) {
    keepsAlive = head.keepsAlive && !shard.isDraining
    minorVersion = UInt8(head.minorVersion)
    isHead = head.method == .head
    deadline = .distantFuture
    phaseStart = .distantFuture
    isInBody = false
    shard.handle(head, text, on: self)
  }

  /// Keeps what was pipelined behind an unanswered request.
  func keep(_ bytes: Span<UInt8>) {
    let extras = ensureExtras()
    bytes.withUnsafeBufferPointer { extras.pipelined.append(contentsOf: $0) }
    if extras.pipelined.count > shard.context.maxPipelinedBytes, !extras.isReadingPaused {
      extras.isReadingPaused = true
      pauseReading()
    }
  }

  /// Goes on with what was pipelined; called by the shard, not from inside an answer, so that nothing recurses.
  func takeKept() {
    guard phase == .reading || phase == .socket, !isClosed, !isBackedUp else { return }
    if let extras, !extras.pipelined.isEmpty {
      let bytes = extras.pipelined
      extras.pipelined = []
      if extras.isReadingPaused {
        extras.isReadingPaused = false
        resumeReading()
      }
      if let socket {
        takeFrames(bytes.span, socket)
        moveIfReady()
      } else {
        take(bytes.span)
      }
    }
    endIfPeerEnded()
  }

  /// The peer closed, or half-closed. A held connect counts as abandoned, but is answered in case somebody still reads.
  override func readEnded() {
    hasPeerEnded = true
    if phase == .holding || phase == .working, !hasKept { keepsAlive = false }
    switch phase {
    case .ending, .socket: close(.peerClosed)
    case .reading: endIfPeerEnded()
    case .holding: shard.abandoned(self)
    // The end is seen again on the other shard.
    case .moving, .working: break
    }
  }

  /// Nothing more can come of a peer that ended and whose requests have all been answered.
  private func endIfPeerEnded() {
    guard hasPeerEnded, phase == .reading, !hasKept, !isClosed else { return }
    if pendingBytes > 0 { end("half-closed") } else { close(.peerClosed) }
  }

  // MARK: answering

  /// Marks the request as held; the answer comes by ``answer(status:type:fields:)`` later.
  func hold(callback: [UInt8]?, crossOrigin: [UInt8]) {
    phase = .holding
    if callback != nil || !crossOrigin.isEmpty {
      let extras = ensureExtras()
      extras.callback = callback
      extras.crossOrigin = crossOrigin
    }
    if hasPeerEnded || shard.isDraining { shard.abandoned(self) }
  }

  func work() { phase = .working }

  /// Lets go of what was remembered for the answer of a held connect.
  func forgetRequest() {
    extras?.callback = nil
    extras?.crossOrigin = []
  }

  /// Writes the answer whose body stands in the shard's writer, and makes ready for the next request.
  func answer(status: Int, type: StaticString?, fields: [UInt8]) {
    // What nobody gets must not stand before what the next one gets.
    guard !isClosed else { return shard.out.clear() }
    let bodyBytes = shard.out.count
    if isHead { shard.out.truncate(to: 0) }
    shard.out.prependHead(
      status: status, contentType: type, fields: fields, date: shard.date, keepsAlive: keepsAlive,
      minorVersion: Int(minorVersion), bodyBytes: isHead ? bodyBytes : nil)
    send(shard.out.bytes)
    shard.out.clear(keepingAtMost: Shard.keptWriterBytes)
    finish()
  }

  func answer(_ reply: HTTPReply) {
    shard.out.clear()
    shard.out.append(reply.body)
    answer(status: reply.status, type: reply.type.header, fields: reply.fields)
    reply.afterWritten?()
  }

  private func finish() {
    guard !isClosed, phase != .ending else { return }
    guard keepsAlive else { return end("answered") }
    phase = .reading
    if pendingBytes > 0 {
      deadline = shard.now + shard.context.writeTimeout
      shard.watch(self)
    } else {
      becomeIdle()
    }
    if hasKept || hasPeerEnded { shard.hasKept(self) }
  }

  private func sendInterim() {
    let text = ResponseHead.continue
    send(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Refuses what is no request, and ends: the framing of the connection is lost.
  func refuse(_ fault: HTTPFault) {
    shard.http.refused += 1
    keepsAlive = false
    isHead = false
    answer(.text(fault.sentence + ".\n", status: fault.status))
  }

  /// The answer to an upgrade is on its way: from here on there are frames.
  func becomeSocket(_ socket: SocketState) {
    self.socket = socket
    phase = .socket
    watchSocket(socket)
  }

  func endSocket(by deadline: Instant) {
    phase = .ending
    shard.socketEnded(self)
    closeAfterDraining(.local("socket closed"), by: deadline)
  }

  /// A slow reader has as long for its last answer as for any other, unless the broker stops.
  private func end(_ label: String) {
    phase = .ending
    let isPatient = pendingBytes > 0 && !shard.isDraining
    let patience = isPatient ? shard.context.writeTimeout : shard.context.lingerTime
    closeAfterDraining(.local(label), by: shard.now + patience)
  }

  /// Ends the connection if no request is on its way; else it ends with the answer.
  func drain() {
    keepsAlive = false
    if phase == .reading { end("stopping") }
    if phase == .socket { isLeaving = true }
  }

  override func drained() {
    settleStalled()
    if phase == .moving { return moveIfReady() }
    if phase == .socket, let socket {
      shard.broker.streamDrained(self)
      watchSocket(socket)
    }
    if phase == .reading, parser.phase == .idle { becomeIdle() }
    if hasKept { shard.hasKept(self) }
  }

  private func settleStalled() {
    guard let sessions = extras?.takeStalled(), !sessions.isEmpty else { return }
    for session in sessions { shard.broker.answerSettled(session, on: self, now: shard.now) }
    shard.scheduleDeadlines()
  }

  override func closed(_ reason: CloseReason) {
    phase = .ending
    deadline = .distantFuture
    settleStalled()
    shard.closed(self)
  }

  // MARK: deadlines

  private func becomeIdle() {
    deadline = shard.now + shard.context.idleTimeout
    shard.watch(self)
  }

  /// A request has begun and is incomplete: its head has one deadline, its body a pace.
  private func watchArrival() {
    let context = shard.context
    switch parser.phase {
    case .idle: return
    case .head:
      if phaseStart == .distantFuture {
        phaseStart = shard.now
        deadline = phaseStart + context.limits.headTimeout
      }
    case .body:
      if !isInBody { phaseStart = shard.now }
      isInBody = true
      let pace = Double(parser.receivedBodyBytes) / Double(max(1, context.limits.minBodyBytesPerSecond))
      deadline = phaseStart + context.limits.headTimeout + .seconds(pace)
    }
    shard.watch(self)
  }

  /// The deadline has come: a half request is told so, an idle connection or one that does not read just ends.
  func deadlinePassed() {
    guard !isClosed else { return }
    if phase == .socket, let socket { return socketDeadlinePassed(socket) }
    guard phase == .reading || phase == .moving else { return }
    if pendingBytes > 0 { return close(.stalled) }
    if parser.phase == .idle { return close(.local("idle")) }
    shard.http.timeouts += 1
    refuse(.timeout)
  }

  func ensureExtras() -> Extras {
    if let extras { return extras }
    let extras = Extras()
    self.extras = extras
    return extras
  }
}
