// SPDX-License-Identifier: Apache-2.0
import ChatService
import Testing

/// What every ``ChatBackend`` must do. A backend's tests hand it a factory and run all of it.
///
/// Events are read as they come; one that does not come is a test that runs into its time limit.
struct ChatBackendSuite: Sendable {
  /// A backend of its own for each rule.
  let make: @Sendable () async throws -> any ChatBackend
  /// Has an agent become ready for all that waits; nil where the backend's agent always is.
  var becomeReady: (@Sendable (any ChatBackend) async throws -> Void)?
  /// Whether an event that was postponed is told again.
  var tellsAgain = false

  /// Checks every rule of the contract.
  func run() async throws {
    try await anOpenedChatHasItsKeys()
    try await openingTwiceIsOneChat()
    try await theFirstMessageIsTheFirstEntry()
    try await whatTheCustomerDoesComesBackWithItsCause()
    try await aCallThatIsRepeatedHappensOnce()
    try await chatsDoNotMix()
    try await aDisconnectEndsTheChatAndItMayBeOpenedAgain()
    try await badInputIsRefused()
    try await anUnknownChatIsNotFound()
    try await anOpeningThatIsRepeatedHappensOnce()
    try await theMessageOfAnotherOpeningIsOneMore()
    try await typingAndTheEndHappenOnce()
    try await aChatIsKeptAliveInSilence()
    try await aServiceHasItsPlaceInTheQueue()
    try await availabilityIsToldAndSaid()
    try await aServiceThatIsGoneHasNoChat()
    if tellsAgain { try await whatWasPostponedComesAgainUnderItsID() }
  }

  private struct Bench {
    let backend: any ChatBackend
    var events: AsyncStream<ChatBackendEvent>.Iterator

    /// By service; the customer's own join is 1.
    var positions: [String: Int] = [:]

    /// The next event that is not an agent's, without a place. Those of agents have theirs then.
    mutating func receive() async -> ChatBackendEvent? {
      while let event = await events.next(isolation: nil) {
        guard case .entries(let entries) = event.content, entries.allSatisfy({ $0.party == .agent }) else {
          return event
        }
        await place(event)
      }
      return nil
    }

    mutating func place(_ event: ChatBackendEvent) async {
      positions[event.serviceID, default: 1] += 1
      await backend.acknowledge(event, position: positions[event.serviceID])
    }

    /// The next event that is not an agent's, which has its place then: a backend may wait for that before it tells
    /// another.
    mutating func next() async -> ChatBackendEvent? {
      guard let event = await receive() else { return nil }
      await place(event)
      return event
    }

    func open(_ id: String, message: String? = nil, call: String = "open") async throws -> ChatOpened {
      try await backend.createService(ChatServiceRequest(serviceID: id, name: "test", data: [], ttl: .seconds(60)))
      return try await backend.openChat(
        ChatRequest(serviceID: id, endpoint: "Tenant:endpoint", nickname: "BuzzB", subject: "s", firstMessage: message),
        call: CallID("\(call) \(id)"))
    }
  }

  private func bench() async throws -> Bench {
    let backend = try await make()
    return Bench(backend: backend, events: await backend.events().makeAsyncIterator())
  }

  func anOpenedChatHasItsKeys() async throws {
    let opened = try await bench().open("a")
    #expect(opened.chatSessionID.wholeMatch(of: /[0-9A-Za-z]{16}/) != nil)
    #expect(opened.userID.wholeMatch(of: /[0-9A-F]{16}/) != nil)
    #expect(opened.secureKey.wholeMatch(of: /[0-9a-f]{16}/) != nil)
    #expect(!opened.server.host.isEmpty && (1...65_535).contains(opened.server.webAPIPort))
    #expect(Int(opened.server.loadBalancerAlias) != nil)
  }

  func openingTwiceIsOneChat() async throws {
    let bench = try await bench()
    let first = try await bench.open("a")
    let again = try await bench.open("a", call: "again")
    #expect(again == first)
    let other = try await bench.open("b")
    #expect(other.chatSessionID != first.chatSessionID)
  }

  func theFirstMessageIsTheFirstEntry() async throws {
    var bench = try await bench()
    let opened = try await bench.open("a", message: "hello")
    let event = await bench.next()
    #expect(event?.content == .entries([ChatEntry(.text, "BuzzB", "hello", .client)]))
    #expect(event?.chatSessionID == opened.chatSessionID)
  }

