// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import LoadTest

@Suite struct MarkerTests {
  private let marker = Marker(
    run: 0xDEAD_BEEF, publisher: 7, destination: 4_000_000_000, sequence: 12,
    intended: Instant(nanoseconds: 123_456_789))

  @Test func aMarkerIsReadBackFromAnywhereInAText() throws {
    let text = Array(#"{"id":"~q","m":"\#(String(decoding: marker.bytes, as: UTF8.self))xxxx"}"#.utf8)
    #expect(marker.bytes.count == Marker.byteCount)
    #expect(Marker(in: text.span, range: 0..<text.count) == marker)
  }

  @Test func aMarkerOutsideOfTheRangeIsNotSeen() {
    let bytes = marker.bytes
    #expect(Marker(in: bytes.span, range: 0..<bytes.count - 1) == nil)
    #expect(Marker(in: bytes.span, range: 1..<bytes.count) == nil)
  }

  @Test(arguments: [0, 1, 5, 10, 15, 24, 33, 50]) func aDamagedMarkerIsNone(at place: Int) {
    var bytes = marker.bytes
    bytes[place] = UInt8(ascii: "!")
    #expect(Marker(in: bytes.span, range: 0..<bytes.count) == nil)
  }

  @Test func aMarkerNeedsNoEscapeInJSONNorInAForm() {
    #expect(marker.bytes.allSatisfy { ASCII.isAlphanumeric($0) || $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: ".") })
  }
}
