// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// Facts about the headers that are written here; ``FrameHeader`` shows their bits.
public enum FrameWriter {
  /// Headroom of a ``Bytes/ByteWriter`` that takes the header of any frame of a server.
  public static let maxHeaderBytes = 10
  /// The same for a frame of a client, with its mask.
  public static let maxMaskedHeaderBytes = 14

  /// What the header of an unmasked frame takes: 2, 4 or 10 bytes.
  public static func headerBytes(payloadBytes: Int) -> Int {
    payloadBytes < 126 ? 2 : payloadBytes < 65536 ? 4 : 10
  }

  /// - Parameter mask: the first byte sent in the highest bits; nil for a frame of a server.
  static func header(
    _ opcode: Opcode, payloadBytes: Int, isFinal: Bool, isCompressed: Bool, mask: UInt32? = nil
  ) -> (bytes: InlineArray<14, UInt8>, count: Int) {
    precondition(!opcode.isControl || isFinal && !isCompressed && payloadBytes <= FrameHeader.maxControlBytes)
    precondition(!isCompressed || opcode != .continuation, "the first fragment says that a message is compressed")
    var bytes = InlineArray<14, UInt8>(repeating: 0)
    bytes[0] = opcode.rawValue | (isFinal ? 0x80 : 0) | (isCompressed ? 0x40 : 0)
    var count = headerBytes(payloadBytes: payloadBytes)
    bytes[1] = (mask == nil ? 0 : 0x80) | (count == 2 ? UInt8(payloadBytes) : count == 4 ? 126 : 127)
    var rest = payloadBytes
    for index in stride(from: count - 1, to: 1, by: -1) {
      bytes[index] = UInt8(truncatingIfNeeded: rest)
      rest >>= 8
    }
    guard let mask else { return (bytes, count) }
    for shift: UInt32 in [24, 16, 8, 0] {
      bytes[count] = UInt8(truncatingIfNeeded: mask >> shift)
      count += 1
    }
    return (bytes, count)
  }
}

// MARK: frames of a server

extension ByteWriter {
  /// Makes what the writer holds the payload of one frame.
  ///
  /// - Precondition: ``FrameWriter/headerBytes(payloadBytes:)`` fits the headroom that is left; of a control frame, that
  ///   the payload has 125 bytes at most.
  public mutating func prependFrameHeader(_ opcode: Opcode, isCompressed: Bool = false) {
    let (bytes, length) = FrameWriter.header(opcode, payloadBytes: count, isFinal: true, isCompressed: isCompressed)
    bytes.span.extracting(first: length).withUnsafeBytes { prepend($0) }
  }

  /// Appends the header of a frame whose payload is appended next.
  public mutating func appendFrameHeader(
    _ opcode: Opcode, payloadBytes: Int, isFinal: Bool = true, isCompressed: Bool = false
  ) {
    let (bytes, length) = FrameWriter.header(
      opcode, payloadBytes: payloadBytes, isFinal: isFinal, isCompressed: isCompressed)
    append(bytes.span.extracting(first: length))
  }

  /// Appends a whole frame.
  public mutating func appendFrame(
    _ opcode: Opcode, _ payload: Span<UInt8>, isFinal: Bool = true, isCompressed: Bool = false
  ) {
    appendFrameHeader(opcode, payloadBytes: payload.count, isFinal: isFinal, isCompressed: isCompressed)
    append(payload)
  }

  /// Appends a close frame.
  ///
  /// - Parameters:
  ///   - code: nil to give none, as the answer to a close frame without one.
  ///   - reason: cut at 123 bytes of UTF-8.
  public mutating func appendCloseFrame(_ code: CloseCode?, reason: String = "") {
    let payload = code?.payload(reason: reason) ?? []
    appendFrame(.close, payload.span)
  }
}

extension Payload {
  /// A whole frame of a server, encoded once to be sent to many.
  public init(frame opcode: Opcode, _ payload: Span<UInt8>) {
    let (header, length) = FrameWriter.header(
      opcode, payloadBytes: payload.count, isFinal: true, isCompressed: false)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(length + payload.count)
    header.span.extracting(first: length).withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
    payload.withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
    self.init(bytes)
  }
}

// MARK: frames of a client

extension ByteWriter {
  /// Appends a whole masked frame, as a client sends it.
  ///
  /// - Parameter mask: 32 random bits, new for each frame (RFC 6455 section 5.3); its highest byte is sent first.
  public mutating func appendMaskedFrame(
    _ opcode: Opcode, _ payload: Span<UInt8>, mask: UInt32, isFinal: Bool = true, isCompressed: Bool = false
  ) {
    let (bytes, length) = FrameWriter.header(
      opcode, payloadBytes: payload.count, isFinal: isFinal, isCompressed: isCompressed, mask: mask)
    append(bytes.span.extracting(first: length))
    Masking.append(payload, mask.byteSwapped, to: &self)
  }
}
