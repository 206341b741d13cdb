// SPDX-License-Identifier: Apache-2.0

/// One message of a random request, for the broker as text, for the model as it is.
enum Part {
  case publish(String, data: Int)
  case subscribe(String)
  case unsubscribe(String)
  case disconnect
  case connect(Poll)

  /// What a connect asks for, in milliseconds; `number` is its id.
  struct Poll {
    let number: Int
    var timeout: Int?
    var interval: Int?
  }

  var channel: String {
    switch self {
    case .publish(let channel, _): channel
    case .subscribe: "/meta/subscribe"
    case .unsubscribe: "/meta/unsubscribe"
    case .disconnect: "/meta/disconnect"
    case .connect: "/meta/connect"
    }
  }

  func text(clientID: String) -> String {
    var text = #"{"channel":"\#(channel)","clientId":"\#(clientID)""#
    switch self {
    case .publish(_, let data): text += #","data":\#(data)"#
    case .subscribe(let channel), .unsubscribe(let channel): text += #","subscription":"\#(channel)""#
    case .disconnect: break
    case .connect(let poll):
      text += #","id":"\#(poll.number)""#
      let advice = [poll.timeout.map { #""timeout":\#($0)"# }, poll.interval.map { #""interval":\#($0)"# }].compactMap {
        $0
      }
      if !advice.isEmpty { text += #","advice":{\#(advice.joined(separator: ","))}"# }
    }
    return text + "}"
  }

  var isConnect: Bool {
    if case .connect = self { true } else { false }
  }

  /// What its reply begins with.
  var echo: String {
    switch self {
    case .subscribe(let channel), .unsubscribe(let channel): #""subscription":"\#(channel)","#
    case .connect(let poll): #""id":"\#(poll.number)","#
    case .publish, .disconnect: ""
    }
  }
}

/// One step of a random script. Sessions are numbered in the order of their handshakes.
enum Step {
  case handshake(user: String, shard: Int)
  /// A request of one message or of several; a connect that is alone may be held. On callback-polling (`isScript`) events
  /// come with connects only.
  case request(session: Int, [Part], user: String?, isScript: Bool, shard: Int)
  case hangUp(session: Int)
  case deliver(user: String, data: Int)
  case pass(milliseconds: Int)
  case bus(shard: Int)
  case endTurn
}
