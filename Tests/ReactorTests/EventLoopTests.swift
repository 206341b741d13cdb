// SPDX-License-Identifier: Apache-2.0
import Bytes
import Glibc
import Reactor
import Testing

@Suite struct EventLoopTests {
  @Test func theTimeOfATurnStandsStillUntilTheNextTurn() throws {
    let loop = try EventLoop()
    var times: [[Instant]] = []
    let start = Timer(on: loop) {}
    start.schedule(at: loop.now)
    loop.run {
      let first = loop.now
      while EventLoop.clock() <= first {}
      times.append([first, loop.now])
      if times.count == 2 { loop.stop() }
      return .again
    }
    #expect(times[0][0] == times[0][1])
    #expect(times[1][0] > times[0][1])
  }

  @Test func outsideOfATurnTheTimeIsTheClock() throws {
    let loop = try EventLoop()
    let first = loop.now
    while EventLoop.clock() <= first {}
    #expect(loop.now > first)
  }

  @Test func aTurnWithWorkLeftIsFollowedByOneThatDoesNotWait() throws {
    let loop = try EventLoop()
    var turns = 0
    let never = Timer(on: loop) {}
    never.schedule(at: loop.now + .seconds(3600))
    // Only the first turn may wait, and a timer that is due ends that one.
    let start = Timer(on: loop) {}
    start.schedule(at: loop.now)
    loop.run {
      turns += 1
      if turns == 1000 { loop.stop() }
      return .again
    }
    #expect(turns == 1000)
  }

  @Test func stopEndsTheTurnFirst() throws {
    let loop = try EventLoop()
    var log: [String] = []
    let one = Timer(on: loop) {
      log.append("one")
      loop.stop()
    }
    let two = Timer(on: loop) { log.append("two") }
    one.schedule(at: loop.now)
    two.schedule(at: loop.now)
    loop.run {
      log.append("end")
      return .wait
    }
    #expect(log.sorted() == ["end", "one", "two"])
    #expect(log.last == "end")
  }

  @Test func stopBeforeRunMakesRunReturnAtOnceAndOnlyOnce() throws {
    let loop = try EventLoop()
    var turns = 0
    loop.stop()
    loop.run {
      turns += 1
      return .wait
    }
    #expect(turns == 0)
    #expect(loop.turns(in: .milliseconds(1)) > 0)
  }

  @Test func aLoopGoesWhenNothingHoldsIt() throws {
    weak var gone: EventLoop?
    do {
      let loop = try EventLoop()
      gone = loop
      let timer = Timer(on: loop) {}
      timer.schedule(at: loop.now + .seconds(3600))
      let mailbox = try Mailbox<Int>()
      try mailbox.attach(to: loop) { _ in }
      let (probe, _) = try Sockets.pair(on: loop)
      probe.close(.local("test"))
    }
    #expect(gone == nil)
  }
}
