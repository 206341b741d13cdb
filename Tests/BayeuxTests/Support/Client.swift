// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

/// A Bayeux client that says what it is told to say.
final class Client {
  let scene: Scene
  let user: String
  /// The shard on which its connections arrive.
  let shard: Int
  private(set) var clientID = ""
  /// How its requests look to the broker.
  var origin = RequestOrigin()
  /// The browser that it runs in; 0 for none.
  var browser: UInt64 {
    get { origin.browser }
    set { origin.browser = newValue }
  }

  init(in scene: Scene, user: String, on shard: Int) {
    self.scene = scene
    self.user = user
    self.shard = shard
  }

  /// Sends a request as it stands, `$ID` standing for the client's id.
  @discardableResult
  func send(
    _ text: String, user: String? = nil, origin: RequestOrigin? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) -> Exchange {
    scene.send(
      text.replacing("$ID", with: clientID),
      user: user ?? self.user, origin: origin ?? self.origin, on: shard, sourceLocation: sourceLocation)
  }

  @discardableResult
  func handshake(_ more: String = "", sourceLocation: SourceLocation = #_sourceLocation) -> Exchange {
    let exchange = send(
      #"{"channel":"/meta/handshake","version":"1.0"\#(more)}"#, sourceLocation: sourceLocation)
    if let id = exchange.reply["clientId"]?.string { clientID = id }
    return exchange
  }

  /// - Parameter more: further members, a comma first.
  @discardableResult
  func connect(_ more: String = "", sourceLocation: SourceLocation = #_sourceLocation) -> Exchange {
    send(
      #"{"channel":"/meta/connect","clientId":"$ID","connectionType":"long-polling"\#(more)}"#,
      sourceLocation: sourceLocation)
  }

  @discardableResult
  func subscribe(_ channel: String, sourceLocation: SourceLocation = #_sourceLocation) -> Exchange {
    send(
      #"{"channel":"/meta/subscribe","clientId":"$ID","subscription":"\#(channel)"}"#, sourceLocation: sourceLocation)
  }

  @discardableResult
  func unsubscribe(_ channel: String, sourceLocation: SourceLocation = #_sourceLocation) -> Exchange {
    send(
      #"{"channel":"/meta/unsubscribe","clientId":"$ID","subscription":"\#(channel)"}"#, sourceLocation: sourceLocation)
  }

  /// - Parameter data: JSON.
  @discardableResult
  func publish(_ channel: String, _ data: String = "1", sourceLocation: SourceLocation = #_sourceLocation) -> Exchange {
    send(#"{"channel":"\#(channel)","data":\#(data),"clientId":"$ID"}"#, sourceLocation: sourceLocation)
  }

  @discardableResult
  func disconnect(sourceLocation: SourceLocation = #_sourceLocation) -> Exchange {
    send(#"{"channel":"/meta/disconnect","clientId":"$ID"}"#, sourceLocation: sourceLocation)
  }

  /// Whether the broker still knows its session. Asking does not prolong the session: no message is answered.
  var isKnown: Bool {
    scene.shards.contains { shard in shard.broker.sessions.contains { $0?.id.text == clientID } }
  }
}
