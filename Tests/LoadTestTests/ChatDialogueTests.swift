// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import LoadTest

@Suite struct ChatDialogueTests {
  @Test func aChatGoesFromTheServiceToTheGoodbye() throws {
    var dialogue = ChatDialogue(exchanges: 2, agent: "Ann \"A\"")
    var seen: [String] = []
    for turn in 0..<20 {
      guard case .request(let request) = dialogue.step(words: { "words\(turn)" }) else { break }
      seen.append("\(request.party) \(request.path) \(request.body)\(request.awaitsEvent ? " awaits" : "")")
      let goesOn = dialogue.advance(status: 200, body: ["_id": "S1"])
      #expect(goesOn)
    }
    let chat = "/genesys/1/service/S1/ixn/chat"
    #expect(
      seen == [
        "customer /genesys/1/service/request-chat ",
        "customer \(chat) notify_by=comet&firstName=Load&lastName=Test&subject=load",
        #"agent /agent/chats/S1/join {"nickname":"Ann \"A\""}"#,
        "customer \(chat)/send message=words3 awaits",
        #"agent /agent/chats/S1/send {"nickname":"Ann \"A\"","text":"words4"} awaits"#,
        "customer \(chat)/send message=words5 awaits",
        #"agent /agent/chats/S1/send {"nickname":"Ann \"A\"","text":"words6"} awaits"#,
        "customer \(chat)/disconnect ",
      ])
  }

  @Test(arguments: [nil, .null, ["_id": ""], ["_id": "a/b"], ["_id": 3]] as [JSONValue?])
  func withoutAServiceThereIsNoChat(_ body: JSONValue?) {
    var dialogue = ChatDialogue(exchanges: 1, agent: "A")
    let goesOn = dialogue.advance(status: 200, body: body)
    #expect(!goesOn)
  }

  @Test func aRefusalEndsIt() {
    var dialogue = ChatDialogue(exchanges: 1, agent: "A")
    let goesOn = dialogue.advance(status: 503, body: ["_id": "x"])
    #expect(!goesOn)
  }
}
