// SPDX-License-Identifier: Apache-2.0
import Bytes
import Glibc
import Reactor

/// One worker: its clients, its publisher and its accounts, all on one loop.
///
/// set up → wait for `go` → warm up and measure → tell what was published → wait for `expect` → wait for what is still
/// under way → result.
final class Generator {
  enum Phase { case setup, waiting, running, closing, draining, ended }

  let plan: LoadPlan
  let worker: Int
  let loop: EventLoop
  let dialer: Dialer
  let report: (WorkerReport) -> Void
  private(set) var phase = Phase.setup
  var isActive: Bool { phase != .ended }

  var clients: [LoadClient] = []
  private var nextToLaunch = 0
  private var launching = 0
  private var upCount = 0
  var hasConnected = false
  private var connectFailures = 0
  private var deadlines = Deadlines<LoadClient>()
  private lazy var deadlineTimer = Timer(on: loop) { [unowned self] in deadlinesPassed() }
  private lazy var tickTimer = Timer(on: loop) { [unowned self] in tick() }

  var counters = LoadCounters()
  var result = WorkerResult()
  private var second = LatencyRecord()
  private var secondStarted = Instant(nanoseconds: 0)
  private var countersAtSecond = LoadCounters()
  private var countersAtMeasuring = LoadCounters()
  private var cpuAtMeasuring = Duration.zero
  private var lastProgress = Instant(nanoseconds: 0)
  private(set) var lastArrival = Instant(nanoseconds: 0)
  private let setupBegan: Instant
  /// What websockets put their messages together in.
  var frameScratch: [UInt8] = []

  private(set) var startAt = Instant.distantFuture
  private(set) var measureAt = Instant.distantFuture
  private(set) var endAt = Instant.distantFuture
  private(set) var isMeasuring = false
  private var published: [[UInt32]] = []
  private var expectedDeliveries = Int.max

  lazy var publishing = Publishing(self)
  lazy var chats = ChatRunner(self)
  lazy var storm = Storm(self)

  /// - Parameter report: gets what the coordinator is to know, on the loop's thread.
  init(
    _ plan: LoadPlan, worker: Int, on loop: EventLoop, _ report: @escaping (WorkerReport) -> Void
  ) throws(LoadTestError) {
    self.plan = plan
    self.worker = worker
    self.loop = loop
    self.report = report
    dialer = try Dialer(plan.url, sources: plan.sourceAddresses, plan.options)
    setupBegan = loop.now
    for index in plan.share(of: worker) {
      let ledger = ClientLedger(
        destinations: plan.destinations(of: index), publishers: plan.publishersPerClient)
      clients.append(LoadClient(index: index, generator: self, ledger: ledger, writer: Self.writer(plan, index)))
    }
  }

  static func writer(_ plan: LoadPlan, _ client: Int) -> RequestWriter {
    let user = plan.sendsUsers && client >= 0 ? ["\(plan.options.userHeader): \(plan.user(client))"] : []
    return RequestWriter(
      plan.url, contentType: "application/json;charset=UTF-8", fields: plan.options.headers + user,
      usesAcknowledgements: plan.options.acknowledgements)
  }

  // MARK: setting up

  /// Connects everybody. What comes next is reported.
  func begin() {
    if plan.options.scenario != .hold, plan.options.scenario != .chat { publishing.begin() }
    launchMore()
    tickTimer.schedule(at: loop.now + .milliseconds(50))
  }

  private func launchMore() {
    while launching < plan.options.ramp, nextToLaunch < clients.count, phase == .setup {
      launching += 1
      nextToLaunch += 1
      clients[nextToLaunch - 1].advance()
    }
  }

  func cameUp(_ client: LoadClient) {
    guard client.index >= 0 else { return }
    upCount += 1
    if phase == .setup {
      launching -= 1
      launchMore()
    } else if plan.options.scenario == .storm, phase == .running {
      storm.cameBack(client)
    }
  }

  func gaveUp(_ client: LoadClient, _ reason: String) {
    counters.failedClients += 1
    problem(reason)
    if client.index < 0 { return fail(.cannotPublish(reason)) }
    if phase == .setup {
      launching -= 1
      launchMore()
    }
  }

