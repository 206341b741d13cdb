// SPDX-License-Identifier: Apache-2.0

/// Why a WebSocket connection ends (RFC 6455 section 7.4 and the registry that it founded).
public struct CloseCode: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt16

  public init(rawValue: UInt16) { self.rawValue = rawValue }

  public static let normal = CloseCode(rawValue: 1000)
  public static let goingAway = CloseCode(rawValue: 1001)
  public static let protocolError = CloseCode(rawValue: 1002)
  public static let unsupportedData = CloseCode(rawValue: 1003)
  public static let noStatus = CloseCode(rawValue: 1005)
  public static let abnormal = CloseCode(rawValue: 1006)
  public static let invalidPayload = CloseCode(rawValue: 1007)
  public static let policyViolation = CloseCode(rawValue: 1008)
  public static let messageTooBig = CloseCode(rawValue: 1009)
  public static let missingExtension = CloseCode(rawValue: 1010)
  public static let internalError = CloseCode(rawValue: 1011)
  public static let serviceRestart = CloseCode(rawValue: 1012)
  public static let tryAgainLater = CloseCode(rawValue: 1013)
  public static let badGateway = CloseCode(rawValue: 1014)
  public static let tlsFailure = CloseCode(rawValue: 1015)

  /// Whether a close frame may carry it. 1005, 1006 and 1015 are what an API says of an end without a close frame; what
  /// is not assigned below 3000 belongs to later standards (section 7.4.2).
  public var mayBeSent: Bool {
    switch rawValue {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }

  /// What it means, for logs and counters.
  public var meaning: StaticString {
    switch rawValue {
    case 1000: "done"
    case 1001: "the endpoint goes away"
    case 1002: "protocol error"
    case 1003: "this kind of message is not accepted"
    case 1005: "closed without a code"
    case 1006: "ended without a close frame"
    case 1007: "the message is not what its type says"
    case 1008: "against a rule of the endpoint"
    case 1009: "the message is too big"
    case 1010: "the server did not agree to an extension that the client needs"
    case 1011: "the server met a condition that it did not expect"
    case 1012: "the service restarts"
    case 1013: "overloaded, try again later"
    case 1014: "the server behind the gateway gave a bad answer"
    case 1015: "the TLS handshake failed"
    case 3000...3999: "a registered code of an application"
    case 4000...4999: "a private code of an application"
    default: "not assigned"
    }
  }
}

extension CloseCode {
  /// Bytes of UTF-8 that a reason may have: a control frame's 125 without the code.
  public static let maxReasonBytes = 123

  /// The payload of a close frame. A reason that is too long is cut at the end of a character.
  ///
  /// - Precondition: ``mayBeSent``.
  public func payload(reason: String = "") -> [UInt8] {
    precondition(mayBeSent, "a close code that never stands in a frame")
    var payload = [UInt8(rawValue >> 8), UInt8(rawValue & 0xFF)]
    for scalar in reason.unicodeScalars {
      let bytes = UTF8.encode(scalar).map(Array.init) ?? []
      if payload.count + bytes.count > 2 + Self.maxReasonBytes { break }
      payload += bytes
    }
    return payload
  }
}
