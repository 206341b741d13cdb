// SPDX-License-Identifier: Apache-2.0

/// Who speaks in a transcript, in the words of the wire. Android clients fail on any other word.
public enum ChatParty: String, Sendable, Hashable, CaseIterable {
  case client = "CLIENT"
  case agent = "AGENT"
  case supervisor = "SUPERVISOR"
  case external = "EXTERNAL"

  /// The party of that name; `EXTERNAL` for all that clients do not know (`SYSTEM`…).
  public init(word: String) { self = ChatParty(rawValue: word) ?? .external }
}

/// The type of a transcript entry, in the words of the wire.
///
/// GMS' own list says `TypingStart` and `TypingStop`; its captures and every client say `TypingStarted` and
/// `TypingStopped`.
public enum ChatEntryKind: String, Sendable, Hashable, CaseIterable {
  case text = "Message.Text"
  case joined = "Notice.Joined"
  case left = "Notice.Left"
  case typingStarted = "Notice.TypingStarted"
  case typingStopped = "Notice.TypingStopped"
  case pushURL = "Notice.PushUrl"
  case custom = "Notice.Custom"

  /// Whether an event may hold nothing else: an old client throws at these and loses the whole event.
  public var isIsolated: Bool { self == .pushURL || self == .custom }
}

/// What somebody did in a chat, before it has a place in the transcript.
public struct ChatEntry: Sendable, Hashable {
  public let kind: ChatEntryKind
  public let nickname: String
  public let text: String
  public let party: ChatParty

  public init(_ kind: ChatEntryKind, _ nickname: String, _ text: String, _ party: ChatParty) {
    self.kind = kind
    self.nickname = nickname
    self.text = text
    self.party = party
  }

  /// A notice in the sentence that GMS uses for it.
  ///
  /// - Precondition: `kind` has a fixed sentence; the others carry a text of their own.
  public static func notice(_ kind: ChatEntryKind, _ nickname: String, _ party: ChatParty) -> ChatEntry {
    let text =
      switch kind {
      case .joined: "has joined the session"
      case .left: "has left the session"
      case .typingStarted: "is typing"
      case .typingStopped: "stopped typing"
      case .text, .pushURL, .custom: preconditionFailure("\(kind.rawValue) has no fixed sentence")
      }
    return ChatEntry(kind, nickname, text, party)
  }

  var byteCount: Int { nickname.utf8.count + text.utf8.count }
}

/// An entry in its place. On the wire it is an array of exactly five strings.
public struct TranscriptEntry: Sendable, Hashable {
  /// From 2 on; the customer's own join is 1 and never shown.
  public let position: Int
  public let entry: ChatEntry
  /// Whole seconds since the chat started.
  public let seconds: Int64

  public init(position: Int, entry: ChatEntry, seconds: Int64) {
    self.position = position
    self.entry = entry
    self.seconds = seconds
  }
}
