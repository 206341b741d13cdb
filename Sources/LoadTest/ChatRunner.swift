// SPDX-License-Identifier: Apache-2.0
import Bytes
import Reactor
import Wire

/// Leads the chats of one worker: one at a time for each client, begun in turn or by the clock.
final class ChatRunner {
  /// One chat under way.
  private final class Chat {
    let client: LoadClient
    var dialogue: ChatDialogue
    let began: Instant
    var request: ChatDialogue.Request?
    /// What has yet to happen before the chat goes on.
    var awaitsReply = false
    var awaitedSequence: UInt32?
    var reply: (status: Int, body: JSONValue?) = (0, nil)

    init(_ client: LoadClient, _ dialogue: ChatDialogue, began: Instant) {
      self.client = client
      self.dialogue = dialogue
      self.began = began
    }
  }

  private unowned let generator: Generator
  private let plan: LoadPlan
  private var chats: [Int: Chat] = [:]
  private var idle: [LoadClient] = []
  private var hasStarted = false
  private var begun = 0
  private var customerLinks: [ServiceLink] = []
  private var agentLinks: [ServiceLink] = []
  private var agentDialer: Dialer?
  private var pacer: Pacer?
  private let mailbox: Mailbox<Void>?

  init(_ generator: Generator) {
    self.generator = generator
    plan = generator.plan
    mailbox = plan.options.rate == nil ? nil : try? Mailbox()
  }

  // MARK: when

  func pump(_ now: Instant) {
    if !hasStarted {
      hasStarted = true
      idle = generator.clients.filter { $0.isUp }.reversed()
      startPacer()
    }
    let most = plan.options.messages.map { max(1, $0 / plan.options.processes) } ?? .max
    while begun < most {
      let began: Instant
      if let rate = plan.options.rate {
        began = generator.startAt + .nanoseconds(Int64(Double(begun) * Double(plan.options.processes) / rate * 1e9))
        if began > now { return }
      } else {
        if chats.count >= plan.options.window { return }
        began = now
      }
      guard let client = idle.popLast() else { return }
      begun += 1
      let dialogue = ChatDialogue(exchanges: plan.options.exchanges, agent: "Agent")
      let chat = Chat(client, dialogue, began: began)
      chats[client.index] = chat
      goOn(chat)
    }
    if chats.isEmpty, generator.isMeasuring { generator.endMeasuring(now) }
  }

  private func startPacer() {
    guard let mailbox, let rate = plan.options.rate else { return }
    do throws(ReactorError) {
      try mailbox.attach(to: generator.loop) { [unowned self] _ in generator.pump() }
      pacer = try Pacer(
        from: generator.startAt, every: max(Duration.milliseconds(1), Duration.seconds(1 / rate)), to: mailbox)
    } catch {
      generator.fail(.workerFailed(generator.worker, error.description))
    }
  }

  func stalled(_ now: Instant) {
    generator.madeProgress(now)
    for chat in Array(chats.values) { breakOff(chat, "a chat did not go on") }
  }

  func close() {
    pacer?.stop()
    _ = mailbox?.close()
    chats = [:]
    for link in customerLinks + agentLinks { link.close(.local("done")) }
    customerLinks = []
    agentLinks = []
  }

  // MARK: one chat

  private func goOn(_ chat: Chat) {
    let intended = EventLoop.clock()
    var sequence: UInt32?
    let step = chat.dialogue.step {
      let marker = generator.publishing.mark(for: UInt32(chat.client.index), intended: intended)
      sequence = marker.sequence
      return String(decoding: marker.bytes, as: UTF8.self)
    }
    guard case .request(let request) = step else { return finish(chat) }
    chat.request = request
    chat.awaitsReply = true
    chat.awaitedSequence = request.awaitsEvent ? sequence : nil
    do {
      let link = try link(for: request.party)
      let bytes = writer(request, chat.client).request(body: Array(request.body.utf8))
      generator.counters.bytesSent += bytes.count
      link.send(bytes) { [unowned self] status, body in replied(chat, status, body) }
    } catch {
      breakOff(chat, "\(error)")
    }
  }

