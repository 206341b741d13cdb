// SPDX-License-Identifier: Apache-2.0
import Bytes
import Synchronization
import Testing

@testable import ChatService

/// A provider that keeps what it was given and fails as often as it is told to.
private final class FakeProvider: PushProvider {
  private let state: Mutex<(messages: [PushMessage], failures: Int)>
  init(failures: Int = 0) { state = Mutex(([], failures)) }
  var messages: [PushMessage] { state.withLock { $0.messages } }

  func push(_ message: PushMessage) async -> PushOutcome {
    state.withLock { state in
      state.messages.append(message)
      state.failures -= 1
      return state.failures >= 0 ? .failed("busy") : .delivered
    }
  }
}

/// Options of services (`genesys.md` 4.3) and what time does to a service; time is an argument throughout.
@Suite(.timeLimit(.minutes(1))) struct ServiceBehaviourTests {
  // swift-format-ignore
  @Test(arguments: [
    ("_media_type", "chat"), ("_wait_for_agent", "false"), ("_wait_for_user_confirm", "false"), ("_ttl", "86400"),
    ("_type", "ors"), ("_use_debug_push_certificate", "false"), ("_target", nil), ("_urs_virtual_queue", nil),
    ("_urs_prioritization_strategy", "WaitForTarget"), ("_urs_strategy_update_sub_routine", "SetRouteDelay"),
    ("_urs_queued_ttl", "660"), ("_chat_endpoint", nil), ("_client_timeout", "120"), ("_user_confirm_timeout", "30"),
    ("_on_user_confirm_timeout", "CONNECT-ANYWAY"), ("_agent_reserve_timeout", "30"),
    ("_agent_availability_notification_delay", "30"), ("_max_notify_delivery_attempts", "3"),
    ("_chat_400_response_on_disconnected", "false"), ("_agent_timeout_notification_message", nil),
    ("_client_timeout_notification", "90"), ("_mandatory_customer_lookup_keys", "_customer_number"),
    ("_provider_name", ""), ("_notification_message_file", ""),
  ])
  func everyRowOf4_3HasItsDefault(name: String, standard: String?) throws {
    let option = try #require(ServiceOption(rawValue: name))
    #expect(option.standard == standard)
  }

  @Test(arguments: [("ors", nil, 120), ("builtin", nil, nil), ("builtin", "5", 5), ("ors", "5", 5)])
  func silenceEndsAdvancedChatsAndBasicOnesOnlyWhereTheServiceSaysSo(type: String, given: String?, seconds: Int?) {
    var reader = ServiceOptionReader(service: "s")
    reader.take("_type", .string(type))
    if let given { reader.take("_client_timeout", .string(given)) }
    let definition = reader.finish()
    #expect(definition.clientTimeout == seconds.map { .seconds($0) })
    #expect(definition.endpoint == nil, "the broker's default is taken")
  }

  @Test(arguments: [
    ("_ttl", "0"), ("_type", "urs"), ("_media_type", "voice"), ("_wait_for_agent", "maybe"), ("_urs_queued_ttl", "x"),
    ("_chat_endpoint", "a:"), ("_on_user_confirm_timeout", "WAIT"), ("_max_notify_delivery_attempts", "0"),
  ])
  func aBadValueNamesServiceAndOption(option: String, value: String) {
    var reader = ServiceOptionReader(service: "billing")
    reader.take(option, .string(value))
    #expect(reader.errors.count == 1)
    #expect(reader.errors.first?.description.hasPrefix("service \"billing\": \"\(option)\" must be ") == true)
  }

  @Test func whatDoesNotFitTogetherIsRefused() {
    var reader = ServiceOptionReader(service: "s")
    reader.take("_wait_for_user_confirm", true)
    reader.take("_urs_queued_ttl", 10)
    reader.take("_target", [["target": "A@S.GA", "timeout": "20"], ["target": "B@S.GA"]])
    _ = reader.finish()
    #expect(
      reader.errors == [
        .confirmWithoutWait(service: "s"), .queuedTTLTooShort(service: "s", seconds: 10, needed: 20),
      ])
  }

  // MARK: the delayed callback

  private func at(_ seconds: Int) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }

  private func flow(connectsAnyway: Bool = true, confirms: Bool = true) -> CallbackFlow {
    var definition = ChatServiceDefinition()
    definition.waitsForConfirmation = confirms
    definition.connectsAnyway = connectsAnyway
    return CallbackFlow(definition)
  }

  @Test func aCallbackConnectsAnywayOrIsCancelledWhenNobodyConfirms() {
    for (anyway, step) in [(true, CallbackFlow.Step.notify(.connect)), (false, .cancel)] {
      var flow = flow(connectsAnyway: anyway)
      #expect(flow.became(.available, now: at(0)) == .notify(.confirm))
      #expect(flow.timePassed(now: at(29)) == .nothing)
      #expect(flow.timePassed(now: at(30)) == step)
    }
  }

  @Test func aCallbackWithoutConfirmationConnectsAtOnceAndAgainWhenTheAgentWentAway() {
    var flow = flow(confirms: false)
    #expect(flow.became(.available, now: at(0)) == .notify(.connect))
    #expect(flow.became(.available, now: at(1)) == .nothing)
    #expect(flow.became(.waiting, now: at(2)) == .nothing)
    #expect(flow.became(.available, now: at(3)) == .notify(.connect))
  }

  @Test func whoConfirmedIsNotAskedAgain() {
    var flow = flow()
    _ = flow.became(.available, now: at(0))
    flow.connected()
    #expect(flow.timePassed(now: at(60)) == .nothing)
    _ = flow.became(.waiting, now: at(61))
    #expect(flow.became(.available, now: at(62)) == .notify(.connect))
  }

  // MARK: customers who are away

  private func withPush(
    _ provider: FakeProvider, _ options: [String: JSONValue] = [:],
    _ body: (ChatService, EmbeddedChatBackend, ManualClock, String) async throws -> Void
  ) async throws {
    let clock = ManualClock()
    let backend = EmbeddedChatBackend(clock: clock)
    var configuration = ChatConfiguration()
    // Time is moved by the test alone.
    configuration.limits.sweepInterval = .seconds(3_600)
    var reader = ServiceOptionReader(service: "chat")
    for (name, value) in options { reader.take(name, value) }
    configuration.services["chat"] = reader.finish()
    let service = ChatService(
      configuration: configuration, backend: backend, notifier: RecordingNotifier(), clock: clock,
      pushProviders: ["ios": provider])
    let running = Task { await service.run() }
    defer { running.cancel() }
    let caller = ChatCaller(user: "vasya")
    let fields: ChatFields = ["_device_os": "ios", "_device_notification_id": "d1"]
    let created = Answer(reply: await service.createService(named: "chat", fields: fields, caller: caller))
    let id = try #require(created["_id"]?.string)
    let open = await service.call(.create, service: id, fields: ["notify_by": "comet"], caller: caller)
    open.afterWritten?()
    await service.clientPresence(user: "vasya", online: true)
    try await backend.join(id, nickname: "Monique")
    try await body(service, backend, clock, id)
  }

  @Test func anUnseenMessageOfAnAgentIsPushedAfterNinetySeconds() async throws {
    let provider = FakeProvider()
    try await withPush(provider) { service, backend, clock, id in
      await service.clientPresence(user: "vasya", online: false)
      try await backend.send(id, nickname: "Monique", text: "hi")
      clock.advance(by: .seconds(89))
      await service.sweep(now: clock.now())
      #expect(provider.messages.isEmpty)
      clock.advance(by: .seconds(1))
      await service.sweep(now: clock.now())
      await until { provider.messages.count == 1 }
      #expect(
        provider.messages.first?.payload.text
          == #"{"message":"hi","serviceId":"\#(id)","lastTranscript":[{"Message.Text":"hi"}]}"#)
    }
  }

  @Test func whoComesBackInTimeGetsNoPushAndWhoIsThereNeither() async throws {
    let provider = FakeProvider()
    try await withPush(provider) { service, backend, clock, id in
      try await backend.send(id, nickname: "Monique", text: "seen")
      await service.clientPresence(user: "vasya", online: false)
      try await backend.send(id, nickname: "Monique", text: "unseen")
      await service.clientPresence(user: "vasya", online: true)
      clock.advance(by: .seconds(200))
      await service.sweep(now: clock.now())
      #expect(await service.statistics.pushesDelivered == 0 && provider.messages.isEmpty)
    }
  }

  @Test func aFailedPushIsTriedAsOftenAsTheServiceSays() async throws {
    let provider = FakeProvider(failures: 9)
    try await withPush(provider, ["_max_notify_delivery_attempts": 2]) { service, backend, clock, id in
      await service.clientPresence(user: "vasya", online: false)
      try await backend.send(id, nickname: "Monique", text: "hi")
      clock.advance(by: .seconds(90))
      await service.sweep(now: clock.now())
      await until { provider.messages.count == 1 }
      clock.advance(by: .seconds(60))
      await until {
        await service.sweep(now: clock.now())
        return await service.statistics.pushesFailed == 1
      }
      #expect(provider.messages.count == 2)
    }
  }

  @Test func theAgentReadsThatTheAppWentAway() async throws {
    let options: [String: JSONValue] = ["_agent_timeout_notification_message": "The customer is away"]
    try await withPush(FakeProvider(), options) { service, _, _, id in
      await service.clientPresence(user: "vasya", online: false)
      await until { await service.transcript(of: id)?.last?.entry.text == "The customer is away" }
      #expect(await service.transcript(of: id)?.last?.entry.kind == .custom)
    }
  }

  @Test func aPollingCustomerWhoIsSilentForClientTimeoutHasLeft() async throws {
    var configuration = ChatConfiguration()
    configuration.limits.sweepInterval = .seconds(3_600)
    configuration.services["request-chat"]?.clientTimeout = .seconds(120)
    await withDesk(configuration) { desk in
      let id = await desk.pollChat()
      desk.clock.advance(by: .seconds(100))
      _ = await desk.call(.refresh, id)
      desk.clock.advance(by: .seconds(119))
      await desk.service.sweep(now: desk.clock.now())
      #expect(await desk.service.statistics.liveChats == 1)
      desk.clock.advance(by: .seconds(1))
      await desk.service.sweep(now: desk.clock.now())
      await until { await desk.service.statistics.liveChats == 0 }
    }
  }

  // MARK: storage

  @Test func storedValuesExpireAndTheirBytesAreGivenBack() async throws {
    var limits = StorageLimits()
    limits.maxTotalBytes = 10
    let storage = MemoryStorage(limits: limits)
    let field = StoredField(key: "k", value: StoredValue(bytes: Array("123456".utf8)))
    try await storage.put([field], in: .free("a"), expires: at(5))
    await #expect(throws: StorageError.full) { try await storage.put([field], in: .free("b"), expires: nil) }
    #expect(await storage.fields(of: .free("a"), now: at(4)) == [field])
    #expect(await storage.fields(of: .free("a"), now: at(5)) == nil)
    await storage.sweep(now: at(5))
    try await storage.put([field], in: .free("b"), expires: nil)
    await #expect(throws: StorageError.badKey) {
      try await storage.put([StoredField(key: "", value: field.value)], in: .free("b"), expires: nil)
    }
  }

  @Test(arguments: ["dTpw", "dTpw=", "dTp", "d", "!!!!", ""])
  func basicCredentialsAreRead(text: String) {
    let read = BasicCredentials(header: "Basic " + text)
    #expect((read == BasicCredentials(username: "u", password: "p")) == text.hasPrefix("dTpw"))
    #expect(BasicCredentials(header: "Bearer " + text) == nil)
  }
}
