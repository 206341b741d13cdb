// SPDX-License-Identifier: Apache-2.0
import Bytes
import Synchronization
import Testing

@testable import Bayeux

/// What the host of a broker decides, after the rules.
struct AuthorizerTests {
  /// Says to everything what it is told to say, and remembers what it was asked.
  private final class Fixed: Authorizer {
    let verdict: AuthorizerVerdict
    let prefix: String
    let questions = Mutex<[String]>([])

    init(_ verdict: AuthorizerVerdict, below prefix: String = "/") {
      self.verdict = verdict
      self.prefix = prefix
    }

    private func answer(_ question: String, _ client: ClientIdentity) -> AuthorizerVerdict {
      questions.withLock { $0.append("\(client.user ?? "nobody") \(question)") }
      return verdict
    }

    func applies(to channel: Channel) -> Bool { channel.name.hasPrefix(prefix) }
    func canHandshake(_ client: ClientIdentity) -> AuthorizerVerdict { answer("handshake", client) }
    func canCreate(_ channel: Channel, _ client: ClientIdentity) -> AuthorizerVerdict {
      answer("create \(channel.name)", client)
    }
    func canSubscribe(to channel: Channel, _ client: ClientIdentity) -> AuthorizerVerdict {
      answer("subscribe \(channel.name)", client)
    }
    func canPublish(to channel: Channel, _ client: ClientIdentity) -> AuthorizerVerdict {
      answer("publish \(channel.name)", client)
    }
  }

  /// Asked about nothing but what it was made for.
  private struct Doorman: Authorizer {
    func canHandshake(_ client: ClientIdentity) -> AuthorizerVerdict {
      client.user == "mallory" ? .deny(reason: "banned") : .ignore
    }
    func canSubscribe(to channel: Channel, _ client: ClientIdentity) -> AuthorizerVerdict { .grant }
    func canCreate(_ channel: Channel, _ client: ClientIdentity) -> AuthorizerVerdict { .grant }
  }

  @Test(
    arguments: [
      ([AuthorizerVerdict.grant], nil), ([.ignore], "denied_by_not_granting"), ([.deny(reason: "no")], "no"),
      ([.ignore, .grant], nil), ([.grant, .deny(reason: "no")], "no"), ([.deny(reason: "no"), .grant], "no"),
      ([.deny(reason: "one"), .deny(reason: "two")], "one"), ([.ignore, .ignore], "denied_by_not_granting"), ([], nil),
    ] as [([AuthorizerVerdict], String?)])
  func aDenialWinsAndSomebodyHasToGrant(_ verdicts: [AuthorizerVerdict], _ reason: String?) {
    // They have no say in the handshake, which a denial would end.
    let scene = Scene(authorizers: verdicts.map { Voter(verdict: $0) })
    let ann = scene.connectedClient(user: "ann")
    #expect(ann.subscribe("/a").error == reason.map { "403:\($0):create_denied" })
    #expect(ann.publish("/b").error == reason.map { "403:\($0):channel_create_denied" })
    #expect(ann.publish("/service/x").error == reason.map { "403:\($0):publish_denied" })
    #expect(ann.subscribe("/_genesys").isSuccessful, "events for users follow the protocol")
  }

  private struct Voter: Authorizer {
    let verdict: AuthorizerVerdict
    func canCreate(_ channel: Channel, _ client: ClientIdentity) -> AuthorizerVerdict { verdict }
    func canSubscribe(to channel: Channel, _ client: ClientIdentity) -> AuthorizerVerdict { verdict }
    func canPublish(to channel: Channel, _ client: ClientIdentity) -> AuthorizerVerdict { verdict }
  }

  @Test func whatIsAskedIsTheOperationAndTheChannel() {
    let fixed = Fixed(.grant)
    let scene = Scene(authorizers: [fixed])
    let ann = scene.connectedClient(user: "ann")
    ann.subscribe("/a/*")
    ann.subscribe("/a/*")
    ann.publish("/a/*")
    ann.publish("/a/b")
    scene.client().handshake()
    #expect(
      fixed.questions.withLock { $0 } == [
        "ann handshake", "ann create /a/*", "ann subscribe /a/*", "ann subscribe /a/*", "ann create /a/b",
        "ann publish /a/b", "nobody handshake",
      ])
  }

  @Test func anAuthorizerHasNoSayWhereItDoesNotApply() {
    let fixed = Fixed(.deny(reason: "no"), below: "/staff")
    let ann = Scene(authorizers: [Handshaker(fixed)]).connectedClient(user: "ann")
    #expect(ann.subscribe("/a").isSuccessful && ann.publish("/a").isSuccessful)
    #expect(ann.subscribe("/staff/x").error == "403:no:create_denied")
  }

  /// Lets everybody in, and asks another about the rest.
  private struct Handshaker: Authorizer {
    let other: any Authorizer
    init(_ other: any Authorizer) { self.other = other }
    func applies(to channel: Channel) -> Bool { other.applies(to: channel) }
    func canCreate(_ channel: Channel, _ client: ClientIdentity) -> AuthorizerVerdict {
      other.canCreate(channel, client)
    }
    func canSubscribe(to channel: Channel, _ client: ClientIdentity) -> AuthorizerVerdict {
      other.canSubscribe(to: channel, client)
    }
    func canPublish(to channel: Channel, _ client: ClientIdentity) -> AuthorizerVerdict {
      other.canPublish(to: channel, client)
    }
  }

  @Test func rulesComeFirst() {
    let fixed = Fixed(.grant)
    let scene = Scene(authorizers: [fixed]) { $0.rules = rules("/a") { $0.subscribe = .nobody } }
    let ann = scene.connectedClient(user: "ann")
    #expect(ann.subscribe("/a").error == "403:denied_by_security_policy:subscribe_denied")
    #expect(fixed.questions.withLock { $0 } == ["ann handshake"])
  }

  @Test func aDeniedHandshakeIsToldTheReasonAndNotToComeAgain() {
    let scene = Scene(authorizers: [Doorman()])
    let reply = scene.client(user: "mallory").handshake()
    #expect(reply.error == "403:banned:handshake_denied" && reply.reconnect == "none" && scene.sessionCount == 0)
    #expect(scene.counters.handshakesRefused == 1)
    let ann = scene.connectedClient(user: "ann")
    #expect(ann.subscribe("/a").isSuccessful)
    #expect(ann.publish("/a").error == "403:denied_by_not_granting:publish_denied")
  }

  @Test(arguments: [
    ("no_way", "no_way"), ("a:b", "a_b"), (#"","x":"y"#, "___x___y"), ("", ""), ("ä b\n", "___b_"),
    (String(repeating: "a", count: 100), String(repeating: "a", count: 64)),
  ])
  func aReasonBreaksNeitherTheErrorNorItsJSON(_ reason: String, _ text: String) {
    let ann = Scene(authorizers: [Voter(verdict: .deny(reason: reason))]).connectedClient()
    #expect(ann.publish("/service/x").error == "403:\(text):publish_denied")
  }
}