  private func checkSetup(_ now: Instant) {
    let isPublisherUp = publishing.isUp
    if upCount + counters.failedClients >= clients.count, isPublisherUp {
      guard upCount > 0 else { return fail(.clientsMissing(0, clients.count, result.lastProblem)) }
      phase = .waiting
      return report(.up(now - setupBegan))
    }
    let limit = LoadLimits.setup + LoadLimits.setupPerClient * clients.count
    if now - setupBegan > limit { fail(.clientsMissing(upCount, clients.count, result.lastProblem)) }
  }

  func couldNotConnect(_ reason: String) {
    problem(reason)
    connectFailures += 1
    if !hasConnected || connectFailures >= LoadLimits.connectFailures && phase == .setup {
      fail(.unreachable(plan.url.authority, reason))
    }
  }

  func problem(_ reason: String) {
    counters.protocolErrors += 1
    result.lastProblem = reason
  }

  func refused(_ message: ReplyMessage, _ text: Span<UInt8>, by client: LoadClient) {
    counters.refusals += 1
    if let error = message.error { result.lastProblem = error.string(in: text) }
  }

  func fail(_ error: LoadTestError) {
    guard phase != .ended else { return }
    end()
    report(.failed(error))
  }

  // MARK: running

  func take(_ command: WorkerCommand) {
    switch command {
    case .go(let moment): if phase == .waiting { go(at: moment) }
    case .expect(let rows): if phase == .closing { expect(rows) }
    case .stop:
      switch phase {
      case .setup, .waiting: fail(.clientsMissing(upCount, clients.count, "interrupted"))
      case .running: endMeasuring(EventLoop.clock())
      case .closing, .ended: break
      case .draining: finish()
      }
    }
  }

  private func go(at moment: Instant) {
    phase = .running
    startAt = moment
    // A storm and a count of messages are measured whole.
    measureAt = moment + (plan.options.scenario == .storm ? .zero : plan.options.warmup)
    let isCounted = plan.options.messages != nil || plan.options.scenario == .storm
    endAt = isCounted ? .distantFuture : measureAt + plan.options.duration
    secondStarted = moment
    lastArrival = max(moment, measureAt)
    countersAtSecond = counters
    tickTimer.schedule(at: moment)
  }

  /// Called after each turn of the loop, and by whoever made room.
  func pump() {
    guard phase == .running else { return }
    let now = EventLoop.clock()
    guard now >= startAt else { return }
    if !isMeasuring, now >= measureAt { beginMeasuring(now) }
    if now >= endAt { return endMeasuring(now) }
    switch plan.options.scenario {
    case .hold: break
    case .chat: chats.pump(now)
    case .storm: storm.pump(now)
    default: publishing.pump(now)
    }
  }

  private func beginMeasuring(_ now: Instant) {
    isMeasuring = true
    measureAt = min(measureAt, now)
    countersAtMeasuring = counters
    cpuAtMeasuring = Self.threadCPU()
    publishing.beginMeasuring(now)
    report(.measuring)
  }

  func endMeasuring(_ now: Instant) {
    guard phase == .running else { return }
    phase = .closing
    if isMeasuring {
      result.measured = counters - countersAtMeasuring
      // What was waited for in vain at the end is no part of it.
      let end = plan.options.messages == nil || lastArrival < measureAt ? now : lastArrival
      result.measuredTime = max(end - measureAt, .nanoseconds(1))
      result.measuredCPU = Self.threadCPU() - cpuAtMeasuring
    } else {
      report(.measuring)
    }
    report(.measured)
    publishing.stop()
    report(.published(publishing.sharedCounts))
    lastArrival = now
  }

