// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

/// Bounds against abuse, each one below, at, and one above. Further ones stand in `LimitsTests`.
struct BoundsTests {
  // MARK: handshakes

  @Test(arguments: [1, 2, 5]) func sessionsOfAUser(_ limit: Int) {
    let scene = Scene { $0.limits.maxSessionsPerUser = limit }
    let clients = (0..<limit).map { _ in scene.connectedClient(user: "ann") }
    let further = scene.client(user: "ann").handshake()
    #expect(further.error == "403:too_many_sessions_of_user:handshake_failed" && further.reconnect == "retry")
    #expect(scene.client(user: "ben").handshake().isSuccessful)
    for _ in 0...limit { #expect(scene.client().handshake().isSuccessful, "nobody is no user") }
    clients[0].disconnect()
    #expect(scene.client(user: "ann").handshake().isSuccessful)
    #expect(scene.counters.limitUserSessions == 1 && scene.counters.handshakesRefused == 1)
  }

  @Test(arguments: [1, 2, 5]) func sessionsOfAnAddress(_ limit: Int) {
    let scene = Scene { $0.limits.maxSessionsPerAddress = limit }
    func shake(_ address: UInt64) -> (Client, Exchange) {
      let client = scene.client()
      client.origin.address = address
      return (client, client.handshake())
    }
    let clients = (0..<limit).map { _ in shake(7) }
    #expect(clients.allSatisfy { $0.1.isSuccessful })
    let further = shake(7).1
    #expect(further.error == "403:too_many_sessions_of_address:handshake_failed" && further.reconnect == "retry")
    #expect(shake(8).1.isSuccessful)
    for _ in 0...limit { #expect(shake(0).1.isSuccessful, "many clients share that address") }
    clients[0].0.disconnect()
    #expect(shake(7).1.isSuccessful)
    #expect(shake(7).1.error != nil)
    // Sessions that stay away make room, too.
    scene.pass(.seconds(31))
    #expect(scene.sessionCount == 0 && shake(7).1.isSuccessful)
    #expect(scene.counters.limitAddressSessions == 2)
  }

  @Test(arguments: [1, 2, 5]) func handshakesOfAnAddress(_ rate: Int) {
    let scene = Scene {
      $0.limits.maxHandshakesPerSecond = rate
      $0.limits.handshakePause = .seconds(2)
    }
    func shake(_ address: UInt64) -> Exchange {
      scene.send(#"{"channel":"/meta/handshake"}"#, origin: RequestOrigin(address: address))
    }
    for _ in 0..<rate { #expect(shake(7).isSuccessful) }
    #expect(shake(7).error == "429:too_many_handshakes:handshake_failed")
    #expect(shake(8).isSuccessful)
    for _ in 0...rate { #expect(shake(0).isSuccessful) }
    scene.pass(.nanoseconds(1_000_000_000 / rate))
    #expect(shake(7).isSuccessful && !shake(7).isSuccessful)
    #expect(scene.counters.limitHandshakeRate == 2)
  }

  @Test func whoIsRefusedTogetherIsNotToldToComeBackTogether() throws {
    let scene = Scene {
      $0.limits.maxHandshakesPerSecond = 0
      $0.limits.handshakePause = .seconds(2)
    }
    var pauses: [Int] = []
    for _ in 0..<100 {
      let reply = scene.send(#"{"channel":"/meta/handshake"}"#, origin: RequestOrigin(address: 7))
      #expect(reply.reconnect == "retry")
      pauses.append(try #require(reply.reply["advice"]?["interval"]?.int))
    }
    #expect(pauses.allSatisfy { (2000...4000).contains($0) } && Set(pauses).count > 50)
  }

  @Test func addressesThatSayNothingAnyMoreAreForgotten() {
    var table = AddressTable()
    var now = Instant(nanoseconds: 0)
    table.joined(1)
    for address in UInt64(2)...10_000 {
      let isTaken = table.take(address, perSecond: 1, at: now)
      #expect(isTaken)
      now = now + .milliseconds(10)
    }
    #expect(table.count <= 1024 && table.sessions(of: 1) == 1)
    let isTakenAgain = table.take(10_000, perSecond: 1, at: now)
    #expect(!isTakenAgain, "one that was just there is remembered")
  }

  // MARK: publishes

  @Test(arguments: [1, 2, 5]) func publishesOfASession(_ rate: Int) {
    let scene = Scene { $0.limits.maxPublishesPerSecond = rate }
    let (ann, ben) = (scene.connectedClient(), scene.connectedClient())
    ben.subscribe("/a")
    for _ in 0..<rate { #expect(ann.publish("/a").isSuccessful) }
    #expect(ann.publish("/a").error == "429:too_many_messages:publish_denied")
    #expect(ann.publish("/service/x").error == "429:too_many_messages:publish_denied")
    #expect(ben.publish("/b").isSuccessful)
    #expect(ann.subscribe("/a").isSuccessful && ann.connect().isWaiting, "the session goes on")
    scene.pass(.nanoseconds(1_000_000_000 / rate))
    #expect(ann.publish("/a").isSuccessful && !ann.publish("/a").isSuccessful)
    #expect(scene.counters.limitPublishRate == 3 && scene.counters.publishes == rate + 2)
  }

  // MARK: queues

  @Test(arguments: [1, 2, 5]) func dropOldest(_ limit: Int) throws {
    let scene = Scene {
      $0.queuePolicy = .dropOldest
      $0.limits.maxQueueMessages = limit
    }
    let ann = scene.connectedClient()
    ann.subscribe("/a")
    for count in [limit - 1, limit, limit + 1, limit + 7] {
      for number in 0..<count { try scene.publish("/a", "\(number)") }
      #expect(ann.connect(#","advice":{"timeout":0}"#).data == (max(0, count - limit)..<count).map(String.init))
    }
    #expect(ann.isKnown && scene.counters.droppedOldest == 8 && scene.counters.sessionsOverflowed == 0)
  }

  @Test(arguments: [1, 2, 5]) func dropNewest(_ limit: Int) throws {
    let scene = Scene {
      $0.queuePolicy = .dropNewest
      $0.limits.maxQueueMessages = limit
    }
    let ann = scene.connectedClient()
    ann.subscribe("/a")
    for count in [limit - 1, limit, limit + 1, limit + 7] {
      for number in 0..<count { try scene.publish("/a", "\(number)") }
      #expect(ann.connect(#","advice":{"timeout":0}"#).data == (0..<min(limit, count)).map(String.init))
    }
    #expect(ann.isKnown && scene.counters.droppedNewest == 8 && scene.counters.sessionsOverflowed == 0)
  }

  @Test(arguments: [QueuePolicy.dropOldest, .dropNewest]) func queuesAreBoundedInBytes(_ policy: QueuePolicy) throws {
    let bytes = #"{"data":1,"channel":"/a"}"#.utf8.count
    for (data, isLost) in [("1", false), ("12", false), ("123", true)] {
      let scene = Scene {
        $0.queuePolicy = policy
        $0.limits.maxQueueBytes = 2 * bytes + 1
      }
      let ann = scene.connectedClient()
      ann.subscribe("/a")
      try scene.publish("/a", "1")
      try scene.publish("/a", data)
      let kept = !isLost ? ["1", data] : policy == .dropOldest ? [data] : ["1"]
      #expect(ann.connect(#","advice":{"timeout":0}"#).data == kept)
      try scene.publish("/a", String(repeating: "7", count: 100))
      #expect(ann.connect(#","advice":{"timeout":0}"#).data == [], "one that fits nowhere")
      #expect(scene.counters.lostToFullQueues == (isLost ? 2 : 1))
    }
  }

  /// What is for the user gives way to nothing: before one of them is lost the session ends, and the next one gets all.
  @Test(arguments: [QueuePolicy.dropOldest, .dropNewest]) func messagesForAUserAreNeverDropped(_ policy: QueuePolicy)
    throws
  {
    let scene = Scene {
      $0.queuePolicy = policy
      $0.limits.maxQueueMessages = 3
    }
    let ann = scene.connectedClient(user: "ann")
    ann.subscribe("/_genesys")
    ann.subscribe("/a")
    scene.deliver("1", to: "ann")
    for number in 10..<13 { try scene.publish("/a", "\(number)") }
    scene.deliver("2", to: "ann")
    scene.deliver("3", to: "ann")
    #expect(ann.isKnown && scene.counters.waiting == 3)
    try scene.publish("/a", "13")
    #expect(ann.connect(#","advice":{"timeout":0}"#).data == ["1", "2", "3"])
    for number in 4...7 { scene.deliver("\(number)", to: "ann") }
    #expect(!ann.isKnown && scene.counters.sessionsOverflowed == 1)
    #expect(scene.connectedClient(user: "ann").subscribe("/_genesys").data == ["4", "5", "6", "7"])
  }

  @Test func aHeldSessionIsBoundedWithinATurn() throws {
    let scene = Scene {
      $0.queuePolicy = .dropOldest
      $0.limits.maxQueueMessages = 3
    }
    let ann = scene.connectedClient()
    ann.subscribe("/a")
    let poll = ann.connect()
    scene.runsByItself = false
    for number in 0..<10 { try scene.publish("/a", "\(number)") }
    scene.endTurn()
    #expect(poll.data == ["7", "8", "9"] && scene.counters.droppedOldest == 7)
  }

  @Test(arguments: [(-1, 0), (0, 0), (1, 1)]) func bytesOfAllQueuesOfAShard(_ excess: Int, _ shed: Int) throws {
    let bytes = #"{"data":1,"channel":"/a"}"#.utf8.count
    // One of three has two messages, the others one.
    let scene = Scene { $0.limits.maxShardQueueBytes = 4 * bytes - excess }
    let clients = (0..<3).map { _ in scene.connectedClient() }
    for client in clients { client.subscribe("/a") }
    clients[1].subscribe("/b")
    try scene.publish("/b", "1")
    try scene.publish("/a", "1")
    #expect(scene.counters.sessionsShed == shed && clients[1].isKnown == (shed == 0))
    #expect(clients[0].isKnown && clients[2].isKnown)
    #expect(scene.counters.discardedShed == 2 * shed)
    if shed > 0 { #expect(clients[1].connect().reconnect == "handshake") }
  }

  @Test func whatGoesOutInTheSameTurnDoesNotCount() throws {
    let scene = Scene { $0.limits.maxShardQueueBytes = 100 }
    let clients = (0..<50).map { _ in scene.connectedClient() }
    let polls = clients.map { client in
      client.subscribe("/a")
      return client.connect()
    }
    try scene.publish("/a", "1")
    #expect(polls.allSatisfy { $0.data == ["1"] } && scene.counters.sessionsShed == 0)
  }

  @Test func whatIsNotAcknowledgedCounts() throws {
    let bytes = #"{"data":1,"channel":"/a"}"#.utf8.count
    let scene = Scene { $0.limits.maxShardQueueBytes = 2 * bytes }
    let ann = scene.client()
    ann.handshake(#","ext":{"ack":true}"#)
    ann.connect(#","ext":{"ack":0}"#)
    ann.subscribe("/a")
    let poll = ann.connect(#","ext":{"ack":1}"#)
    try scene.publish("/a", "1")
    #expect(poll.data == ["1"] && scene.queueBytes == bytes)
    let next = ann.connect(#","ext":{"ack":2}"#)
    #expect(next.isWaiting && scene.queueBytes == 0)
  }

  /// What an ended session had not confirmed does not stay in the sum.
  @Test func whatAnEndedSessionHeldIsTakenOff() throws {
    let scene = Scene()
    let ann = scene.client()
    ann.handshake(#","ext":{"ack":true}"#)
    ann.connect(#","ext":{"ack":0}"#)
    ann.subscribe("/a")
    let poll = ann.connect(#","ext":{"ack":1}"#)
    try scene.publish("/a", "1")
    #expect(poll.data == ["1"])
    ann.connect(#","ext":{"ack":1},"advice":{"timeout":0}"#)
    scene.runsByItself = false
    try scene.publish("/a", "2")
    ann.disconnect()
    scene.endTurn()
    #expect(scene.queueBytes == 0 && scene.sessionCount == 0)
  }

  @Test func batchesAreCountedWhereTheyAreTooLong() {
    let scene = Scene { $0.limits.maxMessagesPerBatch = 2 }
    for count in 1...3 { scene.send("[" + Array(repeating: "{}", count: count).joined(separator: ",") + "]") }
    #expect(scene.counters.limitBatch == 1)
  }

  @Test func everyLimitIsSummedOverShards() {
    var one = BrokerCounters()
    for error in BayeuxError.allCases { one.note(error) }
    let sum = one + one
    #expect(one.limitUserSessions == 1 && sum.limitUserSessions == 2 && sum.limitAddressSessions == 2)
    #expect(sum.limitHandshakeRate == 2 && sum.limitSubscriptions == 2 && sum.limitMessageBytes == 2)
    #expect(sum.limitPublishRate == 2 && sum.limitChannelRate == 2 && sum.unknownSessions == 2)
  }
}

extension Scene {
  fileprivate var queueBytes: Int { shards.reduce(0) { $0 + $1.queueBytes } }
}
