// SPDX-License-Identifier: Apache-2.0
import Bytes
import Foundation

/// Where what was accepted is kept before anybody hears of it: changes go in, are written in groups by one thread, and
/// each commit is told in the order in which it came.
///
/// A group is what came while the group before it was being written, so a commit waits for at most two transactions
/// and a lone one for none. Any thread may call; nothing but ``open(now:)`` and ``close()`` blocks.
public final class Journal: Sendable {
  /// Called once with a success or, for a commit that is not kept, a failure. A kept commit that fails is told so at
  /// its first failure and is told again when it was written after all. On the writer thread, so it must not block.
  ///
  /// The value is the sequence of the first message of the commit; further ones count up from it. Zero in memory.
  public typealias Completion = @Sendable (Result<Int64, StoreError>) -> Void
  /// Called with what a look at the file found while no commit was to be written, nil when all is well. On the writer
  /// thread, so it must not block.
  public typealias Watch = @Sendable (StoreError?) -> Void

  struct Commit {
    var changes: [Change]
    let isKept: Bool
    let firstSequence: Int64
    let asked: Date
    let complete: Completion
  }

  struct State {
    /// Commits that nobody has tried to write yet.
    var queue: [Commit] = []
    /// Kept commits that failed, older than the queue.
    var failed: [Commit] = []
    var removals: [Int64] = []
    var removalDeadline: Date?
    var retryAt: Date?
    var checkAt: Date?
    var watch: Watch = { _ in }
    var nextSequence: Int64 = 1
    var isWriting = false
    var isOpen = false
    var isClosing = false
    var hasEnded = false
    var statistics = StoreStatistics()
  }

  public let options: StoreOptions
  public let isInMemory: Bool
  private let state = Monitor(State())
  /// Made by ``open(now:)``.
  private let file = Monitor<(any JournalFile)?>(nil)

  public init(_ options: StoreOptions = StoreOptions()) {
    self.options = options
    isInMemory = options.directory == nil
  }

  /// A journal on a substitute for the file, already open.
  init(_ options: StoreOptions, writingTo make: sending () -> any JournalFile) {
    self.options = options
    isInMemory = false
    file.withLock { $0 = make() }
    start()
  }

  // MARK: life

  /// Locks and opens the directory, brings its file up to date and reads it. Once, before anything else.
  ///
  /// - Parameters:
  ///   - now: seconds since 1970, for what has expired.
  ///   - watch: from now on until the end.
  /// - Throws: one of the errors that refuse a start.
  public func open(now: Int64, _ watch: @escaping Watch = { _ in }) throws(StoreError) -> Snapshot {
    guard let directory = options.directory else { return Snapshot() }
    let opened = try DataFile(directory, options)
    let snapshot: Snapshot
    do throws(StoreError) {
      snapshot = try opened.load(now: now)
    } catch {
      opened.close()
      throw error
    }
    file.withLock { $0 = opened }
    state.withLock { state in
      state.watch = watch
      state.nextSequence = (snapshot.messages.last?.sequence ?? 0) + 1
      state.statistics.messages = snapshot.messages.count
      state.statistics.messagesRestored = snapshot.messages.count
    }
    start()
    return snapshot
  }

  private func start() {
    state.withLock { state in
      state.isOpen = true
      state.checkAt = Date() + options.checkInterval.seconds
    }
    let writer = Thread { [self] in
      while writeNext() {}
      state.change { $0.hasEnded = true }
    }
    writer.name = "store"
    writer.start()
  }

  /// Writes what was given, and lets go of the directory. What comes later is ``StoreError/closed``.
  public func close() {
    guard !isInMemory else { return }
    let wasOpen = state.change { state in
      state.isClosing = true
      return state.isOpen
    }
    if wasOpen { state.wait({ $0.hasEnded ? () : nil }, until: { _ in nil }) }
    file.withLock { file in
      file?.close()
      file = nil
    }
  }

  // MARK: the face to everybody

  /// Whether the last write failed, so that the next one may fail as well.
  public var isFailing: Bool { !isInMemory && state.withLock { $0.statistics.isFailing } }

  /// Whether all that was committed so far is written.
  public var isClean: Bool {
    isInMemory || state.withLock { $0.queue.isEmpty && $0.failed.isEmpty && !$0.isWriting }
  }

  /// Has `changes` written, all of them or none. Without changes it is a barrier: it succeeds once all that was
  /// committed before it is written.
  ///
  /// - Parameter isKept: whether a commit that fails is tried again until it succeeds, in its place before all later
  ///   ones: for changes that memory has gone through already.
  public func commit(_ changes: [Change], isKept: Bool = false, _ complete: @escaping Completion) {
    if isInMemory { return complete(.success(0)) }
    let isTaken = state.change { state in
      guard state.isOpen, !state.isClosing else { return false }
      let first = state.nextSequence
      var changes = changes
      for index in changes.indices {
        guard case .addMessage(var row) = changes[index] else { continue }
        row.sequence = state.nextSequence
        state.nextSequence += 1
        changes[index] = .addMessage(row)
      }
      state.queue.append(
        Commit(changes: changes, isKept: isKept, firstSequence: first, asked: Date(), complete: complete))
      return true
    }
    if !isTaken { complete(.failure(.closed)) }
  }

  /// The same, for who can wait.
  public func commit(_ changes: [Change] = []) async throws(StoreError) {
    let result = await withCheckedContinuation { continuation in
      commit(changes) { continuation.resume(returning: $0) }
    }
    _ = try result.get()
  }

