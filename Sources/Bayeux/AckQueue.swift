// SPDX-License-Identifier: Apache-2.0
import Bytes

/// What a session with the acknowledge extension was sent and has not confirmed, in numbered batches.
///
/// Each reply to a connect carries the number of its batch, and the next connect names the last one that arrived. What is
/// behind it is sent again, so that an answer lost on the way loses nothing; a client may see a message twice.
/// (CometD, acknowledge extension.)
final class AckQueue {
  private struct Sent {
    let entry: DeliveryQueue.Entry
    /// The last batch that carried it.
    var batch: Int
  }

  /// The number that the next reply to a connect carries.
  private(set) var batch = 1
  private var sent: [Sent] = []
  private(set) var byteCount = 0

  var isEmpty: Bool { sent.isEmpty }
  var count: Int { sent.count }
  /// Whether something is unconfirmed that was not to wait for another reason to answer.
  var isUrgent: Bool { sent.contains { !$0.entry.isLazy } }
  /// What is not confirmed, oldest first.
  var unconfirmed: [DeliveryQueue.Entry] { sent.map(\.entry) }

  /// Forgets everything up to batch `number`. What was for the user is settled only now.
  func acknowledge(_ number: Int) {
    guard let kept = sent.firstIndex(where: { $0.batch > number }) else {
      for message in sent { settle(message) }
      sent = []
      return
    }
    for message in sent[..<kept] { settle(message) }
    sent.removeFirst(kept)
  }

  private func settle(_ message: Sent) {
    byteCount -= message.entry.payload.count
    message.entry.personal?.isHandedOver = true
  }

  /// Writes what is unconfirmed again, then `queue`, each message followed by a comma, until the writer holds `limit`
  /// bytes; what does not fit belongs to a later batch.
  ///
  /// - Returns: the batch number for the reply, and how many messages were written for the first time.
  func nextBatch(
    from queue: inout DeliveryQueue, limit: Int, into writer: inout ByteWriter
  ) -> (number: Int, new: Int) {
    defer { batch += 1 }
    for index in sent.indices {
      guard writer.count < limit else {
        // Not in this reply, so the number of this reply must not confirm it.
        sent[index].batch = batch + 1
        continue
      }
      writer.append(sent[index].entry.payload)
      writer.append(UInt8(ascii: ","))
    }
    var new = 0
    while writer.count < limit, let entry = queue.popFirst() {
      writer.append(entry.payload)
      writer.append(UInt8(ascii: ","))
      sent.append(Sent(entry: entry, batch: batch))
      byteCount += entry.payload.count
      new += 1
    }
    return (batch, new)
  }
}
