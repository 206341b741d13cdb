// SPDX-License-Identifier: Apache-2.0

/// Every bound of the WebSocket layer: name, unit, default and why.
///
/// Sizes are reached, not exceeded: a message of exactly the limit passes. The code in brackets is what one byte more is
/// closed with, see ``WebSocketFault``. What RFC 6455 fixes, such as the 125 bytes of a control frame, is no limit here.
public struct WebSocketLimits: Sendable {
  /// A message, all its fragments together (1009), and again what it decompresses to. The body of an HTTP request
  /// (``HTTPLimits/maxBodyBytes``), so that a batch does not depend on its transport.
  public var maxMessageBytes = 524_288
  /// Where permessage-deflate was agreed, messages below this go out as they are: the effort is larger than the gain.
  public var minCompressedBytes = 128
  /// From the upgrade to the end of the first message (1008): a socket that says nothing is not worth its memory. The
  /// codec has no clock: the owner of the connection keeps this and what follows.
  public var firstMessageTimeout: Duration = .seconds(10)
  /// From the first byte of a message to its last (1008). The largest message then needs 140 kbit/s, the usual one none
  /// to speak of.
  public var messageTimeout: Duration = .seconds(30)
  /// From our close frame to the peer's, or to the end of its stream; then the connection is simply closed.
  public var closeTimeout: Duration = .seconds(5)

  public init() {}
}
