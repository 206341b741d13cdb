// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// What a call answers; the HTTP layer adds the head.
public struct ChatReply: Sendable {
  public enum ContentType: Sendable, Hashable {
    case json, text, none
    /// A type of its own, for what clients stored.
    case other(String)
  }

  public let status: Int
  public let contentType: ContentType
  public let body: [UInt8]
  /// To be called once the reply is on its way: the events of a new chat are held back until then, because clients
  /// learn from the reply which chat is theirs. Held-back events leave after ``ChatLimits/holdBack`` in any case.
  public let afterWritten: (@Sendable () -> Void)?

  public init(
    status: Int, contentType: ContentType, body: [UInt8], afterWritten: (@Sendable () -> Void)? = nil
  ) {
    self.status = status
    self.contentType = contentType
    self.body = body
    self.afterWritten = afterWritten
  }

  static func json(_ body: [UInt8], status: Int = 200, afterWritten: (@Sendable () -> Void)? = nil) -> ChatReply {
    ChatReply(status: status, contentType: .json, body: body, afterWritten: afterWritten)
  }
}

/// An event for the sessions of one user on `/_genesys`; the broker adds `data.id` and the envelope.
public struct ChatNotification: Sendable, Hashable {
  /// The `gms_user` it is for.
  public let user: String
  /// `service.chat.refresh.<serviceID>`
  public let tag: String
  /// The JSON object that becomes `data.message`.
  public let message: [UInt8]
  public let serviceID: String
  /// The `transcriptPosition` that the message carries.
  public let transcriptPosition: Int

  public init(user: String, tag: String, message: [UInt8], serviceID: String, transcriptPosition: Int) {
    self.user = user
    self.tag = tag
    self.message = message
    self.serviceID = serviceID
    self.transcriptPosition = transcriptPosition
  }
}

/// Takes what is to be pushed. Calls for one service come in the order of its transcript.
public protocol ChatNotifier: Sendable {
  /// Must neither block nor suspend.
  func post(_ notification: ChatNotification)
}

/// Both times that the chat needs: one for deadlines, one for people.
public protocol ChatClock: Sendable {
  func now() -> Instant
  func secondsSince1970() -> Int64
}
