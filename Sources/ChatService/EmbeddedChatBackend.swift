// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// A chat server in this process: customers come through the ``ChatBackend`` face, agents through the methods of
/// `EmbeddedChatBackend+Agents`.
public actor EmbeddedChatBackend: ChatBackend {
  /// A chat and who is in it.
  struct Chat {
    let opened: ChatOpened
    let customer: String
    let subject: String
    var userData: [ChatFields.Field] = []
    /// Counts chats, so that lists are in the order of opening.
    let number: Int
    var isLive = true
    var agents: [String] = []
    var position = 1
    var isCustomerOnline: Bool?
    /// The latest calls, to recognise one that is repeated.
    var calls: [CallID] = []
  }

  let clock: any ChatClock
  let server: ChatServerAddress
  let limits: EmbeddedChatLimits
  var random: ChatRandom

  /// By service.
  var chatOf: [String: Chat] = [:]
  var endedChats: [(serviceID: String, number: Int)] = []
  var router = Router()
  /// Of services that routing was told of before they have a chat.
  private var requests: [String: RoutingRequest] = [:]
  private var changes: AsyncStream<AvailabilityChange>.Continuation?
  private var chatCount = 0
  private var eventCount = 0

  /// Kept until its consumer comes.
  private var stream: AsyncStream<ChatBackendEvent>?
  private var output: AsyncStream<ChatBackendEvent>.Continuation
  private var consumer = 0
  private var hasLostConsumer = false
  /// Calls of agents that wait until their event has its place, by event.
  private var unacknowledged: [String: CheckedContinuation<Int?, any Error>] = [:]
  private var observers: [Int: AsyncStream<AgentEvent>.Continuation] = [:]
  private var observerCount = 0

  /// - Parameters:
  ///   - server: what verbose replies name as the chat server.
  ///   - statistics: answers what `_target` checks; nil, or a nil answer, takes this backend's own numbers.
  public init(
    clock: any ChatClock,
    server: ChatServerAddress = ChatServerAddress(host: "127.0.0.1", webAPIPort: 4856, loadBalancerAlias: "350"),
    limits: EmbeddedChatLimits = EmbeddedChatLimits(),
    statistics: (@Sendable (_ name: String, _ target: RoutingTarget) -> Double?)? = nil,
    random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
  ) {
    self.clock = clock
    self.server = server
    self.limits = limits
    self.random = ChatRandom(base: random)
    (stream, output) = AsyncStream.makeStream()
    router.statistics = statistics
  }

  // MARK: events

  /// Not bounded by number: every event belongs to a call that waits for it.
  public func events() -> AsyncStream<ChatBackendEvent> {
    let events: AsyncStream<ChatBackendEvent>
    if let unread = stream { events = unread } else { (events, output) = AsyncStream.makeStream() }
    stream = nil
    consumer += 1
    hasLostConsumer = false
    let number = consumer
    output.onTermination = { _ in Task { await self.lostConsumer(number) } }
    return events
  }

  private func lostConsumer(_ number: Int) {
    guard number == consumer else { return }
    hasLostConsumer = true
    for waiting in unacknowledged.values { waiting.resume(throwing: AgentError.unavailable) }
    unacknowledged = [:]
  }

  // Asynchronous without need: where it is awaited on this type, the protocol's default would otherwise be preferred,
  // which is asynchronous and does nothing.
  public func acknowledge(_ event: ChatBackendEvent, position: Int?) async {
    if let position, let chat = chatOf[event.serviceID], chat.opened.chatSessionID == event.chatSessionID {
      chatOf[event.serviceID]?.position = max(position, chat.position)
    }
    unacknowledged.removeValue(forKey: event.id)?.resume(returning: position)
  }

  public func postpone(_ event: ChatBackendEvent) async {
    unacknowledged.removeValue(forKey: event.id)?.resume(throwing: AgentError.notStored)
  }

  func noteEvents(_ latest: Int) { eventCount = max(eventCount, latest) }

  func newChat(_ opened: ChatOpened, customer: String, subject: String) -> Chat {
    chatCount += 1
    return Chat(opened: opened, customer: customer, subject: subject, number: chatCount)
  }

  /// Takes over a chat that was opened before.
  func place(_ chat: Chat, of serviceID: String) {
    chatOf[serviceID] = chat
    if !chat.isLive { listEnded(serviceID, chat.number) }
  }

  /// Sends an event on its way.
  ///
  /// - Returns: its id.
  @discardableResult
  func emit(_ content: ChatBackendEvent.Content, in serviceID: String, of chat: Chat, cause: CallID? = nil) -> String {
    eventCount += 1
    let event = ChatBackendEvent(
      id: String(eventCount), serviceID: serviceID, chatSessionID: chat.opened.chatSessionID,
      secondsSince1970: clock.secondsSince1970(), cause: cause, content: content)
    output.yield(event)
    return event.id
  }

  /// Sends an event on its way and waits until it has its place.
  func place(_ content: ChatBackendEvent.Content, in serviceID: String, of chat: Chat) async throws(AgentError) {
    guard !hasLostConsumer else { throw .unavailable }
    let position: Int?
    do {
      position = try await withCheckedThrowingContinuation { waiting in
        unacknowledged[emit(content, in: serviceID, of: chat)] = waiting
      }
    } catch {
      throw error as? AgentError ?? .unavailable
    }
    if position == nil { throw .chatEnded }
  }

  func close(_ serviceID: String) {
    guard let number = chatOf[serviceID]?.number else { return }
    chatOf[serviceID]?.isLive = false
    chatOf[serviceID]?.agents = []
    carryOut(router.ended(serviceID, now: clock.now()))
    listEnded(serviceID, number)
    tellAgents(.ended(serviceID: serviceID))
  }

  private func listEnded(_ serviceID: String, _ number: Int) {
    endedChats.append((serviceID, number))
    if endedChats.count > limits.maxEndedChats {
      let oldest = endedChats.removeFirst()
      if chatOf[oldest.serviceID]?.number == oldest.number { chatOf[oldest.serviceID] = nil }
    }
  }

  // MARK: observers

  /// What happens in all chats from now on, for agents that are programs.
  public func agentEvents() -> AsyncStream<AgentEvent> {
    let (events, continuation) = AsyncStream<AgentEvent>.makeStream(
      bufferingPolicy: .bufferingOldest(limits.maxObserverBacklog))
    observerCount += 1
    let number = observerCount
    observers[number] = continuation
    continuation.onTermination = { _ in Task { await self.forgetObserver(number) } }
    return events
  }

  private func forgetObserver(_ number: Int) { observers[number] = nil }

  func tellAgents(_ event: AgentEvent) {
    for observer in observers.values { observer.yield(event) }
  }
}

