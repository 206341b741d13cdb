// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes
import Synchronization
import Wire

/// Bayeux over HTTP: long-polling by POST, callback-polling (JSONP) by GET. The suffix of the path does not matter.
extension Shard {
  func handleBayeux(_ head: RequestHead, _ text: Span<UInt8>, on connection: HTTPConnection) throws(RouteError) {
    broker.isOffline = context.isOffline.load(ordering: .relaxed)
    switch head.method {
    case .post: try longPoll(head, text, on: connection)
    case .get where WebSocketUpgrade.isAsked(by: head, in: text) && context.configuration.webSocket.isEnabled:
      try upgrade(head, text, on: connection)
    case .get, .head: try callbackPoll(head, text, on: connection)
    case .options: preflight(head, text, on: connection)
    default: throw .methodNotAllowed(allow: methods)
    }
  }

  private var methods: String { context.configuration.bayeux.jsonp ? "POST, GET, OPTIONS" : "POST, OPTIONS" }

  // MARK: long-polling

  private func longPoll(_ head: RequestHead, _ text: Span<UInt8>, on connection: HTTPConnection) throws(RouteError) {
    let body = text.extracting(head.body)
    if let message = try Self.formMessage(head, body, text, limits: context.limits) {
      try receive(message.span, head, text, callback: nil, on: connection)
    } else {
      try receive(body, head, text, callback: nil, on: connection)
    }
  }

  /// The messages of a form body `message=…`; nil where the body is the JSON itself, whatever it is labelled as.
  ///
  /// CometD 2 sends forms; Faye sends them across origins, labelled as plain text.
  private static func formMessage(
    _ head: RequestHead, _ body: Span<UInt8>, _ text: Span<UInt8>, limits: HTTPLimits
  ) throws(RouteError) -> [UInt8]? {
    guard body.count > 8, body[0] == UInt8(ascii: "m"), ASCII.equal(body.extracting(0..<8), "message=") else {
      return nil
    }
    return try message(of: body, limits: limits)
  }

  /// The values of all `message` fields, joined to one array where there are several.
  private static func message(of form: Span<UInt8>, limits: HTTPLimits) throws(RouteError) -> [UInt8]? {
    let fields: [FormField]
    do throws(FormError) {
      fields = try Form.parse(form, limits: limits)
    } catch {
      throw .badFields(error.sentence)
    }
    let messages = fields.filter { $0.name == "message" }.map { Array($0.value.utf8) }
    if messages.count <= 1 { return messages.first }
    var joined = [UInt8(ascii: "[")]
    for message in messages {
      let inner = elements(of: message)
      if inner.isEmpty { continue }
      if joined.count > 1 { joined.append(UInt8(ascii: ",")) }
      joined += inner
    }
    return joined + [UInt8(ascii: "]")]
  }

  /// What is between the brackets of an array; anything else as it is.
  private static func elements(of text: [UInt8]) -> ArraySlice<UInt8> {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
    var slice = text[...]
    while let first = slice.first, isSpace(first) { slice = slice.dropFirst() }
    while let last = slice.last, isSpace(last) { slice = slice.dropLast() }
    guard slice.first == UInt8(ascii: "["), slice.last == UInt8(ascii: "]"), slice.count >= 2 else { return slice }
    return slice.dropFirst().dropLast()
  }

  // MARK: callback-polling

  private func callbackPoll(_ head: RequestHead, _ text: Span<UInt8>, on connection: HTTPConnection) throws(RouteError)
  {
    guard context.configuration.bayeux.jsonp, let query = head.query else {
      throw .methodNotAllowed(allow: methods)
    }
    let fields: [FormField]
    do throws(FormError) {
      fields = try Form.parse(text.extracting(query), limits: context.limits)
    } catch {
      throw .badFields(error.sentence)
    }
    let callbacks = fields.filter { $0.name == "jsonp" }
    guard callbacks.count == 1, let callback = callbacks.first?.value, Self.isCallback(callback) else {
      throw .badFields("one parameter jsonp of 1 to \(Self.maxCallbackBytes) characters [A-Za-z0-9._$-] is needed")
    }
    guard let message = try Self.message(of: text.extracting(query), limits: context.limits) else {
      throw .badFields("a parameter message is needed")
    }
    try receive(message.span, head, text, callback: Array(callback.utf8), on: connection)
  }

  private static let maxCallbackBytes = 64

