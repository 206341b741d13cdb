// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService
import Synchronization
import Testing

@testable import BrokerServer

/// Calls of a remote backend: retries, order, bounds.
@Suite(.timeLimit(.minutes(1))) struct RemoteCallTests {
  @Test func anAnswerThatIsLostIsAskedForAgainUnderTheSameKey() async throws {
    let keys = Mutex<[String]>([])
    let bench = try RemoteBench { request in
      let count = keys.withLock {
        $0.append(request.key ?? "none")
        return $0.count
      }
      return count < 3 ? .hangUp : .answer(204)
    }
    defer { bench.stop() }
    try await bench.remote.send("hi", in: "a", call: CallID("c1"))
    #expect(keys.withLock { $0 } == ["c1", "c1", "c1"])
    let statistics = await bench.remote.statistics
    #expect(statistics.retries == 2 && statistics.callsDone == 1 && statistics.callsFailed == 0)
  }

  @Test func retriesAreBounded() async throws {
    let count = Counter()
    let bench = try RemoteBench { _ in
      _ = count.next()
      return .answer(503)
    }
    defer { bench.stop() }
    await #expect(throws: ChatBackendError.unavailable) {
      try await bench.remote.send("hi", in: "a", call: CallID("1"))
    }
    #expect(count.count == 3)
    #expect(await bench.remote.statistics.isReachable == false)
  }

  @Test func aRefusalIsNotRetried() async throws {
    let count = Counter()
    let bench = try RemoteBench { _ in
      _ = count.next()
      return .answer(410)
    }
    defer { bench.stop() }
    await #expect(throws: ChatBackendError.ended) { try await bench.remote.send("hi", in: "a", call: CallID("1")) }
    #expect(count.count == 1)
  }

  @Test func aBackendThatIsDownIsUnavailableAndIsFoundAgain() async throws {
    let bench = try RemoteBench { _ in .answer(204) }
    try await bench.remote.send("one", in: "a", call: CallID("1"))
    bench.server.stop()
    await #expect(throws: ChatBackendError.unavailable) {
      try await bench.remote.send("hi", in: "a", call: CallID("2"))
    }
    let again = try StandInServer(port: bench.server.port) { _ in .answer(204) }
    defer {
      again.stop()
      bench.client.stop()
    }
    try await bench.remote.send("three", in: "a", call: CallID("3"))
    #expect(await bench.remote.statistics.isReachable)
  }

  @Test func aSilentBackendIsGivenUpAtTheDeadline() async throws {
    let bench = try RemoteBench({
      $0.timeout = .milliseconds(40)
      $0.deadline = .milliseconds(100)
      $0.retries = 100
    }) { _ in .silence }
    defer { bench.stop() }
    let start = ContinuousClock.now
    await #expect(throws: ChatBackendError.unavailable) {
      try await bench.remote.send("hi", in: "a", call: CallID("1"))
    }
    #expect(ContinuousClock.now - start >= .milliseconds(90))
  }

  @Test func aConnectionIsUsedAgain() async throws {
    let bench = try RemoteBench { _ in .answer(204) }
    defer { bench.stop() }
    for number in 0..<20 { try await bench.remote.send("hi", in: "a", call: CallID("\(number)")) }
    #expect(bench.server.connections == 1)
  }

  @Test func connectionsAreBoundedAndNothingIsLost() async throws {
    let under = Atomic(0)
    let most = Atomic(0)
    let bench = try RemoteBench(maxConnections: 2) { _ in
      most.max(under.add(1, ordering: .relaxed).newValue, ordering: .relaxed)
      await Task.yield()
      under.subtract(1, ordering: .relaxed)
      return .answer(204)
    }
    defer { bench.stop() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<40 {
        group.addTask { try await bench.remote.send("hi", in: "chat \(number)", call: CallID("\(number)")) }
      }
      try await group.waitForAll()
    }
    #expect(most.load(ordering: .relaxed) <= 2)
    #expect(bench.server.connections <= 2)
  }

  @Test func whatTheQueueDoesNotHoldFailsAtOnce() async throws {
    let bench = try RemoteBench({ $0.maxWaiting = 2 }) { _ in .silence }
    let waiting = (0..<2).map { number in
      Task { try? await bench.remote.send("hi", in: "chat \(number)", call: CallID("\(number)")) }
    }
    await until { await bench.remote.statistics.waiting == 2 }
    await #expect(throws: ChatBackendError.unavailable) {
      try await bench.remote.send("hi", in: "c", call: CallID("3"))
    }
    bench.stop()
    for task in waiting { await task.value }
    #expect(await bench.remote.statistics.waiting == 0)
  }

  @Test func whatNobodyWaitsForLeavesRoomToTheOthers() async throws {
    let bench = try RemoteBench({ $0.maxWaiting = 4 }) { $0.verb == "keep-alive" ? .silence : .answer(204) }
    let waiting = (0..<2).map { number in Task { try? await bench.remote.keepAlive("chat \(number)") } }
    await until { await bench.remote.statistics.waiting == 2 }
    await #expect(throws: ChatBackendError.unavailable) { try await bench.remote.keepAlive("a") }
    try await bench.remote.send("hi", in: "a", call: CallID("1"))
    bench.stop()
    for task in waiting { await task.value }
  }

  @Test func presenceOfManyIsToldAFewAtATimeAndTheLatestAlone() async throws {
    let (gate, open) = AsyncStream<Void>.makeStream()
    let told = Mutex<[String: [Bool]]>([:])
    let bench = try RemoteBench(maxConnections: 8) { request in
      for await _ in gate {}
      told.withLock { $0[request.serviceID, default: []].append(request.body["online"]?.bool ?? false) }
      return .answer(204)
    }
    defer { bench.stop() }
    for number in 0..<50 { await bench.remote.clientPresence("chat \(number)", isOnline: true) }
    await until { await bench.remote.statistics.waiting == RemoteLimits.maxPresenceCalls }
    for number in 0..<50 { await bench.remote.clientPresence("chat \(number)", isOnline: false) }
    #expect(await bench.remote.statistics.waiting == RemoteLimits.maxPresenceCalls)
    open.finish()
    await until { await bench.remote.statistics.callsDone == 50 + RemoteLimits.maxPresenceCalls }
    let all = told.withLock { $0 }
    #expect(all.count == 50 && all.values.allSatisfy { $0.last == false })
    #expect(all.values.count { $0.count == 2 } == RemoteLimits.maxPresenceCalls)
  }

  @Test func callsOfOneChatKeepTheirOrderAndThoseOfOthersPass() async throws {
    let (gate, open) = AsyncStream<Void>.makeStream()
    let texts = Mutex<[String]>([])
    let bench = try RemoteBench { request in
      let text = request.body["text"]?.string ?? ""
      // The first one takes its time.
      if text == "a0" { for await _ in gate {} }
      texts.withLock { $0.append(text) }
      return .answer(204)
    }
    defer { bench.stop() }
    var tasks: [Task<Void, any Error>] = []
    for number in 0..<5 {
      tasks.append(Task { try await bench.remote.send("a\(number)", in: "a", call: CallID("a\(number)")) })
      await until { await bench.remote.statistics.waiting == number + 1 }
    }
    try await bench.remote.send("b", in: "b", call: CallID("b"))
    #expect(texts.withLock { $0 } == ["b"])
    open.finish()
    for task in tasks { try await task.value }
    #expect(texts.withLock { $0 } == ["b", "a0", "a1", "a2", "a3", "a4"])
  }

  @Test func aBackendThatForgotAServiceIsToldOfItAgain() async throws {
    let standIn = StandInBackend()
    let known = Mutex<Set<String>>([])
    let bench = try RemoteBench { request in
      if request.method == "PUT" { known.withLock { _ = $0.insert(request.serviceID) } }
      guard known.withLock({ $0.contains(request.serviceID) }) else { return .answer(404) }
      return await standIn.answer(request)
    }
    defer { bench.stop() }
    try await bench.remote.createService(ChatServiceRequest(serviceID: "a", name: "n", data: [], ttl: .seconds(1)))
    known.withLock { $0 = [] }
    #expect(try await bench.remote.availability("a") == .waiting)
    #expect(try await bench.remote.queuePosition("a")?.eta == .seconds(7))
    await #expect(throws: ChatBackendError.notFound) { try await bench.remote.availability("b") }
    await bench.remote.removeService("a")
    known.withLock { $0 = [] }
    await #expect(throws: ChatBackendError.notFound) { try await bench.remote.availability("a") }
  }

  @Test func presenceThatCouldNotBeToldIsToldWithTheNextKeepAlive() async throws {
    let told = Mutex<[Bool]>([])
    let isDown = Atomic(true)
    let attempts = Counter()
    let bench = try RemoteBench({ $0.retries = 0 }) { request in
      if request.verb == "presence" {
        _ = attempts.next()
        if isDown.load(ordering: .relaxed) { return .answer(500) }
        told.withLock { $0.append(request.body["online"]?.bool ?? false) }
      }
      return .answer(204)
    }
    defer { bench.stop() }
    try await bench.remote.createService(ChatServiceRequest(serviceID: "a", name: "n", data: [], ttl: .seconds(1)))
    await bench.remote.clientPresence("a", isOnline: true)
    await until { await bench.remote.statistics.callsFailed == 1 }
    #expect(attempts.count == 1)
    isDown.store(false, ordering: .relaxed)
    // The first keep-alive may come while the failure is still being noted.
    await until {
      try? await bench.remote.keepAlive("a")
      return told.withLock { $0 } == [true]
    }
  }

  @Test func anAnswerWithoutSenseIsNoAnswer() async throws {
    let bench = try RemoteBench { request in
      request.verb == "chat" ? .answer(200, ["chatSessionId": "x"]) : .answer(200, ["availability": "perhaps"])
    }
    defer { bench.stop() }
    await #expect(throws: ChatBackendError.unavailable) { try await bench.remote.availability("a") }
    await #expect(throws: ChatBackendError.unavailable) {
      _ = try await bench.remote.openChat(
        ChatRequest(serviceID: "a", endpoint: "e", nickname: "n", subject: "s"), call: CallID("1"))
    }
  }

  @Test(
    arguments: [
      (400, .refused(.badInput)), (413, .refused(.badInput)), (422, .refused(.badInput)), (404, .refused(.notFound)),
      (409, .refused(.notReady)), (410, .refused(.ended)), (200, .done(.null)), (204, .done(.null)),
    ] as [(Int, RemoteVerdict)]) func aStatusHasItsMeaning(status: Int, verdict: RemoteVerdict)
  {
    #expect(RemoteVerdict(.success(IncomingAnswer(status: status, body: []))) == verdict)
  }

  @Test(arguments: ["OK", "{", "null", "[1]"]) func whatIsDoneIsDoneWhateverTheBodySays(text: String) async throws {
    let count = Counter()
    let bench = try RemoteBench { _ in
      _ = count.next()
      return .raw("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
    }
    defer { bench.stop() }
    try await bench.remote.createService(ChatServiceRequest(serviceID: "a", name: "n", data: [], ttl: .seconds(1)))
    try await bench.remote.send("hi", in: "a", call: CallID("1"))
    try await bench.remote.disconnect("a", call: CallID("2"))
    #expect(count.count == 3)
    await #expect(throws: ChatBackendError.unavailable) { try await bench.remote.availability("a") }
  }

  @Test func allThatACallTakesHasOneDeadline() async throws {
    let bench = try RemoteBench({
      $0.timeout = .seconds(2)
      $0.deadline = .seconds(2)
    }) { request in
      // It knows nothing of the service when most of the time is over, and does not answer when it is told of it.
      if request.method == "PUT" { return .silence }
      try? await Task.sleep(for: .milliseconds(1_500))
      return .answer(404)
    }
    defer { bench.stop() }
    await bench.remote.remember([ChatServiceRequest(serviceID: "a", name: "n", data: [], ttl: .seconds(1))])
    let start = ContinuousClock.now
    await #expect(throws: ChatBackendError.unavailable) { try await bench.remote.availability("a") }
    #expect(ContinuousClock.now - start < .seconds(3), "1.5 until it was unknown, and what is left of 2")
  }

  @Test(arguments: [408, 425, 429, 500, 502, 503, 504]) func itMayBeTriedAgain(status: Int) {
    guard case .failed = RemoteVerdict(.success(IncomingAnswer(status: status, body: []))) else {
      Issue.record("\(status) is not tried again")
      return
    }
  }

  @Test(arguments: [301, 401, 403, 405, 501]) func itIsOfNoUse(status: Int) {
    guard case .broken = RemoteVerdict(.success(IncomingAnswer(status: status, body: []))) else {
      Issue.record("\(status) is of use")
      return
    }
  }

  @Test(arguments: ChatBackendError.allCases) func theBodyOfARefusalNamesItsError(error: ChatBackendError) {
    let body: JSONValue = ["error": .string(error.remoteName)]
    let verdict = RemoteVerdict(.success(IncomingAnswer(status: 400, body: body.encoded)))
    #expect(verdict == (error == .unavailable ? .failed("it is unavailable") : .refused(error)))
  }

  @Test func anOpeningTellsAllThatIsKnown() {
    let request = ChatRequest(
      serviceID: "a/b", endpoint: "Tenant:end", nickname: "BuzzB", subject: "s",
      userData: [.init("usr", "1"), .init("x", "y"), .init("usr", "2")], firstMessage: "hi", timeZoneOffset: -60)
    let call = RemoteCall.openChat(request, CallID("c"))
    #expect(call.method == "POST" && call.path == "services/a%2Fb/chat")
    #expect(
      call.body == [
        "call": "c", "endpoint": "Tenant:end", "nickname": "BuzzB", "subject": "s", "data": ["x": "y", "usr": "2"],
        "timeZoneOffset": -60, "firstMessage": "hi",
      ])
  }

  @Test func aKeyFitsAHeader() {
    #expect(CallID("0123456789abcdef-12").headerText == "0123456789abcdef-12")
    #expect(CallID("a b\r\nc").headerText == "a%20b%0d%0ac")
  }
}
