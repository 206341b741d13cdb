// SPDX-License-Identifier: Apache-2.0

extension Interaction {
  /// The chat as it was when its last change was kept.
  init(restoring chat: StoredChat, _ entries: [StoredEntry], limits: ChatLimits) {
    self.init(
      serviceID: chat.serviceID, opened: chat.opened, notifiesByComet: chat.notifiesByComet,
      timeZoneOffset: chat.timeZoneOffset, limits: limits)
    let placed = entries.map(\.entry)
    var events: [RememberedEvent] = []
    for entry in entries {
      if events.last?.id == entry.event { events.removeLast() }
      events.append(RememberedEvent(id: entry.event, position: entry.entry.position))
    }
    if let last = chat.endedBy, events.last?.id != last {
      events.append(RememberedEvent(id: last, position: entries.last?.entry.position ?? 1))
    }
    resume(chat, Transcript(restoring: placed, limits: limits), events: events.suffix(limits.maxRememberedEvents))
  }
}

extension Transcript {
  /// - Parameter entries: by position, without gaps.
  init(restoring entries: [TranscriptEntry], limits: ChatLimits) {
    self.init(limits: limits)
    guard let last = entries.last else { return }
    resume(entries, position: last.position)
  }
}

extension EmbeddedChatBackend {
  /// Takes up chats where they were, with the agents that were in them. Once, before anybody calls.
  public func restore(_ services: [RestoredService]) {
    let chats = services.compactMap { restored in restored.chat.map { (restored, $0) } }.sorted {
      $0.1.opened.startedAtSecondsSince1970 < $1.1.opened.startedAtSecondsSince1970
    }
    for (restored, stored) in chats {
      var chat = newChat(stored.opened, customer: stored.nickname, subject: stored.subject)
      chat.userData = stored.userData
      chat.isLive = stored.isLive
      chat.agents = stored.isLive ? stored.agents : []
      chat.position = restored.entries.last?.entry.position ?? 1
      // Whoever is connected tells so again.
      chat.isCustomerOnline = stored.isLive && stored.notifiesByComet ? false : nil
      place(chat, of: stored.serviceID)
      noteEvents((restored.entries.map(\.event) + [stored.endedBy ?? ""]).compactMap { Int($0) }.max() ?? 0)
    }
  }
}