  private static func isCallback(_ text: String) -> Bool {
    let bytes = text.utf8
    return !bytes.isEmpty && bytes.count <= maxCallbackBytes
      && bytes.allSatisfy {
        ASCII.isAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
          || $0 == UInt8(ascii: "$")
      }
  }

  // MARK: both

  private func receive(
    _ messages: Span<UInt8>, _ head: RequestHead, _ text: Span<UInt8>, callback: [UInt8]?,
    on connection: HTTPConnection
  ) throws(RouteError) {
    let trustsHeader = connection.trustsUserHeader
    if let range = try context.identity.range(of: head, in: text, trustsHeader: trustsHeader) {
      receive(messages, user: text.extracting(range), head, text, callback: callback, on: connection)
    } else {
      let user = try context.identity.user(
        of: head, in: text, trustsHeader: trustsHeader, isScript: callback != nil)
      receive(messages, user: user.span, head, text, callback: callback, on: connection)
    }
  }

  private func receive(
    _ messages: Span<UInt8>, user: Span<UInt8>, _ head: RequestHead, _ text: Span<UInt8>, callback: [UInt8]?,
    on connection: HTTPConnection
  ) {
    out.clear()
    broker.noteNewestEvent(context.store.events.newestID)
    let reception = broker.receive(
      messages, user: user,
      origin: context.origin(
        of: connection, isScript: callback != nil, browser: context.browserCookie.browser(of: head, text)),
      on: connection, now: now, into: &out)
    switch reception {
    case .answered:
      answerBayeux(connection, callback: callback, fields: crossOriginFields(head, text))
      if let session = broker.eventsTakenBy { noteStall(of: session, on: connection) }
    case .shookHands:
      answerBayeux(
        connection, callback: callback, fields: crossOriginFields(head, text) + newBrowserCookie(head, text))
      if let session = broker.eventsTakenBy { noteStall(of: session, on: connection) }
    case .held: connection.hold(callback: callback, crossOrigin: crossOriginFields(head, text))
    case .elsewhere(let shard): connection.move(.request(head: head, text: Array(text)), to: shard)
    case .refused(let fault):
      var reply = HTTPReply.text(fault.sentence + "\n", status: fault.status)
      reply.fields = crossOriginFields(head, text)
      connection.answer(reply)
    }
  }

  /// Writes the Bayeux answer that stands in `out`.
  func answerBayeux(_ connection: HTTPConnection, callback: [UInt8]?, fields more: [UInt8]) {
    if let callback { wrapInScript(callback) }
    if connection.extras != nil { connection.forgetRequest() }
    let type = callback == nil ? ReplyType.json.header : ReplyType.script.header
    var fields = callback == nil ? Self.plainFields : Self.scriptFields
    if !more.isEmpty { fields += more }
    connection.answer(status: 200, type: type, fields: fields)
  }

  /// The cookie for a browser that has none, as a header line.
  private func newBrowserCookie(_ head: RequestHead, _ text: Span<UInt8>) -> [UInt8] {
    if context.browserCookie.isIn(head, text) { return [] }
    // Where connects are counted by browser, its next anonymous session has to come here.
    let limits = context.bayeux.maxSessionsPerBrowser >= 0
    let (field, browser) = context.browserCookie.draw { [index, count = context.shardCount] browser in
      !limits || Broker.home(ofBrowser: browser, shards: count) == index
    }
    broker.noteBrowser(browser)
    return field
  }

  private static let plainFields = Array("Cache-Control: no-store\r\n".utf8)
  private static let scriptFields = Array("Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n".utf8)

  /// Turns the array in `out` into a call of the page's function. The comment in front keeps the first bytes of the
  /// answer out of the caller's hands; U+2028 and U+2029 end a line in older scripts, though not in JSON.
  private func wrapInScript(_ callback: [UInt8]) {
    script.clear(keepingAtMost: Self.keptWriterBytes)
    script.append("/**/")
    script.append(callback)
    script.append("(")
    let body = out.bytes
    var index = 0
    while index < body.count {
      if body[index] == 0xE2, index + 2 < body.count, body[index + 1] == 0x80, body[index + 2] & 0xFE == 0xA8 {
        script.append(body[index + 2] == 0xA8 ? "\\u2028" : "\\u2029")
        index += 3
      } else {
        script.append(body[index])
        index += 1
      }
    }
    script.append(");")
    out.clear()
    out.append(script.bytes)
  }
}
