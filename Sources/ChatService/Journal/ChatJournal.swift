// SPDX-License-Identifier: Apache-2.0

/// Something about a service or its chat that outlives the process, where there is a journal that keeps it.
public enum ChatChange: Sendable, Hashable {
  case putService(StoredService)
  /// With its chat and transcript.
  case removeService(String)
  case putChat(StoredChat)
  /// - Parameter event: the id of the event that brought them.
  case addEntries(serviceID: String, [TranscriptEntry], event: String)
  /// The entries up to that position, which is among them.
  case removeEntries(serviceID: String, through: Int)
}

/// A service, as much of it as has to be known again after a restart.
public struct StoredService: Sendable, Hashable {
  public let id: String
  /// The name under which it was created.
  public let name: String
  public let user: String?
  public let data: [ChatFields.Field]
  public let ttl: Duration
  /// When it was last used, to the minute.
  public let usedAtSecondsSince1970: Int64
  /// Whether it was created as a callback.
  public var isCallback = false
  /// Whether its client was told that an agent is there.
  public var isAnnounced = false
  /// Whether an agent has joined its chat.
  public var isRouted = false
  /// Where native pushes go.
  public var device: PushDevice?

  public init(
    id: String, name: String, user: String?, data: [ChatFields.Field], ttl: Duration, usedAtSecondsSince1970: Int64
  ) {
    self.id = id
    self.name = name
    self.user = user
    self.data = data
    self.ttl = ttl
    self.usedAtSecondsSince1970 = usedAtSecondsSince1970
  }
}

/// The chat of a service without its transcript.
public struct StoredChat: Sendable, Hashable {
  public let serviceID: String
  public let opened: ChatOpened
  /// How the customer is called.
  public let nickname: String
  public let subject: String
  public let notifiesByComet: Bool
  /// Minutes from UTC.
  public let timeZoneOffset: Int
  /// What the agent's side was told of the customer.
  public var userData: [ChatFields.Field] = []
  /// The server that has it now.
  public var server: ChatServerAddress
  public var isLive = true
  /// Whether its events still wait for the reply of the create to be written.
  public var isHeldBack: Bool
  /// Nicknames of the agents in it, in the order in which they joined; a long transcript forgets who did.
  public var agents: [String] = []
  /// The position up to which a polling client was given the transcript.
  public var cursor = 1
  /// The id of the event that ended it.
  public var endedBy: String?
  /// Through which position the customer's device was told natively, and need not be told again.
  public var pushedThrough = 0

  public init(
    serviceID: String, opened: ChatOpened, nickname: String, subject: String, notifiesByComet: Bool,
    timeZoneOffset: Int
  ) {
    self.serviceID = serviceID
    self.opened = opened
    self.nickname = nickname
    self.subject = subject
    self.notifiesByComet = notifiesByComet
    self.timeZoneOffset = timeZoneOffset
    server = opened.server
    isHeldBack = notifiesByComet
  }
}

/// An entry of a stored transcript, with the event that brought it.
public struct StoredEntry: Sendable, Hashable {
  public let entry: TranscriptEntry
  public let event: String

  public init(_ entry: TranscriptEntry, event: String) {
    self.entry = entry
    self.event = event
  }
}

/// A service as it is read back.
public struct RestoredService: Sendable, Hashable {
  public let service: StoredService
  public let chat: StoredChat?
  /// By position.
  public let entries: [StoredEntry]
  /// Positions of the events that no session of the customer was handed, and when they came, in seconds since 1970.
  public let unfetched: [Int: Int64]

  public init(
    service: StoredService, chat: StoredChat?, entries: [StoredEntry], unfetched: [Int: Int64] = [:]
  ) {
    self.service = service
    self.chat = chat
    self.entries = entries
    self.unfetched = unfetched
  }
}

/// Keeps what the chat service changes, and sends what it has to tell once that is kept.
///
/// The service goes on at once and waits with what leaves: a reply, an acknowledgement. So a position that anybody
/// has seen is never given to another entry after a crash.
public protocol ChatJournal: Sendable {
  /// False where nothing is kept, and nothing need be recorded.
  var isKeeping: Bool { get }
  /// Whether all that was committed is kept, so that nothing has to wait.
  var isClean: Bool { get }
  /// Whether the last write failed.
  var isFailing: Bool { get }
  /// Keeps the changes and with them, in the same transaction, the notifications, which are posted after that. What
  /// fails stays in line and is tried again. Must neither block nor suspend.
  func commit(_ changes: [ChatChange], notifying notifications: [ChatNotification])
  /// Calls back, in the order of the calls, once all that was committed is kept (true) or failed (false).
  func settle(_ complete: @escaping @Sendable (_ isKept: Bool) -> Void)
}

/// Keeps nothing, and posts at once.
struct MemoryJournal: ChatJournal {
  let notifier: any ChatNotifier

  var isKeeping: Bool { false }
  var isClean: Bool { true }
  var isFailing: Bool { false }

  func commit(_ changes: [ChatChange], notifying notifications: [ChatNotification]) {
    for notification in notifications { notifier.post(notification) }
  }

  func settle(_ complete: @escaping @Sendable (Bool) -> Void) { complete(true) }
}
