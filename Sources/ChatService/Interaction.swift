// SPDX-License-Identifier: Apache-2.0

/// An event that has its place, so that it is recognised when it comes again.
struct RememberedEvent: Sendable, Hashable {
  let id: String
  /// Of its last entry, or of the last entry before it where it has none.
  let position: Int
}

/// The chat of one service: what has been said, what the customer has been given of it, and what comes next.
///
/// A value without clock, socket or suspension. It is told what happened and says what is to be pushed; it is asked for
/// a reply and says what the reply shows.
struct Interaction: Sendable {
  /// What an event leads to.
  struct Effects: Sendable, Equatable {
    /// To be pushed, in this order.
    var notifications: [ChatIxn] = []
    /// Entries that now have their places.
    var placed: [TranscriptEntry] = []
    /// Of the last entry, for whoever made the event; nil when no live chat took it.
    var position: Int?
    /// False for an event that came before or belongs to another chat.
    var isNew = false
    var hasEnded = false
  }

  let serviceID: String
  /// Whether events go to `/_genesys` (`notify_by=comet`); else the client polls.
  let notifiesByComet: Bool
  let opened: ChatOpened
  let timeZoneOffset: Int
  private let maxRememberedEvents: Int

  private(set) var server: ChatServerAddress
  private(set) var transcript: Transcript
  private(set) var isLive = true
  /// The position of the last entry that the client has been given, by reply or by event.
  private(set) var cursor = 1
  /// Events of a new chat that wait until the reply of its create is written; nil once it is.
  private var heldBack: [ChatIxn]?
  /// The event that ended the chat.
  private(set) var endedBy: String?
  private var rememberedEvents: [RememberedEvent] = []
  private var oldestRemembered = 0

  init(serviceID: String, opened: ChatOpened, notifiesByComet: Bool, timeZoneOffset: Int, limits: ChatLimits) {
    self.serviceID = serviceID
    self.opened = opened
    self.notifiesByComet = notifiesByComet
    self.timeZoneOffset = timeZoneOffset
    maxRememberedEvents = limits.maxRememberedEvents
    server = opened.server
    transcript = Transcript(limits: limits)
    // The first event of every comet chat: position 1 and nothing to show.
    heldBack = notifiesByComet ? [ixn(.transcript, position: 1, entries: [])] : nil
  }

  var isHeldBack: Bool { heldBack != nil }

  // MARK: what happens

  /// - Parameter isVerbose: whether the request that caused the event asked for `_verbose`; its event inherits that.
  mutating func receive(_ event: ChatBackendEvent, isVerbose: Bool) -> Effects {
    guard event.chatSessionID == opened.chatSessionID else { return Effects() }
    // Also after the end: whoever repeats an event waits to hear that it has its place.
    if let known = rememberedEvents.first(where: { $0.id == event.id }) { return Effects(position: known.position) }
    guard isLive else { return Effects() }
    defer { remember(RememberedEvent(id: event.id, position: transcript.position)) }
    switch event.content {
    case .entries(let entries):
      let (notifications, placed) = append(entries, at: event.secondsSince1970, isVerbose: isVerbose, ends: false)
      return Effects(notifications: notifications, placed: placed, position: transcript.position, isNew: true)
    case .ended(let entries):
      endedBy = event.id
      return end(with: entries, at: event.secondsSince1970)
    case .relocated(let server):
      self.server = server
      return Effects(position: transcript.position, isNew: true)
    }
  }

  /// Ends a chat that the backend will say nothing more about: it lost the chat, or the service expired.
  mutating func endHere() -> Effects { isLive ? end(with: [], at: opened.startedAtSecondsSince1970) : Effects() }

  /// Lets go of the events that were held back.
  mutating func release() -> [ChatIxn] {
    guard let held = heldBack else { return [] }
    heldBack = nil
    return give(held)
  }

  /// What was given from `position` on did not reach the client.
  mutating func rewind(to position: Int) { cursor = min(cursor, position) }

  /// Goes on where a stored chat was.
  ///
  /// - Parameter events: the latest events, oldest first.
  mutating func resume(_ chat: StoredChat, _ transcript: Transcript, events: [RememberedEvent]) {
    self.transcript = transcript
    server = chat.server
    isLive = chat.isLive
    endedBy = chat.endedBy
    rememberedEvents = events
    if !notifiesByComet {
      cursor = chat.cursor
    } else if !chat.isHeldBack {
      (heldBack, cursor) = (nil, transcript.position)
    } else {
      var held = heldBack ?? []
      for placed in transcript.entries { held.append(ixn(.transcript, position: placed.position, entries: [placed])) }
      if !isLive { held.append(ixn(.disconnected, position: transcript.position, entries: [])) }
      heldBack = held
    }
  }