  func whatTheCustomerDoesComesBackWithItsCause() async throws {
    var bench = try await bench()
    let opened = try await bench.open("a")
    let backend = bench.backend
    try await backend.send("hi", in: "a", call: CallID("1"))
    try await backend.typing(true, in: "a", call: CallID("2"))
    try await backend.typing(false, in: "a", call: CallID("3"))
    try await backend.pushURL("https://example.com/", in: "a", call: CallID("4"))
    try await backend.notice("x||Y", in: "a", call: CallID("5"))
    let expected: [ChatEntry] = [
      ChatEntry(.text, "BuzzB", "hi", .client), .notice(.typingStarted, "BuzzB", .client),
      .notice(.typingStopped, "BuzzB", .client), ChatEntry(.pushURL, "BuzzB", "https://example.com/", .client),
      ChatEntry(.custom, "BuzzB", "x||Y", .client),
    ]
    var ids: Set<String> = []
    for (number, entry) in expected.enumerated() {
      let event = await bench.next()
      #expect(event?.content == .entries([entry]))
      #expect(event?.cause == CallID("\(number + 1)"))
      #expect(event?.serviceID == "a" && event?.chatSessionID == opened.chatSessionID)
      #expect((event?.secondsSince1970 ?? 0) >= opened.startedAtSecondsSince1970)
      if let event { #expect(ids.insert(event.id).inserted, "ids are unique") }
    }
  }

  func aCallThatIsRepeatedHappensOnce() async throws {
    var bench = try await bench()
    _ = try await bench.open("a")
    for _ in 0..<3 { try await bench.backend.send("once", in: "a", call: CallID("1")) }
    try await bench.backend.send("then", in: "a", call: CallID("2"))
    for text in ["once", "then"] {
      let event = await bench.next()
      #expect(event?.content == .entries([ChatEntry(.text, "BuzzB", text, .client)]))
    }
  }

  func chatsDoNotMix() async throws {
    var bench = try await bench()
    let sessions = [try await bench.open("a").chatSessionID, try await bench.open("b").chatSessionID]
    for (number, id) in ["a", "b", "a"].enumerated() {
      try await bench.backend.send("to \(id)", in: id, call: CallID("\(number)"))
      let event = await bench.next()
      #expect(event?.serviceID == id && event?.chatSessionID == sessions[id == "a" ? 0 : 1])
      #expect(event?.content == .entries([ChatEntry(.text, "BuzzB", "to \(id)", .client)]))
    }
  }

  func aDisconnectEndsTheChatAndItMayBeOpenedAgain() async throws {
    var bench = try await bench()
    let first = try await bench.open("a")
    try await bench.backend.disconnect("a", call: CallID("end"))
    let event = await bench.next()
    #expect(event?.cause == CallID("end"))
    guard case .ended? = event?.content else {
      Issue.record("a disconnect ends the chat")
      return
    }
    await #expect(throws: ChatBackendError.ended) {
      try await bench.backend.send("late", in: "a", call: CallID("late"))
    }
    let second = try await bench.open("a", call: "again")
    #expect(second.chatSessionID != first.chatSessionID)
    try await bench.backend.send("new", in: "a", call: CallID("new"))
    #expect(await bench.next()?.chatSessionID == second.chatSessionID, "nothing follows the end of a chat")
  }

  func anOpeningThatIsRepeatedHappensOnce() async throws {
    var bench = try await bench()
    let opened = try await bench.open("a", message: "hello")
    #expect(try await bench.open("a", message: "hello") == opened)
    try await bench.backend.send("then", in: "a", call: CallID("1"))
    #expect(await bench.next()?.content == .entries([ChatEntry(.text, "BuzzB", "hello", .client)]))
    #expect(await bench.next()?.content == .entries([ChatEntry(.text, "BuzzB", "then", .client)]))
  }

  func theMessageOfAnotherOpeningIsOneMore() async throws {
    var bench = try await bench()
    let opened = try await bench.open("a", message: "one")
    #expect(try await bench.open("a", message: "two", call: "again") == opened)
    for text in ["one", "two"] {
      #expect(await bench.next()?.content == .entries([ChatEntry(.text, "BuzzB", text, .client)]))
    }
  }

