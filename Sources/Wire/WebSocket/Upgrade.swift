// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// The opening handshake (RFC 6455 section 4.2): a request that may become a WebSocket, and the answer that makes it one.
public struct WebSocketUpgrade: Sendable {
  public struct Options: Sendable {
    /// The one subprotocol that is spoken, which a client then has to offer. nil speaks none and ignores all offers.
    public var subprotocol: String?
    /// Whether to agree to permessage-deflate without context takeover where the client offers it.
    public var allowsCompression = false

    public init() {}
  }

  /// What was agreed on; nil for none.
  public let subprotocol: String?
  /// Whether messages may be compressed, for ``FrameParser/init(side:allowsCompression:)``.
  public let isCompressed: Bool
  private let proof: [UInt8]

  /// Whether the request asks to speak WebSocket, well or badly: what an address that also serves HTTP decides by.
  public static func isAsked(by head: RequestHead, in text: Span<UInt8>) -> Bool {
    head.lists("websocket", in: "upgrade", of: text)
  }

  /// Judges a request. Who may connect, and from which origin, is not asked here.
  public init(
    _ head: RequestHead, in text: Span<UInt8>, options: Options = Options()
  ) throws(UpgradeFault) {
    guard head.method == .get else { throw .notGET }
    guard head.minorVersion == 1 else { throw .notHTTP11 }
    guard head.body.isEmpty, !head.isChunked else { throw .hasBody }
    guard head.lists("upgrade", in: "connection", of: text) else { throw .noConnectionUpgrade }
    guard Self.isAsked(by: head, in: text) else { throw .noWebSocket }
    let versions = head.values(of: "sec-websocket-version", in: text)
    guard versions.count == 1, ASCII.equal(text.extracting(versions[0]), "13") else { throw .versionNotSupported }
    let keys = head.values(of: "sec-websocket-key", in: text)
    guard keys.count == 1, Self.isKey(text.extracting(keys[0])) else { throw .badKey }
    let offersCompression = try ExtensionOffers.includeDeflate(head, in: text)
    if let wanted = options.subprotocol, !Self.offers(wanted, head, in: text) { throw .subprotocolMissing }
    subprotocol = options.subprotocol
    isCompressed = options.allowsCompression && offersCompression
    proof = Self.proof(for: text.extracting(keys[0]))
  }

  /// Appends the answer, `101 Switching Protocols`. Frames may follow at once.
  ///
  /// - Parameter fields: further lines `Name: value\r\n`. That no value in them breaks a line is the caller's duty, see
  ///   ``HeaderText/isSafe(_:)-(String)``.
  public func appendResponse(to writer: inout ByteWriter, fields: [UInt8] = []) {
    writer.append("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
    writer.append("Sec-WebSocket-Accept: ")
    writer.append(proof)
    writer.append("\r\n")
    if let subprotocol {
      writer.append("Sec-WebSocket-Protocol: ")
      writer.append(subprotocol)
      writer.append("\r\n")
    }
    if isCompressed {
      writer.append("Sec-WebSocket-Extensions: ")
      writer.append(ExtensionOffers.deflateAnswer)
      writer.append("\r\n")
    }
    writer.append(fields)
    writer.append("\r\n")
  }

  /// The `Sec-WebSocket-Accept` that a key is answered with (section 4.2.2); a client compares it.
  public static func proof(for key: Span<UInt8>) -> [UInt8] {
    var text = [UInt8](key)
    text += Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)
    return base64(SHA1.digest(of: text.span))
  }

  /// 16 bytes in base64: 22 characters and `==`. That the last four bits are zero is not asked, since nobody decodes it
  /// and clients exist that draw 22 random characters.
  private static func isKey(_ text: Span<UInt8>) -> Bool {
    guard text.count == 24, ASCII.equal(text.extracting(22..<24), "==") else { return false }
    for index in 0..<22 {
      let byte = text[index]
      guard ASCII.isAlphanumeric(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/") else { return false }
    }
    return true
  }

  /// Whether one of the offered subprotocols is `name`; their case counts (section 4.1).
  private static func offers(_ name: String, _ head: RequestHead, in text: Span<UInt8>) -> Bool {
    for field in head.values(of: "sec-websocket-protocol", in: text) {
      for offer in head.string(field, in: text).split(separator: ",") {
        let trimmed = offer.utf8.drop { Characters.isBlank($0) }.reversed().drop { Characters.isBlank($0) }.reversed()
        if trimmed.elementsEqual(name.utf8) { return true }
      }
    }
    return false
  }

  private static func base64(_ bytes: [UInt8]) -> [UInt8] {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      var bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
      bits <<= 8
      for index in 0..<4 {
        text.append(index <= group.count ? alphabet[Int(bits >> 26)] : UInt8(ascii: "="))
        bits <<= 6
      }
    }
    return text
  }
}
