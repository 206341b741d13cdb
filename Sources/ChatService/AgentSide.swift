// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// A chat as agents see it.
public struct AgentChat: Sendable, Hashable {
  public let serviceID: String
  public let chatSessionID: String
  public let isLive: Bool
  /// The customer's nickname.
  public let customer: String
  public let subject: String
  public let startedAtSecondsSince1970: Int64
  /// Of the last entry that was acknowledged.
  public let transcriptPosition: Int
  /// Nicknames, in the order in which they joined.
  public let agents: [String]
  /// Whether the customer's app is connected; nil for a customer who polls, or of whom nothing was heard yet.
  public let isCustomerOnline: Bool?
  /// The agent to whom the chat belongs until he joins it, declines it or lets it pass; nil for nobody.
  public let offeredTo: String?
  /// Business data of the service and of the create; shown by ``detailedJSON`` alone.
  public let userData: [ChatFields.Field]

  /// `{serviceId, chatSessionId, state, customer, subject, startedAt, transcriptPosition, agents, customerOnline}`;
  /// `state` is `CONNECTED` or `DISCONNECTED`, `startedAt` in UTC, `transcriptPosition` a string as in the chat API.
  /// A chat that is offered has `offeredTo` besides.
  public var json: JSONValue { .object(members) }

  /// ``json`` with `userData`, an object of texts.
  public var detailedJSON: JSONValue {
    let data = userData.map { JSONValue.Member($0.name, .string($0.value)) }
    return .object(members + [.init("userData", .object(data))])
  }

  private var members: [JSONValue.Member] {
    let always: JSONValue = [
      "serviceId": .string(serviceID),
      "chatSessionId": .string(chatSessionID),
      "state": .string((isLive ? ChatIxn.State.connected : .disconnected).rawValue),
      "customer": .string(customer),
      "subject": .string(subject),
      "startedAt": .string(UTCTime(secondsSince1970: startedAtSecondsSince1970).iso8601),
      "transcriptPosition": .string(String(transcriptPosition)),
      "agents": .array(agents.map { .string($0) }),
      "customerOnline": isCustomerOnline.map { .bool($0) } ?? .null,
    ]
    return (always.members ?? []) + (offeredTo.map { [.init("offeredTo", .string($0))] } ?? [])
  }
}

/// An agent by name, whether ready for chats or not.
public struct AgentState: Sendable, Hashable {
  public let name: String
  public let isReady: Bool
  /// Live chats that an agent of this nickname is in.
  public let chats: Int
  public var skills: [String: Int] = [:]
  public var groups: [String] = []
  public var place: String?
  /// Chats at once, offered ones included; nil for any number.
  public var capacity: Int?

  /// `{name, ready, chats}`, and `skills`, `groups`, `place`, `capacity` where they were given.
  public var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("name", .string(name)), .init("ready", .bool(isReady)), .init("chats", JSONValue(chats)),
    ]
    let levels = skills.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, JSONValue($0.value)) }
    if !levels.isEmpty { members.append(.init("skills", .object(levels))) }
    if !groups.isEmpty { members.append(.init("groups", .array(groups.map { .string($0) }))) }
    if let place { members.append(.init("place", .string(place))) }
    if let capacity { members.append(.init("capacity", JSONValue(capacity))) }
    return .object(members)
  }
}

/// What is to change about an agent; nil leaves it as it is.
public struct AgentUpdate: Sendable, Hashable {
  public var isReady: Bool?
  /// Levels by skill, in place of all earlier ones.
  public var skills: [String: Int]?
  /// In place of all earlier ones.
  public var groups: [String]?
  public var place: String?
  /// Chats at once; 0 for any number.
  public var capacity: Int?

  public init(isReady: Bool? = nil) { self.isReady = isReady }
}

/// What agents hear of a chat.
public enum AgentEvent: Sendable, Hashable {
  case opened(AgentChat)
  /// The chat belongs to this agent until he joins it, declines it or lets it pass.
  case offered(AgentChat, to: String)
  case withdrawn(serviceID: String, from: String)
  case message(serviceID: String, text: String)
  case typing(serviceID: String, Bool)
  case presence(serviceID: String, isOnline: Bool)
  case ended(serviceID: String)

