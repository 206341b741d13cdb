// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

struct BatchScanTests {
  private func scan(_ bytes: [UInt8], limits: BayeuxLimits = BayeuxLimits()) throws(RequestFault) -> [Message] {
    var messages: [Message] = []
    try Batch.scan(bytes.span, limits: limits, into: &messages)
    return messages
  }

  private func scan(_ text: String) throws(RequestFault) -> [Message] { try scan(Array(text.utf8)) }

  /// The bytes of each message's members, in the order of the type's declaration.
  private func members(_ text: String) throws -> [[String?]] {
    let bytes = Array(text.utf8)
    return try scan(bytes).map { message in
      [
        message.channel, message.clientID, message.id, message.subscription, message.data, message.ext, message.advice,
      ].map { slice in slice.map { String(decoding: bytes[$0.outerRange], as: UTF8.self) } }
    }
  }

  @Test func membersAreFoundWhereTheyStand() throws {
    let text =
      #"[{"channel":"/a","clientId":"c","id":"1","subscription":["/b"],"data":{"x":1},"ext":{},"advice":null,"z":[]},"#
      + #" { "id" : 2 , "data" : "é" } ]"#
    #expect(
      try members(text) == [
        [#""/a""#, #""c""#, #""1""#, #"["/b"]"#, #"{"x":1}"#, "{}", "null"], [nil, nil, "2", nil, #""é""#, nil, nil],
      ])
  }

