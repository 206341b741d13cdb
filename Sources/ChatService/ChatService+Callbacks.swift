// SPDX-License-Identifier: Apache-2.0
import Bytes

// MARK: callbacks that are there already

extension ChatService {
  /// `PUT /genesys/1/service/callback/{name}/{id}`: puts values in the place of those of the same names; `{"_id"}`.
  public func updateCallback(
    _ id: String, named name: String, fields: ChatFields, caller: ChatCaller
  ) async -> ChatReply {
    await reply { () async throws(ChatError) in
      let record = try findCallback(id, named: name, caller)
      try fields.check(configuration.limits)
      let before = record.data
      let data = ChatFields(before + fields.businessData(without: ["_verbose"])).businessData(without: [])
      guard data.byteCount <= configuration.limits.maxDataBytes else { throw .tooMuchData }
      let all = ChatFields(data)
      for key in record.definition.callbackKeys where all.text(key) == nil { throw .missingLookupKey }
      try await checkJournal()
      replaceData(of: record, by: data)
      let request = record.request
      do throws(ChatError) {
        try await submit(id, awaiting: .answer) { backend, _ throws(ChatBackendError) in
          try await backend.createService(request)
        }.check()
      } catch {
        if records[id] === record, record.data == data { replaceData(of: record, by: before) }
        throw error
      }
      if let device = all.serviceDevice(of: record.definition) { record.device = device }
      keepService(record)
      return await whenKept(.json(JSONValue.object([.init("_id", .string(id))]).encoded))
    }
  }

  /// `DELETE /genesys/1/service/callback/{name}/{id}`: ends the service and its chat, if it has one; `{"_id"}`.
  public func cancelCallback(_ id: String, named name: String, caller: ChatCaller) async -> ChatReply {
    await reply { () async throws(ChatError) in
      let record = try findCallback(id, named: name, caller)
      try await checkJournal()
      remove(record)
      return await whenKept(.json(JSONValue.object([.init("_id", .string(id))]).encoded))
    }
  }

  /// `GET /genesys/1/service/callback/{name}?_customer_number=…`: a list of `{"_id","_callback_state",
  /// "_expiration_time"}` with the data of each, of the callbacks whose data has all these values.
  ///
  /// One of the lookup keys of the service has to be among them, so that nobody is shown the callbacks of strangers.
  public func findCallbacks(named name: String, fields: ChatFields, caller: ChatCaller) async -> ChatReply {
    await reply { () async throws(ChatError) in
      let definition = try callbackDefinition(named: name)
      try authorize(definition, caller)
      try fields.check(configuration.limits)
      guard let key = definition.callbackKeys.first(where: { fields.text($0) != nil }), let value = fields.text(key)
      else { throw .missingLookupKey }
      let wanted = fields.businessData(without: ["_verbose"])
      let ids = callbacks[CallbackLookup(service: canonicalName(name), key: key, value: value)] ?? []
      let found = ids.compactMap { records[$0] }.filter { record in
        let data = ChatFields(record.data)
        let isOwn = !configuration.strictUser || caller.user == nil || record.user == nil || caller.user == record.user
        return isOwn && wanted.allSatisfy { data[$0.name] == $0.value }
      }
      let shown = found.sorted { ($0.expires, $0.id) < ($1.expires, $1.id) }.prefix(
        configuration.limits.maxListedCallbacks)
      return .json(JSONValue.array(shown.map(summary)).encoded)
    }
  }

  /// `GET /genesys/1/service/callback/{name}/availability?start=…&end=…&number-of-days=…&max-time-slots=…`: an object of
  /// times and how many callbacks could still be made at each.
  public func callbackAvailability(named name: String, fields: ChatFields, caller: ChatCaller) async -> ChatReply {
    await reply { () async throws(ChatError) in
      let definition = try callbackDefinition(named: name)
      try authorize(definition, caller)
      let slots = try CallbackSlots(fields, now: clock.secondsSince1970())
      let free = max(0, configuration.limits.maxServices - records.count)
      return .json(JSONValue.object(slots.times.map { .init($0, JSONValue(free)) }).encoded)
    }
  }

