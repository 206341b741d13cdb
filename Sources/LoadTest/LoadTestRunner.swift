// SPDX-License-Identifier: Apache-2.0
import Bytes
import Glibc
import Reactor

/// What a run looks like at one moment, for people.
public struct LoadProgress: Hashable, Sendable {
  public var elapsed = Duration.zero
  public var clients = 0
  public var connected = 0
  public var held = 0
  public var counters = LoadCounters()
  /// Deliveries (in a storm: clients that came back) in the last full second.
  public var lastSecond: LoadSecond?
  /// False while clients are being set up.
  public var isRunning = false
}

/// Runs a whole load test: starts the workers, steers them, looks at the server and puts the results together.
public final class LoadTestRunner {
  private let plan: LoadPlan
  private let launcher: any WorkerLauncher
  private let onProgress: (LoadProgress) -> Void
  private let loop: EventLoop
  private var coordinator: RunCoordinator
  private var links: [LineLink] = []
  private var samples: [RunCoordinator.Moment: ServerSample] = [:]
  private var startSample: ServerSample?
  private let began = EventLoop.clock()
  private var outcome: Result<Void, LoadTestError>?
  private lazy var settleTimer = Timer(on: loop) { [unowned self] in
    perform(coordinator.settled(EventLoop.clock()))
  }
  private lazy var progressTimer = Timer(on: loop) { [unowned self] in showProgress() }
  private var signals: SignalSource?

  /// - Parameter progress: called every half second, on the thread of ``run(handlingSignals:)``.
  /// - Throws: ``LoadTestError/workerFailed(_:_:)`` where the system has no descriptors left.
  public init(
    _ plan: LoadPlan, launcher: any WorkerLauncher, progress: @escaping (LoadProgress) -> Void = { _ in }
  ) throws(LoadTestError) {
    self.plan = plan
    self.launcher = launcher
    onProgress = progress
    coordinator = RunCoordinator(workers: plan.options.processes)
    Reactor.ignoreSIGPIPE()
    Reactor.raiseDescriptorLimit()
    do throws(ReactorError) { loop = try EventLoop() } catch { throw .workerFailed(0, error.description) }
  }

  /// Blocks until the run is over.
  ///
  /// - Parameter handlingSignals: whether SIGINT and SIGTERM end the run early, with the counts so far.
  /// - Throws: ``LoadTestError`` where there is nothing to report.
  public func run(handlingSignals: Bool) throws(LoadTestError) -> LoadReport {
    startSample = try firstSample()
    defer {
      for link in links { link.close(.local("done")) }
      launcher.finish()
      signals = nil
    }
    if handlingSignals { try handleSignals() }
    for worker in 0..<plan.options.processes { try start(worker) }
    progressTimer.schedule(at: loop.now + .milliseconds(500))
    loop.run { .wait }
    try outcome?.get()
    return LoadReport(
      plan: plan, results: coordinator.results.sorted { $0.key < $1.key }.map(\.value),
      setupTime: coordinator.setupTime,
      server: startSample.map {
        LoadReport.Server(
          started: $0, held: samples[.held], measuring: samples[.measuring], measured: samples[.measured],
          end: ServerProbe.sample(plan.options.serverPIDs))
      })
  }

  private func firstSample() throws(LoadTestError) -> ServerSample? {
    for pid in plan.options.serverPIDs where ServerProbe.sample([pid]) == nil { throw .noSuchProcess(pid) }
    return ServerProbe.sample(plan.options.serverPIDs)
  }

  private func handleSignals() throws(LoadTestError) {
    // The host may have blocked them for all its threads.
    var mask = sigset_t()
    sigemptyset(&mask)
    sigaddset(&mask, SIGINT)
    sigaddset(&mask, SIGTERM)
    pthread_sigmask(SIG_UNBLOCK, &mask, nil)
    do throws(ReactorError) {
      signals = try SignalSource(on: loop, signals: [SIGINT, SIGTERM]) { [unowned self] _ in
        perform(coordinator.interrupt())
      }
    } catch {
      throw .workerFailed(0, error.description)
    }
  }

  private func start(_ worker: Int) throws(LoadTestError) {
    var pair: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &pair) == 0 else {
      throw .workerFailed(worker, String(cString: strerror(errno)))
    }
    do throws(ReactorError) {
      let link = try LineLink(on: loop, adopting: pair[0])
      link.onLine = { [unowned self] line in
        guard let report = WorkerReport(json: line, worker: worker) else { return }
        perform(coordinator.receive(report, from: worker))
      }
      link.onClosed = { [unowned self] reason in perform(coordinator.closed(worker, reason.description)) }
      links.append(link)
    } catch {
      close(pair[1])
      throw .workerFailed(worker, error.description)
    }
    try launcher.launch(plan, index: worker, descriptor: pair[1])
  }

  private func perform(_ actions: [RunCoordinator.Action]) {
    for action in actions {
      switch action {
      case .command(let command): for link in links { link.send(command.json) }
      case .settle: settleTimer.schedule(at: loop.now + plan.options.settle)
      case .sample(let moment): samples[moment] = ServerProbe.sample(plan.options.serverPIDs)
      case .finish: end(.success(()))
      case .fail(let error): end(.failure(error))
      }
    }
  }

  private func end(_ outcome: Result<Void, LoadTestError>) {
    if self.outcome == nil { self.outcome = outcome }
    loop.stop()
  }

  private func showProgress() {
    var sum = LoadProgress(elapsed: EventLoop.clock() - began, clients: plan.options.clients)
    sum.isRunning = coordinator.isRunning
    for progress in coordinator.progress.values {
      sum.connected += progress.connected
      sum.held += progress.held
      sum.counters = sum.counters + progress.counters
      if let second = progress.lastSecond { sum.lastSecond = sum.lastSecond?.merged(with: second) ?? second }
    }
    onProgress(sum)
    progressTimer.schedule(at: loop.now + .milliseconds(500))
  }
}

extension LoadSecond {
  /// The same second of another worker: deliveries add up, and of the latencies the slower one counts.
  func merged(with other: LoadSecond) -> LoadSecond {
    LoadSecond(
      second: max(second, other.second), delivered: delivered + other.delivered, p50: max(p50, other.p50),
      p99: max(p99, other.p99))
  }
}
