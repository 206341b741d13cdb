// SPDX-License-Identifier: Apache-2.0
import Bytes

/// What one Bayeux client knows and does next: a state machine without a socket or a clock.
///
/// handshake → subscribe (all channels in one batch) → a first connect that asks to be answered at once → polls for ever.
/// A session that the server does not know any more starts over.
struct BayeuxSession: Sendable {
  enum State: Hashable, Sendable { case new, handshaking, subscribing, connecting, held, failed }

  /// What to send when the connection is free.
  enum Step: Hashable, Sendable {
    case handshake, subscribe, firstConnect, poll
    case wait(Duration)
    case giveUp
  }

  private(set) var state = State.new
  private(set) var clientID: [UInt8] = []
  /// Channels that wait for the reply to their subscription.
  private var unansweredSubscriptions = 0
  private let channelCount: Int
  private var isConnectAnswered = false
  private var mustHandshake = false
  private var mustGiveUp = false
  private var pause: Duration?
  private var interval = Duration.zero
  private(set) var refusals = 0
  /// The last sentence with which the server refused something.
  private(set) var lastRefusal = ""
  /// How often the server had forgotten the session.
  private(set) var rehandshakes = 0
  /// The number of the last batch that came (acknowledgement extension).
  private(set) var acknowledged = 0

  init(channelCount: Int) { self.channelCount = channelCount }

  /// Whether some of the subscriptions are not answered; on a websocket the replies may come one by one.
  var awaitsSubscriptions: Bool {
    state == .subscribing && unansweredSubscriptions > 0 && unansweredSubscriptions < channelCount && pause == nil
  }

  var isHeld: Bool { state == .held }

  /// Takes what one message of a reply says about the session. Events do not concern it.
  mutating func note(_ message: ReplyMessage, _ text: Span<UInt8>) {
    if let interval = message.advice.interval { self.interval = .milliseconds(min(interval, 3_600_000)) }
    switch message.channel {
    case .handshake:
      guard message.successful == true, let id = message.clientID else { return refused(message, text) }
      clientID = id.unescaped(in: text)
      accepted()
      unansweredSubscriptions = channelCount
      isConnectAnswered = false
      state = channelCount == 0 ? .connecting : .subscribing
    case .subscribe:
      guard message.successful == true else { return refused(message, text) }
      unansweredSubscriptions -= 1
      if state == .subscribing, unansweredSubscriptions <= 0 { state = .connecting }
    case .connect:
      if let number = message.acknowledged { acknowledged = number }
      guard message.successful != false else { return refused(message, text) }
      accepted()
      isConnectAnswered = true
    case .disconnect, .otherMeta: break
    case .other: if message.successful == false { refused(message, text) }
    }
  }

  private mutating func accepted() {
    refusals = 0
    mustHandshake = false
  }

  /// A reply that was no Bayeux, or none at all: it counts as a refusal.
  mutating func broken(_ reason: String) {
    refusals += 1
    lastRefusal = reason
    pause = LoadLimits.retryPause
    if refusals >= LoadLimits.refusalsPerClient { mustGiveUp = true }
  }

  private mutating func refused(_ message: ReplyMessage, _ text: Span<UInt8>) {
    broken(message.error.map { $0.string(in: text) } ?? "refused without a reason")
    switch message.advice.reconnect {
    case .handshake: mustHandshake = true
    case .never: mustGiveUp = true
    case .retry, nil: break
    }
  }

  /// The connection went away while a request was under way. What was asked is asked again.
  mutating func connectionLost() { pause = LoadLimits.retryPause }

  /// To be asked when the connection is free: the state moves on with what is to be sent.
  mutating func next() -> Step {
    if state == .failed { return .giveUp }
    if mustGiveUp {
      state = .failed
      return .giveUp
    }
    if let pause {
      self.pause = nil
      return .wait(pause)
    }
    if mustHandshake, state != .new, state != .handshaking {
      mustHandshake = false
      rehandshakes += 1
      state = .new
    }
    switch state {
    case .new, .handshaking:
      state = .handshaking
      return .handshake
    case .subscribing:
      unansweredSubscriptions = channelCount
      return .subscribe
    case .connecting where !isConnectAnswered: return .firstConnect
    case .connecting, .held:
      state = .held
      return .poll
    case .failed: return .giveUp
    }
  }

  /// The wait that the server asked for between two connects; zero nearly always.
  var pollInterval: Duration { interval }

  /// A first connect that is not answered counts as held: some servers hold it although asked not to.
  mutating func takeForHeld() {
    if state == .connecting { state = .held }
  }
}
