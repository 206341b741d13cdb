// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

struct MessageIDTests {
  private func written(_ id: MessageID) -> String {
    var writer = ByteWriter()
    id.writeMember(to: &writer)
    return Payload(writer.array).text
  }

  @Test func idComesBackAtEveryLengthInlineAndBeyond() {
    for length in 0...40 {
      let text = String("abcdefghijklmnopqrstuvwxyz0123456789ABCDEF".prefix(length))
      let id = MessageID(Array(text.utf8).span)
      #expect(id.isPresent && written(id) == "\"id\":\"\(text)\",")
      #expect(id == MessageID(Array(text.utf8).span))
      #expect(id != MessageID(Array("\(text)x".utf8).span))
    }
  }

  @Test func everyByteSurvivesAtEveryInlinePlace() {
    for place in 0..<15 {
      for byte in UInt8(0x20)...0x7E {
        var bytes = [UInt8](repeating: UInt8(ascii: "."), count: 15)
        bytes[place] = byte
        #expect(written(MessageID(bytes.span)) == "\"id\":\"\(String(decoding: bytes, as: UTF8.self))\",")
      }
    }
  }

  @Test func absentIDWritesNothingAndIsNotTheEmptyOne() {
    #expect(!MessageID.none.isPresent && written(.none).isEmpty)
    #expect(MessageID([UInt8]().span) != .none)
  }

  @Test func bytesOfSeveralCharactersStayWhole() {
    for text in ["é", "日本語日本", "日本語日本語", #"\u00e9\"\\"#] {
      #expect(written(MessageID(Array(text.utf8).span)) == "\"id\":\"\(text)\",")
    }
  }

  @Test(arguments: [
    (#""""#, #""id":"","#), ("0", #""id":"0","#), ("-1.5e3", #""id":"-1.5e3","#),
    ("12345678901234567890", #""id":"12345678901234567890","#),
    (#""a-1""#, #""id":"a-1","#), (#""\"\\\/é""#, #""id":"\"\\\/é","#), ("null", ""),
  ])
  func anyTextOrNumberIsEchoedAsText(_ id: String, _ echo: String) {
    let scene = Scene()
    let alice = scene.connectedClient()
    let expected = #"[{\#(echo)"successful":true,"channel":"/a"}]"#
    #expect(alice.send(#"{"channel":"/a","clientId":"$ID","id":\#(id)}"#).text == expected)
    let poll = alice.connect(#","id":\#(id)"#)
    scene.pass(.seconds(55))
    #expect(poll.text == #"[{\#(echo)"successful":true,"channel":"/meta/connect"}]"#, "and kept while it is held")
  }

  @Test(arguments: ["true", "false", "[]", "{}", #"["1"]"#])
  func idOfAnotherKindIsRefused(_ id: String) {
    #expect(
      Scene().connectedClient().send(#"{"channel":"/a","clientId":"$ID","id":\#(id)}"#).error
        == "405::message_id_invalid")
  }
}
