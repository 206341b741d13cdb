// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

/// A clientId alone opens nothing: whoever learned one can not read, end or write to the session without its user.
struct StolenClientIDTests {
  static let attempts = [
    #"{"channel":"/meta/connect","clientId":"$ID"}"#,
    #"{"channel":"/meta/connect","clientId":"$ID","advice":{"timeout":0}}"#,
    #"{"channel":"/meta/subscribe","clientId":"$ID","subscription":"/theirs"}"#,
    #"{"channel":"/meta/unsubscribe","clientId":"$ID","subscription":"/_genesys"}"#,
    #"{"channel":"/a","data":1,"clientId":"$ID"}"#, #"{"channel":"/service/x","data":1,"clientId":"$ID"}"#,
    #"{"channel":"/meta/disconnect","clientId":"$ID"}"#,
    #"[{"channel":"/service/x","clientId":"$ID"},{"channel":"/meta/connect","clientId":"$ID"}]"#,
  ]

  @Test(arguments: attempts, ["mallory", ""])
  func nothingIsReadWrittenOrEnded(_ request: String, _ user: String) {
    let scene = Scene()
    let ann = scene.connectedClient(user: "ann")
    ann.subscribe("/_genesys")
    ann.subscribe("/a")
    scene.deliver("1", to: "ann")
    let stolen = ann.send(request, user: user)
    #expect(stolen.replies.allSatisfy { $0["successful"] == false } && !stolen.replies.isEmpty)
    #expect(stolen.events.isEmpty)
    // It lives, gets what waits and nothing else, and is subscribed as before.
    #expect(ann.connect().data == ["1"])
    #expect(scene.deliver("2", to: "ann") == 1 && scene.channelCount == 1)
  }

  @Test(arguments: attempts, ["mallory", ""])
  func aHeldConnectStaysHeld(_ request: String, _ user: String) throws {
    let scene = Scene()
    let ann = scene.connectedClient(user: "ann")
    ann.subscribe("/a")
    let poll = ann.connect()
    ann.send(request, user: user)
    #expect(poll.isWaiting)
    try scene.publish("/a", "1")
    #expect(poll.data == ["1"])
  }

  /// Without a user the answer does not even tell whether the session exists.
  @Test(arguments: attempts) func withoutAUserTheAnswerIsThatOfAnUnknownSession(_ request: String) {
    let scene = Scene()
    let ann = scene.connectedClient(user: "ann")
    let known = ann.send(request, user: "").text
    let unknown = scene.send(request.replacing("$ID", with: String(repeating: "0", count: 32))).text
    #expect(known == unknown && known.contains("402::session_unknown"))
  }

  @Test func askingProlongsNothing() {
    let scene = Scene()
    let ann = scene.connectedClient(user: "ann")
    for _ in 0..<6 {
      scene.pass(.seconds(5) - .nanoseconds(1))
      for request in Self.attempts.dropLast() { for user in ["mallory", ""] { ann.send(request, user: user) } }
    }
    #expect(ann.isKnown)
    scene.pass(.nanoseconds(6))
    #expect(!ann.isKnown)
  }

  @Test func aSessionWithoutUserIsWhoeverHasItsID() {
    let scene = Scene()
    let nobody = scene.connectedClient()
    #expect(nobody.subscribe("/a").isSuccessful)
    #expect(nobody.send(#"{"channel":"/a","data":1,"clientId":"$ID"}"#, user: "ann").data == ["1"])
  }
}