  /// Removes messages that were handed over or given up. Written in groups, some time soon.
  public func remove(_ sequences: [Int64]) {
    guard !isInMemory, !sequences.isEmpty else { return }
    state.change { state in
      state.removals += sequences
      if state.removalDeadline == nil { state.removalDeadline = Date() + options.removalDelay.seconds }
    }
  }

  public var statistics: StoreStatistics {
    var statistics = state.withLock { state in
      var statistics = state.statistics
      statistics.waiting = state.queue.count + state.failed.count
      return statistics
    }
    statistics.fileBytes = options.directory.map(DataFile.byteCount) ?? 0
    return statistics
  }

  // MARK: the writer

  /// Without anything to write it is a look at the file, or after a failure at whether it can be written again.
  private struct Work {
    var commits: [Commit]
    var retried: Int
    var removals: [Int64]
    var isLook: Bool { commits.isEmpty && removals.isEmpty }
  }

  /// - Returns: false once the journal is closed and all is written that can be.
  private func writeNext() -> Bool {
    let work = state.wait(takeWork, until: { $0.nextDeadline })
    guard let work else { return false }
    write(work)
    return true
  }

  /// What is to be written now; nil to wait. The inner nil is the end.
  private func takeWork(_ state: inout State) -> Work?? {
    let now = Date()
    let isDue = state.nextDeadline.map { $0 <= now } ?? false
    guard !state.queue.isEmpty || isDue || state.isClosing else { return nil }
    let isHopeless = state.failed.isEmpty || state.statistics.isFailing
    if state.isClosing, state.queue.isEmpty, state.removals.isEmpty, isHopeless { return .some(nil) }
    var room = options.maxChangesPerTransaction
    // What failed comes first, and alone as long as it is more than one transaction.
    let again = take(from: &state.failed, &room)
    var work = Work(commits: again, retried: again.count, removals: state.removals)
    if state.failed.isEmpty { work.commits += take(from: &state.queue, &room) }
    state.removals = []
    state.removalDeadline = nil
    state.retryAt = nil
    state.checkAt = nil
    state.isWriting = true
    return .some(work)
  }

  /// The oldest commits, as many as begin while there is room.
  private func take(from commits: inout [Commit], _ room: inout Int) -> [Commit] {
    var taken = 0
    while taken < commits.count, room > 0 {
      room -= commits[taken].changes.count
      taken += 1
    }
    defer { commits.removeFirst(taken) }
    return Array(commits[..<taken])
  }

  private func write(_ work: Work) {
    var work = work
    let changes = work.commits.flatMap(\.changes)
    var removed = 0
    var failure: StoreError?
    file.withLock { file in
      guard let file else { return failure = .closed }
      if isFailing, !work.removals.isEmpty, let count = try? file.apply([], removing: work.removals) {
        // What was handed over can go even when nothing can come: it makes the room that is missing.
        (removed, work.removals) = (count, [])
      }
      do throws(StoreError) {
        if isFailing { try file.recover() }
        removed += try file.apply(changes, removing: work.removals)
      } catch {
        failure = error
      }
    }
    if let failure { fail(work, failure, removed) } else { succeed(work, changes, removed) }
  }

  private func succeed(_ work: Work, _ changes: [Change], _ removed: Int) {
    let now = Date()
    let added = changes.count { if case .addMessage = $0 { true } else { false } }
    state.change { state in
      state.isWriting = false
      state.statistics.isFailing = false
      state.checkAt = now + options.checkInterval.seconds
      if !state.failed.isEmpty { state.retryAt = now }
      if work.isLook, removed == 0 { return }
      state.statistics.transactions += 1
      state.statistics.commits += work.commits.count
      state.statistics.changes += changes.count
      state.statistics.messages += added - removed
      for commit in work.commits {
        let time = Duration.seconds(max(0, now.timeIntervalSince(commit.asked)))
        state.statistics.commitTime += time
        state.statistics.longestCommit = max(state.statistics.longestCommit, time)
      }
    }
    for commit in work.commits { commit.complete(.success(commit.firstSequence)) }
    if work.commits.isEmpty { state.withLock(\.watch)(nil) }
  }

  private func fail(_ work: Work, _ error: StoreError, _ removed: Int) {
    let kept = work.commits.filter(\.isKept)
    var told = work.commits.enumerated().filter { $0.offset >= work.retried || !$0.element.isKept }.map(\.element)
    state.change { state in
      state.isWriting = false
      state.statistics.isFailing = true
      state.statistics.failures += 1
      if work.retried > 0 {
        // Nothing passes what failed before it, so what came since fails as well.
        told += state.queue
        state.failed += state.queue.filter(\.isKept)
        state.queue = []
      }
      state.statistics.commitsFailed += told.count
      state.statistics.messages -= removed
      if state.isClosing {
        state.removals = []
      } else {
        state.failed = kept + state.failed
        state.removals = work.removals + state.removals
        // Even when nothing is kept: who asks whether this broker is ready must not have to write to find out.
        state.retryAt = Date() + options.retryInterval.seconds
        state.removalDeadline = nil
      }
    }
    for commit in told { commit.complete(.failure(error)) }
    if told.isEmpty { state.withLock(\.watch)(error) }
  }
}

extension Journal.State {
  /// When there is something to write although nothing comes.
  fileprivate var nextDeadline: Date? {
    if let retryAt { return retryAt }
    return [removalDeadline, checkAt].compactMap { $0 }.min()
  }
}

extension Duration {
  fileprivate var seconds: TimeInterval { TimeInterval(wholeNanoseconds) / 1e9 }
}
