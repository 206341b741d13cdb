// SPDX-License-Identifier: Apache-2.0
import Synchronization

@testable import ChatService

/// A journal that keeps what it is given when a test says so, and reads it back as a restart would.
final class FakeJournal: ChatJournal {
  private struct Commit {
    let changes: [ChatChange]
    let notifications: [ChatNotification]
  }
  private enum Line {
    case commit(Commit)
    case settle(@Sendable (Bool) -> Void)
  }
  private struct State {
    var line: [Line] = []
    var failed: [Commit] = []
    var isFailing = false
    var isHeld = false
    var kept: [ChatChange] = []
  }

  private let notifier: any ChatNotifier
  private let state = Mutex(State())

  init(_ notifier: any ChatNotifier) { self.notifier = notifier }

  // MARK: what a test tells it

  /// Nothing is written from now on, until ``release()``.
  func hold() { state.withLock { $0.isHeld = true } }
  func release() {
    state.withLock { $0.isHeld = false }
    write()
  }
  func fail(_ isFailing: Bool) { state.withLock { $0.isFailing = isFailing } }
  var waiting: Int { state.withLock { $0.line.count } }
  var kept: [ChatChange] { state.withLock { $0.kept } }

  // MARK: ChatJournal

  var isKeeping: Bool { true }
  var isClean: Bool { state.withLock { $0.line.isEmpty && $0.failed.isEmpty } }
  var isFailing: Bool { state.withLock { $0.isFailing } }

  func commit(_ changes: [ChatChange], notifying notifications: [ChatNotification]) {
    state.withLock { $0.line.append(.commit(Commit(changes: changes, notifications: notifications))) }
    write()
  }

  func settle(_ complete: @escaping @Sendable (Bool) -> Void) {
    state.withLock { $0.line.append(.settle(complete)) }
    write()
  }

  private func write() {
    let (posts, answers) = state.withLock { state -> ([ChatNotification], [(@Sendable (Bool) -> Void, Bool)]) in
      guard !state.isHeld else { return ([], []) }
      var posts: [ChatNotification] = []
      var answers: [(@Sendable (Bool) -> Void, Bool)] = []
      let line = state.failed.map(Line.commit) + state.line
      (state.failed, state.line) = ([], [])
      for item in line {
        switch item {
        case .commit(let commit) where state.isFailing: state.failed.append(commit)
        case .commit(let commit):
          state.kept += commit.changes
          posts += commit.notifications
        case .settle(let complete): answers.append((complete, !state.isFailing))
        }
      }
      return (posts, answers)
    }
    for post in posts { notifier.post(post) }
    for (complete, isKept) in answers { complete(isKept) }
  }

  // MARK: reading back

  var restored: [RestoredService] {
    var services: [String: StoredService] = [:]
    var chats: [String: StoredChat] = [:]
    var entries: [String: [StoredEntry]] = [:]
    for change in kept {
      switch change {
      case .putService(let service): services[service.id] = service
      case .putChat(let chat): chats[chat.serviceID] = chat
      case .addEntries(let id, let placed, let event):
        entries[id, default: []] += placed.map { StoredEntry($0, event: event) }
      case .removeEntries(let id, let position): entries[id]?.removeAll { $0.entry.position <= position }
      case .removeService(let id):
        services[id] = nil
        chats[id] = nil
        entries[id] = nil
      }
    }
    return services.values.sorted { $0.id < $1.id }.map {
      RestoredService(service: $0, chat: chats[$0.id], entries: entries[$0.id] ?? [])
    }
  }
}