// MARK: the customer's side

extension EmbeddedChatBackend {
  public func createService(_ service: ChatServiceRequest) async throws(ChatBackendError) {
    // A basic service with nothing special to it needs no remembering: its chat brings all it needs.
    if service.routing != RoutingRequest() { requests[service.serviceID] = service.routing }
    guard let chat = chatOf[service.serviceID], chat.isLive else { return queue(service.serviceID) }
    // Told again of a chat that was taken up after a restart: nobody had joined it, so it is offered anew.
    guard chat.agents.isEmpty else { return }
    carryOut(router.enqueue(service.serviceID, service.routing, hasChat: true, now: clock.now()))
  }

  public func availability(_ serviceID: String) async throws(ChatBackendError) -> ChatAvailability {
    queue(serviceID)
    let request = requests[serviceID] ?? RoutingRequest()
    return router.isAvailable(request, serviceID, now: clock.now()) ? .available : .waiting
  }

  /// Queues a service that waits for its agent before there is a chat.
  private func queue(_ serviceID: String) {
    guard let request = requests[serviceID], request.isQueuedAtOnce, chatOf[serviceID]?.isLive != true else { return }
    carryOut(router.enqueue(serviceID, request, hasChat: false, now: clock.now()))
  }

  public func availabilityChanges() async -> AsyncStream<AvailabilityChange> {
    let (stream, continuation) = AsyncStream<AvailabilityChange>.makeStream()
    changes = continuation
    return stream
  }

  public func queuePosition(_ serviceID: String) async throws(ChatBackendError) -> QueuePosition? {
    if let position = router.position(serviceID) { return position }
    let request = requests[serviceID] ?? RoutingRequest()
    let isReady = router.isAvailable(request, serviceID, now: clock.now())
    return QueuePosition(position: 0, total: 0, isAgentReady: isReady, eta: .zero)
  }

  public func removeService(_ serviceID: String) async {
    requests[serviceID] = nil
    if chatOf[serviceID]?.isLive != true { carryOut(router.ended(serviceID, now: clock.now())) }
  }

  public func advance(to now: Instant) async { carryOut(router.advance(to: now)) }

  /// Tells whom it concerns what routing decided.
  func carryOut(_ effects: [Router.Effect]) {
    for effect in effects {
      switch effect {
      case .offered(let id, let agent):
        guard let chat = chatOf[id] else { continue }
        tellAgents(.offered(agentChat(id, chat), to: agent))
      case .withdrawn(let id, let agent): tellAgents(.withdrawn(serviceID: id, from: agent))
      case .became(let availability, let id):
        changes?.yield(AvailabilityChange(serviceID: id, availability: availability))
      }
    }
  }

