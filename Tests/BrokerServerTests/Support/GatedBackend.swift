// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService
import Glibc
import Reactor

/// The clocks of this machine.
struct WallClock: ChatClock {
  func now() -> Instant { EventLoop.clock() }
  func secondsSince1970() -> Int64 { Int64(time(nil)) }
}

/// The embedded backend, which creates services of one name, and opens their chats, only when a test says so.
final class GatedBackend: ChatBackend {
  let embedded: EmbeddedChatBackend
  let isAsked = Gate()
  let mayAnswer = Gate()
  /// Services of this name wait to be created.
  static let slowToCreate = "slow"
  /// Chats with this subject wait to be opened.
  static let slowToOpen = "slow"

  init() { embedded = EmbeddedChatBackend(clock: WallClock()) }

  var keepAliveInterval: Duration? { nil }

  func createService(_ service: ChatServiceRequest) async throws(ChatBackendError) {
    if service.name == Self.slowToCreate { await passGate() }
    try await embedded.createService(service)
  }

  func openChat(_ request: ChatRequest, call: CallID) async throws(ChatBackendError) -> ChatOpened {
    if request.subject == Self.slowToOpen { await passGate() }
    return try await embedded.openChat(request, call: call)
  }

  private func passGate() async {
    isAsked.open()
    let gate = mayAnswer
    await withCheckedContinuation { continuation in
      // Waiting blocks, and this is a thread of the pool on which everything else has to run.
      TestThreads.run {
        gate.wait()
        continuation.resume()
      }
    }
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
