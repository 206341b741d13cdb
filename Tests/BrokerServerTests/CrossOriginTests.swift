// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import Logging
import Testing

/// Which pages of other origins may read answers.
@Suite(.timeLimit(.minutes(2))) struct CrossOriginTests {
  static let allowed = ["https://shop.example", "https://*.apps.example", "http://localhost:3000"]
  static let methods = "POST, GET, OPTIONS"
  /// Below `/genesys/1` values are put and deleted too.
  static let serviceMethods = "POST, GET, PUT, DELETE, OPTIONS"

  @Test(arguments: [
    ("/genesys/cometd", methods), ("/genesys/cometd/connect", methods),
    ("/genesys/1/service/request-chat", serviceMethods), ("/genesys/1/storage/60", serviceMethods),
  ])
  func aPreflightOfAnAllowedPageIsAnswered(_ path: String, _ methods: String) async throws {
    try await withBroker({ $0.http.allowedOrigins = Self.allowed }) { broker in
      let response = try broker.client().call(
        "OPTIONS", path, nil,
        [
          "Origin: https://shop.example", "Access-Control-Request-Method: POST",
          "Access-Control-Request-Headers: gms_user,content-type",
        ])
      #expect(response.status == 204)
      #expect(response.body.isEmpty)
      #expect(response["Access-Control-Allow-Origin"] == "https://shop.example")
      #expect(response["Access-Control-Allow-Credentials"] == "true")
      #expect(response["Access-Control-Allow-Methods"] == methods && response["Allow"] == methods)
      #expect(response["Access-Control-Max-Age"] == "86400")
      #expect(response.all("Vary") == ["Origin"])
      let headers = Set((response["Access-Control-Allow-Headers"] ?? "").components(separatedBy: ", "))
      #expect(headers.isSuperset(of: ["gms_user", "Content-Type", "X-Requested-With", "Authorization", "Accept"]))
    }
  }

  @Test func aPageMayNameItsUserByTheHeadersThatAreConfigured() async throws {
    try await withBroker({
      $0.http.allowedOrigins = Self.allowed
      $0.gms.userHeaders = ["X-My-User", "X-Other"]
    }) { broker in
      let response = try broker.client().call("OPTIONS", BayeuxClient.path, nil, ["Origin: https://shop.example"])
      let headers = Set((response["Access-Control-Allow-Headers"] ?? "").components(separatedBy: ", "))
      #expect(headers.isSuperset(of: ["X-My-User", "X-Other", "Content-Type"]))
      #expect(!headers.contains("gms_user"))
    }
  }

  @Test(arguments: [[], allowed])
  func aPreflightOfAnotherPageIsAnsweredWithoutLeave(_ origins: [String]) async throws {
    try await withBroker({ $0.http.allowedOrigins = origins }) { broker in
      let response = try broker.client().call(
        "OPTIONS", BayeuxClient.path, nil, ["Origin: https://evil.example", "Access-Control-Request-Method: POST"])
      #expect(response.status == 204)
      #expect(response["Allow"] == Self.methods)
      #expect(!response.fields.contains { $0.name.hasPrefix("Access-Control") })
    }
  }

  @Test func optionsWithoutAnOriginSaysWhatIsTaken() async throws {
    try await withBroker { broker in
      let response = try broker.client().call("OPTIONS", BayeuxClient.path)
      #expect(response.status == 204)
      #expect(response["Allow"] == Self.methods)
    }
  }

  @Test(arguments: [
    ("https://shop.example", true), ("HTTPS://SHOP.EXAMPLE", true), ("https://a.apps.example", true),
    ("https://a.b.apps.example", true), ("http://localhost:3000", true), ("http://shop.example", false),
    ("https://shop.example:8443", false), ("https://apps.example", false), ("https://xapps.example", false),
    ("https://.apps.example", false), ("http://a.apps.example", false), ("https://shop.example.evil", false),
    ("https://evil/.apps.example", false), ("http://localhost:30001", false), ("http://localhost", false),
    ("null", false), ("", false), ("*", false), ("https://shop.example https://evil.example", false),
  ])
  func anAnswerMayBeReadByAllowedPagesAlone(_ origin: String, _ isAllowed: Bool) async throws {
    try await withBroker({ $0.http.allowedOrigins = Self.allowed }) { broker in
      let client = try broker.client()
      let shake = try client.post(BayeuxClient.path, handshake(id: 1), "Origin: \(origin)")
      // It is served all the same: a page that may not read it has learnt nothing.
      #expect(shake.messages.first?.isSuccessful == true)
      let chat = try client.post("/genesys/1/service/request-chat", "", "Origin: \(origin)")
      #expect(chat.json["_id"]?.string != nil)
      let missing = try client.post("/genesys/1/service/nobody/ixn/chat", "", "Origin: \(origin)")
      #expect(missing.status == 404)
      let broken = try client.post(BayeuxClient.path, "nonsense", "Origin: \(origin)")
      #expect(broken.status == 400)
      for response in [shake, chat, missing, broken] {
        #expect(response["Access-Control-Allow-Origin"] == (isAllowed ? origin : nil))
        #expect(response["Access-Control-Allow-Credentials"] == (isAllowed ? "true" : nil))
        #expect(response.all("Vary") == ["Origin"])
      }
    }
  }

  @Test func withoutOriginsOrAnOriginNothingIsSaid() async throws {
    for origins in [[], Self.allowed] {
      try await withBroker({ $0.http.allowedOrigins = origins }) { broker in
        let fields = origins.isEmpty ? ["Origin: https://shop.example"] : []
        let response = try broker.client().call("POST", BayeuxClient.path, handshake(id: 1), fields)
        #expect(response.messages.first?.isSuccessful == true)
        #expect(!response.fields.contains { $0.name.hasPrefix("Access-Control") || $0.name == "Vary" })
      }
    }
  }

  @Test(arguments: [("https://any.example", true), ("http://[::1]:8080", true), ("null", false)])
  func aStarAllowsEveryPageButThoseWithoutAName(_ origin: String, _ isAllowed: Bool) async throws {
    try await withBroker({ $0.http.allowedOrigins = ["*"] }) { broker in
      let response = try broker.client().post(BayeuxClient.path, handshake(id: 1), "Origin: \(origin)")
      // Never a star: with credentials no browser accepts one.
      #expect(response["Access-Control-Allow-Origin"] == (isAllowed ? origin : nil))
    }
  }

  @Test func aHeldConnectKeepsItsLeave() async throws {
    try await withBroker({ $0.http.allowedOrigins = Self.allowed }) { broker in
      let page = try BayeuxClient(broker, user: "vasya", fields: ["Origin: https://shop.example"])
      try page.subscribe("/_genesys")
      try page.hold()
      try broker.expect("connects_held", 1)
      try broker.publish(to: "vasya", 1)
      let response = try page.held()
      #expect(response["Access-Control-Allow-Origin"] == "https://shop.example")
      #expect(response.all("Vary") == ["Origin"])
    }
  }

  /// Without it a browser could not see the status, and would report that the network failed.
  @Test func anOvertakenConnectKeepsItsLeave() async throws {
    try await withBroker({ $0.http.allowedOrigins = Self.allowed }) { broker in
      let page = try BayeuxClient(broker, fields: ["Origin: https://shop.example"])
      try page.hold()
      try broker.expect("connects_held", 1)
      let second = try broker.client()
      try second.send(second.text("POST", BayeuxClient.path, page.message("/meta/connect").text))
      let response = try page.held()
      #expect(response.status == 500)
      #expect(response["Access-Control-Allow-Origin"] == "https://shop.example")
    }
  }

  @Test(arguments: ["shop.example", "ftp://shop.example", "https://", "https://*", "https://*.", "null", "https://a b"])
  func whatIsNoOriginIsRefusedAtTheStart(_ origin: String) {
    var configuration = ServerConfiguration.forTests()
    configuration.http.allowedOrigins = [origin]
    #expect(throws: ConfigurationError.badOrigin(origin)) {
      try BrokerServer(configuration: configuration, logger: .silent)
    }
  }
}
