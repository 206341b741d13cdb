// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// A GMS service. What it means is the chat service's business; here it is kept.
public struct ServiceRow: Sendable, Hashable {
  public let id: String
  /// The name under which it was created.
  public let name: String
  /// The `gms_user` it belongs to.
  public let user: String?
  public let ttlMilliseconds: Int64
  /// When it was last used, to the minute.
  public let usedAtSecondsSince1970: Int64
  /// JSON text.
  public let details: [UInt8]

  public init(
    id: String, name: String, user: String?, ttlMilliseconds: Int64, usedAtSecondsSince1970: Int64, details: [UInt8]
  ) {
    self.id = id
    self.name = name
    self.user = user
    self.ttlMilliseconds = ttlMilliseconds
    self.usedAtSecondsSince1970 = usedAtSecondsSince1970
    self.details = details
  }
}

/// The chat of a service: one at a time.
public struct ChatRow: Sendable, Hashable {
  public let service: String
  public let chatSession: String
  public let isLive: Bool
  /// The position up to which its client has been given the transcript.
  public let cursor: Int
  /// JSON text.
  public let details: [UInt8]

  public init(service: String, chatSession: String, isLive: Bool, cursor: Int, details: [UInt8]) {
    self.service = service
    self.chatSession = chatSession
    self.isLive = isLive
    self.cursor = cursor
    self.details = details
  }
}

/// One entry of a transcript.
public struct EntryRow: Sendable, Hashable {
  public let service: String
  public let position: Int
  /// The id of the event that brought it.
  public let event: String
  public let kind: String
  public let nickname: String
  public let text: String
  public let party: String
  /// Whole seconds since the chat started.
  public let seconds: Int64

  public init(
    service: String, position: Int, event: String, kind: String, nickname: String, text: String, party: String,
    seconds: Int64
  ) {
    self.service = service
    self.position = position
    self.event = event
    self.kind = kind
    self.nickname = nickname
    self.text = text
    self.party = party
    self.seconds = seconds
  }
}

/// A message for one user that has not been handed to a session yet.
public struct MessageRow: Sendable, Hashable {
  /// Its place among all messages; given by the ``Journal``, zero before.
  public var sequence: Int64 = 0
  public let user: [UInt8]
  public let payload: Payload
  public let arrivedAtMillisecondsSince1970: Int64
  /// The service whose chat it tells of, with the transcript position it carries; nil for any other message.
  public let service: String?
  public let position: Int

  public init(
    user: [UInt8], payload: Payload, arrivedAtMillisecondsSince1970: Int64, service: String? = nil, position: Int = 0
  ) {
    self.user = user
    self.payload = payload
    self.arrivedAtMillisecondsSince1970 = arrivedAtMillisecondsSince1970
    self.service = service
    self.position = position
  }
}

/// An event of a durable channel.
public struct EventRow: Sendable, Hashable {
  /// Its place among all events; greater than that of every one before.
  public let id: Int64
  public let channel: String
  public let payload: Payload
  public let arrivedAtMillisecondsSince1970: Int64

  public init(id: Int64, channel: String, payload: Payload, arrivedAtMillisecondsSince1970: Int64) {
    self.id = id
    self.channel = channel
    self.payload = payload
    self.arrivedAtMillisecondsSince1970 = arrivedAtMillisecondsSince1970
  }
}

/// The last event of a channel that is not kept any more; of the channel without a name, of all that are forgotten.
public struct EventFloor: Sendable, Hashable {
  public let channel: String
  public let droppedThrough: Int64

  public init(channel: String, droppedThrough: Int64) {
    self.channel = channel
    self.droppedThrough = droppedThrough
  }
}

/// A value under a key, for whatever else is to be kept; `space` keeps the keys of different owners apart.
public struct ValueRow: Sendable, Hashable {
  public let space: String
  public let key: String
  public let value: [UInt8]
  /// Nil keeps it until it is removed. Expired values are left out of a ``Snapshot``, and gone after the next start.
  public let expiresAtSecondsSince1970: Int64?

  public init(space: String, key: String, value: [UInt8], expiresAtSecondsSince1970: Int64? = nil) {
    self.space = space
    self.key = key
    self.value = value
    self.expiresAtSecondsSince1970 = expiresAtSecondsSince1970
  }
}

/// One thing to be written. Each may be written twice without harm.
public enum Change: Sendable, Hashable {
  case putService(ServiceRow)
  /// With its chat and the entries of it; messages that its user has not been handed stay.
  case removeService(String)
  case putChat(ChatRow)
  case addEntries([EntryRow])
  /// The entries up to that position, which is among them.
  case removeEntries(service: String, through: Int)
  case addMessage(MessageRow)
  case putValue(ValueRow)
  case removeValue(space: String, key: String)
  case addEvent(EventRow)
  /// The events of that channel up to that one, which are remembered to have been there.
  case dropEvents(EventFloor)
  /// The channel with its floor; its events have to be dropped before.
  case forgetChannel(String)
}

/// All that was kept, as it is at the start.
public struct Snapshot: Sendable, Hashable {
  public var services: [ServiceRow] = []
  public var chats: [ChatRow] = []
  /// By service and position.
  public var entries: [EntryRow] = []
  /// In the order in which they were committed.
  public var messages: [MessageRow] = []
  public var values: [ValueRow] = []
  /// By id.
  public var events: [EventRow] = []
  public var eventFloors: [EventFloor] = []
  /// The greatest id that any event had, kept or not; zero where there was none.
  public var lastEventID: Int64 = 0

  public init() {}
}
