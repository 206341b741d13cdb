// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService

/// THE table of what is wrong with a batch of events, or with one event of it.
enum RemoteEventFault: Error, Hashable {
  case noList
  case tooMany(Int)
  case unknownType(index: Int)
  case bad(index: Int, member: String, expected: String)

  var sentence: String {
    switch self {
    case .noList: "events has to be a list with at least one event"
    case .tooMany(let most): "events has more than \(most) events"
    case .unknownType(let index):
      "events[\(index)].type has to be one of \(RemoteEvent.Kind.allCases.map(\.rawValue).joined(separator: ", "))"
    case .bad(let index, let member, let expected): "events[\(index)].\(member) has to be \(expected)"
    }
  }
}

/// Something that a remote chat backend tells: what `Docs/Backend.md` says under "Events".
enum RemoteEvent: Sendable, Hashable {
  case chat(ChatBackendEvent)
  case availability(AvailabilityChange)

  enum Kind: String, CaseIterable { case entries, ended, relocated, availability }

  /// What stands in a batch: an event, or why it is none, with the `id` that it gave.
  enum Element: Sendable, Hashable {
    case event(RemoteEvent)
    case bad(id: String?, RemoteEventFault)

    var event: RemoteEvent? { if case .event(let event) = self { event } else { nil } }
  }

  /// The elements of `{"events":[…]}`, in order. A bad one is no reason to refuse those beside it, which are of others.
  ///
  /// - Parameter now: seconds since 1970, for events that give no `time`.
  static func batch(_ body: JSONValue, most: Int, now: Int64) throws(RemoteEventFault) -> [Element] {
    guard let elements = body["events"]?.elements, !elements.isEmpty else { throw .noList }
    guard elements.count <= most else { throw .tooMany(most) }
    return elements.enumerated().map { index, element in
      do throws(RemoteEventFault) {
        return .event(try Reader(index: index, body: element, now: now).event())
      } catch {
        return .bad(id: element["id"]?.string.flatMap { RemoteLimits.isIdentifier($0) ? $0 : nil }, error)
      }
    }
  }

  /// Reads one event.
  private struct Reader {
    let index: Int
    let body: JSONValue
    let now: Int64

    func event() throws(RemoteEventFault) -> RemoteEvent {
      guard let kind = body["type"]?.string.flatMap(Kind.init) else { throw .unknownType(index: index) }
      let service = try identifier("serviceId")
      let content: ChatBackendEvent.Content
      switch kind {
      case .availability:
        guard let availability = ChatAvailability(remote: body["availability"]) else {
          throw bad("availability", "\"available\" or \"waiting\"")
        }
        return .availability(AvailabilityChange(serviceID: service, availability: availability))
      case .entries:
        let entries = try entries()
        guard !entries.isEmpty else { throw bad("entries", "a list with at least one entry") }
        content = .entries(entries)
      case .ended: content = .ended(body["entries"] == nil ? [] : try entries())
      case .relocated:
        guard let server = body["server"].flatMap(ChatServerAddress.init(remote:)) else {
          throw bad("server", "an object with host and port")
        }
        content = .relocated(server)
      }
      return .chat(
        ChatBackendEvent(
          id: try identifier("id"), serviceID: service, chatSessionID: try identifier("chatSessionId"),
          secondsSince1970: try time(), cause: try cause(), content: content))
    }

    private func bad(_ member: String, _ expected: String) -> RemoteEventFault {
      .bad(index: index, member: member, expected: expected)
    }

    private func identifier(_ name: String) throws(RemoteEventFault) -> String {
      guard let text = body[name]?.string, RemoteLimits.isIdentifier(text) else {
        throw bad(name, "a text of 1 to \(RemoteLimits.maxIDBytes) visible ASCII characters")
      }
      return text
    }

    private func time() throws(RemoteEventFault) -> Int64 {
      guard let given = body["time"] else { return now }
      guard let seconds = given.int, seconds >= 0 else { throw bad("time", "whole seconds since 1970") }
      return Int64(seconds)
    }

    private func cause() throws(RemoteEventFault) -> CallID? {
      guard let given = body["cause"], given != .null else { return nil }
      guard let text = given.string, !text.isEmpty, text.utf8.count <= RemoteLimits.maxIDBytes else {
        throw bad("cause", "the call of a request")
      }
      return CallID(text)
    }

