// SPDX-License-Identifier: Apache-2.0
import Bytes
import Reactor

/// One Bayeux client of a load test: its session, its ledger and the connection its polls are on.
final class LoadClient: Deadlined {
  /// Its number in the whole run; -1 is the one who publishes.
  let index: Int
  unowned let generator: Generator
  private(set) var session: BayeuxSession
  var ledger: ClientLedger
  private(set) var writer: RequestWriter
  private var poll: PollRequest?
  private var link: ClientLink?
  private var messageID = 0
  /// Whether an answer is awaited.
  private var isBusy = false
  /// Whether it was held since it began, and whether it was given up.
  private(set) var isUp = false
  private(set) var hasFailed = false
  var began = Instant(nanoseconds: 0)
  /// When to go on after a rest, or to take a first connect for held.
  private(set) var deadline = Instant.distantFuture
  var queuedDeadline = Instant.distantFuture

  init(index: Int, generator: Generator, ledger: ClientLedger, writer: RequestWriter) {
    self.index = index
    self.generator = generator
    self.ledger = ledger
    self.writer = writer
    session = BayeuxSession(channelCount: index < 0 ? 0 : ledger.destinations.count)
  }

  var clientID: [UInt8] { session.clientID }
  var isConnected: Bool { link != nil }
  var cookies: CookieJar { writer.cookies }
  private var connectionType: String { generator.plan.transport.rawValue }

  // MARK: its course

  /// Goes on, if nothing is awaited.
  func advance() {
    guard !isBusy, !hasFailed else { return }
    deadline = .distantFuture
    let step = session.next()
    switch step {
    case .wait(let pause): rest(pause)
    case .giveUp: giveUp()
    case .poll:
      if session.pollInterval > .zero, isUp, !mayPoll { return rest(session.pollInterval, thenPoll: true) }
      mayPoll = false
      send(step)
      if !isUp { cameUp() }
    case .handshake, .subscribe, .firstConnect: send(step)
    }
  }

  /// Whether the wait that the server asked for is over.
  private var mayPoll = false

  private func rest(_ pause: Duration, thenPoll: Bool = false) {
    mayPoll = thenPoll
    deadline = generator.loop.now + pause
    generator.note(self)
  }

  /// Its deadline has come.
  func due() {
    deadline = .distantFuture
    if isBusy {
      session.takeForHeld()
      if session.isHeld, !isUp { cameUp() }
    } else {
      advance()
    }
  }

  private func cameUp() {
    isUp = true
    generator.cameUp(self)
  }

  private func giveUp() {
    guard !hasFailed else { return }
    hasFailed = true
    generator.gaveUp(self, session.lastRefusal)
  }

  private func send(_ step: BayeuxSession.Step) {
    guard let link = link ?? dial() else { return }
    isBusy = true
    generator.counters.bytesSent += write(step, on: link)
    if step == .firstConnect {
      deadline = generator.loop.now + LoadLimits.firstConnectWait
      generator.note(self)
    }
  }

  private func write(_ step: BayeuxSession.Step, on link: ClientLink) -> Int {
    messageID += 1
    if step == .poll {
      if poll == nil {
        poll = PollRequest(
          clientID: clientID, connectionType: connectionType, acknowledgements: writer.usesAcknowledgements
        ) { [writer] in link.frame($0, writer) }
      }
      poll?.set(id: messageID, acknowledged: session.acknowledged)
      guard let poll else { return 0 }
      poll.bytes.withUnsafeBytes { link.transmit($0) }
      return poll.bytes.count
    }
    poll = nil
    let body: String
    switch step {
    case .handshake:
      body = BayeuxBody.handshake(
        id: messageID, connectionType: connectionType, acknowledgements: writer.usesAcknowledgements)
    case .subscribe:
      let channels = generator.plan.channels(of: index)
      body = BayeuxBody.subscribe(id: messageID, channels: channels, clientID: clientID)
      messageID += channels.count
    default: body = BayeuxBody.firstConnect(id: messageID, connectionType: connectionType, clientID: clientID)
    }
    let request = link.frame(Array(body.utf8), writer)
    request.withUnsafeBytes { link.transmit($0) }
    return request.count
  }

  /// Sends a message beside the polls: where all is on one websocket.
  func sendBeside(_ body: [UInt8]) {
    guard let link else { return }
    let framed = link.frame(body, writer)
    framed.withUnsafeBytes { link.transmit($0) }
    generator.counters.bytesSent += framed.count
  }

  // MARK: its connection

  private func dial() -> ClientLink? {
    do {
      link = try ClientLink.open(for: self, generator)
      return link
    } catch {
      generator.couldNotConnect("\(error)")
      rest(LoadLimits.retryPause)
      return nil
    }
  }

  /// Drops the connection and everything the server gave it; ``advance()`` starts over.
  func startOver(at now: Instant) {
    let old = link
    link = nil
    old?.close(.local("starting over"))
    session = BayeuxSession(channelCount: ledger.destinations.count)
    poll = nil
    isBusy = false
    isUp = false
    began = now
  }

  func closeLink() {
    let old = link
    link = nil
    old?.close(.local("done"))
  }

  func linkClosed(_ closed: ClientLink, _ reason: CloseReason) {
    guard link === closed else { return }
    link = nil
    let wasBusy = isBusy
    isBusy = false
    guard generator.isActive else { return }
    if closed.hasReceived {
      generator.counters.reconnects += 1
    } else {
      generator.couldNotConnect(reason.description)
    }
    if connectionType == LoadTransport.websocket.rawValue || wasBusy {
      session.connectionLost()
      advance()
    }
  }

  // MARK: what the server says

  func took(cookie: Span<UInt8>) {
    if writer.take(cookie: cookie) { poll = nil }
  }

  /// One body, or one frame, of messages.
  func took(_ body: Span<UInt8>, isWholeAnswer: Bool) {
    var events = 0
    var metas = 0
    do throws(JSONError) {
      try ReplyScanner.scan(body) { message, text in
        if message.channel == .other, let data = message.data {
          events += 1
          generator.arrived(data, in: text, at: self)
        } else {
          if message.channel != .other { metas += 1 }
          if message.successful == false { generator.refused(message, text, by: self) }
          session.note(message, text)
          if message.channel == .other { generator.published(message, by: self) }
        }
      }
    } catch {
      broken("not JSON: \(error.reason.rawValue)")
    }
    if events == 0, session.isHeld, metas > 0 { generator.counters.emptyPolls += 1 }
    // On a websocket only the reply to what was sent last ends the wait.
    if isWholeAnswer || metas > 0 && !session.awaitsSubscriptions { answered() }
  }

  func answered() {
    isBusy = false
    advance()
  }

  func broken(_ reason: String) {
    generator.problem(reason)
    session.broken(reason)
  }
}
