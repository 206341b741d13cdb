// SPDX-License-Identifier: Apache-2.0
import Bytes

/// What a message carries, so that whoever receives it can account for it alone, in whatever process:
/// `~qRRRRRRRR.PPPP.DDDDDDDD.SSSSSSSS.TTTTTTTTTTTTTTTT~`, all hexadecimal.
///
/// Only characters that neither JSON nor a form nor a URL escapes.
struct Marker: Hashable, Sendable {
  /// Told apart from other runs against the same server.
  var run: UInt32
  var publisher: UInt16
  /// To whom it goes: 0, a room, or a client, as the scenario has it.
  var destination: UInt32
  /// Counted per publisher and destination from 0.
  var sequence: UInt32
  /// When it was to be sent, by the monotonic clock that all processes of a machine share.
  var intended: Instant

  static let byteCount = 51

  /// Writes the marker to `target`, which has room for ``byteCount`` bytes.
  func write(to target: UnsafeMutablePointer<UInt8>) {
    target[0] = UInt8(ascii: "~")
    target[1] = UInt8(ascii: "q")
    var at = Self.hex(UInt64(run), 8, target, 2)
    target[at] = UInt8(ascii: ".")
    at = Self.hex(UInt64(publisher), 4, target, at + 1)
    target[at] = UInt8(ascii: ".")
    at = Self.hex(UInt64(destination), 8, target, at + 1)
    target[at] = UInt8(ascii: ".")
    at = Self.hex(UInt64(sequence), 8, target, at + 1)
    target[at] = UInt8(ascii: ".")
    at = Self.hex(UInt64(bitPattern: intended.nanoseconds), 16, target, at + 1)
    target[at] = UInt8(ascii: "~")
  }

  var bytes: [UInt8] {
    Array(unsafeUninitializedCapacity: Self.byteCount) { buffer, count in
      if let base = buffer.baseAddress { write(to: base) }
      count = Self.byteCount
    }
  }

  private static func hex(_ value: UInt64, _ digits: Int, _ target: UnsafeMutablePointer<UInt8>, _ at: Int) -> Int {
    var rest = value
    for index in stride(from: at + digits - 1, through: at, by: -1) {
      let digit = UInt8(truncatingIfNeeded: rest & 15)
      target[index] = digit < 10 ? digit + 0x30 : digit - 10 + 0x61
      rest >>= 4
    }
    return at + digits
  }

  init(run: UInt32, publisher: UInt16, destination: UInt32, sequence: UInt32, intended: Instant) {
    self.run = run
    self.publisher = publisher
    self.destination = destination
    self.sequence = sequence
    self.intended = intended
  }

  /// The first marker in `text[range]`; nil where there is none.
  init?(in text: Span<UInt8>, range: Range<Int>) {
    var at = range.lowerBound
    let last = range.upperBound - Self.byteCount
    while at <= last {
      if text[at] == UInt8(ascii: "~"), let found = Marker(text, at: at) {
        self = found
        return
      }
      at += 1
    }
    return nil
  }

  private init?(_ text: Span<UInt8>, at start: Int) {
    guard text[start + 1] == UInt8(ascii: "q"), text[start + 50] == UInt8(ascii: "~"),
      text[start + 10] == UInt8(ascii: "."), text[start + 15] == UInt8(ascii: "."),
      text[start + 24] == UInt8(ascii: "."), text[start + 33] == UInt8(ascii: "."),
      let run = Self.number(text, start + 2, 8), let publisher = Self.number(text, start + 11, 4),
      let destination = Self.number(text, start + 16, 8), let sequence = Self.number(text, start + 25, 8),
      let time = Self.number(text, start + 34, 16)
    else { return nil }
    self.init(
      run: UInt32(run), publisher: UInt16(publisher), destination: UInt32(destination), sequence: UInt32(sequence),
      intended: Instant(nanoseconds: Int64(bitPattern: time)))
  }

  private static func number(_ text: Span<UInt8>, _ start: Int, _ digits: Int) -> UInt64? {
    var value: UInt64 = 0
    for at in start..<start + digits {
      guard let digit = ASCII.hexValue(text[at]) else { return nil }
      value = value << 4 | UInt64(digit)
    }
    return value
  }
}
