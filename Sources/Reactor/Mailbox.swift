// SPDX-License-Identifier: Apache-2.0
internal import CLibevent
import Glibc
import Synchronization

/// Carries values from any thread to the thread of one loop: the only thing of a loop that other threads see.
///
/// What one thread posts arrives in the order in which it posted. Posts that the loop has not seen yet are received
/// together, and only the first of them costs a system call.
public final class Mailbox<Item: Sendable>: Sendable {
  private struct State {
    var items: [Item] = []
    /// The loop was told and has not looked yet.
    var isSignalled = false
    var isClosed = false
  }
  private let state = Mutex(State())
  private let order = Atomic(0)
  /// An eventfd(2): readable while the loop has something to look at.
  let descriptor: Int32

  /// - Throws: ``ReactorError/noMailbox(_:)``.
  public init() throws(ReactorError) {
    descriptor = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
    if descriptor < 0 { throw .noMailbox(errno) }
  }

  deinit { if descriptor >= 0 { Glibc.close(descriptor) } }

  /// Hands `item` to the loop. From any thread.
  ///
  /// - Returns: false after ``close()``; the item goes nowhere, so the poster must not wait for an answer.
  @discardableResult
  public func post(_ item: Item) -> Bool {
    let (isTaken, isFirst) = withState { state in
      if state.isClosed { return (false, false) }
      state.items.append(item)
      defer { state.isSignalled = true }
      return (true, !state.isSignalled)
    }
    if isFirst { signal() }
    return isTaken
  }

  /// Lets `loop` receive what was posted and what will be. Once, on the thread of the loop.
  ///
  /// - Parameter receive: gets all that has come since the last time; never called with nothing.
  /// - Throws: ``ReactorError/cannotWatch(_:)``.
  public func attach(to loop: EventLoop, _ receive: @escaping ([Item]) -> Void) throws(ReactorError) {
    try Attachment.attach(descriptor, to: loop) { [self] in
      let (items, isClosed) = take()
      if !items.isEmpty { receive(items) }
      return !isClosed
    }
  }

  /// Refuses every later post and lets go of the loop at its next turn. From any thread.
  ///
  /// - Returns: what was posted and never received, so that whoever waits for an answer can be told.
  public func close() -> [Item] {
    let items = withState { state in
      state.isClosed = true
      state.isSignalled = true
      defer { state.items = [] }
      return state.items
    }
    signal()
    return items
  }

  private func take() -> (items: [Item], isClosed: Bool) {
    // The counter is read before the lock: a post in between is taken now, and at worst wakes the loop for nothing.
    var count: UInt64 = 0
    read(descriptor, &count, 8)
    return withState { state in
      state.isSignalled = state.isClosed
      defer { state.items = [] }
      return (state.items, state.isClosed)
    }
  }

  /// All access to the state.
  ///
  /// The thread sanitizer does not see into the waiting half of `Mutex`, which is part of the system's library, and
  /// would report races that are none. The atomic beside the lock shows it the same order, for next to nothing.
  private func withState<Result>(_ body: (inout State) -> Result) -> Result {
    state.withLock { state in
      _ = order.load(ordering: .acquiring)
      defer { order.store(0, ordering: .releasing) }
      return body(&state)
    }
  }

  private func signal() {
    // Cannot fail: the counter holds one, or a few where posts race with the loop, and the descriptor does not block.
    var one: UInt64 = 1
    write(descriptor, &one, 8)
  }
}

/// A mailbox on a loop, without its type. The loop owns it.
final class Attachment {
  private var watch: Watch!
  /// Receives; false where the mailbox is closed.
  private let receive: () -> Bool
  private unowned let loop: EventLoop

  private init(_ descriptor: Int32, to loop: EventLoop, _ receive: @escaping () -> Bool) {
    self.loop = loop
    self.receive = receive
    watch = Watch(loop, descriptor, EV_READ | EV_PERSIST, context: self) { _, _, context in
      let attachment = Watch.target(context, Attachment.self)
      if !attachment.receive() { attachment.loop.disown(attachment) }
    }
  }

  static func attach(
    _ descriptor: Int32, to loop: EventLoop, _ receive: @escaping () -> Bool
  ) throws(ReactorError) {
    let attachment = Attachment(descriptor, to: loop, receive)
    loop.own(attachment)
    do throws(ReactorError) {
      try attachment.watch.start()
    } catch {
      loop.disown(attachment)
      throw error
    }
  }

  func free() { watch.free() }
}
