// SPDX-License-Identifier: Apache-2.0
import Bytes
import Glibc
import Testing

@testable import Reactor

/// What concerns a whole process runs in one of its own.
@Suite struct ProcessTests {
  @Test func writingToAPeerThatIsGoneDoesNotKill() async {
    await #expect(processExitsWith: .success) {
      signal(SIGPIPE, SIG_DFL)
      let loop = try EventLoop()
      let (probe, peer) = try Sockets.pair(on: loop)
      peer.hangUp()
      probe.send([1])
      guard loop.run(until: { probe.isClosed }) else { exit(3) }
      exit(0)
    }
  }

  @Test func ignoringSIGPIPETurnsItIntoAnError() async {
    await #expect(processExitsWith: .success) {
      signal(SIGPIPE, SIG_DFL)
      Reactor.ignoreSIGPIPE()
      var ends: [Int32] = [-1, -1]
      guard pipe(&ends) == 0 else { exit(2) }
      close(ends[0])
      let count = write(ends[1], &ends, 4)
      exit(count == -1 && errno == EPIPE ? 0 : 3)
    }
  }

  @Test func theDescriptorLimitIsRaisedToWhatIsAllowed() async {
    await #expect(processExitsWith: .success) {
      Limit.lower(to: 100)
      let raised = Reactor.raiseDescriptorLimit()
      let (soft, hard) = Limit.current
      exit(raised == soft && soft == hard && soft > 100 ? 0 : 3)
    }
  }

  @Test func runningOutOfDescriptorsRestsAndRecovers() async {
    await #expect(processExitsWith: .success) {
      let loop = try EventLoop()
      var guests: [Probe] = []
      var complaints: [ReactorError] = []
      let listener = try Listener(on: loop, address: .loopback) { descriptor, _ in
        if let probe = try? Probe(on: loop, adopting: descriptor) { guests.append(probe) }
      }
      listener.onExhausted = { complaints.append($0) }
      let clients = try (0..<20).map { _ in try Sockets.connect(to: listener.localAddress) }
      let (soft, _) = Limit.current
      Limit.lower(leaving: 5)

      // Some five find room (the runtime of the tests opens and closes some of its own), then the listener rests: the
      // turns are its few retries and nothing else, and they do not repeat the complaint.
      let turns = loop.turns(in: .milliseconds(500))
      let settled = guests.count
      guard (2...9).contains(settled) else { exit(10) }
      guard turns < 20 else { exit(11) }
      let complaint = ReactorError.cannotAccept(listener.localAddress, EMFILE)
      guard complaints == [complaint] || complaints == [complaint, complaint] else { exit(12) }

      // A descriptor that is freed is used at once, and not after the next pause.
      let told = complaints.count
      let before = EventLoop.clock()
      guests[0].close(.local("test"))
      guard loop.run(until: { guests.count > settled }) else { exit(13) }
      guard EventLoop.clock() - before < .milliseconds(150) else { exit(14) }

      // Another want is another episode, and its pause ends by itself.
      _ = loop.turns(in: .milliseconds(50))
      guard complaints.count > told else { exit(15) }
      Limit.lower(to: soft)
      guard loop.run(until: { guests.count == clients.count }, within: .seconds(3)) else { exit(16) }
      exit(0)
    }
  }

  @Test func aListenerMayBePausedClosedAndReleasedWhileItRests() async {
    await #expect(processExitsWith: .success) {
      let loop = try EventLoop()
      var guests: [Int32] = []
      var listener: Listener? = try Listener(on: loop, address: .loopback) { descriptor, _ in guests.append(descriptor)
      }
      guard let address = listener?.localAddress else { exit(2) }
      let client = try Sockets.connect(to: address)
      let (soft, _) = Limit.current
      Limit.lower(to: 3)
      _ = loop.turns(in: .milliseconds(20))
      listener?.pause()
      Limit.lower(to: soft)
      guard loop.turns(in: .milliseconds(300)) < 15, guests.isEmpty else { exit(3) }
      Limit.lower(to: 3)
      listener?.resume()
      _ = loop.turns(in: .milliseconds(20))
      listener = nil
      Limit.lower(to: soft)
      guard loop.turns(in: .milliseconds(300)) < 15, guests.isEmpty else { exit(4) }
      withExtendedLifetime(client) {}
      exit(0)
    }
  }

  @Test func noDescriptorIsLeftBehind() async {
    await #expect(processExitsWith: .success) {
      try Limit.oneRound()
      guard let before = Reactor.openDescriptorCount, before > 2 else { exit(2) }
      for _ in 0..<20 { try Limit.oneRound() }
      // The runtime of the tests has a few that come and go; a leak would show twenty times.
      guard let after = Reactor.openDescriptorCount, abs(after - before) < 5 else { exit(3) }
      exit(0)
    }
  }

  @Test func signalsArriveOnTheLoopInsteadOfKilling() async {
    await #expect(processExitsWith: .success) {
      let loop = try EventLoop()
      var got: [Int32] = []
      let source = try SignalSource(on: loop, signals: [SIGTERM, SIGINT, SIGHUP]) { got.append($0) }
      for signal in [SIGTERM, SIGINT, SIGHUP] {
        kill(getpid(), signal)
        guard loop.run(until: { got.last == signal }) else { exit(3) }
      }
      // Also one that comes to another thread, where it is not blocked as in the thread of a test.
      let thread = try LoopThread.start(name: "killer") {
        var none = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, nil)
        pthread_kill(pthread_self(), SIGTERM)
      }
      guard loop.run(until: { got.count == 4 }) else { exit(4) }
      thread.join()
      withExtendedLifetime(source) {}
      exit(0)
    }
  }

  @Test func aReleasedSignalSourceGivesTheSignalBack() async {
    await #expect(processExitsWith: .signal(SIGTERM)) {
      let loop = try EventLoop()
      var source: SignalSource? = try SignalSource(on: loop, signals: [SIGTERM]) { _ in exit(3) }
      _ = source
      source = nil
      kill(getpid(), SIGTERM)
      _ = loop.turns(in: .seconds(2))
      exit(4)
    }
  }

  @Test func signalsBelongToOneLoopAtATime() async {
    await #expect(processExitsWith: .success) {
      let one = try EventLoop()
      let two = try EventLoop()
      var first: SignalSource? = try SignalSource(on: one, signals: [SIGHUP]) { _ in }
      var second: SignalSource? = try SignalSource(on: one, signals: [SIGTERM]) { _ in }
      func isRefused(_ signal: Int32) -> ReactorError? {
        do throws(ReactorError) {
          _ = try SignalSource(on: two, signals: [signal]) { _ in }
          return nil
        } catch { return error }
      }
      guard isRefused(SIGINT) == .signalsTaken else { exit(3) }
      first = nil
      guard isRefused(SIGINT) == .signalsTaken else { exit(4) }
      second = nil
      guard isRefused(SIGKILL) == .cannotWatch(EINVAL) else { exit(5) }
      guard isRefused(SIGINT) == nil else { exit(6) }
      _ = (first, second)
      exit(0)
    }
  }

  @Test func aThreadBearsItsNameAndIsJoined() throws {
    let names = try Mailbox<String>()
    let thread = try LoopThread.start(name: "a shard with a long name") {
      let file = Peer(open("/proc/thread-self/comm", O_RDONLY | O_CLOEXEC))
      names.post(String(decoding: file.read() ?? [], as: UTF8.self))
    }
    thread.join()
    thread.join()
    #expect(names.close() == ["a shard with a \n"])
    #expect(LoopThread.kernelName("éééééééé") == "ééééééé")
  }

  @Test(arguments: [
    (ReactorError.badPort(70000), "70000: not a port; a port is 0 to 65535"),
    (.unknownHost("nowhere", "because"), "nowhere: unknown host: because"),
    (.noEventLoop(EMFILE), "cannot make an event loop: Too many open files"),
    (.noMailbox(EMFILE), "cannot make a mailbox: Too many open files"),
    (.noThread("shard 1", EAGAIN), "cannot start the thread shard 1: Resource temporarily unavailable"),
    (.cannotWatch(ENOSPC), "the kernel will not watch a descriptor or signal: No space left on device"),
    (.notAListener(7), "descriptor 7 is not a listening TCP socket"),
    (.signalsTaken, "another event loop of this process already receives signals"),
  ])
  func anErrorIsASentenceForTheOperator(error: ReactorError, sentence: String) {
    #expect(error.description == sentence)
  }

  @Test func anErrorOfListeningNamesTheAddress() throws {
    let address = try SocketAddress(host: "::1", port: 80)
    #expect("\(ReactorError.listening(address, EADDRINUSE))".hasPrefix("[::1]:80: address in use"))
    #expect("\(ReactorError.listening(address, EACCES))".hasPrefix("[::1]:80: not permitted"))
    #expect("\(ReactorError.listening(address, EADDRNOTAVAIL))".hasPrefix("[::1]:80: not an address"))
    #expect("\(ReactorError.listening(address, ENOBUFS))" == "[::1]:80: cannot listen: No buffer space available")
    #expect("\(ReactorError.cannotAccept(address, EMFILE))".hasSuffix("cannot accept connections: Too many open files"))
  }
}

