// SPDX-License-Identifier: Apache-2.0
import Bytes

/// One chat of a customer with an agent, from the creation of the service to the customer's goodbye: a state machine
/// without a socket or a clock.
///
/// create the service → open the chat → the agent joins → in turns the customer and the agent say something, each when
/// the other's words have arrived at the customer → the customer leaves.
struct ChatDialogue: Sendable {
  /// Who sends a request: the customer to the service API, the agent to the admin listener.
  enum Party: Hashable, Sendable { case customer, agent }

  struct Request: Hashable, Sendable {
    let party: Party
    let path: String
    /// A form of the customer, JSON of the agent.
    let body: String
    /// Whether the words in it have to come back as an event before it goes on.
    let awaitsEvent: Bool
  }

  enum Step: Hashable, Sendable {
    case request(Request)
    case done
  }

  private enum State: Hashable, Sendable {
    case creating, opening, joining, leaving, over
    case talking(turn: Int)
  }

  private var state = State.creating
  private let turns: Int
  private let agent: String
  private(set) var service = ""

  /// - Parameters:
  ///   - exchanges: what each party says.
  ///   - agent: the nickname.
  init(exchanges: Int, agent: String) {
    turns = exchanges * 2
    self.agent = agent
  }

  /// The next request; `words` is what is said in it, should it be somebody's turn.
  func step(words: () -> String) -> Step {
    switch state {
    case .creating: return customer("/genesys/1/service/request-chat", "")
    case .opening: return customer(chat(""), "notify_by=comet&firstName=Load&lastName=Test&subject=load")
    case .joining: return agentCall("join", #"{"nickname":\#(quoted(agent))}"#)
    case .talking(let turn) where turn % 2 == 0: return customer(chat("/send"), "message=\(words())", awaits: true)
    case .talking:
      return agentCall("send", #"{"nickname":\#(quoted(agent)),"text":\#(quoted(words()))}"#, awaits: true)
    case .leaving: return customer(chat("/disconnect"), "")
    case .over: return .done
    }
  }

  /// The last request was answered, and its event has come where one was awaited.
  ///
  /// - Returns: false where the answer is none that a chat can go on with.
  mutating func advance(status: Int, body: JSONValue?) -> Bool {
    guard status == 200 else { return false }
    switch state {
    case .creating:
      guard let id = body?["_id"]?.string, !id.isEmpty,
        id.utf8.allSatisfy({ ASCII.isAlphanumeric($0) || "_.:-".utf8.contains($0) })
      else { return false }
      service = id
      state = .opening
    case .opening: state = .joining
    case .joining: state = .talking(turn: 0)
    case .talking(let turn): state = turn + 1 < turns ? .talking(turn: turn + 1) : .leaving
    case .leaving, .over: state = .over
    }
    return true
  }

  private func chat(_ operation: String) -> String { "/genesys/1/service/\(service)/ixn/chat\(operation)" }

  private func customer(_ path: String, _ body: String, awaits: Bool = false) -> Step {
    .request(Request(party: .customer, path: path, body: body, awaitsEvent: awaits))
  }

  private func agentCall(_ verb: String, _ body: String, awaits: Bool = false) -> Step {
    .request(Request(party: .agent, path: "/agent/chats/\(service)/\(verb)", body: body, awaitsEvent: awaits))
  }

  private func quoted(_ text: String) -> String { JSONValue.string(text).text }
}
