// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

/// A message of the limit passes, one more byte does not, however it is cut; and that is told as soon as a length says it.
struct WebSocketLimitTests {
  private static func end(_ maxMessageBytes: Int) -> FrameFeed {
    var limits = WebSocketLimits()
    limits.maxMessageBytes = maxMessageBytes
    return FrameFeed(limits: limits)
  }

  private static func filler(_ count: Int) -> [UInt8] { [UInt8](repeating: 0x61, count: count) }

  /// In lengths of each of the three forms, and where one form ends.
  @Test(arguments: [0, 1, 100, 124, 125, 126, 1000, 65_534, 65_535, 65_536, 70_000], [-1, 0, 1])
  func messageInOneFrameIsBounded(limit: Int, excess: Int) {
    guard limit + excess >= 0 else { return }
    let payload = Self.filler(limit + excess)
    let bytes = frame(0x81, payload)
    let seen = Self.end(limit).seeing(bytes, cuts: [1, 2, 3, 5, 11, 12].filter { $0 < bytes.count })
    #expect(seen == [excess > 0 ? .failed(.messageTooBig) : .message(.text, payload)])
    #expect(Self.end(limit).seeing(bytes, cuts: []) == seen)
  }

  @Test(arguments: [-1, 0, 1])
  func fragmentsAreBoundedTogether(excess: Int) {
    let parts = [Self.filler(40), Self.filler(0), Self.filler(50), Self.filler(10 + excess)]
    let bytes =
      frame(0x01, parts[0]) + frame(0x89, Self.filler(125)) + frame(0x00, parts[1]) + frame(0x00, parts[2])
      + frame(0x80, parts[3])
    let last: SeenFrame = excess > 0 ? .failed(.messageTooBig) : .message(.text, parts.flatMap(\.self))
    #expect(Self.end(100).everyWay(bytes) == [.ping(Self.filler(125)), last])
  }

  @Test func messagesAreBoundedOneByOne() {
    let payload = Self.filler(100)
    let bytes = frame(0x82, payload) + frame(0x02, payload) + frame(0x80) + frame(0x82, payload)
    #expect(Self.end(100).everyWay(bytes) == [.binary(payload), .binary(payload), .binary(payload)])
  }

  /// The mask and the payload are not waited for.
  @Test(arguments: [(101, 2), (126, 4), (65_536, 10)])
  func lengthIsEnoughToRefuse(length: Int, headerBytes: Int) {
    let point = Self.end(100).faultPoint(frame(0x82, Self.filler(length)))
    #expect(point?.bytes == headerBytes)
    #expect(point?.fault == .messageTooBig)
  }

  @Test func lengthOfAFragmentIsEnoughToRefuse() {
    let begin = frame(0x02, Self.filler(60))
    let point = Self.end(100).faultPoint(begin + frame(0x00, Self.filler(41)))
    #expect(point?.bytes == begin.count + 2)
    #expect(point?.fault == .messageTooBig)
  }

  @Test func controlFramesHaveNoPartInTheLimit() {
    let payload = Self.filler(125)
    let seen = Self.end(3).everyWay(
      frame(0x89, payload) + frame(0x02, [1]) + frame(0x8A, payload) + frame(0x80, [2, 3]))
    #expect(seen == [.ping(payload), .pong(payload), .binary([1, 2, 3])])
  }

  @Test func announcedBytesTakeNoMemoryUntilTheyCome() {
    var end = Self.end(1 << 30)
    end.feed([0x82, 0xFF, 0, 0, 0, 0, 0x3F, 0, 0, 0, 1, 2, 3, 4])
    #expect(end.parser.bufferedBytes == 0)
    end.feed(Self.filler(1000))
    #expect((1000...4096).contains(end.parser.bufferedBytes))
  }

  @Test func defaultIsTheBodyOfARequest() {
    #expect(WebSocketLimits().maxMessageBytes == HTTPLimits().maxBodyBytes)
  }
}
