// SPDX-License-Identifier: Apache-2.0
import Bytes

/// Bodies of whole requests that are no sound Bayeux messages: the connection goes on behind them.
struct HostileMessage: Sendable {
  enum Answer: Sendable, Equatable {
    /// The request is refused whole with this status.
    case status(Int)
    /// The last reply carries this error.
    case error(String)
    /// The last reply is `successful`.
    case success
  }

  let body: [UInt8]
  let answer: Answer

  init(_ body: [UInt8], _ answer: Answer) {
    self.body = body
    self.answer = answer
  }

  /// - Parameter body: `@` stands for the clientId of a live session.
  init(_ body: String, _ answer: Answer) { self.init(Array(body.utf8), answer) }

  static let all = notJSON + notMessages + channels + ids + clientIDs + subscriptions + strange

  static let notJSON: [HostileMessage] =
    [
      "{", "[", "[{", "}", "]", "{]", "[}", "[{}", "[{},", "[,]", "[{},,{}]", "{,}", "{\"a\"}", "{\"a\":}",
      "{\"a\":1,,}", "{a:1}", "{'a':1}",
      "{\"a\":01}", "{\"a\":+1}", "{\"a\":.5}", "{\"a\":1.}", "{\"a\":1e}", "{\"a\":0x1}", "{\"a\":NaN}",
      "{\"a\":Infinity}", "{\"a\":-}",
      "{\"a\":tru}", "{\"a\":True}", "{\"a\":nul}", "{\"a\":undefined}", "{\"a\":\"}", "{\"a\":\"\\\"}",
      "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}",
      "{\"a\":\"\\u12g4\"}", "{\"a\":\"\n\"}", "{\"a\":\"\t\"}", "{\"a\":\"\u{0}\"}", "{\"a\":1}{\"a\":1}", "[{}] []",
      "{}//x", "/**/{}",
      "{\"data\":[1,]}", "{\"data\":{\"a\":1,}}", "{\"channel\":\"/a\",\"channel\":\"/b\"}", "{\"data\":1,\"data\":2}",
      "\u{FEFF}[]", "\u{0}",
      String(repeating: "[", count: 200),
      String(repeating: "{\"data\":", count: 100) + "1" + String(repeating: "}", count: 100),
      "[{\"data\":" + String(repeating: "[", count: 61) + String(repeating: "]", count: 61) + "}]",
    ].map { HostileMessage($0, .status(400)) }
    + [
      [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D], [0x7B, 0x22, 0xC0, 0x80, 0x22, 0x3A, 0x31, 0x7D],
      [0x7B, 0x22, 0xED, 0xA0, 0x80, 0x22, 0x3A, 0x31, 0x7D],
      [0x7B, 0x22, 0xF5, 0x80, 0x80, 0x80, 0x22, 0x3A, 0x31, 0x7D],
      [0x7B, 0x22, 0xE2, 0x28, 0xA1, 0x22, 0x3A, 0x31, 0x7D], [0xFF, 0xFE, 0x7B, 0x00, 0x7D, 0x00],
    ].map { HostileMessage($0, .status(400)) }

  static let notMessages = ["1", "-1.5e3", "\"x\"", "true", "[1]", "[null]", "[[]]", "[\"x\"]", "[{},1]"].map {
    HostileMessage($0, .status(400))
  }

  private static func from(_ members: String, _ answer: Answer) -> HostileMessage {
    HostileMessage("[{\(members),\"clientId\":\"@\"}]", answer)
  }

  static let channels: [HostileMessage] =
    [
      "\"\"", "\"/\"", "\"//\"", "\"a\"", "\"/a//b\"", "\"/a/*/b\"", "\"/**/a\"", "\"/a*\"", "\"/***\"", "\"/a?\"",
      "\"/a,b\"", "\"/ä\"",
      "\"/<script>\"", "\"/a:b\"", "\"/a\\u0000b\"", "\"/a\\nb\"", "\"/a\\\"b\"",
      "\"/\(String(repeating: "x", count: 256))\"", "\"/a/*\"",
      "\"/**\"", "1", "true", "[]", "{}", "[\"/a\"]", "\"http://x/\"",
    ].map { from("\"channel\":\($0)", .error("405::channel_invalid")) }
    + [from("\"channel\":null", .error("400::channel_missing")), from("\"id\":1", .error("400::channel_missing"))]
    + ["/meta", "/meta/x", "/meta/connect/", "/meta/connect/x", "/meta/Connect", "/meta/handshake/"].map {
      from("\"channel\":\"\($0)\"", .error("403:denied_by_security_policy:channel_create_denied"))
    }