  public func openChat(_ request: ChatRequest, call: CallID) async throws(ChatBackendError) -> ChatOpened {
    if let text = request.firstMessage { try check(text) }
    if let chat = chatOf[request.serviceID], chat.isLive {
      // Under the call of the opening itself it was said already.
      if let text = request.firstMessage { try await send(text, in: request.serviceID, call: call) }
      return chat.opened
    }
    let opened = ChatOpened(
      chatSessionID: "000" + Identifiers.text(13, of: Self.sessionAlphabet, using: &random),
      userID: Identifiers.text(16, of: "0123456789ABCDEF", using: &random),
      secureKey: Identifiers.text(16, using: &random),
      startedAtSecondsSince1970: clock.secondsSince1970(), server: server)
    var chat = newChat(opened, customer: request.nickname, subject: request.subject)
    chat.userData = request.userData
    chatOf[request.serviceID] = chat
    tellAgents(.opened(agentChat(request.serviceID, chat)))
    let routing = requests[request.serviceID] ?? RoutingRequest()
    carryOut(router.enqueue(request.serviceID, routing, hasChat: true, now: clock.now()))
    if let text = request.firstMessage { try await send(text, in: request.serviceID, call: call) }
    return opened
  }

  private static var sessionAlphabet: StaticString { "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" }

  public func send(_ text: String, in serviceID: String, call: CallID) async throws(ChatBackendError) {
    try check(text)
    guard let chat = try chatOfCustomer(serviceID, call) else { return }
    emit(.entries([ChatEntry(.text, chat.customer, text, .client)]), in: serviceID, of: chat, cause: call)
    tellAgents(.message(serviceID: serviceID, text: text))
  }

  public func typing(_ isTyping: Bool, in serviceID: String, call: CallID) async throws(ChatBackendError) {
    guard let chat = try chatOfCustomer(serviceID, call) else { return }
    let notice = ChatEntry.notice(isTyping ? .typingStarted : .typingStopped, chat.customer, .client)
    emit(.entries([notice]), in: serviceID, of: chat, cause: call)
    tellAgents(.typing(serviceID: serviceID, isTyping))
  }

  public func pushURL(_ url: String, in serviceID: String, call: CallID) async throws(ChatBackendError) {
    guard isAcceptable(url: url) else { throw .badInput }
    guard let chat = try chatOfCustomer(serviceID, call) else { return }
    emit(.entries([ChatEntry(.pushURL, chat.customer, url, .client)]), in: serviceID, of: chat, cause: call)
  }

  public func notice(_ text: String, in serviceID: String, call: CallID) async throws(ChatBackendError) {
    try check(text)
    guard let chat = try chatOfCustomer(serviceID, call) else { return }
    emit(.entries([ChatEntry(.custom, chat.customer, text, .client)]), in: serviceID, of: chat, cause: call)
  }

  public func disconnect(_ serviceID: String, call: CallID) async throws(ChatBackendError) {
    guard let chat = try chatOfCustomer(serviceID, call) else { return }
    // No notice that the customer left: the position of a disconnect does not advance.
    emit(.ended([]), in: serviceID, of: chat, cause: call)
    close(serviceID)
  }

  public func clientPresence(_ serviceID: String, isOnline: Bool) async {
    guard chatOf[serviceID]?.isLive == true else { return }
    chatOf[serviceID]?.isCustomerOnline = isOnline
    tellAgents(.presence(serviceID: serviceID, isOnline: isOnline))
  }

  private func check(_ text: String) throws(ChatBackendError) {
    guard !text.isEmpty, text.utf8.count <= limits.maxTextBytes else { throw .badInput }
  }

  /// Browsers open what is pushed, so it is a web address and nothing else.
  func isAcceptable(url: String) -> Bool {
    let start = url.prefix(8).lowercased()
    return url.utf8.count <= limits.maxURLBytes && (start.hasPrefix("http://") || start.hasPrefix("https://"))
  }

  /// The live chat of a service; nil when this call was made before.
  private func chatOfCustomer(_ serviceID: String, _ call: CallID) throws(ChatBackendError) -> Chat? {
    guard let chat = chatOf[serviceID] else { throw .notFound }
    if chat.calls.contains(call) { return nil }
    guard chat.isLive else { throw .ended }
    if chat.calls.count >= limits.maxRememberedCalls { chatOf[serviceID]?.calls.removeFirst() }
    chatOf[serviceID]?.calls.append(call)
    return chat
  }
}
