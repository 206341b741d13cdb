// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import Testing

/// Bayeux by POST: connections, and the order of answers on them.
@Suite(.timeLimit(.minutes(2))) struct LongPollingTests {
  @Test func anAnswerCarriesTypeLengthAndCacheRulesAndNothingElse() async throws {
    try await withBroker { broker in
      let response = try broker.client().post(BayeuxClient.path, "[]")
      #expect(response.status == 200)
      #expect(response.reason == "OK")
      #expect(response.fields.map(\.name) == ["Date", "Content-Type", "Cache-Control", "Content-Length"])
      #expect(response["Content-Type"] == "application/json;charset=UTF-8")
      #expect(response["Cache-Control"] == "no-store")
      #expect(response["Date"]?.hasSuffix(" GMT") == true)
      #expect(response.text == "[]")
    }
  }

  @Test func oneConnectionServesManyRequests() async throws {
    try await withBroker { broker in
      let client = try broker.client()
      for index in 0..<50 {
        let response = try client.post(BayeuxClient.path, handshake(id: index))
        #expect(response.messages.first?["id"]?.string == "\(index)")
        #expect(!response.closes)
      }
      #expect(try broker.metrics()["http_accepted_total"] == 2)
      #expect(try broker.metrics()["sessions"] == 50)
    }
  }

  @Test func aClientThatWantsToCloseIsClosedAfterItsAnswer() async throws {
    try await withBroker { broker in
      let client = try broker.client()
      let response = try client.post(BayeuxClient.path, handshake(id: 1), "Connection: close")
      #expect(response.closes)
      #expect(try client.readToEnd() == "")
    }
  }

  @Test func anOlderClientIsClosedUnlessItAsksToStay() async throws {
    try await withBroker { broker in
      let body = handshake(id: 1)
      func request(_ fields: String) -> String {
        "POST /genesys/cometd HTTP/1.0\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
      }
      let brief = try broker.client()
      try brief.send(request(""))
      let last = try brief.response()
      #expect(last.messages.first?.isSuccessful == true)
      #expect(last.closes)
      #expect(try brief.readToEnd() == "")

      let lasting = try broker.client()
      for _ in 0..<2 {
        try lasting.send(request("Connection: Keep-Alive\r\n"))
        let response = try lasting.response()
        #expect(response["Connection"] == "keep-alive")
        #expect(response.messages.first?.isSuccessful == true)
      }
    }
  }

  @Test func pipelinedRequestsAreAnsweredInTheirOrder() async throws {
    try await withBroker { broker in
      let client = try broker.client()
      try client.send((0..<40).map { client.text("POST", BayeuxClient.path, handshake(id: $0)) }.joined())
      for index in 0..<40 {
        #expect(try client.response().messages.first?["id"]?.string == "\(index)")
      }
    }
  }

  @Test func whatIsPipelinedBehindAHeldConnectWaitsForItsAnswer() async throws {
    try await withBroker { broker in
      let vasya = try broker.listener("vasya")
      let connect = vasya.message("/meta/connect", ["id": "held"])
      let publish = vasya.message("/news", ["id": "behind", "data": 1])
      let line = vasya.polls
      try line.send(
        line.text("POST", "/genesys/cometd/connect", connect.text, ["gms_user: vasya"])
          + line.text("POST", "/genesys/cometd/", publish.text, ["gms_user: vasya"])
          + line.text("OPTIONS", "/genesys/cometd"))
      try broker.expect("connects_held", 1)
      #expect(try broker.metrics().samples[#"broker_messages_in_total{kind="publish"}"#] == 0)
      try broker.publish(to: "vasya", "wake up")
      #expect(try line.response().messages.map { $0["id"]?.string } == [nil, "held"])
      #expect(try line.response().messages.map { $0["id"]?.string } == ["behind"])
      #expect(try line.response().status == 204)
    }
  }

  @Test func aHeldConnectMayBeFollowedByManyPipelinedBytes() async throws {
    try await withBroker { broker in
      let vasya = try broker.listener("vasya")
      try vasya.hold()
      // More than is kept: reading pauses, and goes on behind the answer.
      let count = 60
      let padding = String(repeating: "x", count: 8000)
      let publishes = (0..<count).map { index in
        vasya.polls.text(
          "POST", "/genesys/cometd", vasya.message("/news", ["id": JSONValue(index), "data": .string(padding)]).text)
      }.joined()
      async let sending: Void = vasya.polls.send(publishes)
      try broker.expect("connects_held", 1)
      try broker.publish(to: "vasya", "wake up")
      #expect(try vasya.held().messages.count == 2)
      for index in 0..<count {
        #expect(try vasya.polls.response().messages.first?["id"]?.string == "\(index)")
      }
      try await sending
    }
  }

  @Test func aRequestMayComeByteByByte() async throws {
    try await withBroker { broker in
      let client = try broker.client()
      for byte in client.text("POST", BayeuxClient.path, handshake(id: 7)).utf8 { try client.send([byte]) }
      #expect(try client.response().messages.first?["id"]?.string == "7")
    }
  }

  @Test(arguments: ["", "/", "/handshake", "/connect", "/any/thing/below", "?query=1", "/?x", "//", "/%zz"])
  func thePathBelowTheMountDoesNotMatter(_ suffix: String) async throws {
    try await withBroker { broker in
      let response = try broker.client().post("/genesys/cometd" + suffix, handshake(id: 1))
      #expect(response.messages.first?.isSuccessful == true)
    }
  }

  @Test(arguments: ["/genesys/cometdX", "/genesys/comet", "/genesys", "/", "/GENESYS/cometd", "/genesys/cometd%2F"])
  func whatLiesBesideTheMountIsNotFound(_ path: String) async throws {
    try await withBroker { broker in
      let response = try broker.client().post(path, handshake(id: 1))
      #expect(response.status == 404)
      #expect(response.json.names == ["exception", "message"])
      #expect(response["Content-Type"] == "application/json;charset=UTF-8")
    }
  }

  @Test(arguments: [("/push", "/push/connect"), ("/", "/any/thing"), ("/a/b/", "/a/b")])
  func theMountPathIsAnOption(_ mount: String, _ path: String) async throws {
    try await withBroker({ $0.bayeux.path = mount }) { broker in
      let response = try broker.client().post(path, handshake(id: 1))
      #expect(response.messages.first?.isSuccessful == true)
    }
  }

  @Test func aClientIsToldToGoOnBeforeItSendsItsBody() async throws {
    try await withBroker { broker in
      let client = try broker.client()
      let body = handshake(id: 1)
      let parts = client.text("POST", BayeuxClient.path, body, ["Expect: 100-continue"])
      try client.send(parts.dropLast(body.count).description)
      let interim = try client.response()
      #expect(interim.status == 100)
      #expect(interim.fields.isEmpty)
      try client.send(body)
      #expect(try client.response().messages.first?.isSuccessful == true)
    }
  }

  @Test func aClientThatDoesNotWaitToGoOnIsNotTold() async throws {
    try await withBroker { broker in
      let client = try broker.client()
      let response = try client.post(BayeuxClient.path, handshake(id: 1), "Expect: 100-continue")
      #expect(response.status == 200)
    }
  }

  @Test func aBodyMayComeInChunks() async throws {
    try await withBroker { broker in
      let client = try broker.client()
      let head =
        "POST /genesys/cometd HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n"
      let body = Array(handshake(id: 1).utf8)
      let chunks = stride(from: 0, to: body.count, by: 7).map { start in
        let chunk = body[start..<min(start + 7, body.count)]
        return String(chunk.count, radix: 16) + ";ext=1\r\n" + String(decoding: chunk, as: UTF8.self) + "\r\n"
      }
      let whole = head + chunks.joined() + "0\r\nTrailer: dropped\r\n\r\n"
      try client.send(whole)
      #expect(try client.response().messages.first?.isSuccessful == true)
      for piece in whole.utf8.chunks(of: 5) { try client.send(piece) }
      #expect(try client.response().messages.first?.isSuccessful == true)
      try client.send(whole + whole)
      #expect(try client.response().messages.first?.isSuccessful == true)
      #expect(try client.response().messages.first?.isSuccessful == true)
    }
  }

  @Test func anAnswerToHeadHasALengthAndNoBody() async throws {
    try await withBroker { broker in
      let client = try broker.client()
      let query = "?jsonp=f&message=" + percentEncoded(handshake(id: 1))
      let get = try client.call("GET", BayeuxClient.path + query)
      let head = try client.call("HEAD", BayeuxClient.path + query)
      #expect(head.status == 200)
      #expect(head.contentLength == get.body.count)
      // Had it had a body, this would be read out of it.
      #expect(try client.post(BayeuxClient.path, "[]").text == "[]")
    }
  }

  @Test func aMalformedRequestBehindAHeadRequestIsToldWhatIsWrong() async throws {
    try await withBroker { broker in
      let client = try broker.client()
      try client.send(client.text("HEAD", "/healthz"))
      _ = try client.response(toHead: true)
      try client.send("nonsense\r\n\r\n")
      let response = try client.response()
      #expect(response.status == 400)
      #expect(response.body.count == response.contentLength)
      #expect(try client.readToEnd() == "")
    }
  }

  @Test(arguments: ["PUT", "DELETE", "PATCH", "TRACE", "BREW", "GET"])
  func onlyPostGetAndOptionsAreTaken(_ method: String) async throws {
    try await withBroker { broker in
      let client = try broker.client()
      let response = try client.call(method, BayeuxClient.path)
      #expect(response.status == 405)
      #expect(response["Allow"] == "POST, GET, OPTIONS")
      #expect(response.json["exception"]?.string?.hasSuffix("MethodNotAllowedException") == true)
      #expect(try client.post(BayeuxClient.path, "[]").status == 200)
    }
  }
}

/// The text of a handshake with that id.
func handshake(id: Int) -> String {
  #"{"channel":"/meta/handshake","version":"1.0","minimumVersion":"0.9","id":"\#(id)"}"#
}

/// All but letters and digits encoded, for queries and forms.
func percentEncoded(_ text: String) -> String {
  text.utf8.map { byte in
    let isPlain = ASCII.isAlphanumeric(byte)
    let digits = String(byte, radix: 16, uppercase: true)
    return isPlain ? String(UnicodeScalar(byte)) : "%" + (digits.utf8.count < 2 ? "0" : "") + digits
  }.joined()
}

extension Collection {
  func chunks(of size: Int) -> [[Element]] {
    var rest = self[...]
    var chunks: [[Element]] = []
    while !rest.isEmpty {
      chunks.append(Array(rest.prefix(size)))
      rest = rest.dropFirst(size)
    }
    return chunks
  }
}
