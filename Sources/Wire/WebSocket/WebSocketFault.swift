// SPDX-License-Identifier: Apache-2.0

/// Every way in which the peer can break the WebSocket protocol, or a limit of ours.
///
/// The framing is lost with it: a close frame with ``closeCode`` is the last one, and the connection ends (RFC 6455
/// section 7.1.7).
public enum WebSocketFault: Error, Hashable, Sendable, CaseIterable {
  case reservedBits, reservedOpcode, fragmentedControl, controlTooLong
  case unmasked, masked
  case longLength, badLength, messageTooBig
  case strayContinuation, messageInMessage
  case notUTF8
  case shortClose, badCloseCode
  case badCompression

  /// The code of the close frame.
  public var closeCode: CloseCode { row.code }

  /// What to tell the peer, without a full stop. It fits a close frame.
  public var sentence: String { row.sentence }

  private var row: (code: CloseCode, sentence: String) {
    switch self {
    case .reservedBits: (.protocolError, "A reserved bit is set that no extension was agreed for")
    case .reservedOpcode: (.protocolError, "The opcode is reserved")
    case .fragmentedControl: (.protocolError, "A control frame is fragmented")
    case .controlTooLong: (.protocolError, "A control frame has more than 125 bytes")
    case .unmasked: (.protocolError, "A frame of the client is not masked")
    case .masked: (.protocolError, "A frame of the server is masked")
    case .longLength: (.protocolError, "The length is not in its shortest form")
    case .badLength: (.protocolError, "The length has its highest bit set")
    case .messageTooBig: (.messageTooBig, "The message is too big")
    case .strayContinuation: (.protocolError, "A continuation continues nothing")
    case .messageInMessage: (.protocolError, "A message begins inside of another one")
    case .notUTF8: (.invalidPayload, "The text is not UTF-8")
    case .shortClose: (.protocolError, "A close frame has half a code")
    case .badCloseCode: (.protocolError, "The close code may not be sent")
    case .badCompression: (.invalidPayload, "The compressed message cannot be decompressed")
    }
  }
}

/// Every way in which a request for an upgrade to WebSocket can be refused (RFC 6455 section 4.2).
public enum UpgradeFault: Error, Hashable, Sendable, CaseIterable {
  case notGET, notHTTP11, hasBody, noConnectionUpgrade, noWebSocket
  case versionNotSupported, badKey, badExtensions, subprotocolMissing

  /// The status of the answer.
  public var status: Int { row.status }

  /// What to tell the client, without a full stop.
  public var sentence: String { row.sentence }

  /// Header lines that the answer must have: with 426, what the server would speak.
  public var fields: [UInt8] {
    status == 426 ? Array("Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n".utf8) : []
  }

  private var row: (status: Int, sentence: String) {
    switch self {
    case .notGET: (400, "An upgrade to WebSocket is asked for with GET")
    case .notHTTP11: (400, "An upgrade to WebSocket needs HTTP/1.1")
    case .hasBody: (400, "A request for an upgrade has no body")
    case .noConnectionUpgrade: (400, "The Connection field does not list 'Upgrade'")
    case .noWebSocket: (400, "The Upgrade field does not list 'websocket'")
    case .versionNotSupported: (426, "Only version 13 of WebSocket is spoken here")
    case .badKey: (400, "The Sec-WebSocket-Key is not 16 bytes in base64, or there is more than one")
    case .badExtensions: (400, "The Sec-WebSocket-Extensions field is malformed")
    case .subprotocolMissing: (400, "The subprotocol of this server is not among the offered ones")
    }
  }
}
