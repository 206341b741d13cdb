// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import ChatService
import Testing

/// Table 4.3: every option of a service, by what a client or an agent sees of it.
@Suite("Table 4.3: options of a service", .timeLimit(.minutes(2))) struct ServiceOptionTests {
  /// A service with its times by their names, as an operator writes them, in a broker that looks at them often.
  private func define(_ name: String, _ options: [String: JSONValue]) -> (inout ServerConfiguration) -> Void {
    { configuration in
      configuration.define(name, options)
      configuration.gms.chat.limits.sweepInterval = .milliseconds(10)
    }
  }

  private func userData(_ broker: RunningBroker, _ id: String) throws -> JSONValue? {
    try broker.admin().get("/agent/chats/\(id)").json["userData"]
  }

  @Test("4.3 _media_type: chat, and the agent's side is told so")
  func mediaType() async throws {
    try await withBroker({ $0.define("x", ["_type": "ors", "_media_type": "chat"]) }) { broker in
      let line = try ServiceLine(broker)
      let id = try line.create("x", "_media_type=voice")
      _ = try line.post("service/\(id)/ixn/chat", "_media_type=voice")
      #expect(try userData(broker, id)?["_media_type"] == "chat", "not for the customer to say")
    }
    var reader = ServiceOptionReader(service: "x")
    reader.take("_media_type", "voice")
    #expect(reader.errors.count == 1)
  }

  @Test("4.3 _wait_for_agent: true answers the id alone and opens the chat with the agent, false StartChat at once")
  func waitForAgent() async throws {
    try await withBroker({
      $0.define("chat-immediate", ["_wait_for_agent": false])
      $0.define("wait", ["_service": "callback", "_target": "Billing@S.GA", "_wait_for_agent": true])
    }) { broker in
      let line = try ServiceLine(broker, user: "buzz")
      let now = try line.post("service/callback/chat-immediate", "_customer_number=1")
      #expect(now.json["_action"] == "StartChat")
      let listener = try broker.listener("buzz")
      let later = try line.post("service/callback/wait", "_customer_number=1")
      let id = try #require(later.json["_id"]?.string)
      #expect(later.json.names == ["_id"])
      #expect(try line.post("service/\(id)/ixn/chat").status == 503)
      try broker.agent("Monique", ["ready": true, "groups": ["Billing"]])
      #expect(try listener.events(1)[0]["data"]?["message"]?.text == #"{"_id":"\#(id)","_action":"connect"}"#)
      #expect(try line.post("service/\(id)/ixn/chat").status == 200)
    }
  }

  @Test("4.3 _wait_for_user_confirm: asks first, and only where an agent is waited for")
  func waitForUserConfirm() async throws {
    try await withBroker { broker in
      let listener = try broker.listener("buzz")
      let id = try ServiceLine(broker, user: "buzz").create("callback/chat-delayed", "_customer_number=1")
      try broker.agent("Monique")
      #expect(try listener.events(1)[0]["data"]?["message"]?.text == #"{"_id":"\#(id)","_action":"confirm"}"#)
    }
    var reader = ServiceOptionReader(service: "x")
    reader.take("_wait_for_user_confirm", true)
    _ = reader.finish()
    #expect(reader.errors == [.confirmWithoutWait(service: "x")])
  }

  @Test("4.3 _ttl: then the service is gone for good")
  func ttl() async throws {
    try await withBroker(define("short", ["_type": "builtin", "_ttl": "1"])) { broker in
      let line = try ServiceLine(broker)
      let id = try line.create("short")
      try broker.expect("chat_services", 0)
      #expect(try line.post("service/\(id)/ixn/chat").status == 404)
    }
    #expect(ServiceOption.ttl.standard == "86400")
  }

  @Test("4.3 _type: builtin is a basic service, ors has a status")
  func type() async throws {
    try await withBroker({
      $0.define("basic", ["_type": "builtin"])
      $0.define("routed", ["_type": "ors"])
    }) { broker in
      let line = try ServiceLine(broker)
      #expect(try line.post("service/basic", "_verbose=true").json.names == ["_chatIxnAPI-CREATE-URL", "_id"])
      #expect(try line.post("service/routed", "_verbose=true").json.names == ["_id", "_session_comand_STATUS_URL"])
    }
    #expect(ServiceOption.type.standard == "ors")
  }

  @Test("4.3 _use_debug_push_certificate, _provider_name, _notification_message_file: reach the push provider")
  func pushOptions() async throws {
    let (plain, named) = (RecordingProvider(), RecordingProvider())
    let options: [String: JSONValue] = [
      "_use_debug_push_certificate": true, "_provider_name": "mine", "_notification_message_file": "texts.json",
    ]
    try await withBroker({ $0.define("request-chat-poll", options) }, pushProviders: ["ios": plain, "mine": named]) {
      broker in
      let line = try ServiceLine(broker)
      let id = try line.create("request-chat-poll", "_device_os=ios&_device_notification_id=d1")
      try broker.agent("Monique")
      _ = try line.post("service/\(id)/ixn/chat")
      _ = try broker.join(id, "Monique")
      #expect(try line.post("service/\(id)/internal-poke").text == "OK")
      #expect(eventually { named.pushed.count == 1 } && plain.pushed.isEmpty)
      let device = try #require(named.pushed.first?.device)
      #expect(device.isDebug && device.id == "d1" && device.type == "ios" && device.messageFile == "texts.json")
    }
  }

  @Test("4.3 _target: mandatory for callbacks, and decides who is offered the chat")
  func target() async throws {
    try await withBroker({ $0.define("loans", ["_service": "callback", "_target": "?:Loans>=2@StatServer.GA"]) }) {
      broker in
      try broker.agent("Ada", ["ready": true, "skills": ["Loans": 1]])
      try broker.agent("Bob", ["ready": true, "skills": ["Loans": 2]])
      let line = try ServiceLine(broker)
      let id = try line.create("callback/loans", "_customer_number=1")
      _ = try line.post("service/\(id)/ixn/chat")
      #expect(try broker.admin().get("/agent/chats/\(id)").json["offeredTo"] == "Bob")
    }
    var reader = ServiceOptionReader(service: "x")
    reader.take("_service", "callback")
    _ = reader.finish()
    #expect(reader.errors.count == 1 && reader.errors[0].option == "_target")
  }

  @Test("4.3 _urs_virtual_queue: services of one queue wait in one line; unset it is the service's name")
  func virtualQueue() async throws {
    try await withBroker({
      $0.define("a", ["_wait_for_agent": true, "_urs_virtual_queue": "vq"])
      $0.define("b", ["_wait_for_agent": true, "_urs_virtual_queue": "vq"])
      $0.define("c", ["_wait_for_agent": true])
    }) { broker in
      let line = try ServiceLine(broker)
      let places = try ["a", "b", "c"].map { name in
        try line.call("GET", "service/\(try line.create(name))/check-queue-position").json["_position"]
      }
      #expect(places == [1, 2, 1])
      try broker.agent("Monique")
      let id = try line.create("c")
      _ = try line.post("service/\(id)/ixn/chat")
      #expect(try userData(broker, id)?["_urs_virtual_queue"] == "c")
    }
  }

  @Test(
    "4.3 _urs_prioritization_strategy, _urs_strategy_update_sub_routine: user data of the chat",
    arguments: [[:], ["_urs_prioritization_strategy": "Mine", "_urs_strategy_update_sub_routine": "Sub"]])
  func strategies(_ options: [String: String]) async throws {
    try await withBroker({ $0.define("x", options.mapValues { .string($0) }) }) { broker in
      let line = try ServiceLine(broker)
      let id = try line.create("x")
      _ = try line.post("service/\(id)/ixn/chat")
      let data = try userData(broker, id)
      let strategy = options["_urs_prioritization_strategy"] ?? "WaitForTarget"
      #expect(data?["_urs_prioritization_strategy"]?.string == strategy)
      #expect(
        data?["_urs_strategy_update_sub_routine"]?.string
          == options["_urs_strategy_update_sub_routine"] ?? "SetRouteDelay")
    }
  }

  @Test("4.3 _urs_queued_ttl: ends the queueing of a service without a chat, and covers all target timeouts")
  func queuedTTL() async throws {
    try await withBroker(define("request-chat-poll", ["_urs_queued_ttl": "1"])) { broker in
      let line = try ServiceLine(broker)
      let id = try line.create("request-chat-poll")
      let isOut = try eventually {
        try line.call("GET", "service/\(id)/check-queue-position").json["_position"] == 0
      }
      #expect(isOut)
    }
    var reader = ServiceOptionReader(service: "x")
    reader.take("_urs_queued_ttl", 5)
    reader.take("_target", .array([["target": "A@S.GA", "timeout": 6], ["target": "B@S.GA"]]))
    _ = reader.finish()
    #expect(reader.errors == [.queuedTTLTooShort(service: "x", seconds: 5, needed: 6)])
  }

  @Test("4.3 _chat_endpoint: overrides the default endpoint")
  func chatEndpoint() async throws {
    let backend = RecordingBackend()
    try await withBroker({ $0.define("x", ["_chat_endpoint": "Bank:loans"]) }, backend: backend) { broker in
      let line = try ServiceLine(broker)
      for name in ["x", "request-chat"] {
        #expect(try line.post("service/\(try line.create(name))/ixn/chat").status == 200)
      }
    }
    #expect(backend.opened.map(\.endpoint) == ["Bank:loans", "Environment:default"])
  }

  @Test("4.3 _client_timeout: a customer who polls and is silent has left")
  func clientTimeout() async throws {
    try await withBroker(define("x", ["_type": "builtin", "_client_timeout": "1"])) { broker in
      let line = try ServiceLine(broker)
      let id = try line.create("x")
      _ = try line.post("service/\(id)/ixn/chat")
      try broker.expect("chat_live", 0)
      #expect(try line.post("service/\(id)/ixn/chat/refresh").json["chatIxnState"] == "DISCONNECTED")
    }
  }

  @Test(
    "4.3 _user_confirm_timeout, _on_user_confirm_timeout: CONNECT-ANYWAY connects, CANCEL removes the service",
    arguments: ["CONNECT-ANYWAY", "CANCEL"])
  func userConfirmTimeout(_ word: String) async throws {
    let configure = define(
      "chat-delayed", ["_on_user_confirm_timeout": .string(word), "_user_confirm_timeout": "1"])
    try await withBroker(configure) { broker in
      let listener = try broker.listener("buzz")
      let line = try ServiceLine(broker, user: "buzz")
      let id = try line.create("callback/chat-delayed", "_customer_number=1")
      try broker.agent("Monique")
      #expect(try listener.events(1)[0]["data"]?["message"]?["_action"] == "confirm")
      if word == "CANCEL" {
        try broker.expect("chat_services", 0)
        #expect(try line.post("service/\(id)/connect").status == 404)
      } else {
        #expect(try listener.events(1)[0]["data"]?["message"]?["_action"] == "connect")
      }
    }
  }

  @Test("4.3 _agent_reserve_timeout: an offered chat goes to the next agent")
  func agentReserveTimeout() async throws {
    try await withBroker(define("x", ["_agent_reserve_timeout": "1"])) { broker in
      try broker.agent("Ada")
      let line = try ServiceLine(broker)
      let id = try line.create("x")
      _ = try line.post("service/\(id)/ixn/chat")
      #expect(try broker.admin().get("/agent/chats/\(id)").json["offeredTo"] == "Ada")
      try broker.agent("Bob")
      let hasMoved = try eventually { try broker.admin().get("/agent/chats/\(id)").json["offeredTo"] == "Bob" }
      #expect(hasMoved)
    }
  }

  @Test(
    "4.3 _max_notify_delivery_attempts, _agent_availability_notification_delay: pushes are tried again, so often",
    arguments: [(1, 1), (3, 3)])
  func notifyAttempts(_ attempts: Int, _ pushes: Int) async throws {
    let provider = RecordingProvider(failures: 100)
    let configure = define(
      "chat-delayed",
      ["_max_notify_delivery_attempts": JSONValue(attempts), "_agent_availability_notification_delay": "1"])
    try await withBroker(configure, pushProviders: ["ios": provider]) { broker in
      let start = ContinuousClock.now
      let form = "_customer_number=1&_device_os=ios&_device_notification_id=d1"
      _ = try ServiceLine(broker).create("callback/chat-delayed", form)
      try broker.agent("Monique")
      try broker.expect("pushes_total{result=\"failed\"}", 1)
      #expect(provider.pushed.count == pushes)
      #expect(ContinuousClock.now - start >= .seconds(attempts - 1))
    }
  }

  @Test("4.3 _chat_400_response_on_disconnected: calls on an ended chat are 400", arguments: [false, true])
  func chat400(_ refuses: Bool) async throws {
    try await withBroker({
      $0.define("x", ["_type": "builtin", "_chat_400_response_on_disconnected": .bool(refuses)])
    }) { broker in
      let line = try ServiceLine(broker)
      let id = try line.create("x")
      _ = try line.post("service/\(id)/ixn/chat")
      _ = try line.post("service/\(id)/ixn/chat/disconnect")
      let refresh = try line.post("service/\(id)/ixn/chat/refresh")
      #expect(refresh.status == (refuses ? 400 : 200))
      #expect(refresh.json["exception"] != nil || refresh.json["chatIxnState"] == "DISCONNECTED")
    }
  }

  @Test("4.3 _agent_timeout_notification_message: the agent reads it when the customer's app goes away")
  func agentTimeoutMessage() async throws {
    try await withBroker({
      $0.define("request-chat", ["_agent_timeout_notification_message": "The customer left the app"])
    }) { broker in
      let buzz = try broker.listener("buzz")
      let customer = try Customer(broker, user: "buzz", ["notify_by": "comet"])
      #expect(try buzz.events(1).count == 1)
      _ = try buzz.call("/meta/disconnect")
      let isTold = try eventually {
        try customer.call("refresh", "transcriptPosition=0").json["transcriptToShow"]?[0]?[2]
          == "The customer left the app"
      }
      #expect(isTold)
      let entry = try customer.call("refresh", "transcriptPosition=0").json["transcriptToShow"]?[0]
      #expect(entry?[0] == "Notice.Custom")
    }
  }

  @Test("4.3 _client_timeout_notification: an unseen message of the agent is pushed natively after that time")
  func clientTimeoutNotification() async throws {
    let provider = RecordingProvider()
    let configure = define("request-chat", ["_type": "builtin", "_client_timeout_notification": "1"])
    try await withBroker(configure, pushProviders: ["ios": provider]) { broker in
      let customer = try Customer(
        broker, user: "buzz",
        ["notify_by": "comet", "push_notification_type": "ios", "push_notification_deviceid": "d1"])
      let agent = Agent(broker, customer.service, "Monique")
      #expect(try agent.act("join").status == 200)
      #expect(try agent.act("send", ["text": "are you there?"]).status == 200)
      #expect(eventually { provider.pushed.count == 1 })
      #expect(
        provider.pushed.first?.payload.text
          == #"{"message":"are you there?","serviceId":"\#(customer.service)","#
          + #""lastTranscript":[{"Message.Text":"are you there?"}]}"#)
    }
    #expect(ServiceOption.clientTimeoutNotification.standard == "90")
  }

  @Test("4.3 _mandatory_customer_lookup_keys: a create without them is 400")
  func lookupKeys() async throws {
    try await withBroker({
      $0.define("chat-immediate", ["_mandatory_customer_lookup_keys": "_customer_number, usr_account"])
    }) { broker in
      let line = try ServiceLine(broker)
      for form in ["", "_customer_number=1", "_customer_number=1&usr_account="] {
        #expect(try line.post("service/callback/chat-immediate", form).status == 400, "\(form)")
      }
      #expect(try line.post("service/callback/chat-immediate", "_customer_number=1&usr_account=2").status == 200)
    }
    #expect(ServiceOption.customerLookupKeys.standard == "_customer_number")
  }

  @Test("4.3 app_selected_agent_group, app_find_agent_timeout: whom chats without a target are offered to first")
  func inbound() async throws {
    try await withBroker({
      $0.gms.chat.selectedAgentGroup = "Inbound"
      $0.gms.chat.findAgentTimeout = .seconds(1)
    }) { broker in
      try broker.agent("Ada")
      let line = try ServiceLine(broker)
      let id = try line.create("request-chat")
      _ = try line.post("service/\(id)/ixn/chat")
      func offeredTo() throws -> JSONValue? { try broker.admin().get("/agent/chats/\(id)").json["offeredTo"] }
      #expect(try offeredTo() == nil, "Ada is of another group")
      #expect(try eventually { try offeredTo() == "Ada" }, "after the time anybody may have it")
      try broker.agent("Bob", ["ready": true, "groups": ["Inbound"]])
      let second = try line.create("request-chat")
      _ = try line.post("service/\(second)/ixn/chat")
      #expect(try broker.admin().get("/agent/chats/\(second)").json["offeredTo"] == "Bob")
    }
  }
}
