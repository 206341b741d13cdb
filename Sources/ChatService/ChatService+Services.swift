// SPDX-License-Identifier: Apache-2.0
import Bytes

// MARK: the face to the HTTP routes

extension ChatService {
  /// `POST /genesys/1/service/{name}`.
  ///
  /// A basic service answers `{"_id"}`, with `_verbose` also `_chatIxnAPI-CREATE-URL`; an advanced one `{"_id"}`, with
  /// `_verbose` also `_session_comand_STATUS_URL`, spelled as GMS spells it.
  ///
  /// - Parameter files: of a multipart body; they go into the storage of the service.
  public func createService(
    named name: String, fields: ChatFields, files: [StoredField] = [], caller: ChatCaller
  ) async -> ChatReply {
    await reply { () async throws(ChatError) in
      guard let definition = configuration.definition(named: name) else { throw .unknownServiceName }
      let record = try await makeService(
        named: name, definition, fields, files, caller, asCallback: definition.isCallback)
      if definition.isCallback { return callbackReply(record, caller) }
      var members: [JSONValue.Member] = [.init("_id", .string(record.id))]
      if fields.bool("_verbose") {
        if definition.type == .basic {
          members.insert(.init("_chatIxnAPI-CREATE-URL", .string(ServicePath.chat(record.id))), at: 0)
        } else {
          members.append(.init("_session_comand_STATUS_URL", .string(ServicePath.service(record.id) + "/status")))
        }
      }
      return created(.object(members), record)
    }
  }

  /// `POST /genesys/1/service/callback/{name}`: the `StartChat` dialog, or, where the service waits for its agent, its
  /// `{"_id"}`. Any service with a `_target` can be created so.
  public func createCallback(
    named name: String, fields: ChatFields, files: [StoredField] = [], caller: ChatCaller
  ) async -> ChatReply {
    await reply { () async throws(ChatError) in
      guard let definition = configuration.definition(named: name), definition.type == .advanced,
        definition.plan != nil
      else { throw .unknownServiceName }
      let record = try await makeService(named: name, definition, fields, files, caller, asCallback: true)
      return callbackReply(record, caller)
    }
  }

  /// `POST /genesys/1/service/{id}/status`: `{"message":{"_id","_status","_dialog"},"tag"}`.
  public func status(of id: String, fields: ChatFields, caller: ChatCaller) async -> ChatReply {
    await reply { () async throws(ChatError) in
      let record = try find(id, caller)
      try checkUser(of: record, caller)
      let availability = try await availability(of: record)
      if availability == .available { announced(record) }
      let notice = ServiceNotice(serviceID: id, availability: availability)
      return .json(notice.reply(isVerbose: fields.bool("_verbose")).encoded)
    }
  }

  /// `POST /genesys/1/service/{id}/{action}`: the next dialog of a callback.
  public func act(_ action: CallbackAction, on id: String, caller: ChatCaller) async -> ChatReply {
    await reply { () async throws(ChatError) in
      let record = try find(id, caller)
      try checkUser(of: record, caller)
      guard record.isCallback else { throw .unknownAction }
      let dialog = CallbackDialog(
        serviceID: id, baseURL: caller.baseURL, dialNumber: record.definition.dialNumber)
      if action == .menu { return .json(dialog.menu.encoded) }
      if action == .dial {
        guard let dial = dialog.dial else { throw .unknownAction }
        return .json(dial.encoded)
      }
      guard try await availability(of: record) == .available else { throw .notReady }
      if action == .confirm { return .json(dialog.confirmation.encoded) }
      record.callback?.connected()
      announced(record)
      return .json(startChat(record, caller).encoded)
    }
  }

  /// `GET` or `POST /genesys/1/service/{id}/check-queue-position`:
  /// `{"_position","_eta","_total_waiting","_agent_ready_threshold_passed"}`; `_eta` in seconds.
  public func queuePosition(of id: String, caller: ChatCaller) async -> ChatReply {
    await reply { () async throws(ChatError) in
      let record = try find(id, caller)
      try checkUser(of: record, caller)
      let place: QueuePosition?
      do throws(ChatBackendError) {
        place = try await backend.queuePosition(id)
      } catch {
        throw ChatError(error)
      }
      let body: JSONValue = [
        "_position": JSONValue(place?.position ?? 0),
        "_eta": JSONValue(Int(place?.eta.components.seconds ?? 0)),
        "_total_waiting": JSONValue(place?.total ?? 0),
        "_agent_ready_threshold_passed": .bool(place?.isAgentReady ?? false),
      ]
      return .json(body.encoded)
    }
  }

  /// `POST /genesys/1/service/{id}/internal-poke`: `OK`, once the push is on its way.
  public func poke(_ id: String, fields: ChatFields, caller: ChatCaller) async -> ChatReply {
    await reply { () async throws(ChatError) in
      // The agent's desktop speaks here, which has no user.
      let record = try find(id, caller)
      guard let standard = record.definition.pokeMessage else { throw .pokeOff }
      guard let device = record.device else { throw .noPushDevice }
      guard record.isRouted else { throw .notReady }
      let text = fields.text("poke_message") ?? standard
      let payload: JSONValue = ["_id": .string(id), "message": .string(text)]
      push(PushMessage(device: device, serviceID: id, text: text, payload: payload), attempt: 1)
      return ChatReply(status: 200, contentType: .text, body: Array("OK".utf8))
    }
  }

  /// Runs a call whose errors are replies.
  func reply(_ call: () async throws(ChatError) -> ChatReply) async -> ChatReply {
    do throws(ChatError) {
      return try await call()
    } catch {
      if error == .unauthorized { counters.unauthorized += 1 }
      return error.reply
    }
  }
}

// MARK: making and finding

