// SPDX-License-Identifier: Apache-2.0
import Bytes

/// A service and its chat. A class, so that the actor that owns it changes it in place.
final class ServiceRecord {
  /// A chat that the backend has been asked for.
  struct Opening {
    let call: CallID
    let notifiesByComet: Bool
    let request: ChatRequest
    /// Events that overtook the backend's answer.
    var early: [ChatBackendEvent] = []
  }

  /// An opening of which no answer came: the backend may have the chat. A create that asks for the same repeats it.
  struct UnknownOpening {
    let call: CallID
    let request: ChatRequest
    /// What was told of it so far, in order; postponed, so each comes again.
    var early: [ChatBackendEvent]
    let until: Instant
  }
  /// The first event that could not be held; later ones must not overtake it.
  struct LeftOut {
    let id: String
    let until: Instant
  }

  let id: String
  /// The name under which it was created.
  let name: String
  let definition: ChatServiceDefinition
  var data: [ChatFields.Field]
  /// Who is to take its chat.
  var plan: RoutingPlan?
  let ttl: Duration
  var expires: Instant
  /// Whose service it is: the `gms_user` of the create, else of the service creation, else the comet device's id.
  var user: String?
  var opening: Opening?
  var unknownOpening: UnknownOpening?
  var leftOut: LeftOut?
  var interaction: Interaction?
  /// When it was last used, as far as the journal knows.
  var usedAt: Int64 = 0
  /// What the journal knows of the chat.
  var stored: StoredChat?
  /// Calls that wait for something of this service.
  var waiting: Set<CallID> = []
  /// What the backend was last told about the customer.
  var isOnline: Bool?
  /// Whether the client was told that an agent is available, which opens the chat to it for good.
  var isAnnounced = false
  /// What its client was told last of its agent by a notice, so that a change that comes again tells nothing.
  var toldAvailability: ChatAvailability?
  /// Notices that wait until the reply that names the service is written; nil once it is.
  var heldNotices: [ServiceNotice]? = []
  /// Whether it was created as a callback.
  var isCallback = false
  /// How far a callback that waits for its agent has come.
  var callback: CallbackFlow?
  /// Whether an agent has joined the chat.
  var isRouted = false
  /// Where native pushes go.
  var device: PushDevice?
  /// Texts of agents that the customer, who is away, has not seen; the latest few.
  var unseen: [String] = []
  /// When they are pushed natively.
  var unseenDue: Instant?
  /// When the customer was heard of last.
  var lastHeard: Instant

  init(
    id: String, name: String, definition: ChatServiceDefinition, data: [ChatFields.Field], ttl: Duration,
    expires: Instant, user: String?, now: Instant
  ) {
    self.id = id
    self.name = name
    lastHeard = now
    self.definition = definition
    plan = definition.plan
    self.data = data
    self.ttl = ttl
    self.expires = expires
    self.user = user
  }
}

/// How a call to the backend came out.
enum CallOutcome: Sendable {
  /// What it caused stands in the transcript.
  case accepted
  case chatEnded
  case failed(ChatBackendError)
  case timedOut
}

/// A call whose HTTP reply waits.
struct Waiter {
  enum Subject {
    /// The backend's return.
    case answer
    /// The event that carries the call's id.
    case event
    /// The end of the opening under way.
    case opening
  }

  let serviceID: String
  let subject: Subject
  let isVerbose: Bool
  let continuation: CheckedContinuation<CallOutcome, Never>
  /// The backend said that the chat is over; the event that says so to everybody is on its way.
  var awaitsEnd = false
}

/// A moment at which something is to be looked at.
final class Alarm: Deadlined {
  enum Reason {
    case call(CallID)
    case expiry(serviceID: String)
    case release(serviceID: String)
    case unknownOpening(serviceID: String)
    case keepAlive(serviceID: String, chatSessionID: String)
    case confirmation(serviceID: String)
    case unseen(serviceID: String)
    case silence(serviceID: String)
    case push(PushMessage, attempt: Int)
    case subscription(String)
  }

  let reason: Reason
  let deadline: Instant
  var queuedDeadline = Instant.distantFuture

  init(_ reason: Reason, at deadline: Instant) {
    self.reason = reason
    self.deadline = deadline
  }
}

/// The source of randomness that the host chose.
struct ChatRandom: RandomNumberGenerator, Sendable {
  var base: any RandomNumberGenerator & Sendable

  mutating func next() -> UInt64 { base.next() }
}

/// What the chat service has done and has now.
public struct ChatStatistics: Sendable, Hashable {
  /// Services and live chats now, and HTTP calls that wait for the backend now.
  public var services = 0
  public var liveChats = 0
  public var waitingCalls = 0

  /// Since the start.
  public var servicesCreated = 0
  public var servicesExpired = 0
  public var chatsOpened = 0
  public var chatsEnded = 0
  /// `Message.Text` of customers, and of all others.
  public var messagesIn = 0
  public var messagesOut = 0
  public var notifications = 0
  public var callsTimedOut = 0
  /// Events of the backend that came twice or for no live chat.
  public var eventsNotTaken = 0
  /// Transcript entries dropped for ``ChatLimits/maxTranscriptEntries`` or ``ChatLimits/maxTranscriptBytes``.
  public var entriesForgotten = 0
  /// Native pushes that a provider took, that none took in the end, and for which there was no provider.
  public var pushesDelivered = 0
  public var pushesFailed = 0
  public var pushesWithoutProvider = 0
  /// Calls refused for want of user and password.
  public var unauthorized = 0
}
