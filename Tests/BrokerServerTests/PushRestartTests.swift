// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import ChatService
import Testing

/// Native pushes of what an absent customer has not seen, over restarts of the broker.
@Suite(.timeLimit(.minutes(2))) struct PushRestartTests {
  private static func configure(
    _ directory: KeptDirectory, pushAfterSeconds seconds: Int
  ) -> (inout ServerConfiguration) -> Void {
    { configuration in
      configuration.data.directory = directory.path
      configuration.define(
        "request-chat", ["_type": "builtin", "_client_timeout_notification": JSONValue(seconds)])
      configuration.gms.chat.limits.sweepInterval = .milliseconds(10)
    }
  }

  private func payload(_ service: String, _ text: String) -> String {
    #"{"message":"\#(text)","serviceId":"\#(service)","lastTranscript":[{"Message.Text":"\#(text)"}]}"#
  }

  @Test func whatTheCustomerHasNotSeenIsPushedAfterARestartAndNotAgainAfterTheNext() async throws {
    let (directory, early, late) = (KeptDirectory(), RecordingProvider(), RecordingProvider())
    var service = ""
    try await withBroker(Self.configure(directory, pushAfterSeconds: 3_600), pushProviders: ["ios": early]) { broker in
      let buzz = try broker.listener("buzz")
      let customer = try Customer(
        broker, user: "buzz",
        ["notify_by": "comet", "push_notification_type": "ios", "push_notification_deviceid": "d1"])
      service = customer.service
      let agent = Agent(broker, service, "Monique")
      #expect(try agent.act("join").status == 200)
      #expect(try agent.act("send", ["text": "seen"]).status == 200)
      #expect(try buzz.events(3).positions == [1, 2, 3])
      try broker.expect("store_messages", 0)
      _ = try buzz.call("/meta/disconnect")
      #expect(try agent.act("send", ["text": "unseen"]).status == 200)
    }
    #expect(early.pushed.isEmpty)
    let id = service
    try await withBroker(Self.configure(directory, pushAfterSeconds: 1), pushProviders: ["ios": early]) { broker in
      try broker.expect("pushes_total{result=\"delivered\"}", 1)
      #expect(early.pushed.map(\.payload.text) == [payload(id, "unseen")])
      #expect(early.pushed.first?.device.id == "d1")
    }
    try await withBroker(Self.configure(directory, pushAfterSeconds: 1), pushProviders: ["ios": late]) { broker in
      let sent = try Agent(broker, id, "Monique").act("send", ["text": "more"])
      #expect(sent.status == 200)
      #expect(eventually { late.pushed.count == 1 })
      #expect(late.pushed.map(\.payload.text) == [payload(id, "more")], "the other one was told of before")
    }
  }

  @Test func whatWasFetchedAfterTheRestartIsNotPushed() async throws {
    let (directory, provider) = (KeptDirectory(), RecordingProvider())
    var service = ""
    try await withBroker(Self.configure(directory, pushAfterSeconds: 3_600)) { broker in
      service = try Customer(
        broker, user: "buzz",
        ["notify_by": "comet", "push_notification_type": "ios", "push_notification_deviceid": "d1"]
      ).service
      let agent = Agent(broker, service, "Monique")
      #expect(try agent.act("join").status == 200)
      #expect(try agent.act("send", ["text": "missed"]).status == 200)
    }
    let id = service
    try await withBroker(Self.configure(directory, pushAfterSeconds: 3_600)) { broker in
      let buzz = try BayeuxClient(broker, user: "buzz")
      let reply = try buzz.post([buzz.message("/meta/subscribe", ["subscription": "/_genesys"])])
      #expect(reply.messages.positions == [1, 2, 3])
      try broker.expect("store_messages", 0)
      _ = try buzz.call("/meta/disconnect")
      #expect(try Agent(broker, id, "Monique").act("send", ["text": "later"]).status == 200)
    }
    try await withBroker(Self.configure(directory, pushAfterSeconds: 1), pushProviders: ["ios": provider]) { broker in
      try broker.expect("pushes_total{result=\"delivered\"}", 1)
      #expect(provider.pushed.map(\.payload.text) == [payload(id, "later")])
    }
  }
}
