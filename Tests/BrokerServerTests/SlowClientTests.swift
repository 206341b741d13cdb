// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import Testing
import Wire

/// Clients that send slowly, read slowly, or do neither: what they cost, and that nobody else pays.
@Suite(.timeLimit(.minutes(2))) struct SlowClientTests {
  private static func isHasty(_ configuration: inout ServerConfiguration) {
    configuration.http.limits.headTimeout = .milliseconds(150)
  }

  // MARK: sending slowly

  @Test(arguments: [
    "P", "POST /genesys/cometd HTTP/1.1\r\nHost: x\r\n", "POST /genesys/cometd HTTP/1.1\r\nHost: x\r\nX: ",
  ])
  func aHeadThatDoesNotEndTimesOut(_ start: String) async throws {
    try await withBroker(Self.isHasty) { broker in
      let client = try broker.client()
      try client.send(start)
      let response = try client.response()
      #expect(response.status == 408)
      #expect(response.closes)
      #expect(response.text == "The request did not arrive in time.\n")
      #expect(try client.readToEnd() == "")
      #expect(try broker.metrics().samples[#"broker_http_rejects_total{cause="timeout"}"#] == 1)
    }
  }

  @Test func theSecondRequestOfAConnectionTimesOutLikeTheFirst() async throws {
    try await withBroker({ $0.http.limits.headTimeout = .seconds(1) }) { broker in
      let client = try broker.client()
      let bytes = Array(client.text("POST", BayeuxClient.path, "[]").utf8)
      for cut in [20, bytes.count - 1] {
        try client.send(bytes[..<cut])
        #expect(!client.hasSomething(within: .milliseconds(20)))
        try client.send(bytes[cut...])
        #expect(try client.response().status == 200)
      }
      try client.send(bytes[..<20])
      #expect(try client.response().status == 408)
    }
  }

  @Test func aHeadThatComesByDropsTimesOutToo() async throws {
    try await withBroker(Self.isHasty) { broker in
      let client = try broker.client()
      try client.send("POST /genesys/cometd HTTP/1.1\r\nHost: x\r\nX: ")
      while !client.hasSomething(within: .milliseconds(10)) { try client.send("a") }
      #expect(try client.response().status == 408)
    }
  }

  @Test func aBodyThatStopsTimesOut() async throws {
    try await withBroker(Self.isHasty) { broker in
      for head in ["Content-Length: 100\r\n\r\n[", "Transfer-Encoding: chunked\r\n\r\n5\r\n[   "] {
        let client = try broker.client()
        try client.send("POST /genesys/cometd HTTP/1.1\r\nHost: x\r\n\(head)")
        let response = try client.response()
        #expect(response.status == 408)
        #expect(try client.readToEnd() == "")
      }
    }
  }

  /// The bytes that came pay for the time that the rest may take.
  @Test func aBodyThatKeepsItsPaceMayTakeLongerThanAHead() async throws {
    try await withBroker({
      Self.isHasty(&$0)
      $0.http.limits.minBodyBytesPerSecond = 1000
    }) { broker in
      let client = try broker.client()
      let body = handshake(id: 1) + String(repeating: " ", count: 20_000)
      let text = client.text("POST", BayeuxClient.path, body)
      try client.send(String(text.dropLast(10)))
      #expect(!client.hasSomething(within: .milliseconds(500)))
      try client.send(String(text.suffix(10)))
      #expect(try client.response().messages.first?.isSuccessful == true)
    }
  }

  @Test func anIdleConnectionIsClosedAndAHeldOneIsNot() async throws {
    try await withBroker({ $0.http.idleTimeout = .milliseconds(700) }) { broker in
      let client = try BayeuxClient(broker)
      try client.hold(["advice": ["timeout": 1500]])
      #expect(try client.main.readToEnd() == "")
      #expect(try client.held().messages.last?.isSuccessful == true)
      let silent = try broker.client()
      #expect(try silent.readToEnd() == "")
    }
  }

  /// The time of a request counts from its own first byte, not from the answer before it.
  @Test func aRequestAfterAPauseHasItsFullTime() async throws {
    try await withBroker({ $0.http.limits.headTimeout = .milliseconds(1000) }) { broker in
      let client = try broker.client()
      let text = client.text("POST", BayeuxClient.path, "[]")
      for pause in [900, 0] {
        try client.send(String(text.dropLast(1)))
        #expect(!client.hasSomething(within: .milliseconds(200)))
        try client.send(String(text.suffix(1)))
        #expect(try client.response().status == 200)
        #expect(!client.hasSomething(within: .milliseconds(pause)))
      }
    }
  }

  // MARK: sending too much

  @Test func eachLimitHasItsStatusAndPassesWhatIsWithin() async throws {
    try await withBroker { broker in
      let limits = HTTPLimits()
      func line(_ bytes: Int) -> String {
        let fixed = "POST /genesys/cometd? HTTP/1.1\r\n".utf8.count
        return "POST /genesys/cometd?\(String(repeating: "x", count: bytes - fixed)) HTTP/1.1\r\n"
      }
      let end = "Host: x\r\nContent-Length: 2\r\n\r\n[]"
      func head(_ bytes: Int) -> String {
        let start = line(100) + "Host: x\r\nContent-Length: 2\r\nX: "
        return start + String(repeating: "y", count: bytes - start.utf8.count - 4) + "\r\n\r\n[]"
      }
      func fields(_ count: Int) -> String {
        line(100) + (0..<count - 2).map { "X\($0): y\r\n" }.joined() + end
      }
      let spaces = String(repeating: " ", count: limits.maxBodyBytes - 2)
      let chunk = "\(String(limits.maxBodyBytes, radix: 16))\r\n[]\(spaces)\r\n"
      let chunked = line(100) + "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      func sized(_ more: Int) -> String {
        line(100) + "Host: x\r\nContent-Length: \(limits.maxBodyBytes + more)\r\n\r\n"
      }
      let cases: [(String, String, Int)] = [
        (line(limits.maxRequestLineBytes) + end, line(limits.maxRequestLineBytes + 1) + end, 414),
        (head(limits.maxHeadBytes), head(limits.maxHeadBytes + 1), 431),
        (fields(limits.maxHeaders), fields(limits.maxHeaders + 1), 431),
        (sized(0) + "[]" + spaces, sized(1), 413),
        (chunked + chunk + "0\r\n\r\n", chunked + chunk + "1\r\n", 413),
        (chunked + chunk + "0\r\n\r\n", chunked + "ffffffff\r\n", 413),
      ]
      for (within, beyond, status) in cases {
        let client = try broker.client()
        try client.send(within)
        #expect(try client.response().text == "[]")
        try client.send(beyond)
        let response = try client.response()
        #expect(response.status == status)
        #expect(response.closes)
        #expect(try client.readToEnd() == "")
      }
    }
  }

  /// The whole body is sent before anything is read, as simple clients do: the answer must not be lost in a reset.
  @Test func aClientThatSendsOnAfterItsRefusalReadsIt() async throws {
    try await withBroker { broker in
      let client = try broker.client()
      try client.send(client.text("POST", BayeuxClient.path, String(repeating: "x", count: 900_000)))
      #expect(try client.response().status == 413)
    }
  }

  @Test func connectionsBeyondTheLimitAreClosedAndPlacesAreUsedAgain() async throws {
    try await withBroker({ $0.http.maxConnections = 5 }) { broker in
      // The admin listener counts, and is never refused.
      let admin = try broker.admin()
      var clients = try (0..<4).map { _ in try broker.client() }
      for client in clients { #expect(try client.post(BayeuxClient.path, "[]").status == 200) }
      #expect(try admin.get("/healthz").status == 200)
      for _ in 0..<3 { #expect(try broker.client().readToEnd() == "") }
      #expect(try broker.metrics().samples[#"broker_http_rejects_total{cause="too_many_connections"}"#] == 3)
      try broker.expect("http_connections", 6)
      clients.removeAll()
      try broker.expect("http_connections", 2)
      #expect(try broker.client().post(BayeuxClient.path, "[]").status == 200)
    }
  }

  // MARK: reading slowly

  @Test func whoeverReadsNothingDisturbsNobody() async throws {
    try await withBroker({
      $0.bayeux.options.limits.maxQueueBytes = 1 << 20
      $0.http.writeTimeout = .milliseconds(500)
    }) { broker in
      let stuck = try BayeuxClient(broker)
      try stuck.subscribe("/big")
      let line = try broker.client(receiveBufferBytes: 4096)
      let connect = line.text("POST", BayeuxClient.path, stuck.message("/meta/connect").text)
      try line.send(String(repeating: connect, count: 100))
      try broker.expect("connects_held", 1)
      let other = try BayeuxClient(broker)
      try other.subscribe("/big")
      let text = String(repeating: "x", count: 200_000)
      for number in 0..<60 {
        try other.hold()
        #expect(try broker.publish(on: "/big", [JSONValue(number), .string(text)]) >= 1)
        #expect(try other.held().messages.first?["data"]?[0]?.int == number)
      }
      #expect(try broker.metrics().samples[#"broker_sessions_ended_total{reason="queue_full"}"#] == 1)
      // Its own two, those of the other, and the one that asks.
      try broker.expect("http_connections", 5)
    }
  }

  @Test func aSessionThatIsNotFetchedEndsAtItsBound() async throws {
    try await withBroker({ $0.bayeux.options.limits.maxQueueBytes = 8 << 20 }) { broker in
      let absent = try BayeuxClient(broker)
      try absent.subscribe("/big")
      let text = String(repeating: "x", count: 400_000)
      for _ in 0..<20 { #expect(try broker.publish(on: "/big", .string(text)) == 1) }
      #expect(try broker.metrics()["queue_messages"] == 20)
      try broker.publish(on: "/big", .string(text))
      try broker.expect("sessions", 0)
      let page = try broker.metrics()
      #expect(page.samples[#"broker_discarded_total{reason="queue_full"}"#] == 21)
      #expect(page["queue_messages"] == 0)
      #expect(try absent.call("/meta/connect").error == "402::session_unknown")
    }
  }

  @Test func aClientThatReadsNothingForTooLongIsCutOff() async throws {
    try await withBroker({
      $0.http.writeTimeout = .milliseconds(200)
      $0.bayeux.options.limits.maxResponseBytes = 16 << 20
    }) { broker in
      let session = try BayeuxClient(broker)
      try session.subscribe("/big")
      for _ in 0..<15 { try broker.publish(on: "/big", .string(String(repeating: "x", count: 500_000))) }
      let stuck = try broker.client(receiveBufferBytes: 4096)
      try stuck.send(stuck.text("POST", BayeuxClient.path, session.message("/meta/connect").text))
      try broker.expect("queue_messages", 0)
      // Both of the session's own connections, and the one that asks.
      try broker.expect("http_connections", 3)
      #expect(try session.call("/service/x").isSuccessful)
    }
  }

  /// Its session must not expire while its client still reads the events that it waited for.
  @Test func aSlowReaderKeepsItsSession() async throws {
    try await withBroker({
      $0.bayeux.options.maxInterval = .milliseconds(1000)
      $0.bayeux.options.limits.maxQueueBytes = 32 << 20
      $0.http.limits.maxBodyBytes = 16 << 20
    }) { broker in
      let session = try BayeuxClient(broker)
      try session.subscribe("/big")
      let slow = try broker.client(receiveBufferBytes: 4096)
      try slow.send(slow.text("POST", BayeuxClient.path, session.message("/meta/connect").text))
      try broker.expect("connects_held", 1)
      #expect(try broker.publish(on: "/big", .string(String(repeating: "x", count: 12_000_000))) == 1)
      let start = ContinuousClock.now
      while ContinuousClock.now - start < .seconds(2) { _ = session.polls.hasSomething(within: .milliseconds(50)) }
      #expect(try broker.metrics()["sessions"] == 1)
      #expect(try slow.response().body.count > 12_000_000)
      // Now its clock runs.
      try broker.expect("sessions", 0)
    }
  }

  @Test func pipelinedAnswersWaitForTheirReader() async throws {
    try await withBroker { broker in
      let client = try broker.client(receiveBufferBytes: 4096)
      // Some 16 MB of answers, more than the kernel holds for one connection.
      let count = 1500
      let rest = String(repeating: #",{"channel":"/x"}"#, count: 100)
      let requests = (0..<count).map { number in
        client.text("POST", BayeuxClient.path, #"[{"channel":"/x","id":"\#(number)"}\#(rest)]"#)
      }.joined()
      async let sending: Void = client.send(requests)
      let other = try BayeuxClient(broker)
      for _ in 0..<100 { #expect(try other.publish("/a", 1).isSuccessful) }
      // It has stopped taking requests whose answers nobody reads.
      #expect(try eventually { try broker.metrics()["http_received_bytes_total"] > 400_000 })
      #expect(try broker.metrics()["http_requests_total"] < count)
      for index in 0..<count {
        let text = try client.response().text
        if !text.hasPrefix(#"[{"id":"\#(index)","#) { Issue.record("answer \(index) begins \(text.prefix(40))") }
      }
      try await sending
    }
  }

  @Test func aLastAnswerHasTimeToBeRead() async throws {
    try await withBroker({ $0.bayeux.options.limits.maxResponseBytes = 16 << 20 }) { broker in
      let session = try BayeuxClient(broker)
      try session.subscribe("/big")
      for _ in 0..<10 { try broker.publish(on: "/big", .string(String(repeating: "x", count: 500_000))) }
      let slow = try broker.client(receiveBufferBytes: 4096)
      try slow.send(
        slow.text("POST", BayeuxClient.path, session.message("/meta/connect").text, ["Connection: close"]))
      // Longer than a connection lingers that has nothing left to send.
      let start = ContinuousClock.now
      while ContinuousClock.now - start < .milliseconds(2300) {
        _ = session.polls.hasSomething(within: .milliseconds(50))
      }
      let response = try slow.response()
      #expect(response.messages.count == 11)
      #expect(try slow.readToEnd() == "")
    }
  }

  // MARK: half-closing

  @Test func aHalfClosedConnectionGetsAllOfALongAnswer() async throws {
    try await withBroker({ $0.bayeux.options.limits.maxResponseBytes = 16 << 20 }) { broker in
      let session = try BayeuxClient(broker)
      try session.subscribe("/big")
      for _ in 0..<10 { try broker.publish(on: "/big", .string(String(repeating: "x", count: 500_000))) }
      let slow = try broker.client(receiveBufferBytes: 4096)
      try slow.send(slow.text("POST", BayeuxClient.path, session.message("/meta/connect").text))
      slow.endWriting()
      #expect(slow.hasSomething(within: Patience.duration))
      try broker.publish(on: "/other", 1)
      #expect(try slow.response().messages.count == 11)
      #expect(try slow.readToEnd() == "")
    }
  }

  @Test(arguments: [1, 2])
  func aHalfClosedConnectionGetsTheAnswersToAllThatItSent(_ shards: Int) async throws {
    try await withBroker(shards: shards) { broker in
      let vasya = try broker.listener("vasya")
      let line = try broker.client()
      try line.send(
        line.text("POST", "/genesys/1/service/request-chat", "")
          + line.text("POST", BayeuxClient.path, vasya.message("/a", ["id": "1"]).text)
          + line.text("POST", BayeuxClient.path, vasya.message("/meta/connect", ["id": "2"]).text)
          + line.text("POST", "/genesys/1/service/request-chat", "")
          + line.text("POST", BayeuxClient.path, vasya.message("/a", ["id": "3"]).text))
      line.endWriting()
      #expect(try line.response().json["_id"]?.string != nil)
      #expect(try line.response().messages.first?["id"] == "1")
      #expect(try line.response().messages.first?["id"] == "2")
      #expect(try line.response().json["_id"]?.string != nil)
      #expect(try line.response().messages.first?["id"] == "3")
      #expect(try line.readToEnd() == "")
    }
  }
}