  mutating func moved(to server: ChatServerAddress) { self.server = server }

  private mutating func end(with entries: [ChatEntry], at seconds: Int64) -> Effects {
    isLive = false
    // The end itself is a plain event, also when a verbose disconnect caused it.
    let (notifications, placed) = append(entries, at: seconds, isVerbose: false, ends: true)
    return Effects(
      notifications: notifications, placed: placed, position: transcript.position, isNew: true, hasEnded: true)
  }

  /// Gives the entries their places; the events that tell of them, each holding what may stand together.
  private mutating func append(
    _ entries: [ChatEntry], at seconds: Int64, isVerbose: Bool, ends: Bool
  ) -> ([ChatIxn], [TranscriptEntry]) {
    let elapsed = max(0, seconds - opened.startedAtSecondsSince1970)
    var groups: [[TranscriptEntry]] = []
    for entry in entries {
      let placed = transcript.append(entry, seconds: elapsed)
      if let last = groups.last?.last, !entry.kind.isIsolated, !last.entry.kind.isIsolated {
        groups[groups.count - 1].append(placed)
      } else {
        groups.append([placed])
      }
    }
    let placed = groups.flatMap { $0 }
    guard notifiesByComet else { return ([], placed) }
    if ends, groups.last?.last?.entry.kind.isIsolated ?? true { groups.append([]) }
    let events = groups.enumerated().map { index, group in
      let isLast = ends && index == groups.count - 1
      return ixn(
        isLast ? .disconnected : .transcript, position: group.last?.position ?? transcript.position, entries: group,
        isVerbose: isVerbose)
    }
    guard heldBack == nil else {
      heldBack?.append(contentsOf: events)
      return ([], placed)
    }
    return (give(events), placed)
  }

  private mutating func give(_ events: [ChatIxn]) -> [ChatIxn] {
    if let last = events.last { cursor = last.position }
    return events
  }

  private mutating func remember(_ event: RememberedEvent) {
    if rememberedEvents.count < maxRememberedEvents {
      rememberedEvents.append(event)
    } else if maxRememberedEvents > 0 {
      rememberedEvents[oldestRemembered] = event
      oldestRemembered = (oldestRemembered + 1) % maxRememberedEvents
    }
  }

  // MARK: what replies show

  /// The reply of a create: where the client stands. Not a reading, so the cursor stays.
  func createReply(isVerbose: Bool) -> ChatIxn {
    isLive
      ? ixn(.connected, position: cursor, isVerbose: isVerbose)
      : ixn(.disconnected, position: cursor, entries: [], isVerbose: isVerbose)
  }

  /// The reply of refresh, send, startTyping and stopTyping.
  ///
  /// A polling client is given what stands behind `position`, or behind what it was given last. A comet client gets its
  /// entries as events and here none, so that nothing is shown twice, unless it asks for those behind a position.
  mutating func transcriptReply(after position: Int?, isVerbose: Bool) -> ChatIxn {
    let state = isLive ? ChatIxn.State.transcript : .disconnected
    if notifiesByComet {
      guard let position else { return ixn(state, position: cursor, entries: [], isVerbose: isVerbose) }
      return ixn(
        state, position: transcript.position, entries: Array(transcript.entries(after: position)),
        isVerbose: isVerbose)
    }
    let unread = transcript.entries(after: position ?? cursor)
    cursor = transcript.position
    return ixn(state, position: cursor, entries: Array(unread), isVerbose: isVerbose)
  }

  /// The reply of a disconnect: no transcript, and the position not advanced.
  func disconnectReply(isVerbose: Bool) -> ChatIxn {
    ixn(.disconnected, position: cursor, isVerbose: isVerbose)
  }

  private func ixn(
    _ state: ChatIxn.State, position: Int, entries: [TranscriptEntry]? = nil, isVerbose: Bool = false
  ) -> ChatIxn {
    let verbose = ChatIxn.Verbose(
      serviceID: serviceID, userID: opened.userID, secureKey: opened.secureKey, server: server,
      timeZoneOffset: timeZoneOffset)
    return ChatIxn(
      state: state, chatSessionID: opened.chatSessionID, position: position, entries: entries,
      startedAt: opened.startedAtSecondsSince1970, verbose: isVerbose ? verbose : nil)
  }
}
