// SPDX-License-Identifier: Apache-2.0

/// The agent's side. Each call returns once its event stands in the transcript, with the chat as it is then.
extension EmbeddedChatBackend {
  /// The live chats in the order of opening, then the latest ended ones.
  public func chats() -> [AgentChat] {
    chatOf.sorted { left, right in
      (left.value.isLive ? 0 : 1, left.value.number) < (right.value.isLive ? 0 : 1, right.value.number)
    }.map { agentChat($0.key, $0.value) }
  }

  /// - Throws: ``AgentError/noSuchChat``
  public func chat(_ serviceID: String) throws(AgentError) -> AgentChat {
    guard let chat = chatOf[serviceID] else { throw .noSuchChat }
    return agentChat(serviceID, chat)
  }

  /// Joins a chat under `nickname`.
  ///
  /// - Throws: ``AgentError/badNickname``, ``AgentError/nicknameTaken``, ``AgentError/alreadyJoined``,
  ///   ``AgentError/tooManyInChat``, ``AgentError/offeredToAnother`` and, as every call, ``AgentError/noSuchChat``, ``AgentError/chatEnded`` and
  ///   ``AgentError/unavailable``.
  @discardableResult
  public func join(_ serviceID: String, nickname: String) async throws(AgentError) -> AgentChat {
    let chat = try liveChat(serviceID)
    guard !nickname.isEmpty, nickname.utf8.count <= limits.maxNicknameBytes else { throw .badNickname }
    guard nickname != chat.customer else { throw .nicknameTaken }
    guard !chat.agents.contains(nickname) else { throw .alreadyJoined }
    guard chat.agents.count < limits.maxAgentsInChat else { throw .tooManyInChat }
    if let offer = router.entries[serviceID]?.offer, offer.agent != nickname { throw .offeredToAnother }
    chatOf[serviceID]?.agents.append(nickname)
    carryOut(router.joined(serviceID, nickname, now: clock.now()))
    return try await tell([.notice(.joined, nickname, .agent)], in: serviceID, of: chat)
  }

  /// - Throws: ``AgentError/emptyText``, ``AgentError/textTooLong``, ``AgentError/notJoined``.
  @discardableResult
  public func send(_ serviceID: String, nickname: String, text: String) async throws(AgentError) -> AgentChat {
    let chat = try joinedChat(serviceID, nickname)
    try check(text)
    return try await tell([ChatEntry(.text, nickname, text, .agent)], in: serviceID, of: chat)
  }

  /// - Throws: ``AgentError/notJoined``.
  @discardableResult
  public func typing(_ serviceID: String, nickname: String, isTyping: Bool) async throws(AgentError) -> AgentChat {
    let chat = try joinedChat(serviceID, nickname)
    return try await tell(
      [.notice(isTyping ? .typingStarted : .typingStopped, nickname, .agent)], in: serviceID, of: chat)
  }

  /// Opens a web page at the customer's.
  ///
  /// - Throws: ``AgentError/badURL``, ``AgentError/notJoined``.
  @discardableResult
  public func pushURL(_ serviceID: String, nickname: String, url: String) async throws(AgentError) -> AgentChat {
    let chat = try joinedChat(serviceID, nickname)
    guard isAcceptable(url: url) else { throw .badURL }
    return try await tell([ChatEntry(.pushURL, nickname, url, .agent)], in: serviceID, of: chat)
  }

  /// A `Notice.Custom`; what it means is between agent and app.
  ///
  /// - Throws: ``AgentError/emptyText``, ``AgentError/textTooLong``, ``AgentError/notJoined``.
  @discardableResult
  public func notice(_ serviceID: String, nickname: String, text: String) async throws(AgentError) -> AgentChat {
    let chat = try joinedChat(serviceID, nickname)
    try check(text)
    return try await tell([ChatEntry(.custom, nickname, text, .agent)], in: serviceID, of: chat)
  }

  /// Leaves the chat, which goes on without this agent.
  ///
  /// - Throws: ``AgentError/notJoined``.
  @discardableResult
  public func leave(_ serviceID: String, nickname: String) async throws(AgentError) -> AgentChat {
    let chat = try joinedChat(serviceID, nickname)
    chatOf[serviceID]?.agents.removeAll { $0 == nickname }
    carryOut(router.left(serviceID, nickname, now: clock.now()))
    return try await tell([.notice(.left, nickname, .agent)], in: serviceID, of: chat)
  }

  /// Ends the chat for everybody; that its agents left is part of the same event.
  @discardableResult
  public func end(_ serviceID: String) async throws(AgentError) -> AgentChat {
    let chat = try liveChat(serviceID)
    let farewell = chat.agents.map { ChatEntry.notice(.left, $0, .agent) }
    // Before anything waits, so that no later call comes behind the end.
    close(serviceID)
    try await place(.ended(farewell), in: serviceID, of: chat)
    return agentChat(serviceID, chatOf[serviceID] ?? chat)
  }

  func agentChat(_ serviceID: String, _ chat: Chat) -> AgentChat {
    AgentChat(
      serviceID: serviceID, chatSessionID: chat.opened.chatSessionID, isLive: chat.isLive, customer: chat.customer,
      subject: chat.subject, startedAtSecondsSince1970: chat.opened.startedAtSecondsSince1970,
      transcriptPosition: chat.position, agents: chat.agents, isCustomerOnline: chat.isCustomerOnline,
      offeredTo: router.entries[serviceID]?.offer?.agent, userData: chat.userData)
  }

  private func tell(
    _ entries: [ChatEntry], in serviceID: String, of chat: Chat
  ) async throws(AgentError) -> AgentChat {
    try await place(.entries(entries), in: serviceID, of: chat)
    return agentChat(serviceID, chatOf[serviceID] ?? chat)
  }

  private func liveChat(_ serviceID: String) throws(AgentError) -> Chat {
    guard let chat = chatOf[serviceID] else { throw .noSuchChat }
    guard chat.isLive else { throw .chatEnded }
    return chat
  }

  private func joinedChat(_ serviceID: String, _ nickname: String) throws(AgentError) -> Chat {
    let chat = try liveChat(serviceID)
    guard chat.agents.contains(nickname) else { throw .notJoined }
    return chat
  }

  private func check(_ text: String) throws(AgentError) {
    guard !text.isEmpty else { throw .emptyText }
    guard text.utf8.count <= limits.maxTextBytes else { throw .textTooLong }
  }
}
