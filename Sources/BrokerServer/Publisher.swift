// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes
import ChatService
import Glibc
import Reactor
import Synchronization

/// Wraps what happens to a user into the events that its sessions receive on `/_genesys`, and sends them to the shard on
/// which the sessions of that user live. Chat is one producer of them, `POST /publish` another.
final class Publisher: ChatNotifier {
  private let mailboxes: [Mailbox<ShardCommand>]
  private let presenceChanges: AsyncStream<PresenceChange>.Continuation
  /// Whether users' sessions come and go, in order; for one consumer.
  let presence: AsyncStream<PresenceChange>
  private let lastTicks = Atomic<UInt64>(0)
  private let node: UInt64
  private let clockSequence: UInt16
  private let extensions: ExtensionChain

  init(_ mailboxes: [Mailbox<ShardCommand>], extensions: ExtensionChain) {
    self.mailboxes = mailboxes
    self.extensions = extensions
    (presence, presenceChanges) = AsyncStream.makeStream(of: PresenceChange.self)
    var generator = SystemRandomNumberGenerator()
    // The multicast bit marks a node that is no network card's address (RFC 9562 section 6.10).
    node = generator.next() & 0xFFFF_FFFF_FFFF | 0x0100_0000_0000
    clockSequence = generator.next()
  }

  func post(_ notification: ChatNotification) {
    let user = Array(notification.user.utf8)
    let (_, payload) = event(tag: notification.tag, message: notification.message.span)
    guard let payload else { return }
    deliver(
      payload, to: user,
      as: MessageOrigin(service: notification.serviceID, position: notification.transcriptPosition), tally: nil)
  }

  /// The event `{"data":{"id":…,"message":…,"tag":…},"channel":"/_genesys"}`, and its id: a version 1 UUID without
  /// dashes, later than every one before it. No event where an extension drops it.
  ///
  /// - Parameter message: JSON text, passed on as it is.
  func event(tag: String, message: Span<UInt8>) -> (id: String, Payload?) {
    let id = nextID()
    var writer = ByteWriter(capacity: message.count + tag.utf8.count + 96)
    writer.append("{\"id\":\"")
    writer.append(id)
    writer.append("\",\"message\":")
    writer.append(message)
    writer.append(",\"tag\":")
    writer.append(jsonString: tag)
    writer.append("}")
    let data = writer.array
    return (id, extended(Payload(event: .genesys, data: data.span, ext: Span())))
  }

  /// An event of the host as the extensions leave it; nil if one drops it.
  func extended(_ event: Payload) -> Payload? {
    if extensions.isEmpty { return event }
    return extensions.outgoing(
      event: event, ExtensionContext(wallMilliseconds: SystemClock.millisecondsSince1970))
  }

  func home(of user: [UInt8]) -> Int { Broker.home(of: user.span, shards: mailboxes.count) }

  func deliver(_ payload: Payload, to user: [UInt8], as origin: MessageOrigin = MessageOrigin(), tally: Tally?) {
    if !mailboxes[home(of: user)].post(.deliver(payload, user: user, origin, tally)) { tally?.add(0) }
  }

  func presence(_ change: PresenceChange) { presenceChanges.yield(change) }

  func finish() { presenceChanges.finish() }

  private func nextID() -> String {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let ticks = Identifiers.uuidTicks(nanosecondsSince1970: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    var last = lastTicks.load(ordering: .relaxed)
    var unique: UInt64
    var isTaken: Bool
    repeat {
      unique = max(last + 1, ticks)
      (isTaken, last) = lastTicks.compareExchange(expected: last, desired: unique, ordering: .relaxed)
    } while !isTaken
    return Identifiers.uuid1(ticks: unique, clockSequence: clockSequence, node: node)
  }
}