  func typingAndTheEndHappenOnce() async throws {
    var bench = try await bench()
    _ = try await bench.open("a")
    for _ in 0..<2 { try await bench.backend.typing(true, in: "a", call: CallID("1")) }
    for _ in 0..<2 { try await bench.backend.disconnect("a", call: CallID("2")) }
    let second = try await bench.open("a", call: "again")
    try await bench.backend.send("new", in: "a", call: CallID("3"))
    #expect(await bench.next()?.cause == CallID("1"))
    #expect(await bench.next()?.cause == CallID("2"))
    let last = await bench.next()
    #expect(last?.cause == CallID("3") && last?.chatSessionID == second.chatSessionID)
  }

  func aChatIsKeptAliveInSilence() async throws {
    var bench = try await bench()
    _ = try await bench.open("a")
    for _ in 0..<3 { try await bench.backend.keepAlive("a") }
    await bench.backend.clientPresence("a", isOnline: true)
    try await bench.backend.send("hi", in: "a", call: CallID("1"))
    #expect(await bench.next()?.cause == CallID("1"))
  }

  func aServiceHasItsPlaceInTheQueue() async throws {
    let bench = try await bench()
    try await bench.backend.createService(waitingService("q"))
    guard let place = try await bench.backend.queuePosition("q") else { return }
    #expect((0...place.total).contains(place.position) && place.eta >= .zero)
  }

  private func waitingService(_ id: String) -> ChatServiceRequest {
    ChatServiceRequest(
      serviceID: id, name: "test", data: [.init("usr_order", "4711")], ttl: .seconds(60),
      routing: RoutingRequest(plan: nil, virtualQueue: "q", isQueuedAtOnce: true))
  }

  func availabilityIsToldAndSaid() async throws {
    let backend = try await make()
    var changes = await backend.availabilityChanges().makeAsyncIterator()
    try await backend.createService(waitingService("w"))
    if let becomeReady {
      #expect(try await backend.availability("w") == .waiting)
      try await becomeReady(backend)
    }
    let change = await changes.next(isolation: nil)
    #expect(change == AvailabilityChange(serviceID: "w", availability: .available))
    if let change { await backend.acknowledge(change, isKept: true) }
    #expect(try await backend.availability("w") == .available)
  }

  func aServiceThatIsGoneHasNoChat() async throws {
    var bench = try await bench()
    _ = try await bench.open("a")
    try await bench.backend.disconnect("a", call: CallID("end"))
    _ = await bench.next()
    for _ in 0..<2 { await bench.backend.removeService("a") }
    await #expect(throws: ChatBackendError.self) { try await bench.backend.send("x", in: "a", call: CallID("1")) }
  }

  func whatWasPostponedComesAgainUnderItsID() async throws {
    var bench = try await bench()
    _ = try await bench.open("a")
    try await bench.backend.send("one", in: "a", call: CallID("1"))
    let first = await bench.receive()
    if let first { await bench.backend.postpone(first) }
    let again = await bench.next()
    #expect(again == first && again?.cause == CallID("1"))
    try await bench.backend.send("two", in: "a", call: CallID("2"))
    #expect(await bench.next()?.cause == CallID("2"))
  }

  func badInputIsRefused() async throws {
    let bench = try await bench()
    _ = try await bench.open("a")
    await #expect(throws: ChatBackendError.badInput) { try await bench.backend.send("", in: "a", call: CallID("1")) }
    await #expect(throws: ChatBackendError.badInput) {
      try await bench.backend.pushURL("javascript:alert(1)", in: "a", call: CallID("2"))
    }
  }

  func anUnknownChatIsNotFound() async throws {
    let bench = try await bench()
    await #expect(throws: ChatBackendError.notFound) { try await bench.backend.send("x", in: "?", call: CallID("1")) }
    await #expect(throws: ChatBackendError.notFound) {
      try await bench.backend.typing(true, in: "?", call: CallID("2"))
    }
    await #expect(throws: ChatBackendError.notFound) { try await bench.backend.disconnect("?", call: CallID("3")) }
    await bench.backend.clientPresence("?", isOnline: true)
  }
}

@Test(.timeLimit(.minutes(1))) func theEmbeddedBackendKeepsTheContract() async throws {
  try await ChatBackendSuite(
    make: { EmbeddedChatBackend(clock: ManualClock()) },
    becomeReady: { backend in
      guard let backend = backend as? EmbeddedChatBackend else { return }
      _ = try await backend.update("Ada", AgentUpdate(isReady: true))
    }
  ).run()
}
