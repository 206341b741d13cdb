// SPDX-License-Identifier: Apache-2.0
import Bytes
import Glibc
import Synchronization
import Testing

@testable import Reactor

@Suite struct MailboxTests {
  private struct Letter: Sendable, Equatable {
    let thread: Int
    let number: Int
  }

  @Test func whatEachThreadPostsArrivesInItsOrder() throws {
    let loop = try EventLoop()
    let mailbox = try Mailbox<Letter>()
    let threads = 8
    let each = 5000
    var next = Array(repeating: 0, count: threads)
    var received = 0
    var outOfOrder = 0
    try mailbox.attach(to: loop) { letters in
      for letter in letters {
        if letter.number != next[letter.thread] { outOfOrder += 1 }
        next[letter.thread] += 1
        received += 1
      }
    }
    let writers = try (0..<threads).map { thread in
      try LoopThread.start(name: "writer \(thread)") {
        for number in 0..<each { mailbox.post(Letter(thread: thread, number: number)) }
      }
    }
    #expect(loop.run(until: { received == threads * each }))
    for writer in writers { writer.join() }
    #expect(outOfOrder == 0)
    #expect(mailbox.close().isEmpty)
  }

  @Test func manyPostsCostOneWakeUpAndComeTogether() throws {
    let loop = try EventLoop()
    let mailbox = try Mailbox<Int>()
    for item in 0..<1000 { #expect(mailbox.post(item)) }
    var writes: UInt64 = 0
    #expect(read(mailbox.descriptor, &writes, 8) == 8)
    #expect(writes == 1)
    // Told again, since the test has taken the wake-up away.
    #expect(write(mailbox.descriptor, &writes, 8) == 8)

    var batches: [[Int]] = []
    try mailbox.attach(to: loop) { batches.append($0) }
    #expect(loop.run(until: { !batches.isEmpty }))
    #expect(batches == [Array(0..<1000)])
    mailbox.post(1000)
    #expect(loop.run(until: { batches.count == 2 }))
    #expect(batches[1] == [1000])
  }

  @Test func whatIsPostedWhileReceivingComesInALaterBatch() throws {
    let loop = try EventLoop()
    let mailbox = try Mailbox<Int>()
    var received: [Int] = []
    try mailbox.attach(to: loop) { items in
      received += items
      if let last = items.last, last < 3 { mailbox.post(last + 1) }
    }
    mailbox.post(0)
    #expect(loop.run(until: { received.count == 4 }))
    #expect(received == [0, 1, 2, 3])
  }

  @Test func closingReturnsWhatWasNotReceivedAndRefusesTheRest() throws {
    let mailbox = try Mailbox<Int>()
    #expect(mailbox.post(1))
    #expect(mailbox.post(2))
    #expect(mailbox.close() == [1, 2])
    #expect(!mailbox.post(3))
    #expect(mailbox.close().isEmpty)
  }

  @Test func eachItemIsEitherReceivedOrLeftOverOrRefused() throws {
    let loop = try EventLoop()
    let mailbox = try Mailbox<Int>()
    var received: [Int] = []
    var leftOver: [Int] = []
    try mailbox.attach(to: loop) { items in
      received += items
      if received.count >= 1000 { leftOver += mailbox.close() }
    }
    let accepted = Mutex(0)
    let writers = try (0..<4).map { thread in
      try LoopThread.start(name: "writer \(thread)") {
        var count = 0
        while mailbox.post(count) { count += 1 }
        accepted.withLock { $0 += count }
      }
    }
    #expect(loop.run(until: { received.count >= 1000 }))
    for writer in writers { writer.join() }
    #expect(received.count + leftOver.count == accepted.withLock { $0 })
  }

  @Test func aClosedMailboxIsLetGoByTheLoop() throws {
    let loop = try EventLoop()
    weak var gone: Mailbox<Int>?
    do {
      let mailbox = try Mailbox<Int>()
      gone = mailbox
      try mailbox.attach(to: loop) { _ in }
      _ = mailbox.close()
    }
    #expect(loop.run(until: { gone == nil }, within: .seconds(2)))
  }
}
