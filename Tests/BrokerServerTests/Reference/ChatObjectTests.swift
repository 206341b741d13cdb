// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import Testing

/// Table 1.2: the members of the chat object, and the six calls.
@Suite("Table 1.2: the chat object", .timeLimit(.minutes(2))) struct ChatObjectTests {
  /// A verbose reply of each kind: create, refresh, disconnect.
  private func verboseReplies(
    _ body: (Customer, [JSONValue]) throws -> Void
  ) async throws {
    try await withBroker { broker in
      let customer = try Customer(broker, nil)
      let create = try customer.call("", "_verbose=true&clientTimeZoneOffset=-420").json
      let refresh = try customer.call("refresh", "_verbose=TRUE").json
      try body(customer, [create, refresh, try customer.call("disconnect", "_verbose=true").json])
    }
  }

  @Test("1.2 chatIxnState: CONNECTED, TRANSCRIPT, DISCONNECTED")
  func chatIxnState() async throws {
    try await verboseReplies { _, replies in
      #expect(replies.map { $0["chatIxnState"] } == ["CONNECTED", "TRANSCRIPT", "DISCONNECTED"])
    }
  }

  @Test("1.2 chatSessionId: 16 characters, in every reply, always the same")
  func chatSessionId() async throws {
    try await verboseReplies { customer, replies in
      let ids = Set(replies.map { $0["chatSessionId"]?.string ?? "" })
      #expect(ids.count == 1 && ids.first?.wholeMatch(of: /[0-9A-Za-z]{16}/) != nil)
      let later = try customer.call("refresh").json
      #expect(later["chatSessionId"]?.string == ids.first)
    }
  }

  @Test("1.2 transcriptPosition: always there, as a text")
  func transcriptPosition() async throws {
    try await verboseReplies { _, replies in #expect(replies.map { $0["transcriptPosition"] } == ["1", "1", "1"]) }
  }

  @Test("1.2 chatServiceMessage: available, and finished at the end")
  func chatServiceMessage() async throws {
    try await verboseReplies { _, replies in
      let available: JSONValue = "Chat service is available"
      #expect(replies.map { $0["chatServiceMessage"] } == [available, available, "Chat was finished"])
    }
  }

  @Test("1.2 transcriptToShow: an array in TRANSCRIPT, absent in CONNECTED and the disconnect's reply")
  func transcriptToShow() async throws {
    try await verboseReplies { _, replies in #expect(replies.map { $0["transcriptToShow"] } == [nil, [], nil]) }
  }

  @Test("1.2 startedAt: UTC without a fraction, with TRANSCRIPT alone")
  func startedAt() async throws {
    try await verboseReplies { _, replies in
      let text = try #require(replies[1]["startedAt"]?.string)
      #expect(text.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil)
      #expect(replies[0]["startedAt"] == nil && replies[2]["startedAt"] == nil)
    }
  }

  /// Members that only verbose replies have, with what their values look like.
  private static let verboseMembers: KeyValuePairs<String, @Sendable (String) -> Bool> = [
    "userId": { $0.wholeMatch(of: /[0-9A-F]{16}/) != nil },
    "secureKey": { $0.wholeMatch(of: /[0-9a-f]{16}/) != nil },
    "checkChatServiceLoadBalancerPath": {
      $0.wholeMatch(
        of: /\/WebAPI812\/SimpleSamples812\/ChatHA\/ChatLBServerInfo\.jsp\?chatServerLoadBalancerAlias=\d+/) != nil
    },
    "chatServerLoadBalancerAlias": { Int($0) != nil },
    "chatServerHost": { !$0.isEmpty },
    "chatWebApiPort": { UInt16($0) != nil },
    "isTLSrequired": { $0 == "true" || $0 == "false" },
    "clientTimeZoneOffset": { $0 == "-420" },
  ]

  @Test(
    "1.2 verbose members, userId to clientTimeZoneOffset: texts, in verbose replies alone",
    arguments: verboseMembers.map(\.key))
  func verboseMember(_ name: String) async throws {
    let holds = try #require(Self.verboseMembers.first { $0.key == name }?.value)
    try await verboseReplies { customer, replies in
      for reply in replies { #expect(reply[name]?.string.map(holds) == true, "\(name) in \(reply.text)") }
      let plain = try customer.call("refresh").json
      #expect(plain[name] == nil, "and of no plain one")
    }
  }

  @Test("1.2 _chatIxnAPI_…_URL: six relative URLs, in verbose replies alone")
  func urls() async throws {
    try await verboseReplies { customer, replies in
      let paths = [
        "SEND": "send", "REFRESH": "refresh", "START_TYPING": "startTyping", "STOP_TYPING": "stopTyping",
        "DISCONNECT": "disconnect", "REFRESH_FROM_START": "refresh?transcriptPosition=1",
      ]
      for reply in replies {
        for (name, path) in paths {
          #expect(reply["_chatIxnAPI_\(name)_URL"] == .string("\(customer.path)/\(path)"))
        }
      }
      let plain = try customer.call("refresh").text
      #expect(!plain.contains("_URL"))
    }
  }

  @Test("1.2 row 5: create takes poll and comet, its own fields, and the push fields of later versions")
  func create() async throws {
    try await withBroker { broker in
      let poll = try Customer(broker, nil)
      let reply = try poll.call("", ["firstName": "Buzz", "usr_topic": "loans", "message": "first words"]).json
      #expect(reply.names == ["chatIxnState", "chatSessionId", "transcriptPosition", "chatServiceMessage"])
      #expect(reply["transcriptPosition"] == "1")
      let first = try poll.call("refresh", "transcriptPosition=0").json["transcriptToShow"]?[0]
      #expect(first?[0] == "Message.Text" && first?[1] == "Buzz" && first?[2] == "first words")
      let chat = try broker.admin().get("/agent/chats/\(poll.service)").json
      #expect(chat["userData"]?["usr_topic"] == "loans" && chat["userData"]?["message"] == nil)
      let comet = try Customer(broker, user: "buzz", nil)
      let push: KeyValuePairs = [
        "notify_by": "comet", "push_notification_deviceid": "d1", "push_notification_type": "ios",
        "push_notification_language": "en", "push_notification_debug": "true", "push_notification_provider": "p",
      ]
      #expect(try comet.call("", push).json["message"]?.string?.contains("/_genesys") == true)
      let data = try broker.admin().get("/agent/chats/\(comet.service)").json["userData"]
      #expect(data == [:] as JSONValue, "a device is no business data")
    }
  }

  @Test("1.2 row 6: refresh gives what is behind the position, sends a message, and has a cursor of its own")
  func refresh() async throws {
    try await withBroker { broker in
      let customer = try Customer(broker)
      let agent = Agent(broker, customer.service, "Monique")
      #expect(try agent.act("join").status == 200)
      let both = try customer.call("refresh", "message=hello+agent").json
      #expect(both["transcriptPosition"] == "3" && both["transcriptToShow"]?.elements?.count == 2)
      #expect(both["transcriptToShow"]?[1]?[2] == "hello agent" && both["transcriptToShow"]?[1]?[4] == "CLIENT")
      for (position, count) in [("0", 2), ("1", 2), ("2", 1), ("3", 0), ("99", 0)] {
        let reply = try customer.call("refresh", "transcriptPosition=\(position)").json
        #expect(reply["transcriptToShow"]?.elements?.count == count && reply["transcriptPosition"] == "3")
      }
      #expect(try customer.call("refresh", "transcriptPosition=x").status == 400)
      #expect(try customer.call("refresh").json["transcriptToShow"] == [])
    }
  }

  @Test("1.2 row 7: send says something; without words nothing happens")
  func send() async throws {
    try await withBroker { broker in
      let customer = try Customer(broker)
      #expect(try customer.call("send", "message=hi").json["transcriptToShow"]?[0]?[2] == "hi")
      let empty = try customer.call("send", "message=").json
      #expect(empty["transcriptToShow"] == [] && empty["transcriptPosition"] == "2")
      #expect(try customer.call("send").status == 400)
    }
  }

  @Test(
    "1.2 row 8, 1.2 row 9: startTyping and stopTyping show the client's own notice, the position goes on",
    arguments: [
      ("startTyping", "Notice.TypingStarted", "is typing"), ("stopTyping", "Notice.TypingStopped", "stopped typing"),
    ])
  func typing(_ operation: String, _ kind: String, _ text: String) async throws {
    try await withBroker { broker in
      let customer = try Customer(broker, ["firstName": "Buzz"])
      let reply = try customer.call(operation, "_verbose=false").json
      #expect(reply["chatIxnState"] == "TRANSCRIPT" && reply["transcriptPosition"] == "2")
      let entry = reply["transcriptToShow"]?[0]
      #expect(entry?[0]?.string == kind && entry?[1] == "Buzz" && entry?[2]?.string == text && entry?[4] == "CLIENT")
    }
  }

  @Test("1.2 row 10: disconnect does not advance, and is the full object in comet mode too", arguments: [false, true])
  func disconnect(_ isComet: Bool) async throws {
    try await withBroker { broker in
      let customer = try Customer(broker, user: "buzz", ["notify_by": isComet ? "comet" : "poll"])
      _ = try customer.call("send", "message=hi")
      let plain = try customer.call("disconnect").json
      #expect(plain.names == ["chatIxnState", "transcriptPosition", "chatServiceMessage", "chatSessionId"])
      #expect(plain["transcriptPosition"] == "2" && plain["chatServiceMessage"] == "Chat was finished")
      let again = try customer.call("disconnect", "_verbose=true").json
      #expect(again["chatIxnState"] == "DISCONNECTED" && again["secureKey"] != nil && again["startedAt"] == nil)
    }
  }

  @Test("1.2 fldn mapping: the person becomes attached data under GMS' names")
  func mapping() async throws {
    try await withBroker { broker in
      for names in [("firstName", "lastName", "email"), ("FirstName", "LastName", "EmailAddress")] {
        let customer = try Customer(broker, nil)
        let form = "\(names.0)=Vasya&\(names.1)=Pupkin&\(names.2)=vasya%40example.com"
        #expect(try customer.call("", form).status == 200)
        let data = try broker.admin().get("/agent/chats/\(customer.service)").json["userData"]
        #expect(
          data?.text == #"{"fldnFirstName":"Vasya","fldnLastName":"Pupkin","fldnEmailAddress":"vasya@example.com"}"#)
      }
    }
  }

  @Test(
    "1.2 nickname: the display name, else first name and initial, else the mail's name, else Customer",
    arguments: [
      ("userDisplayName=Boss&firstName=Buzz", "Boss"), ("firstName=Vasya&lastName=Pupkin", "VasyaP"),
      ("firstName=Buzz", "Buzz"), ("email=ann%40example.com&lastName=X", "ann"), ("", "Customer"),
    ])
  func nickname(_ form: String, _ nickname: String) async throws {
    try await withBroker { broker in
      let customer = try Customer(broker, nil)
      _ = try customer.call("", form)
      #expect(try customer.call("send", "message=x").json["transcriptToShow"]?[0]?[1]?.string == nickname)
    }
  }
}