  @Test(
    arguments: [
      ("/meta/handshake", .handshake), ("/meta/connect", .connect), ("/meta/subscribe", .subscribe),
      ("/meta/unsubscribe", .unsubscribe), ("/meta/disconnect", .disconnect), (#"\/meta\/connect"#, .connect),
      (#"\u002fmeta\u002Fhandshake"#, .handshake), (#"/meta/subscrib\u0065"#, .subscribe), ("/meta/connect/", .publish),
      (" /meta/connect", .publish), ("/META/connect", .publish), ("/meta/connec", .publish),
      ("/meta/connects", .publish),
      ("/meta/", .publish), ("", .publish), ("/metaXconnect", .publish), ("/a", .publish),
      ("/a/very/long/name/of/a/channel", .publish),
    ] as [(String, Message.Verb)])
  func verbIsThatOfTheChannel(_ channel: String, _ verb: Message.Verb) throws {
    #expect(try scan(#"{"channel":"\#(channel)"}"#).map(\.verb) == [verb])
    #expect(try scan(#"[{},{"x":1,"channel":"\#(channel)"}]"#).map(\.verb) == [.publish, verb])
  }

  @Test(arguments: ["1", "null", "[]", "{}", "true"])
  func channelOfAnotherKindHasNoVerb(_ channel: String) throws {
    #expect(try scan(#"{"channel":\#(channel)}"#).map(\.verb) == [.publish])
  }

  @Test func escapedNamesAreNames() throws {
    let text = #"{"ch\u0061nnel":"/a","\u0069d":"1","client\u0049d":"c","d\u0061ta":1,"x\n":2}"#
    #expect(try members(text) == [[#""/a""#, #""c""#, #""1""#, nil, "1", nil, nil]])
  }

  @Test(arguments: [
    "[{},]", "[{}\n,\n]", #"{"id":1,}"#, #"[{"id":1,},]"#, #"{"subscription":["/a",]}"#, #"{"advice":{"timeout":0,}}"#,
    #"{"x":[1,{"y":2,},],}"#, #"{"data":{},"ext":[],}"#,
  ])
  func oneTrailingCommaIsTolerated(_ text: String) throws {
    #expect(try scan(text).count == 1)
  }

  @Test(arguments: [
    #"{"data":[1,]}"#, #"{"data":{"a":1,}}"#, #"{"data":{"a":[1,]}}"#, #"{"ext":[1,]}"#, #"{"ext":{"a":1,}}"#, "[{},,]",
    "[,{}]",
    "[,]", "{,}", #"{"id":1,,}"#, #"{,"id":1}"#, "[{},", "{},", #"{"subscription":["/a",,]}"#, #"{"subscription":[,]}"#,
    "[{} {}]", #"{"id":1 "x":2}"#, #"{"id"}"#, #"{"id":}"#, #"{id:1}"#, "[{}]]", "{}{}", "[{}", "{", "[", "", " ",
    "nul",
    "{\"a\":\"\u{1}\"}", #"{"data":"\x"}"#, #"{"z":"\ud8"}"#, #"{"z":01}"#, #"[{"a":tru}]"#,
  ])
  func everythingElseIsRefusedAsNoJSON(_ text: String) {
    #expect {
      try scan(text)
    } throws: { error in
      if case .notJSON = error as? RequestFault { true } else { false }
    }
  }

  @Test(arguments: ["channel", "clientId", "id", "subscription", "data", "ext", "advice"])
  func memberGivenTwiceIsRefusedHoweverItIsWritten(_ name: String) {
    let escaped = "\\u00" + Identifiers.hex(UInt64(name.utf8.first ?? 0), digits: 2) + name.dropFirst()
    for second in [name, escaped] {
      #expect(throws: RequestFault.notJSON(.init(reason: "a member is given twice", offset: name.utf8.count + 7))) {
        try scan(#"{"\#(name)":1,"\#(second)":1}"#)
      }
    }
  }

  @Test func unknownMembersMayRepeatAndAreCheckedAllTheSame() throws {
    #expect(try scan(#"{"x":1,"x":2,"Channel":3,"channels":4,"chann":5,"clientid":6}"#).count == 1)
    #expect(throws: RequestFault.self) { try scan(#"{"x":"\q"}"#) }
    #expect(throws: RequestFault.self) { try scan([0x7B, 0x22, 0x78, 0x22, 0x3A, 0x22, 0xFF, 0x22, 0x7D]) }
  }

  @Test(arguments: ["1", "true", #""text""#, "[1]", "[{},null]", "[[]]", "[{},[{}]]", #"["/a"]"#])
  func whatHoldsNoMessagesIsRefused(_ text: String) {
    #expect(throws: RequestFault.notMessages) { try scan(text) }
  }

  @Test func emptyArrayHoldsNoMessages() throws {
    #expect(try scan("[]").isEmpty && scan(" [ ] ").isEmpty)
  }

  @Test func earlierContentOfTheBufferIsForgotten() throws {
    var messages: [Message] = []
    try Batch.scan(Array("[{},{},{}]".utf8).span, limits: BayeuxLimits(), into: &messages)
    #expect(messages.count == 3)
    try Batch.scan(Array(#"{"id":1}"#.utf8).span, limits: BayeuxLimits(), into: &messages)
    #expect(messages.count == 1 && messages[0].id != nil)
  }

  /// Cut anywhere, a request is refused as unfinished, and never read beyond its end.
  @Test func everyTruncationIsRefused() {
    let text = Array(
      #"[{"channel":"\/meta\/connect","clientId":"c","id":12,"advice":{"timeout":0,},"data":{"t":"é😀\u00e9"}},{"x":[true,],},]"#
        .utf8)
    #expect(throws: Never.self) { try scan(text) }
    for length in 0..<text.count {
      #expect {
        try scan(Array(text[..<length]))
      } throws: { error in
        guard case .notJSON(let fault) = error as? RequestFault else { return false }
        return fault.reason == JSONError.Reason.unexpectedEnd.rawValue
      }
    }
  }

  @Test(arguments: [1, 2, 100, 1000])
  func messagesAreCounted(_ limit: Int) throws {
    var limits = BayeuxLimits()
    limits.maxMessagesPerBatch = limit
    func batch(_ count: Int) -> [UInt8] { Array(("[" + String(repeating: "{},", count: count) + "]").utf8) }
    #expect(try scan(batch(limit - 1), limits: limits).count == limit - 1)
    #expect(try scan(batch(limit), limits: limits).count == limit)
    #expect(throws: RequestFault.tooManyMessages) { try scan(batch(limit + 1), limits: limits) }
  }

  /// Random bytes changed in a valid request: refused or accepted, but at once and without a trap; what is accepted has
  /// slices inside of the text.
  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func brokenRequestsComeToAnEnd(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let valid = Array(
      #"[{"channel":"/meta/subscribe","clientId":"0123","id":"1","subscription":["/a","/b"],"ext":{"a":[1]}},{"data":"x"}]"#
        .utf8)
    let special = Array("\"\\{}[],:0e-\u{1}é ".utf8)
    var accepted = 0
    for _ in 0..<500 {
      var text = valid
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        text[Int.random(in: 0..<text.count, using: &generator)] =
          special[Int.random(in: 0..<special.count, using: &generator)]
      }
      guard let messages = try? scan(text) else { continue }
      accepted += 1
      for message in messages {
        for slice in [message.channel, message.clientID, message.id, message.subscription, message.data, message.ext] {
          if let slice { #expect(slice.outerRange.clamped(to: 0..<text.count) == slice.outerRange, "seed \(seed)") }
        }
      }
    }
    #expect(accepted > 0 && accepted < 500)
  }
}
