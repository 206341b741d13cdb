// SPDX-License-Identifier: Apache-2.0
import Bytes

// MARK: the face to the HTTP routes

extension ChatService {
  // MARK: chats

  /// A call on the chat of a service: `POST /genesys/1/service/{id}/ixn/chat[/{operation}]`.
  public func call(
    _ operation: ChatOperation, service id: String, fields: ChatFields, caller: ChatCaller
  ) async -> ChatReply {
    do throws(ChatError) {
      let record = try find(id, caller)
      try fields.check(configuration.limits)
      try await admit(record)
      if operation != .refresh { try await checkJournal() }
      if operation == .create { return await whenKept(try await create(record, fields, caller)) }
      if record.opening != nil { try await waitForOpening(of: record) }
      guard record.interaction != nil else { throw .noChat }
      try checkUser(of: record, caller)
      if operation == .disconnect { return await whenKept(try await disconnect(record, fields)) }
      return try await converse(operation, record, fields)
    } catch {
      return error.reply
    }
  }
}

// MARK: the calls one by one

extension ChatService {
  func checkUser(of record: ServiceRecord, _ caller: ChatCaller) throws(ChatError) {
    guard configuration.strictUser, let user = caller.user, let owner = record.user, user != owner else { return }
    throw .wrongUser
  }

  /// Opens the chat; of a service that has one, says how it stands. An ended one stays ended unless
  /// ``ChatConfiguration/allowRechat``.
  private func create(
    _ record: ServiceRecord, _ fields: ChatFields, _ caller: ChatCaller
  ) async throws(ChatError) -> ChatReply {
    // The header of the first create decides whose service it is; later ones have to agree.
    if record.opening != nil || record.interaction != nil { try checkUser(of: record, caller) }
    let mayOpen = record.interaction.map { !$0.isLive && configuration.allowRechat } ?? true
    if record.opening == nil, mayOpen { try open(record, fields, caller) }
    if record.opening != nil { try await waitForOpening(of: record) }
    guard let chat = record.interaction else { throw .noChat }
    let ixn = chat.createReply(isVerbose: fields.bool("_verbose"))
    guard chat.isHeldBack else { return reply(ixn, of: record) }
    let id = record.id
    return reply(ixn, of: record) { Task { await self.release(id) } }
  }

  private func open(_ record: ServiceRecord, _ fields: ChatFields, _ caller: ChatCaller) throws(ChatError) {
    let form = try CreateForm(
      fields, service: record, configuration: configuration, more: record.routingData + pokeData(of: record, caller))
    if var device = fields.chatDevice ?? subscribedDevice(fields) {
      device.messageFile = record.definition.messageFile
      record.device = device
    }
    let user = caller.user ?? record.user ?? fields.cometDevice
    guard user != nil || !form.notifiesByComet else { throw .userRequired }
    bind(record, to: user, notifies: form.notifiesByComet)
    record.isOnline = nil
    let unknown = record.unknownOpening
    // The same again is the same call, which the backend does once.
    let call = unknown.flatMap { $0.request == form.request ? $0.call : nil } ?? mintCall()
    record.opening = .init(
      call: call, notifiesByComet: form.notifiesByComet, request: form.request, early: unknown?.early ?? [])
    record.unknownOpening = nil
    Task {
      let result: Result<ChatOpened, ChatBackendError>
      do throws(ChatBackendError) {
        result = .success(try await backend.openChat(form.request, call: call))
      } catch {
        result = .failure(error)
      }
      await finishOpening(of: form.request.serviceID, result)
    }
  }