  private func writer(_ request: ChatDialogue.Request, _ client: LoadClient) -> RequestWriter {
    switch request.party {
    case .customer:
      RequestWriter(
        plan.url, path: request.path, contentType: "application/x-www-form-urlencoded",
        fields: plan.options.headers + ["\(plan.options.userHeader): \(plan.user(client.index))"])
    case .agent:
      RequestWriter(
        plan.agentURL, path: request.path, contentType: "application/json", fields: plan.options.publishHeaders)
    }
  }

  private func link(for party: ChatDialogue.Party) throws -> ServiceLink {
    if party == .agent, agentDialer == nil { agentDialer = try Dialer(plan.agentURL, sources: 1, plan.options) }
    var links = party == .agent ? agentLinks : customerLinks
    links.removeAll { $0.isClosed }
    if let link = links.first(where: \.isIdle) { return link }
    let link = try ServiceLink(
      on: generator.loop, through: agentDialer.flatMap { party == .agent ? $0 : nil } ?? generator.dialer)
    links.append(link)
    if party == .agent { agentLinks = links } else { customerLinks = links }
    return link
  }

  private func replied(_ chat: Chat, _ status: Int, _ body: JSONValue?) {
    guard chats[chat.client.index] === chat else { return }
    generator.counters.responses += 1
    generator.madeProgress(EventLoop.clock())
    guard status == 200 else {
      let said = body?["message"]?.string ?? ""
      return breakOff(chat, "\(chat.request?.path ?? "") was answered with the HTTP status \(status) \(said)")
    }
    chat.reply = (status, body)
    chat.awaitsReply = false
    tryToGoOn(chat)
  }

  /// The words of a chat came as an event.
  func arrived(_ marker: Marker, at client: LoadClient) {
    guard let chat = chats[client.index], chat.awaitedSequence == marker.sequence else { return }
    chat.awaitedSequence = nil
    tryToGoOn(chat)
  }

  private func tryToGoOn(_ chat: Chat) {
    if chat.awaitsReply || chat.awaitedSequence != nil { return }
    // Nothing is said any more once it is being counted.
    guard generator.phase == .running else { return }
    guard chat.dialogue.advance(status: chat.reply.status, body: chat.reply.body) else {
      return breakOff(chat, "\(chat.request?.path ?? "") was answered with something else than expected")
    }
    goOn(chat)
  }

  private func finish(_ chat: Chat) {
    let now = EventLoop.clock()
    generator.counters.dialogues += 1
    if chat.began >= generator.measureAt {
      generator.result.dialogue.record(nanoseconds: (now - chat.began).wholeNanoseconds)
    }
    end(chat)
  }

  private func breakOff(_ chat: Chat, _ reason: String) {
    generator.counters.failedDialogues += 1
    generator.result.lastProblem = reason
    end(chat)
  }

  private func end(_ chat: Chat) {
    chats[chat.client.index] = nil
    idle.insert(chat.client, at: 0)
    // The next chat begins at the end of this turn.
  }
}

/// A connection for calls of the REST interfaces: one at a time, answered by a closure.
final class ServiceLink: HTTPLink {
  private var answer: ((Int, JSONValue?) -> Void)?

  var isIdle: Bool { answer == nil && !isClosed }

  /// - Parameter answer: gets the status and the body, where it is JSON; status 0 where the connection broke.
  func send(_ request: [UInt8], _ answer: @escaping (Int, JSONValue?) -> Void) {
    self.answer = answer
    write(request)
  }

  override func responded(_ response: ParsedResponse, _ body: Span<UInt8>, _ text: Span<UInt8>) {
    let answer = answer
    self.answer = nil
    if !response.keepsAlive { close(.local("not kept alive")) }
    answer?(response.status, try? JSONValue(parsing: body))
  }

  override func closed(_ reason: CloseReason) {
    let answer = answer
    self.answer = nil
    answer?(0, nil)
  }
}
