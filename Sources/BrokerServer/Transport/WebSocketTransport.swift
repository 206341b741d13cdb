// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes
import Deflate
import Reactor
import Wire

/// What a connection has once it speaks WebSocket.
final class SocketState {
  var parser: FrameParser
  /// The `gms_user` of the upgrade request, or of the first handshake that may name one; empty for none.
  var user: [UInt8]
  /// Whether messages may be compressed.
  let isCompressed: Bool
  /// Of the upgrade request, see ``BrowserCookie``.
  let browser: UInt64
  var sessions: [Session] = []
  /// A ping is unanswered: the next deadline ends the connection.
  var isProbed = false
  /// No message has come yet.
  var isNew = true
  /// When what has to come in time began: the connection, until a message came, then the message that is not whole.
  var arrivalStart: Instant?
  /// By when the peer has to take some more of what waits for it, and how much it had taken when that was set.
  var write: (deadline: Instant, progress: Int)?

  init(user: [UInt8], isCompressed: Bool, browser: UInt64) {
    parser = FrameParser(allowsCompression: isCompressed)
    self.user = user
    self.isCompressed = isCompressed
    self.browser = browser
  }

  init(_ moved: MovedSocket) {
    parser = moved.parser
    user = moved.user
    isCompressed = moved.isCompressed
    browser = moved.browser
    isNew = false
  }
}

/// A WebSocket on its way to another shard, with the message that showed that it belongs there.
struct MovedSocket: Sendable {
  let parser: FrameParser
  let user: [UInt8]
  let isCompressed: Bool
  let browser: UInt64
  let message: [UInt8]
}

/// Bayeux over WebSocket: arrays in text frames, events pushed while a connect is held.
extension Shard {
  /// Answers a request that asks for an upgrade, on the shard where its user's sessions live.
  func upgrade(_ head: RequestHead, _ text: Span<UInt8>, on connection: HTTPConnection) throws(RouteError) {
    try checkUpgradeOrigin(head, text)
    let user = try context.identity.user(of: head, in: text, trustsHeader: connection.trustsUserHeader)
    let home = user.isEmpty ? index : Broker.home(of: user.span, shards: context.shardCount)
    guard home == index else { return connection.move(.request(head: head, text: Array(text)), to: home) }
    var options = WebSocketUpgrade.Options()
    options.subprotocol = context.configuration.webSocket.subprotocol
    options.allowsCompression = context.configuration.webSocket.allowsCompression && deflate != nil
    do throws(UpgradeFault) {
      let upgrade = try WebSocketUpgrade(head, in: text, options: options)
      out.clear()
      upgrade.appendResponse(to: &out)
      connection.send(out.bytes)
      out.clear()
      connection.becomeSocket(
        SocketState(
          user: user, isCompressed: upgrade.isCompressed, browser: context.browserCookie.browser(of: head, text)))
    } catch {
      var reply = HTTPReply.text(error.sentence + ".\n", status: error.status)
      reply.fields = error.fields
      connection.answer(reply)
    }
  }

  /// A page of another origin could otherwise use the cookies and the network place of its visitor. What sends no
  /// `Origin` is no browser.
  private func checkUpgradeOrigin(_ head: RequestHead, _ text: Span<UInt8>) throws(RouteError) {
    guard let range = head.value(of: "origin", in: text) else { return }
    let origin = text.extracting(range)
    if context.crossOrigin.allows(origin) { return }
    guard let host = head.host(in: text) else { throw .foreignOrigin }
    let authority = String(text.extracting(host)).lowercased()
    let named = String(origin).lowercased()
    if named == "http://" + authority || named == "https://" + authority { return }
    throw .foreignOrigin
  }

  /// Takes one text message of a socket.
  func receiveMessage(_ message: Span<UInt8>, on connection: HTTPConnection, _ socket: SocketState) {
    out.clear()
    broker.noteNewestEvent(context.store.events.newestID)
    let user = socket.user
    let origin = context.origin(of: connection, isScript: false, browser: socket.browser)
    switch broker.receive(message, user: user.span, origin: origin, onStream: connection, now: now, into: &out) {
    case .answered, .shookHands:
      connection.sendMessage()
      if let session = broker.eventsTakenBy { noteStall(of: session, on: connection) }
    case .held: break
    case .elsewhere(let shard):
      connection.move(
        .socket(
          MovedSocket(
            parser: socket.parser, user: socket.user, isCompressed: socket.isCompressed, browser: socket.browser,
            message: Array(message))), to: shard)
    case .refused(let fault): connection.closeSocket(.internalError, fault.sentence)
    }
  }
}

// MARK: permessage-deflate

extension Shard {
  /// What a compressed text of a client was compressed from.
  func opened(_ message: [UInt8]) throws(WebSocketFault) -> [UInt8] {
    guard let deflate else { throw .reservedBits }
    var plain: [UInt8] = []
    try deflate.open(.text, message.span, into: &plain, limits: context.configuration.webSocket.limits)
    return plain
  }

