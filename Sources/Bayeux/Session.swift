// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// Where an answer can go now: an HTTP request that is kept waiting.
///
/// The broker knows no sockets. It hands the conduit back with what is to be written to it, exactly once.
public protocol Conduit: AnyObject {
  /// The session whose connect this conduit holds; set and cleared by the broker alone.
  var heldSession: Session? { get set }
}

/// A conduit that takes any number of answers: a WebSocket. Several sessions may share it.
public protocol StreamConduit: Conduit {
  /// The sessions that are pushed to here; kept by the broker alone.
  var streamSessions: [Session] { get set }
  /// The `gms_user` of the upgrade request; set by the broker where a handshake may name it and does.
  var streamUser: [UInt8] { get set }
  /// Whether its reader has not taken all that was written yet: nothing is pushed meanwhile.
  var isStalled: Bool { get }
}

/// A `/meta/connect` that waits for an event.
struct HeldConnect {
  let conduit: any Conduit
  /// Whether the conduit is a stream: an overtaken connect there is never answered.
  let isStream: Bool
  let id: MessageID
  /// When it is answered without one.
  let until: Instant
  /// Whether the reply carries advice.
  let isAdvised: Bool
  /// What the client said it will wait before its next connect; 32 bits keep what is held by the thousand small.
  private let intervalMilliseconds: UInt32
  /// As the extensions left it; nil where there are none.
  let request: ExtensionMessage?

  init(
    conduit: any Conduit, isStream: Bool, id: MessageID, until: Instant, isAdvised: Bool, interval: Duration,
    request: ExtensionMessage?
  ) {
    self.conduit = conduit
    self.isStream = isStream
    self.id = id
    self.until = until
    self.isAdvised = isAdvised
    // Nearly always none; dividing 128 bits is dear where it is done for every poll.
    intervalMilliseconds = interval == .zero ? 0 : UInt32(clamping: interval.wholeMilliseconds)
    self.request = request
  }

  var interval: Duration { intervalMilliseconds == 0 ? .zero : .milliseconds(Int64(intervalMilliseconds)) }
}

/// The server's half of a Bayeux client. Confined to the loop of its shard.
///
///     handshaken ──connect──► away ──connect──► held ──event, deadline, overtaking connect, hang-up──► away ──…
///          └───────────────────┴──────── disconnect, expiry, overflow ────────┴──► ended
public final class Session: Deadlined {
  enum State {
    /// No connect yet: the first one returns at once.
    case handshaken(expires: Instant)
    case held(HeldConnect)
    /// Between two connects.
    case away(expires: Instant)
    case ended
  }

  public let id: ClientID
  /// Who handshook; nil for an anonymous session.
  let user: UserRecord?
  var state: State
  var queue = DeliveryQueue()
  var subscriptions: [Subscription] = []
  var receivesGenesys = false
  /// Where events are pushed, held connect or not; nil for a session that polls.
  var stream: (any StreamConduit)?
  /// Set where the client asked for the acknowledge extension.
  var ack: AckQueue?
  /// Whether events of durable channels carry their ids.
  var receivesReplayIDs = false
  /// Set while it is behind the events of durable channels.
  var feed: ReplayFeed?
  /// In the lines of the broker's ``Lookout``.
  var isNoted = false
  var isNotedAmongFew = false
  /// The conduit on which an answer of it is on its way to a slow reader.
  var stalledOn: AnyObject?
  /// Sequences of the messages in answers that are not yet known to be written.
  var taken: [Int64] = []
  /// The browser that shook hands; 0 where it sent no cookie.
  var browser: UInt64 = 0
  /// Its last connect was not held because its browser holds too many; the next reply takes that advice back.
  var isCrowded = false
  /// When it last did something else than connect.
  var lastActivity = Instant(nanoseconds: 0)
  /// The last publication put in the queue, so that overlapping subscriptions give one copy.
  var lastPublication: UInt64 = 0
  /// When the lazy messages in the queue have waited long enough.
  var lazyUntil = Instant.distantFuture
  /// Its share of the broker's `queueBytes`.
  var accountedBytes = 0
  /// How fast it publishes, where that is limited.
  var pace = Pace()
  /// Where its handshake came from; zero where nobody counts.
  let address: UInt64
  public var queuedDeadline = Instant.distantFuture

  init(_ id: ClientID, user: UserRecord?, address: UInt64 = 0, expires: Instant) {
    self.id = id
    self.user = user
    self.address = address
    state = .handshaken(expires: expires)
  }

  public var deadline: Instant {
    switch state {
    case .handshaken(let expires), .away(let expires):
      isWriting ? .distantFuture : stream == nil ? expires : min(expires, lazyUntil)
    case .held(let connect): isWriting ? connect.until : min(connect.until, lazyUntil)
    case .ended: .distantFuture
    }
  }

  /// An answer is on its way to a slow reader: the session does not expire meanwhile.
  var isWriting: Bool { stalledOn != nil }

  /// Whether something waits that is reason enough to answer.
  func isUrgent(at now: Instant) -> Bool { queue.isUrgent || !queue.isEmpty && lazyUntil <= now }

  var isHeld: Bool {
    if case .held = state { return true }
    return false
  }

  /// Whether events go out with the reply of a connect and in no other way.
  func deliversOnConnectOnly(_ options: BayeuxOptions) -> Bool { ack != nil || options.metaConnectDeliverOnly }

  /// Leaves the stream it is on. What the stream's reader has not taken is no matter of the session any more.
  func detach() {
    guard let stream else { return }
    stream.streamSessions.removeAll { $0 === self }
    if stalledOn === stream { stalledOn = nil }
    self.stream = nil
  }

  /// Is pushed to on `stream` from now on.
  ///
  /// - Returns: whether that is a change.
  func attach(to stream: any StreamConduit) -> Bool {
    if self.stream === stream { return false }
    detach()
    self.stream = stream
    stream.streamSessions.append(self)
    return true
  }

  var hasEnded: Bool {
    if case .ended = state { return true }
    return false
  }

  /// Ends the wait of a held connect, whatever ends it: an event, the deadline, an overtaking connect or the peer's
  /// hang-up. All four come through here, and the expiry clock starts here.
  ///
  /// - Returns: the connect to be answered (or, after a hang-up, forgotten); nil if none is held.
  func release(at now: Instant, maxInterval: Duration) -> HeldConnect? {
    guard case .held(let connect) = state else { return nil }
    connect.conduit.heldSession = nil
    state = .away(expires: now + connect.interval + maxInterval)
    return connect
  }

  /// Any message of the client proves it alive.
  func touch(at now: Instant, maxInterval: Duration) {
    switch state {
    case .handshaken(let expires): state = .handshaken(expires: max(expires, now + maxInterval))
    case .away(let expires): state = .away(expires: max(expires, now + maxInterval))
    case .held, .ended: break
    }
  }
}
