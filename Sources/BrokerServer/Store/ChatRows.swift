// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService
import Store

// How the words of the chat service are written into the rows of the store, and read back.

extension ChatChange {
  var row: Change {
    switch self {
    case .putService(let service): .putService(ServiceRow(service))
    case .removeService(let id): .removeService(id)
    case .putChat(let chat): .putChat(ChatRow(chat))
    case .addEntries(let id, let entries, let event):
      .addEntries(entries.map { EntryRow($0, service: id, event: event) })
    case .removeEntries(let id, let position): .removeEntries(service: id, through: position)
    }
  }
}

extension ServiceRow {
  init(_ service: StoredService) {
    var details: [JSONValue.Member] = [
      .init("data", service.data.json),
      .init("callback", .bool(service.isCallback)), .init("announced", .bool(service.isAnnounced)),
      .init("routed", .bool(service.isRouted)),
    ]
    if let device = service.device { details.append(.init("device", device.json)) }
    self.init(
      id: service.id, name: service.name, user: service.user, ttlMilliseconds: service.ttl.wholeMilliseconds,
      usedAtSecondsSince1970: service.usedAtSecondsSince1970, details: JSONValue.object(details).encoded)
  }

  /// Nil where the details are not what ``init(_:)`` writes.
  var service: StoredService? {
    guard let json = try? JSONValue(parsing: details.span), let pairs = json["data"]?.elements,
      let isCallback = json["callback"]?.bool, let isAnnounced = json["announced"]?.bool,
      let isRouted = json["routed"]?.bool
    else { return nil }
    var service = StoredService(
      id: id, name: name, user: user, data: [ChatFields.Field](pairs: pairs), ttl: .milliseconds(ttlMilliseconds),
      usedAtSecondsSince1970: usedAtSecondsSince1970)
    service.isCallback = isCallback
    service.isAnnounced = isAnnounced
    service.isRouted = isRouted
    service.device = json["device"].flatMap(PushDevice.init)
    return service
  }
}

extension [ChatFields.Field] {
  /// Pairs, since a name may stand twice.
  fileprivate var json: JSONValue { .array(map { .array([.string($0.name), .string($0.value)]) }) }

  fileprivate init(pairs: [JSONValue]) {
    self = pairs.compactMap { pair in
      guard let name = pair.elements?.first?.string, let value = pair.elements?.last?.string else { return nil }
      return ChatFields.Field(name, value)
    }
  }
}

extension PushDevice {
  fileprivate var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("type", .string(type)), .init("id", .string(id)), .init("debug", .bool(isDebug)),
    ]
    if let language { members.append(.init("language", .string(language))) }
    if let provider { members.append(.init("provider", .string(provider))) }
    if let messageFile { members.append(.init("messageFile", .string(messageFile))) }
    return .object(members)
  }

  fileprivate init?(_ json: JSONValue) {
    guard let type = json["type"]?.string, let id = json["id"]?.string, let isDebug = json["debug"]?.bool else {
      return nil
    }
    self.init(type: type, id: id)
    self.isDebug = isDebug
    language = json["language"]?.string
    provider = json["provider"]?.string
    messageFile = json["messageFile"]?.string
  }
}

extension ChatRow {
  init(_ chat: StoredChat) {
    var details: [JSONValue.Member] = [
      .init("userId", .string(chat.opened.userID)), .init("secureKey", .string(chat.opened.secureKey)),
      .init("startedAt", .number(String(chat.opened.startedAtSecondsSince1970))),
      .init("nickname", .string(chat.nickname)), .init("subject", .string(chat.subject)),
      .init("comet", .bool(chat.notifiesByComet)), .init("heldBack", .bool(chat.isHeldBack)),
      .init("timeZoneOffset", JSONValue(chat.timeZoneOffset)), .init("firstServer", chat.opened.server.json),
      .init("server", chat.server.json), .init("agents", .array(chat.agents.map { .string($0) })),
    ]
    if !chat.userData.isEmpty { details.append(.init("userData", chat.userData.json)) }
    if let event = chat.endedBy { details.append(.init("endedBy", .string(event))) }
    if chat.pushedThrough > 0 { details.append(.init("pushedThrough", JSONValue(chat.pushedThrough))) }
    self.init(
      service: chat.serviceID, chatSession: chat.opened.chatSessionID, isLive: chat.isLive, cursor: chat.cursor,
      details: JSONValue.object(details).encoded)
  }

