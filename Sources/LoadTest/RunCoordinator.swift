// SPDX-License-Identifier: Apache-2.0
import Bytes

/// The course of a run over all its workers, as a value: a report in, what to do out.
struct RunCoordinator {
  /// Moments at which the server is looked at.
  enum Moment: Hashable, Sendable { case held, measuring, measured }

  enum Action: Hashable, Sendable {
    case command(WorkerCommand)
    /// Leave everybody alone for ``LoadOptions/settle``, then say ``RunCoordinator/settled(_:)``.
    case settle
    case sample(Moment)
    /// All results are there.
    case finish
    case fail(LoadTestError)
  }

  private let workers: Int
  private var setup: [Int: Duration] = [:]
  private var measuring: Set<Int> = []
  private var measured: Set<Int> = []
  private var published: [Int: [UInt32]] = [:]
  private(set) var results: [Int: WorkerResult] = [:]
  private(set) var progress: [Int: WorkerProgress] = [:]
  private var isOver = false
  private var interrupts = 0
  private(set) var isRunning = false

  init(workers: Int) { self.workers = workers }

  /// How long the slowest worker took to have all its clients held.
  var setupTime: Duration { setup.values.max() ?? .zero }

  mutating func receive(_ report: WorkerReport, from worker: Int) -> [Action] {
    if isOver { return [] }
    switch report {
    case .up(let time):
      setup[worker] = time
      return setup.count == workers ? [.settle] : []
    case .progress(let latest):
      progress[worker] = latest
      return []
    case .measuring:
      measuring.insert(worker)
      return measuring.count == 1 ? [.sample(.measuring)] : []
    case .measured:
      measured.insert(worker)
      return measured.count == workers ? [.sample(.measured)] : []
    case .published(let counts):
      published[worker] = counts
      guard published.count == workers else { return [] }
      return [.command(.expect((0..<workers).map { published[$0] ?? [] }))]
    case .result(let result):
      results[worker] = result
      guard results.count == workers else { return [] }
      isOver = true
      return [.finish]
    case .failed(let error): return over(error)
    }
  }

  /// The rest after the setup is over.
  mutating func settled(_ now: Instant) -> [Action] {
    if isOver { return [] }
    isRunning = true
    // Far enough ahead for every worker to have read it.
    return [.sample(.held), .command(.go(now + .milliseconds(20)))]
  }

  mutating func closed(_ worker: Int, _ reason: String) -> [Action] {
    if isOver || results[worker] != nil { return [] }
    return over(.workerFailed(worker, "it ended: \(reason)"))
  }

  /// Ctrl-C: once ends the measurement and counts, twice gives up.
  mutating func interrupt() -> [Action] {
    if isOver { return [] }
    interrupts += 1
    return interrupts > 2 ? over(.workerFailed(0, "interrupted")) : [.command(.stop)]
  }

  private mutating func over(_ error: LoadTestError) -> [Action] {
    isOver = true
    return [.fail(error)]
  }
}
