// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import ChatService

/// `POST /genesys/1/service/request-chat`, and whose service it becomes.
@Suite(.timeLimit(.minutes(1))) struct ServiceCreationTests {
  private func create(_ desk: Desk, _ fields: ChatFields, named name: String = "request-chat") async -> Answer {
    Answer(reply: await desk.service.createService(named: name, fields: fields, caller: ChatCaller()))
  }

  @Test func aBasicServiceIsAnsweredWithItsId() async {
    await withDesk { desk in
      let answer = await create(desk, ["usr_color": "red"])
      #expect(answer.status == 200 && answer.reply.contentType == .json)
      #expect(answer.names == ["_id"])
      let id = answer["_id"]?.string ?? ""
      #expect(id.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
    }
  }

  @Test(arguments: ["true", "True", "TRUE"])
  func A4_verboseAddsTheCreateURLWithHyphens(value: String) async {
    await withDesk { desk in
      let answer = await create(desk, ["_verbose": value])
      let id = answer["_id"]?.string ?? ""
      let expected = #"{"_chatIxnAPI-CREATE-URL":"/genesys/1/service/\#(id)/ixn/chat","_id":"\#(id)"}"#
      #expect(answer.text == expected)
    }
  }

  @Test func anUnknownNameIs404WithBothKeys() async {
    await withDesk { desk in
      let answer = await create(desk, [:], named: "no-such-service")
      #expect(answer.status == 404)
      #expect(answer.names == ["exception", "message"])
    }
  }

  @Test func aConfiguredNameWorksLikeTheBuiltInOne() async {
    var configuration = ChatConfiguration()
    configuration.services["sales"] = ChatServiceDefinition()
    await withDesk(configuration) { desk in
      #expect(await create(desk, [:], named: "sales").status == 200)
    }
  }

  @Test func moreServicesThanTheLimitAre503AndExpiryMakesRoom() async {
    var configuration = ChatConfiguration()
    configuration.limits.maxServices = 2
    let ttl = configuration.serviceTTL
    await withDesk(configuration) { desk in
      for _ in 0..<2 { #expect(await create(desk, [:]).status == 200) }
      let refused = await create(desk, [:])
      #expect(refused.status == 503 && refused["exception"] != nil)
      desk.clock.advance(by: ttl)
      await desk.service.sweep(now: desk.clock.now())
      #expect(await create(desk, [:]).status == 200)
    }
  }

  @Test func fieldsBeyondTheirLimitsAre400() async {
    var configuration = ChatConfiguration()
    configuration.limits.maxFields = 3
    configuration.limits.maxFieldBytes = 20
    configuration.limits.maxDataBytes = 50
    await withDesk(configuration) { desk in
      #expect(await create(desk, ["a": "1", "b": "2", "c": "3"]).status == 200)
      #expect(await create(desk, ["a": "1", "b": "2", "c": "3", "d": "4"]).status == 400)
      #expect(await create(desk, ["a": String(repeating: "x", count: 19)]).status == 200)
      #expect(await create(desk, ["a": String(repeating: "x", count: 20)]).status == 400)
      let wide = String(repeating: "x", count: 17)
      #expect(await create(desk, ["a": wide, "b": wide]).status == 200)
      #expect(await create(desk, ["a": wide, "b": wide, "c": wide]).status == 400)
    }
  }

  // MARK: whose service

  @Test func A18_theHeaderOfTheCreateWinsOverThatOfTheService() async {
    await withDesk { desk in
      let id = await desk.newService(user: "first")
      let answer = await desk.call(.create, id, ["notify_by": "comet"], user: "second")
      answer.reply.afterWritten?()
      #expect(await desk.notifier.atLeast(1).map(\.user) == ["second"])
    }
  }

  @Test func A18_theHeaderOfTheServiceCountsWhereTheCreateHasNone() async {
    await withDesk { desk in
      let id = await desk.newService(["_device_os": "comet", "_device_notification_id": "device"], user: "first")
      let answer = await desk.call(.create, id, ["notify_by": "comet"])
      answer.reply.afterWritten?()
      #expect(await desk.notifier.atLeast(1).map(\.user) == ["first"])
    }
  }

  @Test(arguments: [
    ["_device_os": "comet", "_device_notification_id": "d1"], ["device_os": "comet", "device_notification_id": "d1"],
  ])
  func A19_aCometDeviceIsTheUserWhereThereIsNoHeader(fields: [String: String]) async {
    await withDesk { desk in
      let id = await desk.newService(ChatFields(fields.map { .init($0.key, $0.value) }))
      let answer = await desk.call(.create, id, ["notify_by": "comet"])
      answer.reply.afterWritten?()
      #expect(await desk.notifier.atLeast(1).map(\.user) == ["d1"])
    }
  }

  @Test func A16_cometWithoutAnyUserIs400AndOpensNoChat() async {
    await withDesk { desk in
      let id = await desk.newService(["_device_os": "ios", "_device_notification_id": "token"])
      let answer = await desk.call(.create, id, ["notify_by": "comet"])
      #expect(answer.status == 400)
      #expect(answer["message"] == "gms_user header required for notify_by=comet")
      #expect(await desk.agents.chats().isEmpty)
      #expect(await desk.call(.create, id, [:]).status == 200, "polling needs no user")
    }
  }

  @Test(arguments: [ChatOperation.create, .refresh, .send, .startTyping, .stopTyping, .disconnect])
  func aDifferingUserIs403OnEveryCallAndNoUserIsFine(operation: ChatOperation) async {
    await withDesk { desk in
      let id = await desk.cometChat()
      let fields: ChatFields = ["message": "x"]
      let refused = await desk.call(operation, id, fields, user: "mallory")
      #expect(refused.status == 403 && refused["exception"] != nil)
      #expect(await desk.call(operation, id, fields).status == 200)
      #expect(await desk.call(operation, id, fields, user: "vasya").status == 200)
    }
  }

  @Test func withoutStrictUserAnyHeaderIsServed() async {
    var configuration = ChatConfiguration()
    configuration.strictUser = false
    await withDesk(configuration) { desk in
      let id = await desk.cometChat()
      #expect(await desk.call(.refresh, id, user: "mallory").status == 200)
    }
  }
}
