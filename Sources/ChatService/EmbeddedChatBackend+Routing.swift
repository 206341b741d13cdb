// SPDX-License-Identifier: Apache-2.0

/// Agents by name: what they can do, what is offered to them.
extension EmbeddedChatBackend {
  /// The agents that were ever told about, by name.
  public func agents() -> [AgentState] { router.agents.values.sorted { $0.name < $1.name }.map(state) }

  /// - Throws: ``AgentError/badNickname``, ``AgentError/tooManyAgents``.
  @discardableResult
  public func setReady(_ name: String, _ isReady: Bool) throws(AgentError) -> AgentState {
    try update(name, AgentUpdate(isReady: isReady))
  }

  /// Changes what is known of an agent, who is new if need be.
  ///
  /// - Throws: ``AgentError/badNickname``, ``AgentError/tooManyAgents``, ``AgentError/badSkills``,
  ///   ``AgentError/badGroups``, ``AgentError/badCapacity``.
  @discardableResult
  public func update(_ name: String, _ update: AgentUpdate) throws(AgentError) -> AgentState {
    guard isName(name) else { throw .badNickname }
    guard router.agents[name] != nil || router.agents.count < limits.maxAgents else { throw .tooManyAgents }
    if let skills = update.skills {
      let isFine = skills.allSatisfy { isName($0.key) && (0...1_000).contains($0.value) }
      guard skills.count <= limits.maxTraits, isFine else { throw .badSkills }
    }
    if let groups = update.groups {
      guard groups.count <= limits.maxTraits, groups.allSatisfy(isName) else { throw .badGroups }
    }
    if let place = update.place, !place.isEmpty, !isName(place) { throw .badGroups }
    if let capacity = update.capacity, !(0...10_000).contains(capacity) { throw .badCapacity }
    // Someone may have joined chats before anything was said of him.
    let isNew = router.agents[name] == nil
    let live = isNew ? chatOf.filter { $0.value.isLive && $0.value.agents.contains(name) }.map(\.key) : []
    carryOut(
      router.update(name, now: clock.now()) { agent in
        agent.chats.formUnion(live)
        if let isReady = update.isReady { agent.isReady = isReady }
        if let skills = update.skills { agent.skills = skills }
        if let groups = update.groups { agent.groups = Set(groups) }
        if let place = update.place { agent.place = place.isEmpty ? nil : place }
        if let capacity = update.capacity { agent.capacity = capacity == 0 ? nil : capacity }
      })
    return state(router.agents[name] ?? RoutingAgent(name: name))
  }

  /// The chats that are offered to an agent, in the order of opening.
  ///
  /// - Throws: ``AgentError/noSuchAgent``
  public func offers(to name: String) throws(AgentError) -> [AgentChat] {
    guard let agent = router.agents[name] else { throw .noSuchAgent }
    let offered = agent.offers.compactMap { id in chatOf[id].map { (id, $0) } }
    return offered.sorted { $0.1.number < $1.1.number }.map { agentChat($0.0, $0.1) }
  }

  /// Refuses an offered chat, which then goes to the next agent.
  ///
  /// - Throws: ``AgentError/noSuchChat``, ``AgentError/notOffered``.
  @discardableResult
  public func decline(_ serviceID: String, nickname: String) throws(AgentError) -> AgentChat {
    guard chatOf[serviceID] != nil else { throw .noSuchChat }
    guard let effects = router.declined(serviceID, nickname, now: clock.now()) else { throw .notOffered }
    carryOut(effects)
    return try chat(serviceID)
  }

  private func isName(_ text: String) -> Bool { !text.isEmpty && text.utf8.count <= limits.maxNicknameBytes }

  private func state(_ agent: RoutingAgent) -> AgentState {
    AgentState(
      name: agent.name, isReady: agent.isReady, chats: agent.chats.count, skills: agent.skills,
      groups: agent.groups.sorted(), place: agent.place, capacity: agent.capacity)
  }
}
