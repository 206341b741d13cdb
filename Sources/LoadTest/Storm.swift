// SPDX-License-Identifier: Apache-2.0
import Bytes
import Reactor

/// All clients drop their connections and come back at once; the time of each until it is held again is the latency.
/// At the end one message to all shows that everybody is really there.
final class Storm {
  private unowned let generator: Generator
  private var round = 0
  private var missing = 0
  private var hasChecked = false
  private var roundBegan = Instant(nanoseconds: 0)

  init(_ generator: Generator) { self.generator = generator }

  func pump(_ now: Instant) {
    if missing > 0 { return }
    if round < generator.plan.options.rounds { return begin(now) }
    if !hasChecked { hasChecked = generator.publishing.sendOne(now) }
    if hasChecked { generator.endMeasuring(now) }
  }

  private func begin(_ now: Instant) {
    round += 1
    roundBegan = now
    let clients = generator.clients.filter { !$0.hasFailed }
    missing = clients.count
    for client in clients { client.startOver(at: now) }
    for client in clients { client.advance() }
  }

  func cameBack(_ client: LoadClient) {
    let now = EventLoop.clock()
    generator.counters.returned += 1
    generator.result.latency.record(nanoseconds: (now - client.began).wholeNanoseconds)
    generator.madeProgress(now)
    missing -= 1
    if missing == 0 { generator.pump() }
  }

  /// Nobody came back for long: the others are given up for this round.
  func stalled(_ now: Instant) {
    missing = 0
    generator.madeProgress(now)
    generator.pump()
  }
}
