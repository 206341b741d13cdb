// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing
import Wire

/// What is written, against frames put together by hand.
struct WebSocketWriterTests {
  static let hello = Array("Hello".utf8)

  private static func written(headroom: Int = 0, _ write: (inout ByteWriter) -> Void) -> [UInt8] {
    var writer = ByteWriter(capacity: 256, headroom: headroom)
    write(&writer)
    return writer.array
  }

  /// RFC 6455 section 5.7.
  @Test func examplesOfTheStandardAreWritten() {
    #expect(Self.written { $0.appendFrame(.text, Self.hello.span) } == [0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F])
    #expect(Self.written { $0.appendFrame(.ping, Self.hello.span) } == [0x89, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F])
    #expect(
      Self.written { $0.appendMaskedFrame(.text, Self.hello.span, mask: 0x37FA_213D) }
        == [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58])
    #expect(
      Self.written { $0.appendMaskedFrame(.pong, Self.hello.span, mask: 0x37FA_213D) }
        == [0x8A, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58])
    let fragments = Self.written {
      $0.appendFrame(.text, [0x48, 0x65, 0x6C].span, isFinal: false)
      $0.appendFrame(.continuation, [0x6C, 0x6F].span)
    }
    #expect(fragments == [0x01, 0x03, 0x48, 0x65, 0x6C, 0x80, 0x02, 0x6C, 0x6F])
    #expect(Self.written { $0.appendFrameHeader(.binary, payloadBytes: 256) } == [0x82, 0x7E, 0x01, 0x00])
    #expect(
      Self.written { $0.appendFrameHeader(.binary, payloadBytes: 65_536) } == [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0])
  }

  @Test(arguments: [(0, 2), (1, 2), (125, 2), (126, 4), (127, 4), (65_535, 4), (65_536, 10), (70_000, 10)])
  func lengthIsWrittenInItsShortestForm(length: Int, headerBytes: Int) {
    var random = FrameRandom(seed: length)
    let payload = random.bytes(length)
    #expect(FrameWriter.headerBytes(payloadBytes: length) == headerBytes)
    let plain = frame(0x82, payload, mask: nil)
    #expect(plain.count == headerBytes + length)
    #expect(Self.written { $0.appendFrame(.binary, payload.span) } == plain)
    #expect(Payload(frame: .binary, payload.span).bytes == plain)
    let prepended = Self.written(headroom: FrameWriter.maxHeaderBytes) {
      $0.append(payload)
      $0.prependFrameHeader(.binary)
    }
    #expect(prepended == plain)
    let masked = Self.written { $0.appendMaskedFrame(.binary, payload.span, mask: 0x0102_03FF) }
    #expect(masked == frame(0x82, payload, mask: [1, 2, 3, 0xFF]))
  }

  @Test func largestHeadersFitTheHeadroomThatIsNamed() {
    #expect(Self.written { $0.appendFrameHeader(.text, payloadBytes: .max) }.count == FrameWriter.maxHeaderBytes)
    let payload = [UInt8](repeating: 0, count: 65_536)
    let masked = Self.written { $0.appendMaskedFrame(.text, payload.span, mask: 1) }
    #expect(masked.count == payload.count + FrameWriter.maxMaskedHeaderBytes)
  }

  @Test func framesStandBehindWhatIsThere() {
    let bytes = Self.written {
      $0.append("HTTP")
      $0.appendFrame(.text, Self.hello.span)
      $0.appendCloseFrame(nil)
    }
    #expect(bytes == Array("HTTP".utf8) + frame(0x81, "Hello", mask: nil) + [0x88, 0])
  }

  @Test func compressedMessageIsMarkedInItsFirstFrame() {
    #expect(Self.written { $0.appendFrameHeader(.text, payloadBytes: 1, isCompressed: true) } == [0xC1, 1])
    #expect(
      Self.written { $0.appendFrameHeader(.binary, payloadBytes: 1, isFinal: false, isCompressed: true) } == [0x42, 1])
  }

  @Test func closeFrameHasACodeAndAReason() {
    let bytes = Self.written { $0.appendCloseFrame(.messageTooBig, reason: "Zu groß") }
    #expect(bytes == frame(0x88, closePayload(1009, "Zu groß"), mask: nil))
    #expect(Self.written { $0.appendCloseFrame(.goingAway) } == [0x88, 2, 0x03, 0xE9])
  }

  /// At the end of a character, so that the peer does not refuse it.
  @Test(arguments: [(123, 123), (122, 122), (121, 121)])
  func longReasonIsCut(plainBytes: Int, keptBytes: Int) {
    let reason = String(repeating: "x", count: plainBytes) + "€€€"
    let payload = CloseCode.normal.payload(reason: reason)
    #expect(payload == closePayload(1000, String(repeating: "x", count: keptBytes)))
    #expect(
      FrameFeed().everyWay(frame(0x88, payload)).first == .close(.normal, String(repeating: "x", count: keptBytes)))
  }

  @Test func reasonThatFitsIsNotCut() {
    let reason = String(repeating: "x", count: 120) + "€"
    #expect(CloseCode.normal.payload(reason: reason) == closePayload(1000, reason))
    #expect(CloseCode.normal.payload(reason: reason).count == 125)
  }

  @Test func codesThatMayBeSentAreThoseOfTheRegistry() {
    let sendable = (UInt16.min...UInt16.max).filter { CloseCode(rawValue: $0).mayBeSent }
    #expect(sendable == Array(1000...1003) + Array(1007...1014) + Array(3000...4999))
    for code in sendable { #expect("\(CloseCode(rawValue: code).meaning)" != "not assigned") }
  }
}
