// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes
import Testing

struct SubscribeTests {
  @Test func replyEchoesTheSubscription() {
    let alice = Scene().connectedClient()
    #expect(
      alice.send(#"[{"channel":"/meta/subscribe","clientId":"$ID","subscription":"/a","id":"2"}]"#).text
        == #"[{"id":"2","subscription":"/a","successful":true,"channel":"/meta/subscribe"}]"#)
  }

  @Test func subscribingIsPossibleBeforeTheFirstConnect() {
    let scene = Scene()
    let alice = scene.client()
    alice.handshake()
    #expect(alice.subscribe("/a").isSuccessful)
    scene.connectedClient().publish("/a", "1")
    #expect(alice.connect().data == ["1"], "and the first connect returns with what came")
  }

  @Test func arraySubscribesToAllAndIsEchoedInItsShape() throws {
    let scene = Scene()
    let alice = scene.connectedClient()
    let reply = alice.send(#"{"channel":"/meta/subscribe","clientId":"$ID","subscription":["/a" , "\/b","/c/*"]}"#)
    #expect(reply.text == #"[{"subscription":["/a" , "\/b","/c/*"],"successful":true,"channel":"/meta/subscribe"}]"#)
    for channel in ["/a", "/b", "/c/d"] { #expect(try scene.publish(channel, "1") == 1) }
    #expect(try scene.publish("/d", "1") == 0)
  }

  /// The comma is tolerated in what comes in; what goes out is JSON that every client can read.
  @Test(arguments: [
    (#"["/a",]"#, #"["/a"]"#), (#"["/a" , "/b" , ]"#, #"["/a" , "/b"  ]"#), (#"["/a,]",]"#, #"["/a,]"]"#),
    (#"["/a","/b\",]",]"#, #"["/a","/b\",]"]"#), (#"[[],{"x":[1,],},]"#, #"[[],{"x":[1]}]"#), ("[ ]", "[ ]"),
  ])
  func trailingCommaIsNotEchoed(_ subscription: String, _ echoed: String) {
    let reply = Scene().connectedClient().send(
      #"{"channel":"/meta/subscribe","clientId":"$ID","subscription":\#(subscription),}"#)
    #expect(reply.text.contains(#""subscription":\#(echoed),"#), "\(reply.text)")
    #expect(reply.replies.count == 1)
  }

  @Test func channelThatIsNoTextIsEchoedAsJSONToo() {
    let reply = Scene().connectedClient().send(#"{"channel":["/a",],"clientId":"$ID"}"#)
    #expect(reply.reply["channel"] == ["/a"] && reply.error == "405::channel_invalid")
  }

  @Test func arrayStopsAtItsFirstFailureAndKeepsWhatWentBefore() throws {
    let scene = Scene()
    let alice = scene.connectedClient()
    let reply = alice.send(
      #"{"channel":"/meta/subscribe","clientId":"$ID","subscription":["/a","no channel","/b"]}"#)
    #expect(reply.error == "403::subscription_invalid")
    #expect(try scene.publish("/a", "1") == 1)
    #expect(try scene.publish("/b", "1") == 0)
  }

  @Test(arguments: [
    "[]", "[1]", "[null]", "[[\"/a\"]]", "1", "true", "{}", "\"\"", "\"a\"", "\"/\"", "\"/a//b\"", "\"/*/a\"",
    "\"/a/***\"",
    "\"/a*\"", "\"/a:b\"", "\"/é\"", "\"/a\\u0000b\"",
  ])
  func whatIsNoChannelIsNoSubscription(_ subscription: String) {
    let reply = Scene().connectedClient().send(
      #"{"channel":"/meta/subscribe","clientId":"$ID","subscription":\#(subscription)}"#)
    #expect(reply.error == "403::subscription_invalid" && reply.replies.count == 1)
  }

  @Test(arguments: ["/meta/subscribe", "/meta/unsubscribe"])
  func missingSubscriptionIsAnError(_ channel: String) {
    let alice = Scene().connectedClient()
    #expect(alice.send(#"{"channel":"\#(channel)","clientId":"$ID"}"#).error == "403::subscription_missing")
    #expect(
      alice.send(#"{"channel":"\#(channel)","clientId":"$ID","subscription":null}"#).error
        == "403::subscription_missing")
  }

  @Test func subscribingTwiceGivesOneCopy() throws {
    let scene = Scene()
    let alice = scene.connectedClient()
    #expect(
      alice.subscribe("/a").isSuccessful && alice.subscribe("/a").isSuccessful && alice.subscribe("/a/").isSuccessful)
    #expect(try scene.publish("/a", "1") == 1)
    #expect(alice.connect().data == ["1"])
    alice.unsubscribe("/a")
    #expect(try scene.publish("/a", "1") == 0)
  }

  @Test func overlappingSubscriptionsGiveOneCopy() throws {
    let scene = Scene()
    let alice = scene.connectedClient()
    for channel in ["/a/b", "/a/*", "/a/**", "/**", "/*"] { alice.subscribe(channel) }
    #expect(try scene.publish("/a/b", "1") == 1)
    #expect(try scene.publish("/a/b", "2") == 1)
    #expect(alice.connect().data == ["1", "2"])
  }

  @Test(arguments: [
    ("/a", ["/a", "/*", "/**"], ["/a/*", "/a/**", "/b", "/A"]),
    ("/a/b", ["/a/b", "/a/*", "/a/**", "/**"], ["/a", "/*", "/a/b/*", "/a/b/**"]),
    ("/a/b/c", ["/a/b/c", "/a/b/*", "/a/b/**", "/a/**", "/**"], ["/a/*", "/*", "/a/b"]),
  ])
  func publicationReachesTheSubscribersOfItsPatternsAlone(_ channel: String, _ reached: [String], _ others: [String])
    throws
  {
    for pattern in reached + others {
      let scene = Scene()
      scene.connectedClient().subscribe(pattern)
      #expect(try scene.publish(channel, "1") == (reached.contains(pattern) ? 1 : 0), "\(pattern) of \(channel)")
    }
  }

  @Test func metaChannelsAreNotSubscribedTo() {
    let alice = Scene().connectedClient()
    for channel in ["/meta/connect", "/meta/*", "/meta/**", "/meta"] {
      #expect(alice.subscribe(channel).error == "403:denied_by_security_policy:subscribe_denied")
    }
  }

  @Test func serviceChannelsAreSubscribedToWithoutEffect() {
    let scene = Scene()
    let alice = scene.connectedClient()
    #expect(alice.subscribe("/service/echo").isSuccessful && alice.subscribe("/service/**").isSuccessful)
    #expect(scene.channelCount == 0)
  }

  @Test func deepWildcardHearsNeitherMetaNorServiceMessages() {
    let scene = Scene()
    let alice = scene.connectedClient()
    alice.subscribe("/**")
    let poll = alice.connect()
    let bob = scene.connectedClient()
    bob.publish("/service/echo")
    bob.publish("/meta/other")
    bob.subscribe("/x")
    #expect(poll.isWaiting)
  }

  @Test func closedBroadcastChannelsAreDenied() {
    let alice = Scene().connectedClient(user: "alice")
    alice.origin.opensChannels = false
    #expect(alice.subscribe("/a").error == "403:denied_by_security_policy:subscribe_denied")
    #expect(alice.subscribe("/**").error == "403:denied_by_security_policy:subscribe_denied")
    #expect(alice.subscribe("/_genesys").isSuccessful && alice.subscribe("/service/x").isSuccessful)
  }

  // MARK: unsubscribe

  @Test func unsubscribingEndsTheEventsAndForgetsTheChannel() throws {
    let scene = Scene()
    let alice = scene.connectedClient()
    alice.subscribe("/a")
    #expect(scene.channelCount == 1)
    #expect(
      alice.send(#"{"channel":"/meta/unsubscribe","clientId":"$ID","subscription":"/a","id":"3"}"#).text
        == #"[{"id":"3","subscription":"/a","successful":true,"channel":"/meta/unsubscribe"}]"#)
    #expect(try scene.publish("/a", "1") == 0)
    #expect(scene.channelCount == 0)
  }

  @Test func unsubscribingIsIdempotent() {
    let alice = Scene().connectedClient()
    alice.subscribe("/a")
    for channel in ["/a", "/a", "/never/seen", "/service/x", "/_genesys"] {
      #expect(alice.unsubscribe(channel).isSuccessful)
    }
  }

  @Test func unsubscribingTakesAnArrayAndTouchesNobodyElse() throws {
    let scene = Scene()
    let (alice, bob) = (scene.connectedClient(), scene.connectedClient())
    for client in [alice, bob] {
      client.send(#"{"channel":"/meta/subscribe","clientId":"$ID","subscription":["/a","/b","/c"]}"#)
    }
    alice.send(#"{"channel":"/meta/unsubscribe","clientId":"$ID","subscription":["/a","/c"]}"#)
    #expect(try ["/a", "/b", "/c"].map { try scene.publish($0, "1") } == [1, 2, 1])
  }

  @Test func channelsEndWithTheirLastSubscriber() throws {
    let scene = Scene()
    let clients = (0..<5).map { _ in scene.connectedClient() }
    for client in clients {
      client.send(#"{"channel":"/meta/subscribe","clientId":"$ID","subscription":["/a","/b/**"]}"#)
    }
    for (left, client) in zip([4, 3, 2, 1, 0], [2, 0, 4, 1, 3].map({ clients[$0] })) {
      client.disconnect()
      #expect(try scene.publish("/a", "1") == left)
      #expect(scene.channelCount == (left == 0 ? 0 : 2))
    }
  }
}