extension ChatService {
  /// The service of that id, whose time begins anew.
  func find(_ id: String, _ caller: ChatCaller) throws(ChatError) -> ServiceRecord {
    guard let record = records[id] else {
      // Who may not ask does not learn which ids there are.
      guard configuration.credentials.accept(caller.credentials) else { throw .unauthorized }
      throw .unknownService
    }
    try authorize(record.definition, caller)
    touch(record)
    record.lastHeard = clock.now()
    return record
  }

  func authorize(_ definition: ChatServiceDefinition, _ caller: ChatCaller) throws(ChatError) {
    guard definition.credentials.inheriting(configuration.credentials).accept(caller.credentials) else {
      throw .unauthorized
    }
  }

  private func makeService(
    named name: String, _ definition: ChatServiceDefinition, _ fields: ChatFields, _ files: [StoredField],
    _ caller: ChatCaller, asCallback: Bool
  ) async throws(ChatError) -> ServiceRecord {
    try authorize(definition, caller)
    try fields.check(configuration.limits)
    let keys = asCallback ? definition.callbackKeys : definition.lookupKeys
    for key in keys where fields.text(key) == nil { throw .missingLookupKey }
    try await checkJournal()
    guard records.count < configuration.limits.maxServices else { throw .tooManyServices }
    let ttl = definition.ttl ?? configuration.serviceTTL
    let now = clock.now()
    let data = fields.businessData(without: ["_verbose"])
    let record = ServiceRecord(
      id: mintID(definition, asCallback: asCallback), name: name, definition: definition, data: data, ttl: ttl,
      expires: now + ttl, user: caller.user ?? fields.cometDevice, now: now)
    record.plan = definition.plan ?? configuration.fallbackPlan
    record.device = fields.serviceDevice(of: definition)
    record.isCallback = asCallback
    if asCallback, definition.waitsForAgent { record.callback = CallbackFlow(definition) }
    records[record.id] = record
    note(record)
    if !files.isEmpty { try await store(files, of: record) }
    try await announce(record)
    wake(for: .expiry(serviceID: record.id), at: now + ttl)
    wake(for: .release(serviceID: record.id), at: now + configuration.limits.holdBack)
    record.usedAt = clock.secondsSince1970()
    keepService(record)
    guard await isKept() else {
      forget(record)
      throw .notStored
    }
    counters.servicesCreated += 1
    return record
  }

  private func store(_ files: [StoredField], of record: ServiceRecord) async throws(ChatError) {
    do throws(StorageError) {
      try await storage.put(files, in: .service(record.id), expires: nil)
    } catch {
      forget(record)
      throw ChatError(error)
    }
  }

  private func announce(_ record: ServiceRecord) async throws(ChatError) {
    let request = record.request
    let outcome = await submit(record.id, awaiting: .answer) { backend, _ throws(ChatBackendError) in
      try await backend.createService(request)
    }
    do throws(ChatError) {
      try outcome.check()
    } catch {
      forget(record)
      throw error
    }
  }

  /// Ids look as those of GMS: a UUID, 32 capitals and digits, or a UUID behind the number of a node.
  private func mintID(_ definition: ChatServiceDefinition, asCallback: Bool) -> String {
    if asCallback { return "369-" + Identifiers.uuid4(using: &random) }
    if definition.type == .basic { return Identifiers.uuid4(using: &random) }
    return Identifiers.text(32, of: "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", using: &random)
  }

  private func callbackReply(_ record: ServiceRecord, _ caller: ChatCaller) -> ChatReply {
    let isWaiting = record.definition.waitsForAgent
    return created(isWaiting ? ["_id": .string(record.id)] : startChat(record, caller), record)
  }

  private func startChat(_ record: ServiceRecord, _ caller: ChatCaller) -> JSONValue {
    CallbackDialog(serviceID: record.id, baseURL: caller.baseURL).startChat(
      cometPath: configuration.cometPath, user: record.user ?? "",
      subject: ChatFields(record.data).text("subject") ?? "None")
  }

  /// The reply that names a service: what is pushed about it waits until the client can know it.
  private func created(_ body: JSONValue, _ record: ServiceRecord) -> ChatReply {
    let id = record.id
    return .json(body.encoded, afterWritten: { Task { await self.releaseNotices(id) } })
  }

  // MARK: availability

  /// Whether a matching agent is ready; a service that has its chat has its agent.
  func availability(of record: ServiceRecord) async throws(ChatError) -> ChatAvailability {
    if record.definition.type == .basic || record.interaction != nil || record.opening != nil { return .available }
    do throws(ChatBackendError) {
      return try await backend.availability(record.id)
    } catch {
      throw ChatError(error)
    }
  }

  /// Refuses chat calls of a service that waits for its agent, until one was announced.
  func admit(_ record: ServiceRecord) async throws(ChatError) {
    guard record.definition.waitsForAgent, !record.isAnnounced else { return }
    guard try await availability(of: record) == .available else { throw .notReady }
    announced(record)
  }

  /// The client knows now that an agent is there.
  func announced(_ record: ServiceRecord) {
    guard !record.isAnnounced else { return }
    record.isAnnounced = true
    keepService(record)
    commit()
  }
}

extension ServiceRecord {
  /// What the backend is told of the service.
  var request: ChatServiceRequest {
    ChatServiceRequest(serviceID: id, name: name, data: data, ttl: ttl, routing: routing)
  }

  var routing: RoutingRequest {
    guard definition.type == .advanced || plan != nil else { return RoutingRequest() }
    return RoutingRequest(
      plan: plan, virtualQueue: definition.virtualQueue ?? name,
      isQueuedAtOnce: definition.type == .advanced && (definition.waitsForAgent || !isCallback),
      queuedTTL: definition.queuedTTL, reserveTimeout: definition.reserveTimeout)
  }
}
