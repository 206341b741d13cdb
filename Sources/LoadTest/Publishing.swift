// SPDX-License-Identifier: Apache-2.0
import Bytes
import Reactor

/// What one worker publishes: when, to whom, and how many deliveries of it are still owed.
final class Publishing {
  private unowned let generator: Generator
  private let plan: LoadPlan
  /// The Bayeux client in whose name is published; nil where an HTTP interface is used.
  private var publisher: LoadClient?
  private var links: [PublishLink?]
  private var dialer: Dialer?
  private var writer: RequestWriter?
  private var pacer: Pacer?
  private let mailbox: Mailbox<Void>?
  private let firstOwn: Int
  /// Shared destinations, or our own clients.
  private let destinationCount: Int
  /// Numbers used, by publisher and destination.
  private var counts: [UInt32]
  /// Clients of this worker that get a message to each shared destination.
  private var audience: [Int]
  private var data: [UInt8]
  private var body = ByteWriter(capacity: 4096)
  private var out = ByteWriter(capacity: 4096)
  private var next = 0
  private var measuredFrom: Int?
  private var owed = 0
  private var isStopped = false
  private var unanswered: [Instant] = []
  private let template: BodyTemplate
  private static let markerOffset = 6

  init(_ generator: Generator) {
    self.generator = generator
    plan = generator.plan
    template = plan.publishTemplate
    let own = plan.share(of: generator.worker)
    firstOwn = own.lowerBound
    destinationCount = plan.hasOwnDestinations ? own.count : plan.sharedDestinations
    counts = Array(repeating: 0, count: destinationCount * plan.publishersPerWorker)
    links = Array(repeating: nil, count: plan.publishersPerWorker)
    audience = Array(repeating: 0, count: plan.sharedDestinations)
    if !plan.hasOwnDestinations {
      for client in own { for destination in plan.destinations(of: client) { audience[Int(destination)] += 1 } }
    }
    let fill = plan.options.payloadBytes - Marker.byteCount - Self.markerOffset - 2
    data = Array("{\"m\":\"".utf8) + Array(repeating: UInt8(ascii: "x"), count: Marker.byteCount + fill)
    data += Array("\"}".utf8)
    mailbox = plan.options.rate == nil ? nil : try? Mailbox()
  }

  func begin() {
    if let url = plan.publishURL {
      do throws(LoadTestError) {
        dialer = try Dialer(url, sources: 1, plan.options)
      } catch {
        return generator.fail(error)
      }
      writer = RequestWriter(url, contentType: "application/json", fields: plan.options.publishHeaders)
    } else {
      let none = ClientLedger(destinations: [], publishers: 1)
      publisher = LoadClient(
        index: -1, generator: generator, ledger: none, writer: Generator.writer(plan, -1))
      publisher?.advance()
    }
  }

  var isUp: Bool { publisher?.isUp ?? true }

  // MARK: when

  func beginMeasuring(_ now: Instant) { measuredFrom = next }

  /// Publishes what is due.
  func pump(_ now: Instant) {
    if isStopped { return }
    if let most = plan.options.messages, let measuredFrom {
      if next - measuredFrom >= max(1, most / plan.options.processes) {
        if owed <= 0 { generator.endMeasuring(now) }
        return
      }
    }
    if let rate = plan.options.rate { pumpOpen(rate / Double(plan.options.processes), now) } else { pumpClosed() }
  }

  private var isFull: Bool {
    guard let most = plan.options.messages, let measuredFrom else { return false }
    return next - measuredFrom >= max(1, most / plan.options.processes)
  }

  /// Each message has its moment, whatever became of the earlier ones.
  private func pumpOpen(_ rate: Double, _ now: Instant) {
    if pacer == nil, let mailbox {
      do throws(ReactorError) {
        try mailbox.attach(to: generator.loop) { [unowned self] _ in generator.pump() }
        let interval = max(Duration.microseconds(200), Duration.seconds(1 / rate))
        pacer = try Pacer(from: generator.startAt, every: interval, to: mailbox)
      } catch {
        return generator.fail(.workerFailed(generator.worker, error.description))
      }
    }
    while !isFull {
      let intended = generator.startAt + .nanoseconds(Int64(Double(next) / rate * 1e9))
      guard intended <= now, send(intended: intended) else { return }
      let late = EventLoop.clock() - intended
      if generator.isMeasuring, late > generator.result.latest { generator.result.latest = late }
    }
  }

  /// The next message when, of the earlier ones, at most what `window - 1` messages cause is still under way.
  private func pumpClosed() {
    while !isFull {
      let destination = nextDestination
      let each = plan.hasOwnDestinations ? 1 : max(1, audience[Int(destination)])
      guard owed <= (plan.options.window - 1) * each, send(intended: EventLoop.clock()) else { return }
    }
  }

  /// One message, for the storm.
  func sendOne(_ now: Instant) -> Bool { send(intended: now) }

  /// A delivery of one of our messages to one of our clients.
  func arrived() { owed -= 1 }

  var isOwed: Bool { owed > 0 }

  func stalled(_ now: Instant) {
    guard owed > 0 else { return }
    owed = 0
    generator.madeProgress(now)
    generator.pump()
  }

  func stop() {
    isStopped = true
    pacer?.stop()
    pacer = nil
  }

  func close() {
    stop()
    _ = mailbox?.close()
    publisher?.closeLink()
    for link in links { link?.close(.local("done")) }
    links = []
  }

