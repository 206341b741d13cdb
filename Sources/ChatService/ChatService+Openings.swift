// SPDX-License-Identifier: Apache-2.0
import Bytes

// MARK: events of chats that are not there yet

extension ChatService {
  /// Holds an event of a chat that is being opened, or may have been.
  ///
  /// - Returns: nil where no chat is on its way.
  func hold(_ event: ChatBackendEvent, _ record: ServiceRecord) -> Taken? {
    let isOpening = record.opening != nil
    guard let early = record.opening?.early ?? record.unknownOpening?.early else { return nil }
    if overtakes(event, record) { return .postponed }
    if !early.contains(where: { $0.id == event.id }) {
      let limits = configuration.limits
      guard early.count < (isOpening ? limits.maxEventsWhileOpening : mostRepeated) else {
        leaveOut(event, record)
        return .postponed
      }
      record.opening?.early.append(event)
      record.unknownOpening?.early.append(event)
    }
    return isOpening ? .later : .postponed
  }

  /// Whether an event would come before an earlier one that is to be sent again.
  func overtakes(_ event: ChatBackendEvent, _ record: ServiceRecord) -> Bool {
    guard let leftOut = record.leftOut else { return false }
    if leftOut.id != event.id, leftOut.until > clock.now() { return true }
    record.leftOut = nil
    return false
  }

  /// What is held here and comes again as well has to be recognised then.
  private var mostRepeated: Int {
    min(configuration.limits.maxEventsWhileOpening, configuration.limits.maxRememberedEvents)
  }

  private func leaveOut(_ event: ChatBackendEvent, _ record: ServiceRecord) {
    // Twice the time in which a backend that lives sends it again.
    record.leftOut = .init(id: event.id, until: clock.now() + configuration.limits.callTimeout * 2)
  }

  /// No answer came to an opening: what was told of the chat is kept for a create that asks once more.
  func noteUnknown(_ opening: ServiceRecord.Opening, of record: ServiceRecord) async {
    let until = clock.now() + configuration.limits.unknownOpening
    record.unknownOpening = .init(
      call: opening.call, request: opening.request, early: Array(opening.early.prefix(mostRepeated)), until: until)
    if opening.early.count > mostRepeated { leaveOut(opening.early[mostRepeated], record) }
    wake(for: .unknownOpening(serviceID: record.id), at: until)
    for event in opening.early { await backend.postpone(event) }
  }

  /// Nobody asked again: should the backend have the chat, its agent must not wait in it.
  func giveUpOpening(of id: String, now: Instant) {
    guard let record = records[id], let unknown = record.unknownOpening, unknown.until <= now else { return }
    record.unknownOpening = nil
    record.leftOut = nil
    leave(id)
  }
}