  private func finishOpening(of id: String, _ result: Result<ChatOpened, ChatBackendError>) async {
    guard let record = records[id], let opening = record.opening else {
      if case .success = result { leave(id) }
      return
    }
    record.opening = nil
    let openings = record.waiting.filter { waiters[$0]?.subject == .opening }
    guard case .success(let opened) = result else {
      guard case .failure(let error) = result else { return }
      for call in openings { settle(call, .failed(error)) }
      if error == .unavailable { return await noteUnknown(opening, of: record) }
      for event in opening.early { await acknowledge(event, position: nil) }
      return
    }
    let now = clock.now()
    record.interaction = Interaction(
      serviceID: id, opened: opened, notifiesByComet: opening.notifiesByComet,
      timeZoneOffset: opening.request.timeZoneOffset, limits: configuration.limits)
    record.stored = StoredChat(
      serviceID: id, opened: opened, nickname: opening.request.nickname, subject: opening.request.subject,
      notifiesByComet: opening.notifiesByComet, timeZoneOffset: opening.request.timeZoneOffset)
    record.stored?.userData = opening.request.userData
    keepService(record)
    keep(.removeEntries(serviceID: id, through: .max))
    keepChat(record)
    commit()
    if let timeout = record.definition.clientTimeout, !opening.notifiesByComet {
      wake(for: .silence(serviceID: id), at: now + timeout)
    }
    counters.chatsOpened += 1
    counters.liveChats += 1
    if opening.notifiesByComet { wake(for: .release(serviceID: id), at: now + configuration.limits.holdBack) }
    if let interval = backend.keepAliveInterval {
      wake(for: .keepAlive(serviceID: id, chatSessionID: opened.chatSessionID), at: now + interval)
    }
    for call in openings { settle(call, .accepted) }
    // All at once, before anything suspends: later events must not come in between.
    let taken = opening.early.map { ($0, place($0, record)) }
    for (event, position) in taken { await acknowledge(event, position: position) }
    if let user = record.user, opening.notifiesByComet, onlineUsers.contains(user) {
      await clientPresence(user: user, online: true)
    }
  }

  private func waitForOpening(of record: ServiceRecord) async throws(ChatError) {
    try await wait(record.id, for: .opening).check()
  }

  /// Refresh, send, startTyping, stopTyping: says what is to be said, and reads.
  private func converse(
    _ operation: ChatOperation, _ record: ServiceRecord, _ fields: ChatFields
  ) async throws(ChatError) -> ChatReply {
    let isVerbose = fields.bool("_verbose")
    let text = fields.text("message")
    var position = operation == .refresh ? try fields.position : nil
    if operation == .send, fields["message"] == nil { throw .missingMessage }
    if let text, text.utf8.count > configuration.limits.maxMessageBytes { throw .messageTooLong }
    // In comet mode what was said comes back as an event; the reply must not show it as well.
    if record.interaction?.notifiesByComet == true, text != nil { position = nil }

    if record.interaction?.isLive == true {
      let id = record.id
      switch (operation, text) {
      case (.startTyping, _), (.stopTyping, _):
        let isTyping = operation == .startTyping
        try await submit(id, isVerbose: isVerbose) { backend, call throws(ChatBackendError) in
          try await backend.typing(isTyping, in: id, call: call)
        }.check()
      case (_, let text?):
        try await submit(id, isVerbose: isVerbose) { backend, call throws(ChatBackendError) in
          try await backend.send(text, in: id, call: call)
        }.check()
      case (_, nil): break
      }
    }
    let refusesEnded = record.definition.chat400OnDisconnected ?? configuration.chat400OnDisconnected
    if record.interaction?.isLive == false, refusesEnded { throw .chatEnded }
    let given = record.interaction?.cursor
    guard let ixn = record.interaction?.transcriptReply(after: position, isVerbose: isVerbose) else { throw .noChat }
    if record.interaction?.cursor != given { keepChat(record) }
    let reply = reply(ixn, of: record)
    guard await isKept() else {
      // What this reply would have shown is still to be given.
      if let given { record.interaction?.rewind(to: given) }
      throw .notStored
    }
    return reply
  }

  private func disconnect(_ record: ServiceRecord, _ fields: ChatFields) async throws(ChatError) -> ChatReply {
    let id = record.id
    if record.interaction?.isLive == true {
      try await submit(id) { backend, call throws(ChatBackendError) in
        try await backend.disconnect(id, call: call)
      }.check()
    }
    guard let ixn = record.interaction?.disconnectReply(isVerbose: fields.bool("_verbose")) else { throw .noChat }
    return .json(style.encode(ixn, order: .disconnectReply))
  }

  private func reply(
    _ ixn: ChatIxn, of record: ServiceRecord, afterWritten: (@Sendable () -> Void)? = nil
  ) -> ChatReply {
    guard record.interaction?.notifiesByComet == true, ixn.state != .disconnected else {
      return .json(style.encode(ixn, order: .reply), afterWritten: afterWritten)
    }
    let body: [UInt8]
    switch configuration.cometReply {
    case .full: body = style.encode(ixn, order: .reply, note: ChatIxnStyle.cometNote)
    case .message: body = JSONValue.object([.init("message", .string(ChatIxnStyle.cometNote))]).encoded
    case .channel:
      body = JSONValue.object([.init("_id", .string(record.id)), .init("comet_channel", "/_genesys")]).encoded
    }
    return .json(body, afterWritten: afterWritten)
  }
}