/// Steps that the child processes share.
enum Limit {
  static var current: (soft: Int, hard: Int) {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return (Int(clamping: limit.rlim_cur), Int(clamping: limit.rlim_max))
  }

  /// Sets the soft limit of open descriptors alone.
  static func lower(to count: Int) {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = rlim_t(count)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  /// Lets `count` more descriptors be opened: the limit bounds their numbers, and the free ones need not be the highest.
  static func lower(leaving count: Int) {
    var number: Int32 = 0
    var free = 0
    while true {
      if fcntl(number, F_GETFD) == -1 {
        if free == count { break }
        free += 1
      }
      number += 1
    }
    lower(to: Int(number))
  }

  /// Makes one of everything that holds a descriptor, ends it in each way there is, and lets it go.
  static func oneRound() throws {
    let loop = try EventLoop()
    let mailbox = try Mailbox<Int>()
    try mailbox.attach(to: loop) { _ in }
    let group = try ListenerGroup.open(.loopback, count: 3)
    if (try? ListenerGroup.open(group.address, count: 3)) != nil { exit(22) }
    var guests: [Probe] = []
    let listeners = try group.descriptors.map { descriptor in
      try Listener(on: loop, adopting: descriptor) { descriptor, _ in
        if let probe = try? Probe(on: loop, adopting: descriptor) { guests.append(probe) }
      }
    }
    let clients = try (0..<6).map { _ in try Sockets.connect(to: group.address) }
    guard loop.run(until: { guests.count == clients.count }) else { exit(20) }
    guests[0].close(.local("test"))
    guests[1].send([UInt8](repeating: 7, count: 8_000_000))
    guests[1].closeAfterDraining(by: loop.now + .milliseconds(1))
    guests[2].closeAfterDraining(by: .distantFuture)
    guests[3] = try Probe(on: loop, adopting: guests[3].detach())
    guard loop.run(until: { guests[1].isClosed }) else { exit(24) }
    for client in clients { client.reset() }
    guard loop.run(until: { guests.allSatisfy(\.isClosed) }) else { exit(21) }
    let file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
    if (try? Probe(on: loop, adopting: file)) != nil { exit(23) }
    _ = mailbox.close()
    withExtendedLifetime(listeners) {}
  }
}
