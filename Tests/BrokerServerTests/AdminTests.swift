// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import Logging
import Testing

/// The admin listener: who gets in, health and metrics.
@Suite(.timeLimit(.minutes(2))) struct AdminTests {
  @Test func healthAndReadinessAreForEverybody() async throws {
    try await withBroker({ $0.admin.token = "secret" }) { broker in
      let client = try broker.admin()
      for (path, status) in [("/healthz", "ok"), ("/readyz", "ready")] {
        let response = try client.get(path)
        #expect(response.status == 200)
        #expect(response.json == ["status": .string(status)])
        let head = try client.call("HEAD", path)
        #expect(head.contentLength == response.body.count)
        let post = try client.post(path, "")
        #expect(post.status == 405)
        #expect(post["Allow"] == "GET")
      }
      // A load balancer asks by whatever name it knows.
      try client.send("GET /healthz HTTP/1.0\r\n\r\n")
      #expect(try client.response().status == 200)
    }
  }

  @Test func metricsAreAPageThatCanBeRead() async throws {
    try await withBroker(shards: 2) { broker in
      let client = try broker.listener("vasya")
      try client.hold()
      try broker.expect("connects_held", 1)
      let response = try broker.admin().get("/metrics")
      #expect(response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
      #expect(response["Cache-Control"] == "no-store")
      let page = try MetricsPage(response.text)
      #expect(page["sessions"] == 1)
      #expect(page["users"] == 1)
      #expect(page["shards"] == 2)
      #expect(page["http_connections"] >= 3)
      #expect(page["fd_open"] > 5)
      #expect(page["fd_limit"] >= page["fd_open"])
      #expect(page.types["broker_sessions"] == "gauge")
      #expect(page.types["broker_deliveries_total"] == "counter")
      #expect(page.samples[#"broker_handshakes_total{result="accepted"}"#] == 1)
      #expect(page.samples[#"broker_build_info{version="\#(BrokerServer.version)"}"#] == 1)
      for (name, type) in page.types { #expect(name.hasSuffix("_total") == (type == "counter"), "\(name)") }
      #expect(!response.text.contains("vasya"))
    }
  }

  @Test func countersNeverFall() async throws {
    try await withBroker(shards: 2) { broker in
      var last = try broker.metrics()
      for round in 0..<10 {
        let client = try broker.listener("user\(round)")
        _ = try client.publish("/a", 1)
        try broker.publish(to: "user\(round)", 1)
        if round.isMultiple(of: 2) { _ = try client.call("/meta/disconnect") }
        let page = try broker.metrics()
        for (name, value) in last.samples where last.types[String(name.prefix { $0 != "{" })] == "counter" {
          #expect(page.samples[name] ?? -1 >= value, "\(name)")
        }
        #expect(page["ledger_imbalance"] == 0)
        last = page
      }
    }
  }

  @Test func theCheckerOfMetricsFindsWhatIsWrong() {
    let good = "# HELP broker_a All of a.\n# TYPE broker_a gauge\nbroker_a 1\n"
    #expect(throws: Never.self) { try MetricsPage(good) }
    let bad = [
      good.dropLast().description, good + "broker_a 1\n", good + "broker_b 1\n", good.replacing("gauge", with: "gage"),
      good.replacing(" 1", with: " one"), good.replacing(" 1", with: "  1"), good + good, "broker_a 1\n",
      good + "# TYPE broker_b gauge\n", good + "# HELP broker_b b\n", good.replacing("_a 1", with: "_a{x=1} 1"),
      good + "\n",
    ]
    for text in bad { #expect(throws: ClientError.self, "\(text)") { try MetricsPage(text) } }
  }

  // MARK: who may come in

  @Test func itAnswersToItsOwnNamesOnly() async throws {
    try await withBroker({ $0.admin.allowedHosts = ["broker.internal", "Proxy.Internal:99"] }) { broker in
      let port = broker.adminPort
      let hosts = [
        ("127.0.0.1:\(port)", true), ("localhost:\(port)", true), ("LOCALHOST:\(port)", true),
        ("broker.internal", true), ("broker.internal:\(port)", true), ("proxy.internal:99", true),
        ("127.0.0.1", false), ("localhost", false), ("127.0.0.1:\(port + 1)", false), ("evil.example:\(port)", false),
        ("proxy.internal", false), ("[::1]:\(port)", false), ("", false),
      ]
      for (host, isOwn) in hosts {
        let client = try broker.admin()
        for path in ["/metrics", "/agent/chats", "/nothing"] {
          try client.send("GET \(path) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
          let response = try client.response()
          #expect((response.status == 403) == !isOwn, "\(host) \(path) \(response.status)")
          if !isOwn {
            #expect(response.json["message"] == "This listener answers to its own address only")
            #expect(response.json["exception"]?.string?.hasSuffix("ForbiddenException") == true)
          }
        }
      }
      let client = try broker.admin()
      try client.send("GET http://evil.example/metrics HTTP/1.1\r\nHost: \(client.authority)\r\n\r\n")
      #expect(try client.response().status == 403)
      try client.send("GET /metrics HTTP/1.0\r\n\r\n")
      #expect(try client.response().status == 403)
    }
  }

  /// A page in a browser on this machine can name our address; it must not be able to use it.
  @Test func pagesOfOtherOriginsAreRefused() async throws {
    try await withBroker({ $0.http.allowedOrigins = ["*"] }) { broker in
      let own = "http://127.0.0.1:\(broker.adminPort)"
      let fields = [
        ("Origin: \(own)", true), ("Origin: \(own.uppercased())", true), ("Sec-Fetch-Site: same-origin", true),
        ("Sec-Fetch-Site: none", true), ("Origin: https://evil.example", false), ("Origin: null", false),
        ("Origin: \(own.replacing("http:", with: "https:"))", false),
        ("Origin: http://localhost:\(broker.adminPort)", false),
        ("Origin: http://127.0.0.1:1", false), ("Sec-Fetch-Site: cross-site", false),
      ]
      for (field, isOwn) in fields {
        let client = try broker.admin()
        let response = try client.post("/publish", #"{"channel":"/a","data":1}"#, field)
        #expect(response.status == (isOwn ? 200 : 403), "\(field)")
      }
      let preflight = try broker.admin().call(
        "OPTIONS", "/publish", nil, ["Origin: https://evil.example", "Access-Control-Request-Method: POST"])
      #expect(preflight.status == 403)
    }
  }

  @Test func aTokenIsAskedForWhereThereIsOne() async throws {
    try await withBroker({ $0.admin.token = "s3cret" }) { broker in
      let client = try broker.admin()
      let attempts = [
        ("Bearer s3cret", true), ("bearer s3cret", true), ("Bearer s3cre", false), ("Bearer s3crets", false),
        ("Bearer S3cret", false), ("Bearer ", false), ("Bearer", false), ("Basic s3cret", false), ("s3cret", false),
        ("", false), ("Bearer s3cret ", true), ("Bearer  s3cret", false), ("Bearer ss3cret", false),
      ]
      for (value, isRight) in attempts {
        for path in ["/metrics", "/agent/chats"] {
          let response = try client.get(path, "Authorization: \(value)")
          #expect(response.status == (isRight ? 200 : 401), "\(value)")
          if !isRight { #expect(response["WWW-Authenticate"] == #"Bearer realm="broker""#) }
        }
      }
      #expect(try client.post("/publish", "{}").status == 401)
    }
  }

  @Test func aListenerThatOthersReachNeedsAToken() {
    for host in ["0.0.0.0", "::", "192.0.2.1", "2001:db8::1"] {
      for token in [nil, ""] {
        var configuration = ServerConfiguration.forTests()
        configuration.admin.host = host
        configuration.admin.token = token
        #expect(throws: ConfigurationError.adminNeedsToken(host: host)) {
          try BrokerServer(configuration: configuration, logger: .silent)
        }
      }
      var configuration = ServerConfiguration.forTests()
      configuration.admin.host = host
      configuration.admin.token = "x"
      #expect(throws: Never.self) { try BrokerServer(configuration: configuration, logger: .silent) }
    }
  }

  @Test func anEmptyTokenIsNone() async throws {
    try await withBroker({ $0.admin.token = "" }) { broker in
      let response = try broker.admin().get("/agent/chats", "Authorization: Bearer anything")
      #expect(response.status == 200)
    }
  }

  @Test(arguments: ["push", "", "/a//b", "/genesys/1", "/genesys/1/x", "//"])
  func aMountPathThatCannotBeIsRefusedAtTheStart(_ path: String) {
    var configuration = ServerConfiguration.forTests()
    configuration.bayeux.path = path
    #expect(throws: ConfigurationError.badPath(path)) {
      try BrokerServer(configuration: configuration, logger: .silent)
    }
  }

  // MARK: what is where

  @Test func nothingInternalIsOnThePublicListener() async throws {
    try await withBroker { broker in
      let client = try broker.client()
      for path in ["/healthz", "/readyz", "/metrics", "/publish", "/agent/chats", "/agent/agents", "/"] {
        for method in ["GET", "POST"] { #expect(try client.call(method, path, "{}").status == 404) }
      }
    }
  }

  @Test func nothingPublicIsOnTheAdminListener() async throws {
    try await withBroker { broker in
      let client = try broker.admin()
      let paths = [
        "/genesys/cometd", "/genesys/1/service/request-chat", "/genesys/1/admin/node/status", "/metrics/", "/publish/x",
      ]
      for path in paths { #expect(try client.post(path, handshake(id: 1)).status == 404) }
    }
  }

  @Test func theNodeSaysThatItIsOnline() async throws {
    try await withBroker { broker in
      let client = try broker.client()
      let response = try client.get("/genesys/1/admin/node/status")
      #expect(response.status == 200)
      #expect(response.text == "ONLINE")
      #expect(response["Content-Type"] == "text/plain;charset=UTF-8")
      #expect(try client.post("/genesys/1/admin/node/status", "").status == 405)
      #expect(try client.get("/genesys/1/admin/node").status == 404)
    }
  }
}