  /// Nil where the details are not what ``init(_:)`` writes.
  var chat: StoredChat? {
    guard let json = try? JSONValue(parsing: details.span), let userID = json["userId"]?.string,
      let secureKey = json["secureKey"]?.string, let startedAt = json["startedAt"]?.int,
      let first = json["firstServer"].flatMap(ChatServerAddress.init(_:)),
      let server = json["server"].flatMap(ChatServerAddress.init(_:)),
      let nickname = json["nickname"]?.string, let subject = json["subject"]?.string,
      let comet = json["comet"]?.bool, let heldBack = json["heldBack"]?.bool,
      let offset = json["timeZoneOffset"]?.int, let agents = json["agents"]?.elements
    else { return nil }
    let opened = ChatOpened(
      chatSessionID: chatSession, userID: userID, secureKey: secureKey, startedAtSecondsSince1970: Int64(startedAt),
      server: first)
    var chat = StoredChat(
      serviceID: service, opened: opened, nickname: nickname, subject: subject, notifiesByComet: comet,
      timeZoneOffset: offset)
    chat.server = server
    chat.isLive = isLive
    chat.isHeldBack = heldBack
    chat.cursor = cursor
    chat.agents = agents.compactMap(\.string)
    chat.endedBy = json["endedBy"]?.string
    // Files of earlier versions have neither.
    chat.pushedThrough = json["pushedThrough"]?.int ?? 0
    chat.userData = [ChatFields.Field](pairs: json["userData"]?.elements ?? [])
    return chat
  }
}

extension ChatServerAddress {
  fileprivate var json: JSONValue {
    [
      "host": .string(host), "port": JSONValue(webAPIPort), "tls": .bool(requiresTLS),
      "alias": .string(loadBalancerAlias),
    ]
  }

  fileprivate init?(_ json: JSONValue) {
    guard let host = json["host"]?.string, let port = json["port"]?.int, let tls = json["tls"]?.bool,
      let alias = json["alias"]?.string
    else { return nil }
    self.init(host: host, webAPIPort: port, requiresTLS: tls, loadBalancerAlias: alias)
  }
}

extension EntryRow {
  init(_ placed: TranscriptEntry, service: String, event: String) {
    self.init(
      service: service, position: placed.position, event: event, kind: placed.entry.kind.rawValue,
      nickname: placed.entry.nickname, text: placed.entry.text, party: placed.entry.party.rawValue,
      seconds: placed.seconds)
  }

  /// Nil for a kind that is none.
  var entry: StoredEntry? {
    guard let kind = ChatEntryKind(rawValue: kind) else { return nil }
    let entry = ChatEntry(kind, nickname, text, ChatParty(word: party))
    return StoredEntry(TranscriptEntry(position: position, entry: entry, seconds: seconds), event: event)
  }
}

extension Snapshot {
  /// Nil where a row is not what this program writes.
  var restoredServices: [RestoredService]? {
    var chats: [String: StoredChat] = [:]
    for row in self.chats {
      guard let chat = row.chat else { return nil }
      chats[row.service] = chat
    }
    var entries: [String: [StoredEntry]] = [:]
    for row in self.entries {
      guard let entry = row.entry else { return nil }
      entries[row.service, default: []].append(entry)
    }
    var unfetched: [String: [Int: Int64]] = [:]
    for message in messages where message.position > 0 {
      guard let service = message.service else { continue }
      unfetched[service, default: [:]][message.position] = message.arrivedAtMillisecondsSince1970 / 1_000
    }
    var restored: [RestoredService] = []
    for row in services {
      guard let service = row.service else { return nil }
      restored.append(
        RestoredService(
          service: service, chat: chats[service.id], entries: entries[service.id] ?? [],
          unfetched: unfetched[service.id] ?? [:]))
    }
    return restored
  }
}