  public var serviceID: String {
    switch self {
    case .opened(let chat), .offered(let chat, _): chat.serviceID
    case .withdrawn(let id, _): id
    case .message(let id, _), .typing(let id, _), .presence(let id, _), .ended(let id): id
    }
  }
}

/// Every way in which a call of an agent fails, with its status and its sentence.
public enum AgentError: Error, Hashable, Sendable, CaseIterable {
  case noSuchChat, chatEnded, notJoined, alreadyJoined, nicknameTaken, tooManyInChat
  case offeredToAnother, notOffered, noSuchAgent, badSkills, badGroups, badCapacity
  case badNickname, emptyText, textTooLong, badURL
  case tooManyAgents, unavailable, notStored

  public var status: Int { row.status }
  public var message: String { row.message }
  public var exception: String { "agent." + row.exception }
  /// `{"exception":"…","message":"…"}`
  public var json: JSONValue { ["exception": .string(exception), "message": .string(message)] }

  // swift-format-ignore
  private var row: (status: Int, exception: String, message: String) {
    switch self {
    case .noSuchChat: (404, "NoSuchChat", "no chat of this service id is known")
    case .chatEnded: (409, "ChatEnded", "the chat was finished")
    case .notJoined: (409, "NotJoined", "no agent of this nickname is in the chat; join first")
    case .alreadyJoined: (409, "AlreadyJoined", "an agent of this nickname is in the chat already")
    case .nicknameTaken: (409, "NicknameTaken", "the customer has this nickname")
    case .tooManyInChat: (409, "TooManyInChat", "too many agents are in the chat")
    case .offeredToAnother: (409, "OfferedToAnother", "the chat is offered to another agent")
    case .notOffered: (409, "NotOffered", "the chat is not offered to this agent")
    case .noSuchAgent: (404, "NoSuchAgent", "no agent of this name is known")
    case .badSkills: (400, "BadSkills", "skills are at most 100 names with a level from 0 to 1000 each")
    case .badGroups: (400, "BadGroups", "groups are at most 100 names")
    case .badCapacity: (400, "BadCapacity", "capacity is a number of chats from 0, for any number, to 10000")
    case .badNickname: (400, "BadNickname", "a nickname is missing or too long")
    case .emptyText: (400, "EmptyText", "a text is missing")
    case .textTooLong: (400, "TextTooLong", "the text is too long")
    case .badURL: (400, "BadURL", "a URL must begin with http:// or https:// and must not be too long")
    case .tooManyAgents: (503, "TooManyAgents", "too many agents are known")
    case .unavailable: (503, "Unavailable", "the chat service is not running")
    case .notStored: (507, "NotStored", "the broker can not store this now; it is kept in line and may still appear")
    }
  }
}

/// Every bound of the embedded chat server, and what is seen when it is reached.
public struct EmbeddedChatLimits: Sendable, Hashable {
  /// UTF-8 bytes of an agent's nickname; beyond it ``AgentError/badNickname``.
  public var maxNicknameBytes = 128
  /// UTF-8 bytes of a text; beyond it ``AgentError/textTooLong``, for customers ``ChatBackendError/badInput``.
  public var maxTextBytes = 16_384
  /// UTF-8 bytes of a URL, what browsers take for sure; beyond it ``AgentError/badURL``.
  public var maxURLBytes = 2_048
  /// Agents in one chat at once; beyond it ``AgentError/tooManyInChat``.
  public var maxAgentsInChat = 16
  /// Agents known by name; beyond it ``AgentError/tooManyAgents``.
  public var maxAgents = 10_000
  /// Skills, and groups, of one agent; beyond it ``AgentError/badSkills`` and ``AgentError/badGroups``.
  public var maxTraits = 100
  /// Ended chats that are still listed, the latest ones; calls on others are ``AgentError/noSuchChat``.
  public var maxEndedChats = 100
  /// Calls remembered per chat, so that one that is repeated happens once.
  public var maxRememberedCalls = 64
  /// Events that one observer of ``EmbeddedChatBackend/agentEvents()`` may be behind; later ones it misses.
  public var maxObserverBacklog = 10_000

  public init() {}
}
