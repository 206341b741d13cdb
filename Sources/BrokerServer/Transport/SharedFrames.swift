// SPDX-License-Identifier: Apache-2.0
import Bytes
import Wire

/// The frames that events were put in last: one that goes to many sockets is encoded once, and written to each from there.
struct SharedFrames {
  private struct Entry {
    /// Kept, so that its address is no other payload's meanwhile.
    let payload: Payload
    let frame: [UInt8]
  }
  private var entries: [Entry] = []
  private var next = 0

  /// Several publications can be on their way at once; a fan-out is written in slices.
  private static let maxEntries = 4
  /// What is larger is not kept behind its sending.
  private static let maxKeptBytes = 64 << 10

  /// A text frame with an array of this one event.
  mutating func frame(of payload: Payload) -> [UInt8] {
    if let known = entries.first(where: { $0.payload.isSame(as: payload) }) { return known.frame }
    var text: [UInt8] = []
    text.reserveCapacity(payload.count + 2)
    text.append(UInt8(ascii: "["))
    text += payload.bytes
    text.append(UInt8(ascii: "]"))
    let entry = Entry(payload: payload, frame: Payload(frame: .text, text.span).bytes)
    guard payload.count <= Self.maxKeptBytes else { return entry.frame }
    if entries.count < Self.maxEntries {
      entries.append(entry)
    } else {
      entries[next] = entry
      next = (next + 1) % Self.maxEntries
    }
    return entry.frame
  }
}
