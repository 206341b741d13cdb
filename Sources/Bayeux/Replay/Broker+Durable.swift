// SPDX-License-Identifier: Apache-2.0
import Bytes

/// A client's publish to a durable channel: it has to be kept before anybody hears of it.
public struct DurablePublish: Sendable {
  /// For ``Broker/settle(_:isKept:)``.
  public let ticket: UInt64
  public let draft: EventDraft
}

/// Replies that wait until the publishes among them are kept.
final class WaitingAnswer {
  /// A publish whose reply is not certain yet.
  struct Gap {
    /// Where its reply belongs among the others.
    let offset: Int
    let success: [UInt8]
    let failure: [UInt8]
    var isKept = false
  }

  let session: Session
  /// Set when the request is done with.
  var conduit: (any Conduit)?
  /// The other replies, with commas between them; on a stream they are not waited with.
  var replies: [UInt8] = []
  /// Events that go out again with a connect of the same request.
  var resent: [UInt8] = []
  var carriesEvents = false
  /// Nobody is there any more to read it.
  var isAbandoned = false
  var gaps: [Gap] = []
  var unsettled = 0

  init(_ session: Session) { self.session = session }

  /// The replies in the order of the request.
  func write(to writer: inout ByteWriter) {
    let start = writer.count
    func append(_ bytes: ArraySlice<UInt8>, _ writer: inout ByteWriter) {
      let bytes = bytes.first == UInt8(ascii: ",") ? bytes.dropFirst() : bytes
      if bytes.isEmpty { return }
      if writer.count > start { writer.append(",") }
      bytes.withUnsafeBytes { writer.append($0) }
    }
    var written = 0
    for gap in gaps {
      // On a stream the other replies have gone already.
      let offset = min(gap.offset, replies.count)
      append(replies[written..<offset], &writer)
      append((gap.isKept ? gap.success : gap.failure)[...], &writer)
      written = offset
    }
    append(replies[written...], &writer)
  }
}

extension Broker {
  /// What is kept of `channel`; nil for one that is not durable.
  mutating func history(of channel: Channel) -> ChannelRule.History? {
    guard options.hasDurableChannels, channel != .genesys, channel.kind == .broadcast else { return nil }
    return policy(of: channel)?.history
  }

  /// The publication as one that has to be kept first; nil on a channel that is not durable.
  public mutating func draft(_ publication: Publication) -> EventDraft? {
    history(of: publication.channel) == nil ? nil : EventDraft(publication)
  }

  /// Publishes of clients of this shard that have to be kept, since the last call.
  public mutating func takeDurablePublishes() -> [DurablePublish] {
    guard !replay.publishes.isEmpty else { return [] }
    defer { replay.publishes.removeAll(keepingCapacity: true) }
    return replay.publishes
  }

  /// A publish of ``takeDurablePublishes()`` is kept, or will never be; its reply goes out with the turn.
  public mutating func settle(_ ticket: UInt64, isKept: Bool) {
    guard let (answer, gap) = replay.waiting.removeValue(forKey: ticket) else { return }
    answer.gaps[gap].isKept = isKept
    answer.unsettled -= 1
    if !isKept {
      counters.refusals += 1
      counters.publishesNotKept += 1
    }
    if answer.unsettled == 0 { replay.answers.append(answer) }
  }

  /// Whether publishes wait to be kept whose clients are owed an answer.
  public var hasUnkeptPublishes: Bool { !replay.waiting.isEmpty }

  // MARK: a request on its way

  /// Takes the draft that the last publish left behind: its reply is written twice, for both ends.
  ///
  /// - Parameter reply: writes the reply to `replies`.
  mutating func keepWaiting(
    _ draft: EventDraft, _ answer: inout WaitingAnswer?, _ session: Session,
    _ reply: (inout Broker, BayeuxError?) -> Void
  ) {
    func cut(_ broker: inout Broker, _ error: BayeuxError?) -> [UInt8] {
      let start = broker.replies.count
      reply(&broker, error)
      defer { broker.replies.truncate(to: start) }
      return Array(broker.replies.bytes.dropFirst(start))
    }
    let waiting = answer ?? WaitingAnswer(session)
    answer = waiting
    // The comma that the caller has set goes where no reply follows it.
    let offset = replies.count - (replies.bytes.last == UInt8(ascii: ",") ? 1 : 0)
    let gap = WaitingAnswer.Gap(offset: offset, success: cut(&self, nil), failure: cut(&self, .publishNotKept))
    waiting.gaps.append(gap)
    waiting.unsettled += 1
    replay.publishes.append(DurablePublish(ticket: replay.nextTicket, draft: draft))
    replay.waiting[replay.nextTicket] = (waiting, waiting.gaps.count - 1)
    replay.nextTicket += 1
  }

  /// Nobody reads there any more: what waits for a publish is not written, and takes no events along.
  mutating func abandonAnswers(on conduit: some Conduit) {
    for (answer, _) in replay.waiting.values where answer.conduit === conduit { answer.isAbandoned = true }
    for index in 0..<replay.answers.count where replay.answers[index].conduit === conduit {
      replay.answers[index].isAbandoned = true
    }
  }

  /// The next answer whose publishes have all come to an end.
  mutating func nextAnswer(into writer: inout ByteWriter) -> Delivery? {
    replay.isAnswersTurn.toggle()
    guard replay.isAnswersTurn || lookout.isEmpty else { return nil }
    while let answer = replay.answers.popFirst() {
      guard !answer.isAbandoned, let conduit = answer.conduit else { continue }
      writer.append("[")
      writer.append(answer.resent)
      let session = answer.session
      if answer.carriesEvents, !session.hasEnded, !session.deliversOnConnectOnly(options) {
        takeEvents(of: session, into: &writer)
      }
      answer.write(to: &writer)
      writer.closeArray()
      return .answer(conduit, session)
    }
    return nil
  }
}
