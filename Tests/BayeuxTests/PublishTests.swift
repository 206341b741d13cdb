// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes
import Testing

struct PublishTests {
  @Test func replyCarriesNoData() {
    let alice = Scene().connectedClient()
    #expect(
      alice.send(#"{"channel":"/a","data":{"x":1},"clientId":"$ID","id":"4"}"#).text
        == #"[{"id":"4","successful":true,"channel":"/a"}]"#)
  }

  /// A stock client obeys `advice` in any message, so a publisher who could send it would command the others.
  @Test func onlyDataAndExtOfThePublishersMessageReachTheSubscribers() {
    let scene = Scene()
    let alice = scene.connectedClient()
    alice.subscribe("/a")
    let poll = alice.connect()
    scene.connectedClient().send(
      #"{"advice":{"reconnect":"none"},"channel":"/a","clientId":"$ID","data":1,"ext":{"e":[2]},"id":"9","#
        + #""successful":false,"error":"402::x","subscription":"/b","timestamp":"now","x-own":true}"#)
    #expect(
      poll.text == #"[{"data":1,"channel":"/a","ext":{"e":[2]}},{"successful":true,"channel":"/meta/connect"}]"#)
  }

  @Test(arguments: [
    #""""#, "0", "false", "null", "[]", "{}", #""\u00e9\/\ud83d\ude00""#, "-1.50e+3", #"{ "a" : [ 1 , 2 ] }"#,
    #""日本😀""#,
    #"{"a":1,"a":2}"#, "12345678901234567890.123",
  ])
  func dataPassesAsTheBytesItCameIn(_ data: String) {
    let scene = Scene()
    let alice = scene.connectedClient()
    alice.subscribe("/a")
    let poll = alice.connect()
    #expect(scene.connectedClient().publish("/a", data).isSuccessful)
    #expect(poll.text == #"[{"data":\#(data),"channel":"/a"},{"successful":true,"channel":"/meta/connect"}]"#)
  }

  @Test func publishWithoutDataIsAnEventAllTheSame() {
    let scene = Scene()
    let alice = scene.connectedClient()
    alice.subscribe("/a")
    let poll = alice.connect()
    scene.connectedClient().send(#"{"channel":"/a","clientId":"$ID"}"#)
    #expect(poll.events == [["data": .null, "channel": "/a"]])
  }

  @Test func eventNamesTheChannelInItsPlainForm() {
    let scene = Scene()
    let alice = scene.connectedClient()
    alice.subscribe("/a/b")
    let reply = scene.connectedClient().send(#"{"channel":"\/a\/b/ ","data":1,"clientId":"$ID"}"#)
    #expect(reply.text == #"[{"successful":true,"channel":"\/a\/b/ "}]"#)
    #expect(alice.connect().events == [["data": 1, "channel": "/a/b"]])
  }

  @Test func publisherHearsItselfOnItsReplyWhileItsHeldConnectStaysHeld() {
    let scene = Scene()
    let alice = scene.connectedClient()
    alice.subscribe("/a")
    let poll = alice.connect()
    #expect(
      alice.send(#"{"channel":"/a","data":1,"clientId":"$ID","id":"7"}"#).text
        == #"[{"data":1,"channel":"/a"},{"id":"7","successful":true,"channel":"/a"}]"#)
    #expect(poll.isWaiting && scene.heldCount == 1)
    scene.connectedClient().publish("/a", "2")
    #expect(poll.data == ["2"])
  }

  @Test func publisherWithoutSubscriptionDoesNotHearItself() {
    let alice = Scene().connectedClient()
    #expect(alice.publish("/a").events.isEmpty)
  }

  @Test func whatWaitsRidesOnAnyReply() {
    let scene = Scene()
    let alice = scene.connectedClient()
    alice.subscribe("/a")
    let bob = scene.connectedClient()
    let rides: [() -> Exchange] = [
      { alice.subscribe("/b") }, { alice.unsubscribe("/b") }, { alice.publish("/c") }, { alice.publish("/service/x") },
    ]
    for (number, ride) in rides.enumerated() {
      bob.publish("/a", "\(number)")
      #expect(ride().data == ["\(number)"])
    }
    #expect(alice.connect().isWaiting)
  }

  /// On callback-polling events come with connects only.
  @Test func onCallbackPollingEventsWaitForAConnect() {
    let scene = Scene()
    let script = RequestOrigin(carriesEventsOnAnyReply: false)
    let alice = scene.connectedClient()
    alice.subscribe("/a")
    let poll = alice.connect()
    let echo = alice.send(#"{"channel":"/a","data":1,"clientId":"$ID"}"#, origin: script)
    #expect(echo.events.isEmpty && poll.data == ["1"])
    scene.connectedClient().publish("/a", "2")
    #expect(alice.send(#"{"channel":"/b","data":1,"clientId":"$ID"}"#, origin: script).events.isEmpty)
    let batch = alice.send(
      #"[{"channel":"/b","data":1,"clientId":"$ID"},{"channel":"/meta/connect","clientId":"$ID"}]"#, origin: script)
    #expect(batch.data == ["2"])
  }

  @Test func eventsComeBeforeTheRepliesOfABatch() {
    let alice = Scene().connectedClient()
    alice.subscribe("/a")
    let reply = alice.send(
      #"[{"channel":"/a","data":1,"clientId":"$ID","id":"1"},{"channel":"/a","data":2,"clientId":"$ID","id":"2"}]"#)
    #expect(
      reply.text
        == #"[{"data":1,"channel":"/a"},{"data":2,"channel":"/a"},"#
        + #"{"id":"1","successful":true,"channel":"/a"},{"id":"2","successful":true,"channel":"/a"}]"#)
  }

  @Test func everySubscriberGetsOneCopyInOrder() {
    let scene = Scene()
    let clients = (0..<20).map { _ in scene.connectedClient() }
    for (index, client) in clients.enumerated() {
      client.subscribe(index % 2 == 0 ? "/room/1" : "/room/*")
      if index % 3 == 0 { client.subscribe("/**") }
    }
    let polls = clients.prefix(10).map { $0.connect() }
    let bob = scene.connectedClient()
    scene.runsByItself = false
    for number in 0..<5 { bob.publish("/room/1", "\(number)") }
    scene.endTurn()
    let expected = (0..<5).map(String.init)
    for poll in polls { #expect(poll.data == expected) }
    for client in clients.dropFirst(10) { #expect(client.connect().data == expected) }
    #expect(scene.counters.delivered == 100 && scene.counters.queued == 100)
  }

  @Test(arguments: ["/a/*", "/a/**", "/*", "/**", "/service/*", "/service/**"])
  func publishingToAWildcardIsRefused(_ channel: String) {
    let scene = Scene()
    let alice = scene.connectedClient()
    alice.subscribe("/**")
    #expect(
      alice.publish(channel).text == #"[{"successful":false,"error":"405::channel_invalid","channel":"\#(channel)"}]"#)
    #expect(scene.counters.queued == 0)
  }

  @Test(arguments: ["", "a", "a/b", "/", "//", "/a//b", "/a b%", "/é", "/a?b", "/a,b", "/a=b", "/a'b", "/a<b>"])
  func publishingToWhatIsNoChannelIsRefusedWithOrWithoutSession(_ channel: String) {
    let scene = Scene()
    #expect(scene.connectedClient().publish(channel).error == "405::channel_invalid")
    #expect(scene.client().publish(channel).error == "405::channel_invalid", "the name is looked at first")
  }

  @Test func serviceMessagesAreAcceptedAndReachNobody() {
    let scene = Scene()
    let alice = scene.connectedClient()
    alice.subscribe("/service/echo")
    #expect(
      alice.send(#"{"channel":"/service/echo","data":1,"clientId":"$ID","id":"5"}"#).text
        == #"[{"id":"5","successful":true,"channel":"/service/echo"}]"#)
    #expect(scene.counters.queued == 0 && scene.counters.publishes == 0)
  }

  @Test(arguments: ["/meta/other", "/meta", "/meta/connect/", "/meta/connect/x", "/meta/CONNECT", "/meta/*"])
  func unknownMetaChannelsAreDenied(_ channel: String) {
    #expect(
      Scene().connectedClient().publish(channel).error == "403:denied_by_security_policy:channel_create_denied")
  }

  @Test func channelsThatOnlyBeginLikeMetaOrServiceAreOrdinary() throws {
    let scene = Scene()
    let alice = scene.connectedClient()
    alice.subscribe("/metadata")
    alice.subscribe("/services/x")
    let bob = scene.connectedClient()
    bob.publish("/metadata", "1")
    bob.publish("/services/x", "2")
    #expect(alice.connect().data == ["1", "2"])
  }

  @Test func publishingNeedsASession() {
    let scene = Scene()
    let alice = scene.connectedClient()
    alice.subscribe("/a")
    let reply = scene.send(#"{"channel":"/a","data":1,"id":"1"}"#)
    #expect(
      reply.text
        == #"[{"id":"1","successful":false,"error":"402::session_unknown","#
        + #""advice":{"interval":0,"reconnect":"handshake"},"channel":"/a"}]"#)
    #expect(scene.counters.queued == 0)
  }

  @Test func closedBroadcastChannelsAreNotPublishedTo() throws {
    let scene = Scene()
    let alice = scene.connectedClient()
    alice.origin.opensChannels = false
    #expect(alice.publish("/a").error == "403:denied_by_security_policy:publish_denied")
    #expect(alice.publish("/service/a").isSuccessful)
    #expect(try scene.publish("/a", "1") == 0)
  }

  @Test(arguments: ["/_genesys", "/_genesys/", " /_genesys", #"\/_genesys"#, #"/\u005fgenesys"#])
  func nobodyPublishesToGenesysHoweverItIsWritten(_ channel: String) {
    let scene = Scene()
    let alice = scene.connectedClient(user: "alice")
    alice.subscribe("/_genesys")
    alice.subscribe("/**")
    let mallory = scene.connectedClient(user: "mallory")
    #expect(mallory.publish(channel).error == "403:denied_by_security_policy:publish_denied")
    #expect(alice.publish(channel).error == "403:denied_by_security_policy:publish_denied")
    #expect(alice.connect().isWaiting)
  }
}
