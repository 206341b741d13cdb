// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import Bayeux

/// In which order held connects are answered when much happens at once.
struct LookoutTests {
  /// Whose answers come, in order.
  private func users(_ scene: Scene) -> [String] {
    var out = ByteWriter()
    var users: [String] = []
    while let delivery = scene.shards[0].broker.nextDelivery(now: scene.now, into: &out) {
      guard case .answer(let conduit, let session) = delivery else { continue }
      (conduit as? Exchange)?.end(.answered(Payload(out.array).text))
      users.append(session.user?.text ?? "")
      out.clear()
    }
    return users
  }

  private func held(_ scene: Scene, _ user: String, _ channel: String) -> Client {
    let client = scene.connectedClient(user: user)
    client.subscribe(channel)
    client.subscribe("/_genesys")
    client.connect()
    return client
  }

  @Test func aMessageToOneDoesNotWaitBehindOneToEverybody() throws {
    let scene = Scene()
    let crowd = (0..<50).map { held(scene, "user\($0)", "/news") }
    let alice = held(scene, "alice", "/other")
    scene.runsByItself = false
    try scene.publish("/news", "1")
    scene.deliver("2", to: "alice")
    scene.deliver("3", to: "user49")
    let order = users(scene)
    #expect(order.prefix(4) == ["alice", "user0", "user49", "user1"])
    #expect(Set(order).count == 51 && order.count == 51, "everybody once")
    withExtendedLifetime((crowd, alice)) {}
  }

  @Test(arguments: [(1, true), (16, true), (17, false)])
  func aMessageToAFewDoesNotWaitEither(_ count: Int, _ passes: Bool) throws {
    let scene = Scene()
    let crowd = (0..<50).map { held(scene, "user\($0)", "/news") }
    let room = (0..<count).map { held(scene, "few\($0)", "/room") }
    scene.runsByItself = false
    try scene.publish("/news", "1")
    try scene.publish("/room", "2")
    let order = users(scene)
    let last = try #require(order.lastIndex { $0.hasPrefix("few") })
    #expect((last < 2 * count) == passes)
    #expect(order.count == 50 + count)
    withExtendedLifetime((crowd, room)) {}
  }

  @Test func manyMessagesToOnesDoNotHoldUpTheOneToEverybody() throws {
    let scene = Scene()
    let crowd = (0..<20).map { held(scene, "user\($0)", "/news") }
    let ones = (0..<20).map { held(scene, "one\($0)", "/other") }
    scene.runsByItself = false
    try scene.publish("/news", "1")
    for number in 0..<20 { scene.deliver("2", to: "one\(number)") }
    let order = users(scene)
    #expect(order.prefix(20).count { $0.hasPrefix("user") } == 10)
    #expect(order.count == 40)
    withExtendedLifetime((crowd, ones)) {}
  }

  @Test func whatIsInBothLinesIsWrittenOnceAndInOrder() throws {
    let scene = Scene()
    let alice = held(scene, "alice", "/news")
    scene.runsByItself = false
    try scene.publish("/news", "1")
    scene.deliver("2", to: "alice")
    try scene.publish("/news", "3")
    #expect(users(scene) == ["alice"])
    #expect(scene.waiting == 0)
    withExtendedLifetime(alice) {}
  }
}