    private func entries() throws(RemoteEventFault) -> [ChatEntry] {
      guard let elements = body["entries"]?.elements, elements.count <= RemoteLimits.maxEntries else {
        throw bad("entries", "a list of at most \(RemoteLimits.maxEntries) entries")
      }
      var entries: [ChatEntry] = []
      for (number, element) in elements.enumerated() { entries.append(try entry(element, "entries[\(number)]")) }
      return entries
    }

    private func entry(_ element: JSONValue, _ place: String) throws(RemoteEventFault) -> ChatEntry {
      guard let kind = element["type"]?.string.flatMap(ChatEntryKind.init) else {
        throw bad("\(place).type", "one of " + ChatEntryKind.allCases.map(\.rawValue).joined(separator: ", "))
      }
      guard let party = element["party"]?.string else {
        throw bad("\(place).party", "one of " + ChatParty.allCases.map(\.rawValue).joined(separator: ", "))
      }
      // The customer's own came from the broker, which cuts it; chats opened before it did have longer ones.
      let most = party == ChatParty.client.rawValue ? RemoteLimits.maxTextBytes : RemoteLimits.maxNicknameBytes
      guard let nickname = element["nickname"]?.string, !nickname.isEmpty, nickname.utf8.count <= most else {
        throw bad("\(place).nickname", "a text of 1 to \(most) bytes")
      }
      if element["text"] == nil, !kind.needsText { return .notice(kind, nickname, ChatParty(word: party)) }
      guard let text = element["text"]?.string, !text.isEmpty, text.utf8.count <= RemoteLimits.maxTextBytes else {
        throw bad("\(place).text", "a text of 1 to \(RemoteLimits.maxTextBytes) bytes")
      }
      let start = text.prefix(8).lowercased()
      if kind == .pushURL {
        // Browsers open what is pushed, so it is a web address and nothing else.
        guard start.hasPrefix("http://") || start.hasPrefix("https://"), text.utf8.count <= RemoteLimits.maxURLBytes
        else { throw bad("\(place).text", "an http:// or https:// URL") }
      }
      return ChatEntry(kind, nickname, text, ChatParty(word: party))
    }
  }
}

extension ChatEntryKind {
  /// Whether there is no sentence of its own for it.
  fileprivate var needsText: Bool { self == .text || self == .pushURL || self == .custom }
}

/// What became of an event of a remote backend.
enum RemoteEventOutcome: Sendable, Hashable {
  /// It has its place, and that is kept where the broker keeps anything.
  case placed(Int)
  /// A change of availability was taken, and what it led to is kept where the broker keeps anything.
  case passedOn
  case noSuchChat, notStored, overdue, tooMany, stopping
  /// It is wrong, and would be so again.
  case bad(RemoteEventFault)

  /// Whether the same event is to be sent again.
  var isToBeSentAgain: Bool {
    switch self {
    case .placed, .passedOn, .noSuchChat, .bad: false
    case .notStored, .overdue, .tooMany, .stopping: true
    }
  }

  /// THE table of the words with which an event is not accepted.
  private var error: String? {
    switch self {
    case .placed, .passedOn: nil
    case .noSuchChat: "noSuchChat"
    case .notStored: "notStored"
    case .overdue: "overdue"
    case .tooMany: "tooMany"
    case .stopping: "stopping"
    case .bad: "bad"
    }
  }

  /// `{"id","accepted":true,"position"}` or `{"id","accepted":false,"error","retry"[,"message"]}`
  func json(of element: RemoteEvent.Element) -> JSONValue {
    var members: [JSONValue.Member] = []
    switch element {
    case .event(.chat(let event)): members.append(.init("id", .string(event.id)))
    case .event(.availability(let change)): members.append(.init("serviceId", .string(change.serviceID)))
    case .bad(let id, _): if let id { members.append(.init("id", .string(id))) }
    }
    members.append(.init("accepted", .bool(error == nil)))
    if case .placed(let position) = self { members.append(.init("position", JSONValue(position))) }
    if let error { members += [.init("error", .string(error)), .init("retry", .bool(isToBeSentAgain))] }
    if case .bad(let fault) = self { members.append(.init("message", .string(fault.sentence))) }
    return .object(members)
  }
}
