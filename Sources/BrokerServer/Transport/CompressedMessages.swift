// SPDX-License-Identifier: Apache-2.0
import Bytes
import Deflate

/// What was compressed last: a publication that goes to many sockets is compressed once and copied to the others.
struct CompressedMessages {
  private struct Entry {
    let plain: [UInt8]
    let packed: [UInt8]
  }
  private var entries: [Entry] = []
  private var next = 0
  /// Messages compressed, and copies sent of them.
  private(set) var made = 0
  private(set) var shared = 0

  /// Several publications can be on their way at once, each to others; a fan-out is written in slices.
  private static let maxEntries = 8
  /// A larger message is rarely the same for two clients, and costs memory.
  private static let maxKeptBytes = 64 << 10

  /// What `plain` is compressed to.
  mutating func packed(_ plain: UnsafeRawBufferPointer, by deflate: Deflate) -> [UInt8] {
    if let known = entries.first(where: { $0.plain.count == plain.count && plain.elementsEqual($0.plain) }) {
      shared += 1
      return known.packed
    }
    made += 1
    var writer = ByteWriter(capacity: plain.count / 2 + 64)
    let copy = Array(plain)
    deflate.compress(copy.span, into: &writer)
    let entry = Entry(plain: copy, packed: writer.array)
    guard copy.count <= Self.maxKeptBytes else { return entry.packed }
    if entries.count < Self.maxEntries {
      entries.append(entry)
    } else {
      entries[next] = entry
      next = (next + 1) % Self.maxEntries
    }
    return entry.packed
  }
}
