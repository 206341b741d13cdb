// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes
import Testing

/// One request of a client and what becomes of it. The broker's conduit: it is answered once or never.
final class Exchange: Conduit {
  enum Outcome: Equatable {
    case waiting
    case answered(String)
    /// An HTTP status without a Bayeux body.
    case status(Int)
    case refused(RequestFault)
    /// The client closed its connection.
    case hungUp
  }

  var heldSession: Session?
  private(set) var outcome = Outcome.waiting
  /// The shard that took the request in the end, and how often the connection moved to get there.
  var shard = 0
  var moves = 0
  /// The session that a held answer belonged to, for what the broker is told about its writing.
  var session: Session?

  func end(_ outcome: Outcome, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(self.outcome == .waiting, "answered twice, now with \(outcome)", sourceLocation: sourceLocation)
    #expect(heldSession == nil, "answered, and still held", sourceLocation: sourceLocation)
    self.outcome = outcome
  }

  var isWaiting: Bool { outcome == .waiting }

  /// The answer as it was written; empty where there is none.
  var text: String {
    if case .answered(let text) = outcome { text } else { "" }
  }

  /// The messages of the answer. An answer that is no JSON array of objects is a failure of the test.
  var messages: [JSONValue] {
    guard case .answered(let text) = outcome else { return [] }
    guard let elements = (try? JSONValue(parsing: text))?.elements, elements.allSatisfy({ $0.members != nil }) else {
      Issue.record("no array of messages: \(text)")
      return []
    }
    return elements
  }

  /// A reply says whether it was successful, an event never does.
  var replies: [JSONValue] { messages.filter { $0["successful"] != nil } }
  var events: [JSONValue] { messages.filter { $0["successful"] == nil } }
  /// The `data` of each event, as JSON.
  var data: [String] { events.map { $0["data"]?.text ?? "none" } }
  var reply: JSONValue { replies.last ?? .null }
  var isSuccessful: Bool { !replies.isEmpty && replies.allSatisfy { $0["successful"] == true } }
  var error: String? { reply["error"]?.string }
  var reconnect: String? { reply["advice"]?["reconnect"]?.string }
}
