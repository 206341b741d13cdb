// SPDX-License-Identifier: Apache-2.0
import Bayeux
import BrokerServer
import Bytes
import Testing

/// `BAYEUX_BROWSER` is for load balancers: it is set once and never asked back.
@Suite(.timeLimit(.minutes(2))) struct BrowserCookieTests {
  @Test func aHandshakeWithoutTheCookieSetsIt() async throws {
    try await withBroker { broker in
      let client = try broker.client()
      let cookies = try (0..<2).map { try client.post(BayeuxClient.path, handshake(id: $0)).all("Set-Cookie") }
      for cookie in cookies {
        #expect(cookie.count == 1)
        let parts = cookie[0].components(separatedBy: "; ")
        #expect(parts.dropFirst().sorted() == ["HttpOnly", "Path=/"])
        let value = parts[0].dropFirst("BAYEUX_BROWSER=".count)
        #expect(parts[0].hasPrefix("BAYEUX_BROWSER="))
        #expect(value.utf8.count >= 20)
        #expect(value.utf8.allSatisfy { ASCII.isAlphanumeric($0) })
      }
      #expect(cookies[0] != cookies[1])
    }
  }

  @Test(arguments: ["BAYEUX_BROWSER=abc", "a=b; BAYEUX_BROWSER=abc; c=d", "a=b;BAYEUX_BROWSER=\"x\""])
  func aBrowserThatHasItKeepsIt(_ cookie: String) async throws {
    try await withBroker { broker in
      let response = try broker.client().post(BayeuxClient.path, handshake(id: 1), "Cookie: \(cookie)")
      #expect(response.messages.first?.isSuccessful == true)
      #expect(response["Set-Cookie"] == nil)
    }
  }

  @Test(arguments: ["XBAYEUX_BROWSER=abc", "bayeux_browser=abc", "a=BAYEUX_BROWSER", "other=1"])
  func anotherCookieIsNotIt(_ cookie: String) async throws {
    try await withBroker { broker in
      let response = try broker.client().post(BayeuxClient.path, handshake(id: 1), "Cookie: \(cookie)")
      #expect(response["Set-Cookie"]?.hasPrefix("BAYEUX_BROWSER=") == true)
    }
  }

  @Test func nothingButASuccessfulHandshakeSetsIt() async throws {
    try await withBroker({ $0.bayeux.options.requiresUser = true }) { broker in
      let refused = try broker.client().post(BayeuxClient.path, handshake(id: 1))
      #expect(refused.messages.first?["advice"]?["reconnect"] == "none")
      #expect(refused["Set-Cookie"] == nil)
      let client = try BayeuxClient(broker, user: "vasya")
      for message in ["/meta/connect", "/meta/subscribe", "/a", "/meta/disconnect", "/meta/connect"] {
        #expect(try client.post([client.message(message, ["advice": ["timeout": 0]])])["Set-Cookie"] == nil)
      }
    }
  }

  /// Sessions are bound to `gms_user`: apps without a cookie jar, and browsers that block cookies, must work.
  @Test func aSessionIsServedWithoutTheCookieAndWithAnother() async throws {
    try await withBroker { broker in
      let client = try BayeuxClient(broker)
      let connect = client.message("/meta/connect", ["advice": ["timeout": 0]]).text
      for fields in [[], ["Cookie: BAYEUX_BROWSER=somebodyelse"]] {
        let response = try broker.client().call("POST", BayeuxClient.path, connect, fields)
        #expect(response.messages.first?.isSuccessful == true)
      }
    }
  }

  @Test func aScriptSetsItToo() async throws {
    try await withBroker { broker in
      let response = try broker.client().get(
        "/genesys/cometd?jsonp=f&message=" + percentEncoded(handshake(id: 1)))
      #expect(response["Set-Cookie"]?.hasPrefix("BAYEUX_BROWSER=") == true)
    }
  }
}
