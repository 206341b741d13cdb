// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import ChatService
import Testing

/// Callbacks over real HTTP (`genesys.md` 1.3 row 12, 4.3, A28).
@Suite(.timeLimit(.minutes(2))) struct AdvancedCallbackTests {
  static let user = "b16416334828b1d26ef14f329628b55b5a8c631d8928a371a5584722dd7fb673"
  static let boundary = "---WebKitFormBoundaryYbCe8VCHJCMGeynE"
  static let fields: KeyValuePairs = [
    "_customer_number": "6502388511", "usr_customer_name": "Bob Markel", "usr_reason": "billing question",
    "_device_notification_id": user, "_device_os": "comet",
  ]

  private func multipart() -> String {
    Self.fields.map { field in
      "--\(Self.boundary)\r\nContent-Disposition: form-data; name=\"\(field.key)\"\r\n\r\n\(field.value)\r\n"
    }.joined() + "--\(Self.boundary)--\r\n"
  }

  private func answer(_ id: String, base: String, user: String = user) -> String {
    #"{"_dialog_id":"1","_action":"StartChat","_label":"Start Chat","_start_chat_url":"#
      + #""\#(base)/genesys/1/service/\#(id)/ixn/chat","_comet_url":"\#(base)/genesys/cometd","#
      + #""_user_header":"\#(user)","_id_to_jump_before":"exit://","_chat_parameters":{"subject":"None"},"_id":"\#(id)"}"#
  }

  /// The request of the seed, byte for byte its fields, and the answer with the seed's members in the seed's order.
  @Test("1.3 row 12: chat-immediate answers the multipart of the document as the document does")
  func row12ChatImmediateAnswersTheSeedsMultipartAsTheSeedDoes() async throws {
    try await withBroker { broker in
      let line = try ServiceLine(broker, user: Self.user)
      let type = ["Content-Type: multipart/form-data; boundary=\(Self.boundary)"]
      let reply = try line.call("POST", "service/callback/chat-immediate", multipart(), type)
      let id = try #require(reply.json["_id"]?.string)
      #expect(id.wholeMatch(of: /[0-9]+-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/) != nil)
      #expect(reply.text == answer(id, base: "http://\(line.line.authority)"))
      let create = try line.post("service/\(id)/ixn/chat", "notify_by=comet&subject=None")
      #expect(create.json["chatIxnState"] == "CONNECTED", "the URL of the answer opens the chat")
    }
  }

  @Test func jsonAndFormAreTakenAsWell() async throws {
    try await withBroker { broker in
      let line = try ServiceLine(broker)
      let object = JSONValue.object(Self.fields.map { .init($0.key, .string($0.value)) })
      let json = try line.call(
        "POST", "service/callback/chat-immediate", object.text, ["Content-Type: application/json"])
      #expect(json.json["_user_header"] == .string(Self.user), "the device of comet is the user")
      let form = try line.post("service/callback/chat-immediate", Customer.form(Self.fields))
      #expect(form.json["_action"] == "StartChat")
    }
  }

  @Test(
    "A28: the base of URLs is the option, then the gateway, then the host",
    arguments: [
      (nil, ["X-Forwarded-Proto: https", "X-Forwarded-Host: chat.example.com"], "https://chat.example.com"),
      (nil, ["X-Forwarded-Host: a.example, b.example", "X-Forwarded-Port: 8443"], "http://a.example:8443"),
      (nil, ["X-Forwarded-Proto: gopher", "X-Forwarded-Host: a\"b"], nil),
      ("https://gms.example.com/gw/", ["X-Forwarded-Host: other"], "https://gms.example.com/gw"),
    ])
  func a28TheBaseOfURLsIsTheOptionThenTheGatewayThenTheHost(
    option: String?, headers: [String], base: String?
  ) async throws {
    try await withBroker({ $0.gms.externalUrlBase = option }) { broker in
      let line = try ServiceLine(broker)
      let reply = try line.post("service/callback/chat-immediate", Customer.form(Self.fields), headers)
      let id = try #require(reply.json["_id"]?.string)
      #expect(reply.text == answer(id, base: base ?? "http://\(line.line.authority)"))
    }
  }

  @Test func forwardedHeadersOfAStrangerDoNotCount() async throws {
    try await withBroker({ $0.gms.trustedProxies = ["10.0.0.0/8"] }) { broker in
      let line = try ServiceLine(broker)
      let reply = try line.post(
        "service/callback/chat-immediate", Customer.form(Self.fields), ["X-Forwarded-Host: evil.example"])
      #expect(reply.json["_comet_url"] == .string("http://\(line.line.authority)/genesys/cometd"))
    }
  }

  @Test func aMissingLookupKeyIs400() async throws {
    try await withBroker { broker in
      let reply = try ServiceLine(broker).post("service/callback/chat-immediate", "usr_reason=x")
      #expect(reply.status == 400 && reply.json.names == ["exception", "message"])
    }
  }

  @Test func anUnknownCallbackIs404AndSoIsOneWithoutTarget() async throws {
    try await withBroker({ $0.define("advanced", ["_type": "ors"]) }) { broker in
      let line = try ServiceLine(broker)
      for name in ["nobody", "request-chat", "advanced"] {
        #expect(try line.post("service/callback/\(name)", "_customer_number=1").status == 404)
      }
    }
  }

  /// Wait for agent, user confirmation, dialogs: the delayed variant from end to end.
  @Test("4.3 delayed variant: chat-delayed asks for confirmation once an agent is there, then connects")
  func chatDelayedAsksForConfirmationOnceAnAgentIsThereThenConnects() async throws {
    try await withBroker { broker in
      let listener = try broker.listener("BuzzBrain")
      let line = try ServiceLine(broker, user: "BuzzBrain")
      let created = try line.post("service/callback/chat-delayed", "_customer_number=1")
      let id = try #require(created.json["_id"]?.string)
      #expect(created.json.names == ["_id"], "the id alone")
      #expect(try line.post("service/\(id)/connect").status == 503)
      #expect(try line.post("service/\(id)/ixn/chat").status == 503)
      #expect(try line.post("service/\(id)/menu").json["_action"] == "DisplayMenu")
      try broker.agent("Monique")
      let notice = try #require(try listener.events(1).first)
      #expect(notice["data"]?["message"]?.text == #"{"_id":"\#(id)","_action":"confirm"}"#)
      let dialog = try line.post("service/\(id)/confirm").json
      #expect(dialog["_action"] == "ConfirmationDialog" && dialog["_okTitle"] != nil && dialog["_text"] != nil)
      let url = try #require(dialog["_user_action_url"]?.string)
      #expect(url == "http://\(line.line.authority)/genesys/1/service/\(id)/connect")
      let start = try line.post("service/\(id)/connect")
      #expect(start.text == answer(id, base: "http://\(line.line.authority)", user: "BuzzBrain"))
      #expect(try line.post("service/\(id)/ixn/chat", "notify_by=comet").status == 200)
    }
  }

  @Test func aCallbackCanBeCancelled() async throws {
    try await withBroker { broker in
      let line = try ServiceLine(broker)
      let id = try line.create("callback/chat-immediate", "_customer_number=1")
      #expect(try line.call("DELETE", "service/callback/chat-immediate/\(id)").status == 200)
      #expect(try line.post("service/\(id)/ixn/chat").status == 404)
    }
  }
}
