// SPDX-License-Identifier: Apache-2.0
import BrokerLifecycle
import BrokerServer
import ChatService
import Logging
import ServiceLifecycle
import UnixSignals

/// A chat server that repeats what it hears.
final class Parrot: ChatBackend {
  private let (stream, output) = AsyncStream<ChatBackendEvent>.makeStream()
  func events() -> AsyncStream<ChatBackendEvent> { stream }
  func openChat(_ request: ChatRequest, call: CallID) -> ChatOpened {
    ChatOpened(
      chatSessionID: request.serviceID, userID: "1", secureKey: "1", startedAtSecondsSince1970: 0,
      server: .init(host: "parrot.example", webAPIPort: 80, loadBalancerAlias: "1"))
  }
  func send(_ text: String, in id: String, call: CallID) {
    tell(.entries([ChatEntry(.text, "you", text, .client), ChatEntry(.text, "parrot", text, .agent)]), id, call)
  }
  func typing(_ isTyping: Bool, in id: String, call: CallID) { tell(.entries([]), id, call) }
  func disconnect(_ id: String, call: CallID) { tell(.ended([]), id, call) }

  private func tell(_ content: ChatBackendEvent.Content, _ id: String, _ call: CallID) {
    output.yield(
      .init(id: call.text, serviceID: id, chatSessionID: id, secondsSince1970: 0, cause: call, content: content))
  }
}

@main struct Main {
  static func main() async throws {
    var configuration = ServerConfiguration()
    (configuration.server.port, configuration.admin.port) = (0, 0)
    let logger = Logger(label: "parrot") { StreamLogHandler.standardError(label: $0) }
    let broker = try BrokerServer(configuration: configuration, backend: Parrot(), logger: logger)
    let group = ServiceGroup(services: [BrokerService(broker)], gracefulShutdownSignals: [.sigterm], logger: logger)
    try await group.run()
  }
}
