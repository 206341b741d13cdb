// SPDX-License-Identifier: Apache-2.0
import Bytes

/// The chat object of the API ("Chat Interaction" in GMS' words), before it is written as JSON.
struct ChatIxn: Sendable, Hashable {
  enum State: String, Sendable, Hashable {
    case connected = "CONNECTED"
    case transcript = "TRANSCRIPT"
    case disconnected = "DISCONNECTED"

    var serviceMessage: String {
      self == .disconnected ? "Chat was finished" : "Chat service is available"
    }
  }

  /// What only `_verbose=true` shows.
  struct Verbose: Sendable, Hashable {
    let serviceID: String
    let userID: String
    let secureKey: String
    let server: ChatServerAddress
    let timeZoneOffset: Int
  }

  var state: State
  let chatSessionID: String
  var position: Int
  /// nil where the reply has neither `transcriptToShow` nor `startedAt`.
  var entries: [TranscriptEntry]?
  let startedAt: Int64
  var verbose: Verbose?
}

/// Which of the captured orders of members is followed. Clients do not care; people compare with the book.
enum ChatIxnOrder: Sendable {
  case reply, disconnectReply, event
}

/// How chat objects are written.
struct ChatIxnStyle: Sendable {
  let position: PositionStyle
  let isPretty: Bool
  let loadBalancerPath: String

  static let cometNote = "Messages will sent over CometD service channel /_genesys"

  /// - Parameter note: the `message` member that a comet client finds beside the others; nil for none.
  func encode(_ ixn: ChatIxn, order: ChatIxnOrder, note: String? = nil) -> [UInt8] {
    var object = ObjectWriter(isPretty: isPretty && order != .event)
    switch order {
    case .reply:
      object.member("chatIxnState", ixn.state.rawValue)
      object.member("chatSessionId", ixn.chatSessionID)
      object.member("transcriptPosition", ixn.position, style: position)
      object.member("chatServiceMessage", ixn.state.serviceMessage)
      if let entries = ixn.entries {
        object.member("transcriptToShow", entries)
        object.member("startedAt", UTCTime(secondsSince1970: ixn.startedAt).iso8601)
      }
    case .disconnectReply:
      object.member("chatIxnState", ixn.state.rawValue)
      object.member("transcriptPosition", ixn.position, style: position)
      object.member("chatServiceMessage", ixn.state.serviceMessage)
      object.member("chatSessionId", ixn.chatSessionID)
    case .event:
      object.member("chatSessionId", ixn.chatSessionID)
      object.member("transcriptPosition", ixn.position, style: position)
      object.member("chatServiceMessage", ixn.state.serviceMessage)
      object.member("startedAt", UTCTime(secondsSince1970: ixn.startedAt).iso8601)
      object.member("chatIxnState", ixn.state.rawValue)
      object.member("transcriptToShow", ixn.entries ?? [])
    }
    if let verbose = ixn.verbose { write(verbose, to: &object) }
    if let note { object.member("message", note) }
    return object.finish()
  }

  private func write(_ verbose: ChatIxn.Verbose, to object: inout ObjectWriter) {
    let alias = verbose.server.loadBalancerAlias
    object.member("userId", verbose.userID)
    object.member("secureKey", verbose.secureKey)
    object.member("checkChatServiceLoadBalancerPath", "\(loadBalancerPath)?chatServerLoadBalancerAlias=\(alias)")
    object.member("chatServerLoadBalancerAlias", alias)
    object.member("chatServerHost", verbose.server.host)
    object.member("chatWebApiPort", String(verbose.server.webAPIPort))
    object.member("isTLSrequired", verbose.server.requiresTLS ? "true" : "false")
    object.member("clientTimeZoneOffset", String(verbose.timeZoneOffset))
    let chat = ServicePath.chat(verbose.serviceID)
    object.member("_chatIxnAPI_SEND_URL", chat + "/send")
    object.member("_chatIxnAPI_REFRESH_URL", chat + "/refresh")
    object.member("_chatIxnAPI_START_TYPING_URL", chat + "/startTyping")
    object.member("_chatIxnAPI_STOP_TYPING_URL", chat + "/stopTyping")
    object.member("_chatIxnAPI_DISCONNECT_URL", chat + "/disconnect")
    object.member("_chatIxnAPI_REFRESH_FROM_START_URL", chat + "/refresh?transcriptPosition=1")
  }
}

/// The paths that replies name; relative, because clients put the server in front themselves.
enum ServicePath {
  static func chat(_ serviceID: String) -> String { service(serviceID) + "/ixn/chat" }
  static func service(_ serviceID: String) -> String { "/genesys/1/service/\(serviceID)" }
}

/// Writes one JSON object: compact, or as GMS 8.1.1 printed it, with arrays compact all the same.
private struct ObjectWriter: ~Copyable {
  private var out = ByteWriter(capacity: 512)
  private let isPretty: Bool
  private var isEmpty = true

  init(isPretty: Bool) {
    self.isPretty = isPretty
    out.append(isPretty ? "{\n" : "{")
  }

  private mutating func name(_ name: StaticString) {
    if !isEmpty { out.append(isPretty ? ",\n" : ",") }
    isEmpty = false
    out.append(isPretty ? "  \"" : "\"")
    out.append(name)
    out.append(isPretty ? "\" : " : "\":")
  }

  mutating func member(_ name: StaticString, _ text: String) {
    self.name(name)
    out.append(jsonString: text)
  }

  mutating func member(_ name: StaticString, _ position: Int, style: PositionStyle) {
    self.name(name)
    if style == .string { out.append(UInt8(ascii: "\"")) }
    out.append(decimal: position)
    if style == .string { out.append(UInt8(ascii: "\"")) }
  }

  mutating func member(_ name: StaticString, _ entries: [TranscriptEntry]) {
    self.name(name)
    out.append(UInt8(ascii: "["))
    for (index, placed) in entries.enumerated() {
      if index > 0 { out.append(UInt8(ascii: ",")) }
      out.append("[\"")
      out.append(placed.entry.kind.rawValue)
      out.append("\",")
      out.append(jsonString: placed.entry.nickname)
      out.append(UInt8(ascii: ","))
      out.append(jsonString: placed.entry.text)
      out.append(",\"")
      out.append(decimal: Int(placed.seconds))
      out.append("\",\"")
      out.append(placed.entry.party.rawValue)
      out.append("\"]")
    }
    out.append(UInt8(ascii: "]"))
  }

  consuming func finish() -> [UInt8] {
    out.append(isPretty ? "\n}\n" : "}")
    return out.array
  }
}