  // MARK: to whom

  private var nextDestination: UInt32 {
    if destinationCount <= 1 { return plan.hasOwnDestinations ? UInt32(firstOwn) : 0 }
    // A stride that is prime, so that neighbours in memory are not neighbours in time.
    let stride = destinationCount % 7919 == 0 ? 1 : 7919
    let slot = next % destinationCount * stride % destinationCount
    return UInt32(plan.hasOwnDestinations ? firstOwn + slot : slot)
  }

  var sharedCounts: [UInt32] { plan.hasOwnDestinations ? [] : counts }

  /// Numbers that one of our publishers used for one of our own clients.
  func count(publisher: Int, _ destination: UInt32) -> UInt32 {
    let place = publisher * destinationCount + Int(destination) - firstOwn
    return counts.indices.contains(place) ? counts[place] : 0
  }

  /// The next number for a destination.
  func mark(for destination: UInt32, publisher: Int = 0, intended: Instant) -> Marker {
    let place = publisher * destinationCount + Int(destination) - (plan.hasOwnDestinations ? firstOwn : 0)
    let number = publisher + (plan.hasOwnDestinations ? 0 : generator.worker * plan.publishersPerWorker)
    let marker = Marker(
      run: plan.run, publisher: UInt16(number), destination: destination, sequence: counts[place], intended: intended)
    counts[place] += 1
    generator.counters.published += 1
    return marker
  }

  // MARK: how

  private func send(intended: Instant) -> Bool {
    let overWebSocket = plan.publishURL == nil && plan.transport == .websocket
    if overWebSocket {
      // A room without members owes nothing, so something else has to end the turn.
      guard publisher?.isConnected == true, unanswered.count < max(plan.options.window, 64) else { return false }
    }
    let link = overWebSocket ? nil : idleLink()
    if link == nil, !overWebSocket { return false }
    let destination = nextDestination
    let marker = mark(for: destination, publisher: link?.slot ?? 0, intended: intended)
    next += 1
    owed += plan.hasOwnDestinations ? 1 : audience[Int(destination)]
    data.withUnsafeMutableBufferPointer { buffer in
      if let base = buffer.baseAddress { marker.write(to: base + Self.markerOffset) }
    }
    writeBody(destination)
    let now = EventLoop.clock()
    if let link {
      out.clear()
      currentWriter().request(body: body.bytes, to: &out)
      generator.counters.bytesSent += out.count
      link.publish(out.bytes, now: now)
    } else {
      unanswered.append(now)
      publisher?.sendBeside(body.array)
    }
    return true
  }

  private func currentWriter() -> RequestWriter {
    var current = writer ?? Generator.writer(plan, -1)
    if let publisher { current.inherit(publisher.cookies) }
    writer = current
    return current
  }

  private func writeBody(_ destination: UInt32) {
    body.clear()
    if plan.publishURL != nil {
      return template.write(
        to: &body, data: data, user: plan.user(Int(destination)), channel: plan.channel(to: destination))
    }
    body.append("[{\"id\":\"")
    body.append(decimal: next)
    body.append("\",\"channel\":")
    body.append(jsonString: plan.channel(to: destination))
    body.append(",\"data\":")
    body.append(data)
    body.append(",\"clientId\":")
    body.append(jsonString: String(decoding: publisher?.clientID ?? [], as: UTF8.self))
    body.append("}]")
  }

  private func idleLink() -> PublishLink? {
    var free: Int?
    for (slot, link) in links.enumerated() {
      guard let link, !link.isClosed else {
        free = free ?? slot
        continue
      }
      if link.isIdle { return link }
    }
    guard let free else { return nil }
    do {
      let link = try PublishLink(generator, slot: free, dialer ?? generator.dialer)
      links[free] = link
      return link
    } catch {
      failed("\(error)")
      return nil
    }
  }

  private func failed(_ reason: String) {
    generator.result.lastProblem = reason
  }

  /// A reply on the publisher's websocket.
  func answered(_ message: ReplyMessage) {
    guard !unanswered.isEmpty else { return }
    let time = EventLoop.clock() - unanswered.removeFirst()
    if generator.isMeasuring { generator.result.publishReply.record(nanoseconds: time.wholeNanoseconds) }
    if message.successful == false { generator.counters.publishErrors += 1 }
  }
}

extension Generator {
  /// The reply to a publication came over HTTP.
  func publishAnswered(after time: Duration, status: Int, _ body: Span<UInt8>) {
    if isMeasuring { result.publishReply.record(nanoseconds: time.wholeNanoseconds) }
    guard status == 200 else { return publishFailed("a publication was answered with the HTTP status \(status)") }
    guard plan.publishURL == nil else { return }
    do throws(JSONError) {
      try ReplyScanner.scan(body) { message, text in
        if message.successful == false {
          publishFailed(message.error.map { $0.string(in: text) } ?? "a publication was refused")
        }
      }
    } catch {
      publishFailed("the reply to a publication is not JSON: \(error.reason.rawValue)")
    }
  }

  func publishFailed(_ reason: String) {
    counters.publishErrors += 1
    result.lastProblem = reason
  }

  /// A reply that is no event, on a client's own connection.
  func published(_ message: ReplyMessage, by client: LoadClient) {
    if client.index < 0 { publishing.answered(message) }
  }
}
