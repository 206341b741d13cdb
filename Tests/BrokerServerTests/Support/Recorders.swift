// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService
import Synchronization

/// A push provider that keeps what it is given; the first pushes fail, as many as a test says.
final class RecordingProvider: PushProvider {
  private let state: Mutex<(pushed: [PushMessage], failures: Int)>

  init(failures: Int = 0) { state = Mutex(([], failures)) }

  var pushed: [PushMessage] { state.withLock { $0.pushed } }

  func push(_ message: PushMessage) async -> PushOutcome {
    state.withLock { state in
      state.pushed.append(message)
      state.failures -= 1
      return state.failures >= 0 ? .failed("as the test wants") : .delivered
    }
  }
}

/// The embedded backend, which remembers the chats that it was asked to open.
final class RecordingBackend: ChatBackend {
  let embedded = EmbeddedChatBackend(clock: WallClock())
  private let state = Mutex<[ChatRequest]>([])

  var opened: [ChatRequest] { state.withLock { $0 } }
  var keepAliveInterval: Duration? { nil }

  func createService(_ service: ChatServiceRequest) async throws(ChatBackendError) {
    try await embedded.createService(service)
  }
  func openChat(_ request: ChatRequest, call: CallID) async throws(ChatBackendError) -> ChatOpened {
    state.withLock { $0.append(request) }
    return try await embedded.openChat(request, call: call)
  }
  func events() async -> AsyncStream<ChatBackendEvent> { await embedded.events() }
  func acknowledge(_ event: ChatBackendEvent, position: Int?) async {
    await embedded.acknowledge(event, position: position)
  }
  func availability(_ serviceID: String) async throws(ChatBackendError) -> ChatAvailability {
    try await embedded.availability(serviceID)
  }
  func send(_ text: String, in serviceID: String, call: CallID) async throws(ChatBackendError) {
    try await embedded.send(text, in: serviceID, call: call)
  }
  func typing(_ isTyping: Bool, in serviceID: String, call: CallID) async throws(ChatBackendError) {
    try await embedded.typing(isTyping, in: serviceID, call: call)
  }
  func pushURL(_ url: String, in serviceID: String, call: CallID) async throws(ChatBackendError) {
    try await embedded.pushURL(url, in: serviceID, call: call)
  }
  func notice(_ text: String, in serviceID: String, call: CallID) async throws(ChatBackendError) {
    try await embedded.notice(text, in: serviceID, call: call)
  }
  func disconnect(_ serviceID: String, call: CallID) async throws(ChatBackendError) {
    try await embedded.disconnect(serviceID, call: call)
  }
  func clientPresence(_ serviceID: String, isOnline: Bool) async {
    await embedded.clientPresence(serviceID, isOnline: isOnline)
  }
}