  // MARK: finding

  private func callbackDefinition(named name: String) throws(ChatError) -> ChatServiceDefinition {
    guard let definition = configuration.definition(named: name), definition.type == .advanced,
      definition.plan != nil
    else { throw .unknownServiceName }
    return definition
  }

  private func canonicalName(_ name: String) -> String { configuration.aliases[name] ?? name }

  private func findCallback(
    _ id: String, named name: String, _ caller: ChatCaller
  ) throws(ChatError) -> ServiceRecord {
    let record = try find(id, caller)
    try checkUser(of: record, caller)
    guard record.isCallback, canonicalName(record.name) == canonicalName(name) else { throw .unknownService }
    return record
  }

  private func summary(_ record: ServiceRecord) -> JSONValue {
    let left = (record.expires - clock.now()).components.seconds
    let expires = UTCTime(secondsSince1970: clock.secondsSince1970() + max(0, left)).iso8601
    let own: [JSONValue.Member] = [
      .init("_id", .string(record.id)), .init("_callback_state", .string(record.callbackState)),
      .init("_expiration_time", .string(expires)),
    ]
    let names = own.map(\.name)
    let data = record.data.filter { !names.contains($0.name) }.map { JSONValue.Member($0.name, .string($0.value)) }
    return .object(own + data)
  }

  private func replaceData(of record: ServiceRecord, by data: [ChatFields.Field]) {
    unnote(record)
    record.data = data
    note(record)
  }

  /// Makes a callback findable by its data.
  func note(_ record: ServiceRecord) {
    for lookup in lookups(record) { callbacks[lookup, default: []].insert(record.id) }
  }

  func unnote(_ record: ServiceRecord) {
    for lookup in lookups(record) {
      callbacks[lookup]?.remove(record.id)
      if callbacks[lookup]?.isEmpty == true { callbacks[lookup] = nil }
    }
  }

  private func lookups(_ record: ServiceRecord) -> [CallbackLookup] {
    guard record.isCallback else { return [] }
    let data = ChatFields(record.data)
    return record.definition.callbackKeys.compactMap { key in
      data.text(key).map { CallbackLookup(service: canonicalName(record.name), key: key, value: $0) }
    }
  }
}

/// What a callback is found by.
struct CallbackLookup: Hashable {
  /// The name of the service, aliases resolved.
  let service: String
  let key: String
  let value: String
}

extension ChatServiceDefinition {
  /// What a callback of it has to give, and is found by: the customer's number where nothing else is said.
  var callbackKeys: [String] {
    isCallback || !lookupKeys.isEmpty ? lookupKeys : [ServiceOption.customerLookupKeys.standard ?? ""]
  }
}

extension ServiceRecord {
  /// In the words of GMS: `QUEUED` until an agent is there, `ROUTING` until there is a chat, `PROCESSING` while it lasts,
  /// then `COMPLETED`.
  var callbackState: String {
    if let interaction { return interaction.isLive ? "PROCESSING" : "COMPLETED" }
    if opening != nil { return "PROCESSING" }
    switch callback?.state {
    case .confirming?, .connecting?: return "ROUTING"
    case .waiting?: return "QUEUED"
    case nil: return isAnnounced ? "ROUTING" : "QUEUED"
    }
  }

  /// What the agent's side learns of how the service routes.
  var routingData: [ChatFields.Field] {
    guard definition.type == .advanced else { return [] }
    return [
      .init("_media_type", "chat"), .init("_urs_virtual_queue", definition.virtualQueue ?? name),
      .init("_urs_prioritization_strategy", definition.prioritizationStrategy),
      .init("_urs_strategy_update_sub_routine", definition.updateSubroutine),
    ]
  }
}
