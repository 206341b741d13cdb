// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import ChatService

/// The calls under `…/ixn/chat`, mostly in poll mode.
@Suite(.timeLimit(.minutes(1))) struct ChatCallTests {
  // MARK: create

  @Test func A7_thePlainCreateReplyHasFourMembers() async {
    await withDesk { desk in
      let id = await desk.newService()
      let answer = await desk.call(.create, id, Desk.vasya)
      #expect(answer.status == 200)
      #expect(answer.names == ["chatIxnState", "chatSessionId", "transcriptPosition", "chatServiceMessage"])
      #expect(answer.state == "CONNECTED" && answer.position == "1")
      #expect(answer["chatServiceMessage"] == "Chat service is available")
      #expect(answer.reply.afterWritten == nil, "nothing is pushed, so nothing waits")
    }
  }

  @Test func theVerboseBlockIsWhatTheBackendSays() async {
    await withDesk { desk in
      let id = await desk.newService()
      let answer = await desk.call(.create, id, ["_verbose": "True", "clientTimeZoneOffset": "-420"])
      #expect(answer["chatSessionId"]?.string?.wholeMatch(of: /000[0-9A-Za-z]{13}/) != nil)
      #expect(answer["userId"]?.string?.wholeMatch(of: /[0-9A-F]{16}/) != nil)
      #expect(answer["secureKey"]?.string?.wholeMatch(of: /[0-9a-f]{16}/) != nil)
      #expect(answer["chatServerHost"] == "127.0.0.1" && answer["chatWebApiPort"] == "4856")
      #expect(answer["isTLSrequired"] == "false" && answer["clientTimeZoneOffset"] == "-420")
      let urls = answer.names.filter { $0.hasPrefix("_chatIxnAPI_") }.map { answer[$0]?.string ?? "" }
      #expect(urls.count == 6)
      #expect(urls.allSatisfy { $0.hasPrefix("/genesys/1/service/\(id)/ixn/chat/") })
    }
  }

  @Test(arguments: [
    (["firstName": "Vasya", "lastName": "Pupkin"], "VasyaP"), (["firstName": "Buzz", "lastName": "Brain"], "BuzzB"),
    (["userDisplayName": "Capt. V", "firstName": "Vasya", "lastName": "Pupkin"], "Capt. V"),
    (["firstName": "Vasya"], "Vasya"), (["FirstName": "Vasya", "LastName": "Pupkin"], "VasyaP"),
    (["email": "v.p@example.com"], "v.p"), (["EmailAddress": "x@y"], "x"), (["lastName": "Pupkin"], "Customer"),
    (["firstName": "", "email": "@y"], "Customer"), ([:], "Customer"),
  ])
  func theNicknameIsMadeOfWhatIsKnown(fields: [String: String], nickname: String) async {
    await withDesk { desk in
      let id = await desk.newService()
      _ = await desk.call(.create, id, ChatFields(fields.map { .init($0.key, $0.value) }))
      #expect(await desk.call(.send, id, ["message": "x"]).entries?.first?[1] == nickname)
    }
  }

  @Test func A8_subjectIsOptionalAndNoneByDefault() async throws {
    try await withDesk { desk in
      let id = await desk.newService()
      _ = await desk.call(.create, id)
      let chat = try await desk.agents.chat(id)
      #expect(chat.subject == "None")
    }
  }

  @Test func everythingElseGoesWithTheInteraction() throws {
    let record = ServiceRecord(
      id: "S", name: "any", definition: ChatServiceDefinition(endpoint: "Tenant:sales"),
      data: [.init("usr_a", "service"), .init("usr_b", "service")], ttl: .seconds(1), expires: .distantFuture,
      user: nil, now: Instant(nanoseconds: 0))
    let fields = ChatFields(
      query: Desk.vasya.all,
      body: [
        .init("usr_a", "create"), .init("usr_a", "again"), .init("_verbose", "true"), .init("Account_ID", "7"),
      ])
    let form = try CreateForm(fields, service: record, configuration: ChatConfiguration())
    let expected: [ChatFields.Field] = [
      .init("fldnFirstName", "Vasya"), .init("fldnLastName", "Pupkin"),
      .init("fldnEmailAddress", "Vasya.Pupkin@genesyslab.com"), .init("usr_a", "again"), .init("Account_ID", "7"),
      .init("usr_b", "service"),
    ]
    #expect(form.request.userData == expected)
    #expect(form.request.endpoint == "Tenant:sales" && form.request.subject == "test")
    #expect(!form.notifiesByComet)
  }

  @Test func aMessageInTheCreateIsTheFirstEntry() async {
    await withDesk { desk in
      let id = await desk.newService()
      let created = await desk.call(.create, id, ["firstName": "Vasya", "message": "are you there?"])
      #expect(created.position == "1" && created.entries == nil)
      await until { await desk.service.transcript(of: id)?.isEmpty == false }
      let refreshed = await desk.call(.refresh, id)
      #expect(refreshed.entries == [["Message.Text", "Vasya", "are you there?", "0", "CLIENT"]])
    }
  }

  @Test func A25_aSecondCreateOfALiveChatReturnsItsState() async {
    await withDesk { desk in
      let id = await desk.newService()
      let first = await desk.call(.create, id, Desk.vasya)
      _ = await desk.call(.send, id, ["message": "hello agent"])
      let second = await desk.call(.create, id, ["firstName": "Other", "message": "again"])
      #expect(second.state == "CONNECTED" && second["chatSessionId"] == first["chatSessionId"])
      #expect(second.position == "2", "where the client stands")
      #expect(await desk.agents.chats().count == 1)
      #expect(await desk.service.transcript(of: id)?.count == 1, "a repeated create says nothing twice")
    }
  }

  @Test func A25_twoCreatesAtOnceOpenOneChat() async {
    await withDesk { desk in
      let id = await desk.newService()
      async let left = desk.call(.create, id, Desk.vasya)
      async let right = desk.call(.create, id, Desk.vasya)
      let answers = await [left, right]
      #expect(answers.map(\.status) == [200, 200])
      #expect(answers[0]["chatSessionId"] == answers[1]["chatSessionId"])
      #expect(await desk.agents.chats().count == 1)
    }
  }

  @Test func A25_aCreateAfterTheEndIsDisconnectedUnlessRechatIsAllowed() async {
    await withDesk { desk in
      let id = await desk.pollChat()
      _ = await desk.call(.disconnect, id)
      let answer = await desk.call(.create, id)
      #expect(answer.status == 200 && answer.state == "DISCONNECTED" && answer.entries == [])
    }
    var configuration = ChatConfiguration()
    configuration.allowRechat = true
    await withDesk(configuration) { desk in
      let id = await desk.newService()
      let first = await desk.call(.create, id)
      _ = await desk.call(.send, id, ["message": "one"])
      _ = await desk.call(.disconnect, id)
      let second = await desk.call(.create, id)
      #expect(second.state == "CONNECTED" && second.position == "1")
      #expect(second["chatSessionId"] != first["chatSessionId"])
      #expect(await desk.call(.send, id, ["message": "two"]).entries?.map { $0[2] } == ["two"])
    }
  }

  // MARK: talking by poll

  @Test func theConversationOfTheBookInPollMode() async throws {
    try await withDesk { desk in
      let id = await desk.pollChat()
      desk.clock.advance(by: .seconds(18))
      try await desk.agents.join(id, nickname: "ksippo")
      desk.clock.advance(by: .seconds(3))
      try await desk.agents.typing(id, nickname: "ksippo", isTyping: true)
      desk.clock.advance(by: .seconds(7))
      try await desk.agents.send(id, nickname: "ksippo", text: "hello customer")
      desk.clock.advance(by: .seconds(144))
      let answer = await desk.call(.refresh, id, ["message": "aaa"])
      #expect(answer.position == "5" && answer.state == "TRANSCRIPT")
      #expect(answer["startedAt"] == "2012-06-10T07:37:42Z")
      #expect(
        answer.entries == [
          ["Notice.Joined", "ksippo", "has joined the session", "18", "AGENT"],
          ["Notice.TypingStarted", "ksippo", "is typing", "21", "AGENT"],
          ["Message.Text", "ksippo", "hello customer", "28", "AGENT"],
          ["Message.Text", "VasyaP", "aaa", "172", "CLIENT"],
        ])
      #expect(await desk.call(.refresh, id).entries == [], "a refresh without position never repeats")
    }
  }

  @Test func A3_typingShowsTheClientsOwnNoticeAndAdvances() async {
    await withDesk { desk in
      let id = await desk.pollChat()
      let started = await desk.call(.startTyping, id)
      #expect(started.entries == [["Notice.TypingStarted", "VasyaP", "is typing", "0", "CLIENT"]])
      #expect(started.position == "2")
      let stopped = await desk.call(.stopTyping, id)
      #expect(stopped.entries == [["Notice.TypingStopped", "VasyaP", "stopped typing", "0", "CLIENT"]])
      #expect(stopped.position == "3")
      let ended = await desk.call(.disconnect, id)
      #expect(ended.position == "3", "not advanced")
      #expect(ended.names == ["chatIxnState", "transcriptPosition", "chatServiceMessage", "chatSessionId"])
    }
  }

  @Test(arguments: [ChatOperation.refresh, .send])
  func anEmptyMessageIsNoEvent(operation: ChatOperation) async {
    await withDesk { desk in
      let id = await desk.pollChat()
      let answer = await desk.call(operation, id, ["message": ""])
      #expect(answer.status == 200 && answer.entries == [] && answer.position == "1")
    }
  }

  @Test func A6_aSendWithoutMessageIs400() async {
    await withDesk { desk in
      let id = await desk.pollChat()
      #expect(await desk.call(.send, id).status == 400)
    }
  }

  @Test(arguments: [
    (String(repeating: "n", count: 128), 128), (String(repeating: "n", count: 129), 128),
    (String(repeating: "ä", count: 100), 128), ("a" + String(repeating: "ä", count: 100), 127),
    // One character of 301 bytes.
    ("a" + String(repeating: "\u{301}", count: 150), 127),
  ]) func aNicknameIsCutToWhatEveryBackendTakes(name: String, bytes: Int) async {
    await withDesk { desk in
      let id = await desk.newService()
      #expect(await desk.call(.create, id, ["userDisplayName": name, "message": "hi"]).status == 200)
      await until { await desk.service.transcript(of: id)?.isEmpty == false }
      let nickname = await desk.service.transcript(of: id)?.first?.entry.nickname ?? ""
      #expect(nickname.utf8.count == bytes && name.unicodeScalars.starts(with: nickname.unicodeScalars))
    }
  }

  @Test func aMessageAtTheLimitIsTakenAndOneBeyondIs400() async {
    var configuration = ChatConfiguration()
    configuration.limits.maxMessageBytes = 8
    await withDesk(configuration) { desk in
      let id = await desk.newService()
      #expect(await desk.call(.create, id, ["message": "123456789"]).status == 400)
      #expect(await desk.call(.create, id).status == 200)
      #expect(await desk.call(.send, id, ["message": "äöüß"]).status == 200)
      #expect(await desk.call(.send, id, ["message": "äöüß!"]).status == 400)
      #expect(await desk.call(.refresh, id, ["message": "123456789"]).status == 400)
      #expect(await desk.service.transcript(of: id)?.count == 1)
    }
  }

  @Test(arguments: [
    ("5", 200), ("0", 200), ("", 200), ("x", 400), ("-1", 400), ("1.5", 400), ("99999999999999999999", 400),
  ])
  func thePositionHasToBeANumber(value: String, status: Int) async {
    await withDesk { desk in
      let id = await desk.pollChat()
      #expect(await desk.call(.refresh, id, ["transcriptPosition": value]).status == status)
    }
  }

  @Test func A13_afterTheEndEachCallIs200Disconnected() async throws {
    try await withDesk { desk in
      let id = await desk.pollChat()
      try await desk.agents.join(id, nickname: "Monique")
      try await desk.agents.end(id)
      let rest = await desk.call(.refresh, id)
      #expect(rest.status == 200 && rest.state == "DISCONNECTED" && rest["startedAt"] != nil)
      #expect(rest["chatServiceMessage"] == "Chat was finished")
      #expect(rest.entries?.map { $0[0] } == ["Notice.Joined", "Notice.Left"])
      for operation in [ChatOperation.refresh, .send, .startTyping, .stopTyping] {
        let answer = await desk.call(operation, id, ["message": "anybody?"])
        #expect(answer.status == 200 && answer.state == "DISCONNECTED" && answer.entries == [])
      }
      let again = await desk.call(.disconnect, id)
      #expect(again.status == 200 && again.state == "DISCONNECTED" && again["startedAt"] == nil)
    }
  }

  @Test func A13_afterTheEndItIs400WhereTheOptionSaysSo() async {
    var configuration = ChatConfiguration()
    configuration.services["picky"] = ChatServiceDefinition(chat400OnDisconnected: true)
    await withDesk(configuration) { desk in
      for (name, status) in [("picky", 400), ("request-chat", 200)] {
        let service = await desk.service.createService(named: name, fields: [:], caller: ChatCaller())
        let id = Answer(reply: service)["_id"]?.string ?? ""
        _ = await desk.call(.create, id)
        _ = await desk.call(.disconnect, id)
        let answer = await desk.call(.refresh, id)
        #expect(answer.status == status)
        #expect((answer["exception"] != nil) == (status == 400))
      }
    }
  }

  @Test(arguments: ChatOperation.allCases)
  func callsOnAnUnknownServiceAre404(operation: ChatOperation) async {
    await withDesk { desk in
      let answer = await desk.call(operation, "no-such-service", ["message": "x"])
      #expect(answer.status == 404 && answer.names == ["exception", "message"])
    }
  }

  @Test(arguments: ChatOperation.allCases.filter { $0 != .create })
  func callsBeforeTheCreateAre404(operation: ChatOperation) async {
    await withDesk { desk in
      let id = await desk.newService()
      let answer = await desk.call(operation, id, ["message": "x"])
      #expect(answer.status == 404 && answer.names == ["exception", "message"])
    }
  }

  @Test func theBodyWinsOverTheQueryAndTheLastFieldOverEarlierOnes() {
    let fields = ChatFields(
      query: [.init("a", "query"), .init("b", "query")], body: [.init("a", "1"), .init("a", "2")])
    #expect(fields["a"] == "2" && fields["b"] == "query" && fields["c"] == nil)
  }
}
