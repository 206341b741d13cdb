// SPDX-License-Identifier: Apache-2.0

/// Something that must hold for every input, and did not.
public struct Violation: Error, Hashable, Sendable {
  /// What was expected and what was found, with all that is needed to understand it.
  public let sentence: String

  public init(_ sentence: String) { self.sentence = sentence }
}

/// The readers of foreign bytes. Each has a directory of that name in `Fuzz/Corpus`.
public enum FuzzTarget: String, CaseIterable, Sendable {
  /// Connections of HTTP/1.1, by `RequestParser`.
  case http
  /// Connections of WebSocket, by `FrameParser`. The first byte of an input chooses side, compression and limits.
  case websocket
  /// Bodies of Bayeux requests, by `Batch.scan`; and all of JSON, by `JSONScanner` and `JSONValue`.
  case envelope
  /// Names and patterns of channels, one a line.
  case channels
  /// Configuration files, by `Settings.load`.
  case settings
}

extension FuzzTarget {
  /// Holds everything against one input that must be so for any.
  public func check(_ input: [UInt8]) throws(Violation) {
    switch self {
    case .http: try HTTPInvariants.check(input)
    case .websocket: try FrameInvariants.check(input)
    case .envelope: try EnvelopeInvariants.check(input)
    case .channels: try ChannelInvariants.check(input)
    case .settings: try SettingsInvariants.check(input)
    }
  }
}