  /// The CPU time of this thread, on which the loop runs.
  private static func threadCPU() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }

  // MARK: accounts

  func arrived(_ data: JSONSlice, in text: Span<UInt8>, at client: LoadClient) {
    guard let marker = Marker(in: text, range: data.range), marker.run == plan.run else {
      // A chat has notices of its own.
      if plan.options.scenario != .chat { counters.foreign += 1 }
      return
    }
    guard let arrival = client.ledger.arrived(marker) else {
      counters.misdelivered += 1
      return
    }
    guard case .fresh(let outOfOrder) = arrival else {
      counters.duplicated += 1
      return
    }
    counters.delivered += 1
    if outOfOrder { counters.reordered += 1 }
    let now = EventLoop.clock()
    lastArrival = now
    let latency = (now - marker.intended).wholeNanoseconds
    second.record(nanoseconds: latency)
    if marker.intended >= measureAt { result.latency.record(nanoseconds: latency) }
    if plan.options.scenario == .chat {
      chats.arrived(marker, at: client)
    } else if plan.hasOwnDestinations || Int(marker.publisher) / plan.publishersPerWorker == worker {
      publishing.arrived()
    }
  }

  private func expect(_ rows: [[UInt32]]) {
    published = rows
    phase = .draining
    expectedDeliveries = clients.reduce(0) { sum, client in
      guard !client.hasFailed else { return sum }
      return sum + client.ledger.lost { expected($0, $1) }
    }
    expectedDeliveries += counters.delivered
    checkDrained(EventLoop.clock())
  }

  private func expected(_ publisher: Int, _ destination: UInt32) -> UInt32 {
    if plan.hasOwnDestinations { return publishing.count(publisher: publisher, destination) }
    let (worker, slot) = publisher.quotientAndRemainder(dividingBy: plan.publishersPerWorker)
    let place = slot * plan.sharedDestinations + Int(destination)
    guard worker < published.count, place < published[worker].count else { return 0 }
    return published[worker][place]
  }

  private func checkDrained(_ now: Instant) {
    if counters.delivered >= expectedDeliveries || now - lastArrival >= plan.options.stall { finish() }
  }

  private func finish() {
    counters.lost = clients.reduce(0) { sum, client in
      client.hasFailed ? sum : sum + client.ledger.lost { expected($0, $1) }
    }
    counters.rehandshakes = clients.reduce(0) { $0 + $1.session.rehandshakes }
    result.counters = counters
    end()
    report(.result(result))
  }

  private func end() {
    phase = .ended
    tickTimer.cancel()
    deadlineTimer.cancel()
    publishing.close()
    chats.close()
    for client in clients { client.closeLink() }
  }

  // MARK: time

  func note(_ client: LoadClient) {
    deadlines.note(client)
    if let next = deadlines.next { deadlineTimer.schedule(at: next) }
  }

  private func deadlinesPassed() {
    let now = loop.now
    while let client = deadlines.popDue(at: now) { client.due() }
    if let next = deadlines.next { deadlineTimer.schedule(at: next) }
  }

  private func tick() {
    let now = EventLoop.clock()
    switch phase {
    case .setup: checkSetup(now)
    case .running:
      pump()
      if phase == .running { checkStalled(now) }
    case .draining: checkDrained(now)
    case .waiting, .closing, .ended: break
    }
    guard phase != .ended else { return }
    if now - secondStarted >= .seconds(1), phase == .running || phase == .draining { closeSecond(now) }
    if now - lastProgress >= .milliseconds(500) {
      lastProgress = now
      report(
        .progress(
          WorkerProgress(
            connected: clients.count { $0.isConnected }, held: clients.count { $0.isUp && $0.session.isHeld },
            counters: counters, lastSecond: result.seconds.last)))
    }
    tickTimer.schedule(at: now + .milliseconds(50))
  }

  private func closeSecond(_ now: Instant) {
    let delivered = counters - countersAtSecond
    let count = plan.options.scenario == .storm ? delivered.returned : delivered.delivered
    result.seconds.append(
      LoadSecond(
        second: result.seconds.count, delivered: count, p50: second.percentile(50), p99: second.percentile(99)))
    second.reset()
    countersAtSecond = counters
    secondStarted = secondStarted + .seconds(1)
  }

  /// What did not come for long is not waited for any more; the ledger remembers it.
  private func checkStalled(_ now: Instant) {
    let since = max(lastArrival, startAt)
    guard now - since >= plan.options.stall else { return }
    switch plan.options.scenario {
    case .hold: break
    case .storm: storm.stalled(now)
    case .chat: chats.stalled(now)
    default: publishing.stalled(now)
    }
  }

  /// Something went on although nothing arrived.
  func madeProgress(_ now: Instant) { lastArrival = max(lastArrival, now) }
}
