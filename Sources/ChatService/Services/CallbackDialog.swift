// SPDX-License-Identifier: Apache-2.0
import Bytes

/// The dialogs that a callback answers with; an app shows each by its `_action`.
struct CallbackDialog {
  let serviceID: String
  /// Scheme and authority that absolute URLs begin with.
  let baseURL: String
  /// Where a customer who does not want to wait may call.
  var dialNumber: String?

  private var service: String { baseURL + ServicePath.service(serviceID) }

  /// `StartChat`, with the members and the order of the captured reply.
  func startChat(cometPath: String, user: String, subject: String) -> JSONValue {
    [
      "_dialog_id": "1",
      "_action": "StartChat",
      "_label": "Start Chat",
      "_start_chat_url": .string(baseURL + ServicePath.chat(serviceID)),
      "_comet_url": .string(baseURL + cometPath),
      "_user_header": .string(user),
      "_id_to_jump_before": "exit://",
      "_chat_parameters": ["subject": .string(subject)],
      "_id": .string(serviceID),
    ]
  }

  var confirmation: JSONValue {
    [
      "_dialog_id": "0",
      "_action": "ConfirmationDialog",
      "_text": "An agent is available. Do you want to chat now?",
      "_okTitle": "Start Chat",
      "_user_action_url": .string(service + "/connect"),
      "_id": .string(serviceID),
    ]
  }

  var menu: JSONValue {
    var items: [JSONValue] = [
      ["_label": "Position in queue", "_user_action_url": .string(service + "/check-queue-position")],
      ["_label": "Start Chat", "_user_action_url": .string(service + "/connect")],
    ]
    if dialNumber != nil { items.append(["_label": "Call us", "_user_action_url": .string(service + "/dial")]) }
    return [
      "_dialog_id": "2",
      "_action": "DisplayMenu",
      "_label": "You are waiting for an agent",
      "_content": [["_group_name": "Chat", "_group_content": .array(items)]],
      "_id": .string(serviceID),
    ]
  }

  /// Nil where there is no number.
  var dial: JSONValue? {
    dialNumber.map {
      [
        "_dialog_id": "3",
        "_action": "DialNumber",
        "_label": "Call us",
        "_tel_url": .string("tel:" + $0),
        "_id": .string(serviceID),
      ]
    }
  }
}
