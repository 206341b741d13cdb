// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import LoadTest

@Suite struct ReplyScannerTests {
  private func scan(_ text: String) throws -> [ReplyMessage] {
    let bytes = Array(text.utf8)
    var messages: [ReplyMessage] = []
    try ReplyScanner.scan(bytes.span) { message, _ in messages.append(message) }
    return messages
  }

  @Test(arguments: [
    #"[{"data":{"m":1},"channel":"/a/b"},{"channel":"/meta/connect","successful":true,"id":"1"}]"#,
    #" [ {"channel" : "\/a\/b" , "data" : { "m" : 1 } } , { "successful":"true" , "channel":"\/meta\/connect" } ] "#,
    "[{\"\\u0063hannel\":\"/a/b\",\"data\":0},\n{\"ext\":{\"x\":[1,{}]},\"channel\":\"/meta/connect\",\"successful\":true}]",
  ]) func anyOrderAndSpacingIsTheSame(_ text: String) throws {
    let messages = try scan(text)
    #expect(messages.map(\.channel) == [.other, .connect])
    #expect(messages[0].data != nil && messages[1].data == nil)
    #expect(messages[1].successful == true)
  }

  @Test func oneMessageAloneIsTakenToo() throws {
    let text = #"{"channel":"/meta/handshake","clientId":"x\"y","advice":{"reconnect":"none","interval":2000}}"#
    let message = try #require(try scan(text).first)
    #expect(message.channel == .handshake)
    #expect(message.advice == ReplyMessage.Advice(reconnect: .never, interval: 2000))
    let bytes = Array(text.utf8)
    let clientID = message.clientID?.string(in: bytes.span)
    #expect(clientID == "x\"y")
  }

  @Test func theAcknowledgedBatchIsRead() throws {
    let message = try #require(try scan(#"[{"channel":"/meta/connect","ext":{"y":[],"ack":17}}]"#).first)
    #expect(message.acknowledged == 17)
  }

  @Test func dataThatIsFalseIsAnEvent() throws {
    #expect(try #require(try scan(#"[{"channel":"/a","data":false}]"#).first).data?.kind == .false)
  }

  @Test func nothingIsNothing() throws { #expect(try scan(" [ ] ").isEmpty) }

  @Test(arguments: ["", "[", "[{}", "[{}]x", "[1]", "{\"channel\":}", "[{}{}]", "<html>"])
  func whatIsNoBayeuxIsRefused(_ text: String) { #expect(throws: JSONError.self) { _ = try scan(text) } }
}
