// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

/// What rules do to clients.
struct RuleEffectTests {
  private static let subscribeDenied = "403:denied_by_security_policy:subscribe_denied"
  private static let publishDenied = "403:denied_by_security_policy:publish_denied"

  // MARK: who

  @Test(arguments: [
    (ChannelRule.Audience.anyone, [true, true, true]), (.anyUser, [false, true, true]),
    (.users(["ann", "cid"]), [false, true, false]), (.nobody, [false, false, false]),
  ])
  func anAudienceIsWhoMay(_ audience: ChannelRule.Audience, _ expected: [Bool]) {
    let scene = Scene {
      $0.rules = rules("/a/*") {
        $0.subscribe = audience
        $0.publish = audience
      }
    }
    for (user, mayDoIt) in zip(["", "ann", "ben"], expected) {
      let client = scene.connectedClient(user: user)
      // A rule decides, whatever the listener would.
      for isOpen in [true, false] {
        client.origin.opensChannels = isOpen
        #expect(client.subscribe("/a/x").error == (mayDoIt ? nil : Self.subscribeDenied))
        #expect(client.publish("/a/x").error == (mayDoIt ? nil : Self.publishDenied))
        #expect(client.publish("/b").error == (isOpen ? nil : Self.publishDenied))
        #expect(client.subscribe("/a/**").error == (isOpen ? nil : Self.subscribeDenied))
      }
    }
  }

  @Test func aRuleThatSaysNothingOfWhoLeavesThatToTheListener() {
    let scene = Scene { $0.rules = rules("/a") { $0.echo = false } }
    let client = scene.connectedClient()
    #expect(client.subscribe("/a").isSuccessful)
    client.origin.opensChannels = false
    #expect(client.publish("/a").error == Self.publishDenied)
  }

  @Test func noRuleOpensWhatIsClosedToClients() {
    let scene = Scene {
      $0.rules = rules("/**") {
        $0.publish = .anyone
        $0.subscribe = .anyone
      }
    }
    let ann = scene.connectedClient(user: "ann")
    ann.origin.opensChannels = false
    #expect(ann.publish("/_genesys").error == Self.publishDenied)
    #expect(ann.publish("/meta/x").error == "403:denied_by_security_policy:channel_create_denied")
    #expect(ann.publish("/a/*").error == "405::channel_invalid")
    #expect(ann.subscribe("/meta/**").error == Self.subscribeDenied)
    #expect(ann.publish("/a").isSuccessful)
    #expect(ann.publish("/service/x").isSuccessful)
  }

  /// Who may not subscribe to a channel receives nothing of it through a pattern either.
  @Test(arguments: [1, 3]) func aPatternReachesNoChannelThatIsClosedToItsSubscriber(_ shards: Int) throws {
    let scene = Scene(shards: shards) { $0.rules = rules("/staff/**") { $0.subscribe = .users(["ann"]) } }
    let (ann, ben) = (scene.connectedClient(user: "ann"), scene.connectedClient(user: "ben"))
    for client in [ann, ben] {
      #expect(client.subscribe("/**").isSuccessful)
      client.subscribe("/*")
    }
    #expect(ben.subscribe("/staff/*").error == Self.subscribeDenied)
    #expect(try scene.publish("/staff/x", "1") == 1)
    #expect(try scene.publish("/other", "2") == 2)
    scene.connectedClient(user: "cid").publish("/staff/y", "3")
    #expect(ann.connect().data == ["1", "2", "3"] && ben.connect().data == ["2"])
  }

  // MARK: create

  @Test(arguments: [1, 3]) func whoMayNotCreateWaitsForWhoMay(_ shards: Int) {
    let scene = Scene(shards: shards) { $0.rules = rules("/room/*") { $0.create = .users(["host"]) } }
    let guests = (0..<6).map { scene.connectedClient(user: "guest \($0)") }
    for guest in guests {
      #expect(guest.subscribe("/room/1").error == "403:denied_by_security_policy:create_denied")
      #expect(guest.publish("/room/1").error == "403:denied_by_security_policy:channel_create_denied")
    }
    let host = scene.connectedClient(user: "host")
    #expect(host.subscribe("/room/1").isSuccessful)
    for guest in guests { #expect(guest.subscribe("/room/1").isSuccessful && guest.publish("/room/1").isSuccessful) }
    host.disconnect()
    #expect(guests[0].publish("/room/1").isSuccessful, "somebody is still there")
    for guest in guests { guest.unsubscribe("/room/1") }
    #expect(guests[0].subscribe("/room/1").error == "403:denied_by_security_policy:create_denied")
    for shard in scene.shards { #expect(shard.elsewhereCount == 0) }
  }

  @Test func channelsThatNobodyAsksAboutAreNotReported() {
    let scene = Scene(shards: 2)
    scene.connectedClient(user: "ann").subscribe("/a")
    for shard in scene.shards { #expect(shard.elsewhereCount == 0) }
  }

  // MARK: echo

  @Test func aPublisherGetsItsOwnMessageUnlessTheRuleSaysOtherwise() {
    for echo in [true, false] {
      let scene = Scene { $0.rules = rules("/a/**") { $0.echo = echo } }
      let (ann, ben) = (scene.connectedClient(user: "ann"), scene.connectedClient(user: "ben"))
      for client in [ann, ben] {
        client.subscribe("/a/b")
        client.subscribe("/a/*")
      }
      #expect(ann.publish("/a/b", "1").data == (echo ? ["1"] : []))
      #expect(ben.connect().data == ["1"])
    }
  }

  // MARK: bounds

  @Test func messagesAreBoundedInBytes() {
    let scene = Scene { $0.rules = rules("/a") { $0.maxMessageBytes = 4 } }
    let ann = scene.connectedClient()
    for (data, isTaken) in [("123", true), ("1234", true), ("12345", false), (#""12""#, true), (#""123""#, false)] {
      #expect(ann.publish("/a", data).error == (isTaken ? nil : "413:message_too_large:publish_denied"))
      #expect(ann.publish("/b", data).isSuccessful)
    }
    #expect(scene.counters.limitMessageBytes == 2)
    #expect(ann.send(#"{"channel":"/a","clientId":"$ID"}"#).isSuccessful, "no data is none too long")
  }

  @Test(arguments: [1, 2, 5]) func aChannelTakesSoManyMessagesInASecond(_ rate: Int) {
    let scene = Scene { $0.rules = rules("/a/*") { $0.maxMessagesPerSecond = rate } }
    let (ann, ben) = (scene.connectedClient(), scene.connectedClient())
    for number in 0...rate {
      let reply = (number % 2 == 0 ? ann : ben).publish("/a/x")
      #expect(reply.error == (number < rate ? nil : "429:channel_too_busy:publish_denied"))
    }
    #expect(ann.publish("/a/y").isSuccessful, "each channel has its own pace")
    scene.pass(.nanoseconds(1_000_000_000 / rate))
    #expect(ben.publish("/a/x").isSuccessful && ann.publish("/a/x").error != nil)
    #expect(scene.counters.limitChannelRate == 2 && ann.isKnown)
  }
}

extension Scene.Shard {
  fileprivate var elsewhereCount: Int { broker.channelsElsewhere.count }
}
