// SPDX-License-Identifier: Apache-2.0

/// An agent that is a program, for demonstrations and tests: joins every chat it is offered, greets, answers.
public struct ScriptedAgent: Sendable {
  /// How long it takes over things, so that a customer sees it typing.
  public struct Pace: Sendable, Hashable {
    public var joins: Duration = .milliseconds(800)
    public var greets: Duration = .milliseconds(900)
    public var reads: Duration = .milliseconds(500)
    public var types: Duration = .milliseconds(1_200)

    public init() {}
  }

  /// Texts of one customer that may wait for an answer; what is said beyond them gets none.
  static let maxUnread = 100

  public typealias Sleep = @Sendable (Duration) async throws -> Void

  public let nickname: String
  private let backend: EmbeddedChatBackend
  private let pace: Pace
  private let sleep: Sleep

  /// - Parameter sleep: takes up the time of ``Pace``; throws when the agent is to stop.
  public init(
    nickname: String = "Ada", backend: EmbeddedChatBackend, pace: Pace = Pace(),
    sleep: @escaping Sleep = { try await Task.sleep(for: $0) }
  ) {
    self.nickname = nickname
    self.backend = backend
    self.pace = pace
    self.sleep = sleep
  }

  /// Attends to the chats that are offered from now on, until cancelled.
  ///
  /// - Parameter whenReady: called once no new chat can be missed any more.
  public func run(whenReady: @Sendable () -> Void = {}) async {
    let events = await backend.agentEvents()
    _ = try? await backend.setReady(nickname, true)
    whenReady()
    await withDiscardingTaskGroup { group in
      var inboxes: [String: AsyncStream<String>.Continuation] = [:]
      /// What customers say before their chat is offered to this agent.
      var unheard: [String: AsyncStream<String>] = [:]
      for await event in events {
        switch event {
        case .opened(let chat):
          let (texts, inbox) = AsyncStream<String>.makeStream(bufferingPolicy: .bufferingOldest(Self.maxUnread))
          inboxes[chat.serviceID] = inbox
          unheard[chat.serviceID] = texts
        case .offered(let chat, to: nickname):
          guard let texts = unheard.removeValue(forKey: chat.serviceID) else { continue }
          group.addTask { await attend(to: chat, texts) }
        case .message(let id, let text): inboxes[id]?.yield(text)
        case .ended(let id):
          unheard[id] = nil
          inboxes.removeValue(forKey: id)?.finish()
        case .offered, .withdrawn, .typing, .presence: break
        }
      }
      group.cancelAll()
    }
    _ = try? await backend.setReady(nickname, false)
  }

  /// One conversation. It is over when the customer leaves, says goodbye, or the agent is stopped.
  private func attend(to chat: AgentChat, _ texts: AsyncStream<String>) async {
    let id = chat.serviceID
    do {
      try await sleep(pace.joins)
      try await backend.join(id, nickname: nickname)
      try await sleep(pace.greets)
      try await say("Hello \(chat.customer), I am \(nickname). How can I help you?", in: id)
      for await text in texts {
        try await sleep(pace.reads)
        try await say(Self.answer(to: text), in: id)
        guard Self.isGoodbye(text) else { continue }
        try await backend.end(id)
      }
    } catch {
      // The chat ended in the middle of a sentence, or the agent was stopped: either way there is nobody to tell.
    }
  }

  private func say(_ text: String, in serviceID: String) async throws {
    try await backend.typing(serviceID, nickname: nickname, isTyping: true)
    try await sleep(pace.types)
    try await backend.typing(serviceID, nickname: nickname, isTyping: false)
    try await backend.send(serviceID, nickname: nickname, text: text)
  }

  static func isGoodbye(_ text: String) -> Bool {
    !words(of: text).isDisjoint(with: ["bye", "goodbye", "ciao"])
  }

  /// What the agent says to a text; never empty.
  static func answer(to text: String) -> String {
    let words = words(of: text)
    if isGoodbye(text) { return "Thank you for talking with us. Goodbye!" }
    if !words.isDisjoint(with: ["hello", "hi", "hey"]) { return "Hello! What would you like to know?" }
    if !words.isDisjoint(with: ["thanks", "thank"]) { return "You are welcome. Is there anything else?" }
    if !words.isDisjoint(with: ["help", "agent", "human"]) {
      return "I answer whatever you write, and end the chat when you say bye."
    }
    return text.hasSuffix("?")
      ? "Good question. You asked: \(text)" : "I have noted: \(text)"
  }

  private static func words(of text: String) -> Set<String> {
    Set(text.lowercased().split { !$0.isLetter }.map(String.init))
  }
}
