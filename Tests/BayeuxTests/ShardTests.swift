// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

struct ShardTests {
  /// A user who lives on that shard.
  private func user(on shard: Int, of scene: Scene) throws -> String {
    try #require((0..<1000).map { "user \($0)" }.first { scene.home(of: $0) == shard })
  }

  @Test func anonymousSessionLivesWhereItShookHands() throws {
    let scene = Scene(shards: 3)
    for shard in 0..<3 {
      let client = scene.client(on: shard)
      #expect(client.handshake().moves == 0)
      #expect(try #require(ClientID(client.clientID)).shard == shard)
      #expect(scene.shards[shard].sessionCount == 1)
    }
  }

  @Test func sessionOfAUserLivesAtTheUsersHomeWhereverItShakesHands() throws {
    let scene = Scene(shards: 3)
    let alice = try user(on: 2, of: scene)
    for shard in 0..<3 {
      let client = scene.client(user: alice, on: shard)
      let reply = client.handshake()
      #expect(reply.shard == 2 && reply.moves == (shard == 2 ? 0 : 1))
      #expect(try #require(ClientID(client.clientID)).shard == 2)
    }
    #expect(scene.shards[2].sessionCount == 3 && scene.counters.handshakes == 3)
  }

  @Test func requestMovesToTheShardThatItsClientIDNames() throws {
    let scene = Scene(shards: 3)
    let client = scene.client(on: 1)
    client.handshake()
    let text = #"{"channel":"/meta/subscribe","clientId":"\#(client.clientID)","subscription":"/a"}"#
    for shard in 0..<3 {
      let reply = scene.send(text, on: shard)
      #expect(reply.isSuccessful && reply.shard == 1 && reply.moves == (shard == 1 ? 0 : 1))
    }
  }

  @Test func connectIsHeldOnTheShardOfItsSession() {
    let scene = Scene(shards: 3)
    let client = scene.connectedClient(on: 1)
    let poll = scene.send(#"{"channel":"/meta/connect","clientId":"\#(client.clientID)"}"#, on: 0)
    #expect(poll.isWaiting && poll.shard == 1 && scene.shards[1].heldCount == 1)
    scene.pass(.seconds(55))
    #expect(poll.isSuccessful)
  }

  /// The first message fixes where the request belongs; what is of another session in it finds none.
  @Test func oneRequestSpeaksForOneSession() {
    let scene = Scene(shards: 2)
    let (here, there) = (scene.connectedClient(on: 0), scene.connectedClient(on: 1))
    let reply = scene.send(
      #"[{"channel":"/a","data":1,"clientId":"\#(here.clientID)"},{"channel":"/a","data":2,"clientId":"\#(there.clientID)"}]"#
    )
    #expect(reply.replies.map { $0["successful"] } == [true, false] && reply.error == "402::session_unknown")
  }

  @Test func clientIDOfAShardThatDoesNotExistIsUnknown() {
    var generator = SeededGenerator(seed: 1)
    let foreign = ClientID(shard: 7, slot: 0, using: &generator).text
    let reply = Scene(shards: 3).send(#"{"channel":"/meta/connect","clientId":"\#(foreign)"}"#)
    #expect(reply.moves == 0 && reply.reconnect == "handshake")
  }

  @Test func publicationReachesSubscribersOfEveryShardOnce() throws {
    let scene = Scene(shards: 3)
    let clients = (0..<6).map { scene.connectedClient(on: $0 % 3) }
    for client in clients { client.subscribe("/a/**") }
    let polls = clients.map { $0.connect() }
    scene.connectedClient(on: 1).publish("/a/b", "1")
    for poll in polls { #expect(poll.data == ["1"]) }
    #expect(scene.counters.publishes == 1 && scene.counters.delivered == 6)
    #expect(try scene.publish("/a/b", "2") == 6)
  }

  @Test func publicationsAreTakenOnceInOrderAndOnlyWhereThereAreOthers() {
    let scene = Scene(shards: 2)
    scene.runsByItself = false
    let client = scene.connectedClient()
    for number in 0..<3 { client.publish("/a", "\(number)") }
    client.publish("/service/x")
    client.publish("/a/*")
    #expect(scene.bus[0].isEmpty)
    #expect(scene.bus[1].map(\.payload.text) == (0..<3).map { #"{"data":\#($0),"channel":"/a"}"# })
    let taken = scene.shards[0].broker.takePublications()
    #expect(taken.isEmpty)

    var alone = Broker()
    var out = ByteWriter()
    let handshake = Array(#"{"channel":"/meta/handshake"}"#.utf8)
    _ = alone.receive(handshake.span, user: [UInt8]().span, on: Exchange(), now: scene.now, into: &out)
    let id = alone.sessions[0]?.id.text ?? ""
    let publish = Array(#"{"channel":"/a","data":1,"clientId":"\#(id)"}"#.utf8)
    _ = alone.receive(publish.span, user: [UInt8]().span, on: Exchange(), now: scene.now, into: &out)
    let (publishes, publications) = (alone.counters.publishes, alone.takePublications())
    #expect(publishes == 1 && publications.isEmpty)
  }

  @Test func whatIsPublishedAfterASubscribeWasAnsweredArrivesEvenFromAnotherShard() {
    let scene = Scene(shards: 2)
    let (subscriber, publisher) = (scene.connectedClient(on: 0), scene.connectedClient(on: 1))
    scene.runsByItself = false
    publisher.publish("/a", "1")
    #expect(subscriber.subscribe("/a").isSuccessful)
    publisher.publish("/a", "2")
    scene.runBus(to: 0)
    #expect(subscriber.connect().data.last == "2")
  }

  @Test func userIsDeliveredToAtHomeOnly() throws {
    let scene = Scene(shards: 3)
    let alice = try user(on: 1, of: scene)
    let client = scene.connectedClient(user: alice, on: 0)
    client.subscribe("/_genesys")
    let poll = client.connect()
    #expect(scene.deliver("1", to: alice) == 1)
    #expect(poll.data == ["1"] && poll.shard == 1)
  }

  @Test func homeIsTheSameOnEveryShardAndSpreadsUsers() {
    var perShard = [0, 0, 0, 0]
    for number in 0..<4000 {
      let name = Array("user \(number)".utf8)
      let home = Broker.home(of: name.span, shards: 4)
      let (again, alone) = (Broker.home(of: name.span, shards: 4), Broker.home(of: name.span, shards: 1))
      #expect(again == home && alone == 0)
      perShard[home] += 1
    }
    #expect(perShard.allSatisfy { $0 > 700 })
  }
}