  /// Makes the message in `out` a compressed frame in `script`.
  ///
  /// - Returns: false where it is to go out as it is: it is short, or would not get shorter.
  func compress() -> Bool {
    guard let deflate, out.count >= context.configuration.webSocket.limits.minCompressedBytes else { return false }
    let packed = compressed.packed(out.bytes, by: deflate)
    guard packed.count < out.count else { return false }
    script.clear(keepingAtMost: Self.keptWriterBytes)
    script.append(packed)
    script.prependFrameHeader(.text, isCompressed: true)
    return true
  }
}

extension HTTPConnection: StreamConduit {
  var streamSessions: [Session] {
    get { socket?.sessions ?? [] }
    set { socket?.sessions = newValue }
  }

  var streamUser: [UInt8] {
    get { socket?.user ?? [] }
    set { socket?.user = newValue }
  }

  /// Takes the frames of `input`.
  func takeFrames(_ input: Span<UInt8>, _ socket: SocketState) {
    var offset = 0
    let limits = shard.context.configuration.webSocket.limits
    socket.isProbed = false
    while offset < input.count, phase == .socket, !isClosed, !isBackedUp {
      let unread = input.extracting(offset...)
      switch socket.parser.parse(unread, limits: limits, scratch: &shard.message) {
      case .needMore: offset = input.count
      case .message(.text, let isCompressed, let consumed):
        offset += consumed
        socket.isNew = false
        socket.arrivalStart = nil
        let message = shard.message
        do throws(WebSocketFault) {
          let plain = isCompressed ? try shard.opened(message) : message
          shard.receiveMessage(plain.span, on: self, socket)
        } catch {
          return closeSocket(error.closeCode, error.sentence)
        }
      case .message(.binary, _, let consumed):
        offset += consumed
        closeSocket(.unsupportedData, "Bayeux messages are text")
      case .ping(let consumed):
        offset += consumed
        sendControl(.pong, shard.message)
      case .pong(let consumed): offset += consumed
      case .close(let code, _): return closeSocket(code, "")
      case .failed(let fault): return closeSocket(fault.closeCode, fault.sentence)
      }
    }
    if offset < input.count, !isClosed, phase != .ending { keep(input.extracting(offset...)) }
    watchSocket(socket)
  }

  /// Sends the text that stands in the shard's writer as one message.
  func sendMessage() {
    if socket?.isCompressed ?? false, shard.compress() {
      send(shard.script.bytes)
    } else {
      shard.out.prependFrameHeader(.text)
      send(shard.out.bytes)
    }
    shard.out.clear(keepingAtMost: Shard.keptWriterBytes)
    if pendingBytes > 0, let socket { watchSocket(socket) }
  }

  /// Sends one event as a message of its own.
  func sendEvent(_ payload: Payload) {
    if socket?.isCompressed ?? false {
      shard.out.clear()
      shard.out.append("[")
      shard.out.append(payload)
      shard.out.append("]")
      return sendMessage()
    }
    shard.frames.frame(of: payload).withUnsafeBytes { send($0) }
    if pendingBytes > 0, let socket { watchSocket(socket) }
  }

  private func sendControl(_ opcode: Opcode, _ payload: [UInt8]) {
    shard.script.clear()
    shard.script.appendFrame(opcode, payload.span)
    send(shard.script.bytes)
  }

  /// Says goodbye with a close frame and ends.
  func closeSocket(_ code: CloseCode?, _ reason: String) {
    guard phase == .socket, !isClosed else { return }
    shard.script.clear()
    shard.script.appendCloseFrame(code, reason: reason)
    send(shard.script.bytes)
    let time = shard.context.configuration.webSocket.limits.closeTimeout
    endSocket(by: shard.now + time)
  }

  /// Sets the next moment at which something has to have come, or to have been taken. What the peer sends meanwhile
  /// does not put off that it has to read, nor that a message has to become whole.
  func watchSocket(_ socket: SocketState) {
    guard phase == .socket, !isClosed else { return }
    let limits = shard.context.configuration.webSocket.limits
    let isArriving = socket.isNew || !socket.parser.isIdle
    let start = isArriving ? socket.arrivalStart ?? shard.now : nil
    socket.arrivalStart = start
    if pendingBytes > 0 {
      let isMoving = socket.write.map { progressBytes > $0.progress } ?? true
      if isMoving { socket.write = (shard.now + shard.context.writeTimeout, progressBytes) }
    } else {
      socket.write = nil
    }
    if let write = socket.write {
      deadline = write.deadline
    } else if let start {
      deadline = start + (socket.isNew ? limits.firstMessageTimeout : limits.messageTimeout)
    } else {
      deadline = shard.now + (socket.isProbed ? limits.closeTimeout : shard.context.idleTimeout)
    }
    shard.watch(self)
  }

  func socketDeadlinePassed(_ socket: SocketState) {
    if pendingBytes > 0 {
      guard let write = socket.write, progressBytes > write.progress else { return close(.stalled) }
      return watchSocket(socket)
    }
    if socket.isNew { return closeSocket(.policyViolation, "No message came in time") }
    if !socket.parser.isIdle { return closeSocket(.policyViolation, "The message did not arrive in time") }
    if socket.isProbed { return close(.local("silent")) }
    socket.isProbed = true
    sendControl(.ping, [])
    watchSocket(socket)
  }
}
