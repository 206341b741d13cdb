// SPDX-License-Identifier: Apache-2.0

/// The numbered entries of one chat.
///
/// Positions are consecutive. Entries may be forgotten from the front when there are too many; no position is reused.
struct Transcript: Sendable {
  let maxEntries: Int
  let maxBytes: Int
  /// The position of the last entry. Starts at 1, the customer's own join, which is not kept because it is never shown.
  private(set) var position = 1
  private(set) var entries: [TranscriptEntry] = []
  private(set) var byteCount = 0
  private(set) var forgotten = 0

  init(limits: ChatLimits) {
    maxEntries = max(1, limits.maxTranscriptEntries)
    maxBytes = limits.maxTranscriptBytes
  }

  /// Takes over entries that have their places.
  mutating func resume(_ entries: [TranscriptEntry], position: Int) {
    self.entries = entries
    self.position = position
    byteCount = entries.reduce(0) { $0 + $1.entry.byteCount }
  }

  /// Gives `entry` the next position.
  mutating func append(_ entry: ChatEntry, seconds: Int64) -> TranscriptEntry {
    position += 1
    let placed = TranscriptEntry(position: position, entry: entry, seconds: seconds)
    entries.append(placed)
    byteCount += entry.byteCount
    if entries.count > maxEntries || byteCount > maxBytes { forgetOldest() }
    return placed
  }

  /// The entries that are kept of those behind `position`; 0 and 1 both mean from the start.
  func entries(after position: Int) -> ArraySlice<TranscriptEntry> {
    let first = self.position - entries.count + 1
    return entries[min(max(0, position - first + 1), entries.count)...]
  }

  /// Makes room for a while: an eighth at once, so that a long chat does not move its entries with every message.
  private mutating func forgetOldest() {
    var count = min(maxEntries / 8, entries.count - 1)
    var rest = byteCount - entries[..<count].reduce(0) { $0 + $1.entry.byteCount }
    while count < entries.count - 1, entries.count - count > maxEntries || rest > maxBytes {
      rest -= entries[count].entry.byteCount
      count += 1
    }
    entries.removeFirst(count)
    byteCount = rest
    forgotten += count
  }
}
