// SPDX-License-Identifier: Apache-2.0
import Bytes
import Reactor
import Testing

@Suite struct TimerTests {
  @Test func timersFireInOrderOfTheirDeadlinesAndNeverEarly() throws {
    let loop = try EventLoop()
    let start = loop.now
    var fired: [Int] = []
    var early = 0
    // Further apart than the kernel's coarse clock.
    let timers = [5, 2, 4, 1, 3].map { place in
      let deadline = start + .milliseconds(place * 15)
      let timer = Timer(on: loop) {
        fired.append(place)
        if loop.now < deadline { early += 1 }
      }
      timer.schedule(at: deadline)
      return timer
    }
    #expect(loop.run(until: { fired.count == 5 }))
    #expect(fired == [1, 2, 3, 4, 5])
    #expect(early == 0)
    #expect(timers.allSatisfy { $0.deadline == nil })
  }

  @Test func aTimerFiresOnceUntilItIsScheduledAgain() throws {
    let loop = try EventLoop()
    var count = 0
    let timer = Timer(on: loop) { count += 1 }
    timer.schedule(at: loop.now)
    _ = loop.turns(in: .milliseconds(20))
    #expect(count == 1)
    timer.schedule(at: loop.now)
    #expect(loop.run(until: { count == 2 }))
  }

  @Test func aMomentThatHasPassedIsTheNextTurn() throws {
    let loop = try EventLoop()
    var fired = false
    let timer = Timer(on: loop) { fired = true }
    timer.schedule(at: Instant(nanoseconds: 1))
    #expect(timer.deadline == Instant(nanoseconds: 1))
    #expect(loop.run(until: { fired }))
  }

  @Test func aLaterDeadlineReplacesTheEarlierOne() throws {
    let loop = try EventLoop()
    let start = loop.now
    var firedAt: Instant?
    let timer = Timer(on: loop) { firedAt = loop.now }
    timer.schedule(at: start + .milliseconds(5))
    timer.schedule(at: start + .milliseconds(60))
    #expect(loop.run(until: { firedAt != nil }))
    #expect(try #require(firedAt) >= start + .milliseconds(60))
  }

  @Test func anEarlierDeadlineReplacesTheLaterOne() throws {
    let loop = try EventLoop()
    var fired = false
    let timer = Timer(on: loop) { fired = true }
    timer.schedule(at: loop.now + .seconds(3600))
    timer.schedule(at: loop.now + .milliseconds(5))
    #expect(loop.run(until: { fired }))
  }

  @Test(arguments: [Instant.distantFuture, nil])
  func aTimerThatIsCancelledOrSetToNeverDoesNotFire(moment: Instant?) throws {
    let loop = try EventLoop()
    var fired = false
    let timer = Timer(on: loop) { fired = true }
    timer.schedule(at: loop.now)
    if let moment { timer.schedule(at: moment) } else { timer.cancel() }
    #expect(timer.deadline == nil)
    _ = loop.turns(in: .milliseconds(20))
    #expect(!fired)
  }

  @Test func aTimerMayScheduleItselfInItsCallback() throws {
    let loop = try EventLoop()
    var count = 0
    var timer: Timer?
    timer = Timer(on: loop) {
      count += 1
      if count < 5 { timer?.schedule(at: loop.now) }
    }
    timer?.schedule(at: loop.now)
    #expect(loop.run(until: { count == 5 }))
    timer = nil
  }

  @Test func aTimerMayCancelItselfInItsCallback() throws {
    let loop = try EventLoop()
    var count = 0
    var timer: Timer?
    timer = Timer(on: loop) {
      count += 1
      timer?.schedule(at: loop.now)
      timer?.cancel()
    }
    timer?.schedule(at: loop.now)
    _ = loop.turns(in: .milliseconds(20))
    #expect(count == 1)
    timer = nil
  }

  @Test func aTimerMayBeReleasedInItsCallback() throws {
    let loop = try EventLoop()
    var timer: Timer?
    weak var gone: Timer?
    var note = ""
    let text = String(repeating: "still here ", count: 10)
    timer = Timer(on: loop) {
      timer = nil
      // The closure's own captures are still alive.
      note = text
    }
    gone = timer
    timer?.schedule(at: loop.now)
    #expect(loop.run(until: { !note.isEmpty }))
    #expect(note == text)
    #expect(gone == nil)
  }

  @Test(arguments: [true, false])
  func ofTwoTimersDueTogetherTheFirstMayKillTheSecond(byRelease: Bool) throws {
    let loop = try EventLoop()
    var timers: [Timer] = []
    var fired: [Int] = []
    for index in 0..<2 {
      timers.append(
        Timer(on: loop) {
          fired.append(index)
          if byRelease { timers.removeAll() } else { timers[1 - index].cancel() }
        })
    }
    for timer in timers { timer.schedule(at: loop.now) }
    _ = loop.turns(in: .milliseconds(20))
    #expect(fired.count == 1)
    timers = []
  }

  @Test func aReleasedTimerDoesNotFire() throws {
    let loop = try EventLoop()
    var fired = false
    do {
      let timer = Timer(on: loop) { fired = true }
      timer.schedule(at: loop.now)
    }
    _ = loop.turns(in: .milliseconds(20))
    #expect(!fired)
  }
}