  static let ids: [HostileMessage] =
    ["{}", "[]", "true", "\"\(String(repeating: "x", count: 129))\"", "[1]"].map {
      from("\"channel\":\"/a\",\"id\":\($0)", .error("405::message_id_invalid"))
    }
    + ["1", "-1.5", "\"\"", "\"\\\"\"", "\"<b>\"", "\"ä\"", "null", "12345678901234567890"].map {
      from("\"channel\":\"/a\",\"id\":\($0)", .success)
    }

  static let clientIDs: [HostileMessage] =
    [
      "1", "null", "[]", "{}", "\"\"", "\"@@\"", "\"\(String(repeating: "0", count: 32))\"",
      "\"\(String(repeating: "v", count: 32))\"",
      "\"\(String(repeating: "x", count: 10_000))\"", "\"../../etc/passwd\"", "\"\\u0000\"",
    ].flatMap { id in
      ["/meta/connect", "/meta/subscribe", "/meta/disconnect", "/a"].map { channel in
        HostileMessage(
          "[{\"channel\":\"\(channel)\",\"subscription\":\"/a\",\"clientId\":\(id)}]", .error("402::session_unknown"))
      }
    }

  static let subscriptions: [HostileMessage] =
    [
      "\"\"", "\"/\"", "\"a\"", "\"/a/*/b\"", "\"/a//b\"", "1", "true", "{}", "[]", "[1]", "[null]", "[[\"/a\"]]",
      "[\"/a\",\"b\"]", "\"/ä\"",
    ].map {
      from("\"channel\":\"/meta/subscribe\",\"subscription\":\($0)", .error("403::subscription_invalid"))
    }
    + ["/meta", "/meta/*", "/meta/connect"].map {
      from(
        "\"channel\":\"/meta/subscribe\",\"subscription\":\"\($0)\"",
        .error("403:denied_by_security_policy:subscribe_denied"))
    }
    + [
      from("\"channel\":\"/meta/subscribe\"", .error("403::subscription_missing")),
      from("\"channel\":\"/meta/subscribe\",\"subscription\":null", .error("403::subscription_missing")),
      from("\"channel\":\"/meta/subscribe\",\"subscription\":\"/_genesys\"", .error("403:/_genesys:gms_user required")),
      from("\"channel\":\"/_genesys\",\"data\":1", .error("403:denied_by_security_policy:publish_denied")),
      from("\"channel\":\"/meta/subscribe\",\"subscription\":\"/**\"", .success),
      from("\"channel\":\"/meta/unsubscribe\",\"subscription\":\"/**\"", .success),
      from("\"channel\":\"/meta/unsubscribe\",\"subscription\":\"/never\"", .success),
    ]

  /// Strange, and all the same right.
  static let strange: [HostileMessage] =
    [
      "\"channel\":\"\\u002fa\"", "\"chann\\u0065l\":\"/a\"", "\"channel\":\"/a\",\"data\":\"\\ud800\"",
      "\"channel\":\"/a\",\"data\":1e999",
      "\"channel\":\"/a\",\"ext\":null", "\"channel\":\"/a\",\"ext\":5", "\"channel\":\"/a\",\"advice\":\"none\"",
      "\"channel\":\"/a\",\"__proto__\":{\"x\":1}", "\"channel\":\"/a\",\"x\":[1,2,],", "\"channel\":\" /a \"",
      "\"channel\":\"/a/\"",
      "\"channel\":\"/service/x\",\"data\":{}",
    ].map { from($0.hasSuffix(",") ? String($0.dropLast()) : $0, .success) }
    + [
      "{\"timeout\":0,\"interval\":-5}", "{\"timeout\":0,\"interval\":1e9}", "{\"timeout\":0,\"interval\":\"x\"}",
      "{\"timeout\":0,\"interval\":99999999999999999999}", "{\"timeout\":0,\"x\":{}}",
    ].map { from("\"channel\":\"/meta/connect\",\"connectionType\":\"carrier-pigeon\",\"advice\":\($0)", .success) }
    + [
      HostileMessage(
        "{\"channel\":\"/meta/handshake\",\"version\":[],\"supportedConnectionTypes\":\"x\",\"clientId\":5}", .success),
      HostileMessage("{\"channel\":\"/meta/handshake\",\"id\":{}}", .error("405::message_id_invalid")),
      HostileMessage("[{\"channel\":\"/meta/handshake\"},{\"channel\":\"/meta/handshake\"}]", .status(400)),
    ]
}
