// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import Testing

/// What a POST may hold, and what it is told where it holds something else.
@Suite(.timeLimit(.minutes(2))) struct RequestBodyTests {
  static let shake = handshake(id: 1)

  @Test(arguments: [
    "application/json", "application/json;charset=UTF-8", "APPLICATION/JSON ; charset=\"utf-8\"", "text/json",
    "text/plain", "application/x-www-form-urlencoded", "application/octet-stream", "x", "", nil,
  ])
  func theMediaTypeOfAMessageDoesNotMatter(_ type: String?) async throws {
    try await withBroker { broker in
      let fields = type.map { ["Content-Type: \($0)"] } ?? []
      let response = try broker.client().call("POST", BayeuxClient.path, Self.shake, fields)
      #expect(response.messages.first?.isSuccessful == true)
    }
  }

  @Test(arguments: [
    shake, "[\(shake)]", " \r\n\t\(shake)\n", "[ \(shake) ] ", "[\(shake),]",
    shake.dropLast() + #","unknown":{"deep":[1,2,{"x":null}]},}"#,
    "message=" + percentEncoded(shake), "message=" + percentEncoded("[\(shake)]"),
    "message=" + percentEncoded(shake) + "&jsonp=ignored&other=1",
  ])
  func aHandshakeMayBeWrittenInManyWays(_ body: String) async throws {
    try await withBroker { broker in
      let response = try broker.client().post(BayeuxClient.path, body)
      #expect(response.status == 200)
      #expect(response.messages.count == 1)
      #expect(response.messages.first?.isSuccessful == true)
      #expect(response.messages.first?["id"] == "1")
    }
  }

  @Test(arguments: ["application/x-www-form-urlencoded; charset=UTF-8", "text/plain"])
  func severalMessageFieldsAreOneBatch(_ type: String) async throws {
    try await withBroker { broker in
      let client = try BayeuxClient(broker)
      let first = client.message("/a", ["id": "1", "data": "x&y=z +%"]).text
      let more = JSONValue.array([client.message("/b", ["id": "2"]), client.message("/c", ["id": "3"])]).text
      let body = "message=\(percentEncoded(first))&message=\(percentEncoded(" [] "))&message=\(percentEncoded(more))"
      let response = try client.main.post(BayeuxClient.path, body, "Content-Type: \(type)")
      #expect(response.messages.map { $0["id"]?.string } == ["1", "2", "3"])
    }
  }

  @Test func whatAFormCarriesArrivesUnchanged() async throws {
    try await withBroker { broker in
      let client = try BayeuxClient(broker)
      try client.subscribe("/a")
      let text = "ä € 𝄞 & = + % \" \\ \u{2028}"
      let body = "message=" + percentEncoded(client.message("/a", ["data": .string(text)]).text)
      let response = try client.main.post(
        BayeuxClient.path, body, "Content-Type: application/x-www-form-urlencoded")
      // The publisher is subscribed: its own event stands before the reply.
      #expect(response.messages.count == 2)
      #expect(response.messages.first == ["data": .string(text), "channel": "/a"])
    }
  }

  @Test(arguments: [
    ("", "unexpectedEnd"), ("  \n", "unexpectedEnd"), ("nonsense", ""), ("{", ""), ("[{]", ""), (#"{"channel":}"#, ""),
    ("{}{}", ""), ("[]x", ""), ("'single'", ""), (#"{"a":1,"a":2"#, ""), ("\u{FEFF}{}", ""), ("message=", ""),
    ("message=%7B", ""), ("<xml/>", ""),
  ])
  func whatIsNoJSONIsToldSo(_ body: String, _ reason: String) async throws {
    try await withBroker { broker in
      let client = try broker.client()
      let response = try client.post(BayeuxClient.path, body)
      #expect(response.status == 400)
      #expect(response["Content-Type"] == "text/plain;charset=UTF-8")
      #expect(response.text.hasPrefix("The body is not JSON: "))
      #expect(response.text.contains(" at byte "))
      #expect(!response.closes)
      #expect(try client.post(BayeuxClient.path, "[]").status == 200)
    }
  }

  @Test(arguments: ["1", "true", "\"text\"", "[1]", "[null]", "[[]]", "[{},2]"])
  func jsonThatIsNoMessageIsToldSo(_ body: String) async throws {
    try await withBroker { broker in
      let response = try broker.client().post(BayeuxClient.path, body)
      #expect(response.status == 400)
      #expect(response.text == "The body is neither a Bayeux message nor an array of them.\n")
    }
  }

  @Test func anEmptyArrayIsAnsweredByOne() async throws {
    try await withBroker { broker in
      let response = try broker.client().post(BayeuxClient.path, " [ ] ")
      #expect(response.text == "[]")
    }
  }

  @Test(arguments: ["message=%zz", "message=%ff"])
  func aMangledFormIsToldSo(_ body: String) async throws {
    try await withBroker { broker in
      let response = try broker.client().post(BayeuxClient.path, body)
      #expect(response.status == 400)
      #expect(response.json["message"]?.string?.hasPrefix("The parameters can not be read: ") == true)
    }
  }

  @Test func aBatchHasABound() async throws {
    try await withBroker({ $0.bayeux.options.limits.maxMessagesPerBatch = 10 }) { broker in
      let client = try broker.client()
      let ten = Array(repeating: #"{"channel":"/x"}"#, count: 10).joined(separator: ",")
      #expect(try client.post(BayeuxClient.path, "[\(ten)]").messages.count == 10)
      let response = try client.post(BayeuxClient.path, "[\(ten),{}]")
      #expect(response.status == 413)
      #expect(response.text == "The request holds more messages than are accepted.\n")
    }
  }

  @Test func nestingHasABound() async throws {
    try await withBroker { broker in
      let client = try BayeuxClient(broker)
      func publish(depth: Int) throws -> Response {
        let data = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        return try client.main.post(
          BayeuxClient.path, #"{"channel":"/a","clientId":"\#(client.id)","data":\#(data)}"#)
      }
      #expect(try publish(depth: 50).messages.first?.isSuccessful == true)
      #expect(try publish(depth: 61).status == 400)
    }
  }

  @Test func aHandshakeBesideOthersIsRefusedWhole() async throws {
    try await withBroker { broker in
      let client = try BayeuxClient(broker)
      try client.subscribe("/a")
      let publish = client.message("/a", ["data": 1]).text
      for body in ["[\(Self.shake),\(publish)]", "[\(publish),\(Self.shake)]"] {
        let response = try client.main.post(BayeuxClient.path, body)
        #expect(response.status == 400)
        #expect(response.text == "A handshake has to be alone in its request.\n")
      }
      let page = try broker.metrics()
      #expect(page["sessions"] == 1)
      #expect(page.samples[#"broker_messages_in_total{kind="publish"}"#] == 0)
    }
  }

  @Test func everyMessageOfABatchHasOneReplyInItsPlace() async throws {
    try await withBroker { broker in
      let client = try BayeuxClient(broker)
      let id = client.id
      let response = try client.main.post(
        BayeuxClient.path,
        """
        [{"channel":"/a","clientId":"\(id)","data":{}},
         {"channel":"/meta/subscribe","clientId":"\(id)","subscription":"/a","id":17},
         {"clientId":"\(id)","id":"no channel"},
         {"channel":"/bad channel?","clientId":"\(id)","id":"c"},
         {"channel":"/meta/subscribe","clientId":"\(id)","id":"d"},
         {"channel":"/meta/nothing","clientId":"\(id)","id":"e"},
         {"channel":"/service/x","clientId":"\(id)","id":"f","data":1},
         {"channel":"/a","id":"g","data":1},
         {"channel":"/a","clientId":"nobody","id":"h","data":1},
         {"channel":"/a/*","clientId":"\(id)","id":"i","data":1},
         {"channel":"/meta/connect","clientId":"\(id)","id":"j"}]
        """)
      #expect(
        response.messages.map(\.text) == [
          #"{"successful":true,"channel":"/a"}"#,
          #"{"id":"17","subscription":"/a","successful":true,"channel":"/meta/subscribe"}"#,
          #"{"id":"no channel","successful":false,"error":"400::channel_missing"}"#,
          #"{"id":"c","successful":false,"error":"405::channel_invalid","channel":"/bad channel?"}"#,
          #"{"id":"d","successful":false,"error":"403::subscription_missing","channel":"/meta/subscribe"}"#,
          #"{"id":"e","successful":false,"error":"403:denied_by_security_policy:channel_create_denied","#
            + #""channel":"/meta/nothing"}"#,
          #"{"id":"f","successful":true,"channel":"/service/x"}"#,
          #"{"id":"g","successful":false,"error":"402::session_unknown","#
            + #""advice":{"interval":0,"reconnect":"handshake"},"channel":"/a"}"#,
          #"{"id":"h","successful":false,"error":"402::session_unknown","#
            + #""advice":{"interval":0,"reconnect":"handshake"},"channel":"/a"}"#,
          #"{"id":"i","successful":false,"error":"405::channel_invalid","channel":"/a/*"}"#,
          #"{"id":"j","successful":true,"channel":"/meta/connect"}"#,
        ])
    }
  }
}
