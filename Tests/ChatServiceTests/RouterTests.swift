// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import ChatService

/// Which agent is offered which chat; all of it in zero time.
@Suite struct RouterTests {
  private func at(_ seconds: Int) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }

  private func ready(_ router: inout Router, _ names: String..., capacity: Int? = nil) -> [Router.Effect] {
    var effects: [Router.Effect] = []
    for name in names {
      effects += router.update(name, now: at(0)) {
        $0.isReady = true
        $0.capacity = capacity
      }
    }
    return effects
  }

  @Test func withoutATargetAnyReadyAgentMatches() {
    var router = Router()
    #expect(router.enqueue("a", RoutingRequest(), hasChat: true, now: at(0)) == [])
    #expect(ready(&router, "Ada") == [.offered(serviceID: "a", agent: "Ada")])
  }

  @Test func anOfferedChatBelongsToOneAgentUntilItTimesOutThenToTheNext() {
    var router = Router()
    _ = ready(&router, "Ada", "Bob")
    #expect(
      router.enqueue("a", RoutingRequest(), hasChat: true, now: at(0)) == [.offered(serviceID: "a", agent: "Ada")])
    #expect(router.entries["a"]?.offer == Router.Offer(agent: "Ada", until: at(30)))
    #expect(router.advance(to: at(29)) == [])
    #expect(
      router.advance(to: at(30)) == [
        .withdrawn(serviceID: "a", agent: "Ada"), .offered(serviceID: "a", agent: "Bob"),
      ])
    #expect(router.advance(to: at(60)) == [.withdrawn(serviceID: "a", agent: "Bob")], "all had it: free for a while")
    #expect(router.advance(to: at(90)) == [.offered(serviceID: "a", agent: "Ada")])
  }

  @Test func aDeclinedChatGoesToTheNextAgentAndNotBack() {
    var router = Router()
    _ = ready(&router, "Ada", "Bob")
    _ = router.enqueue("a", RoutingRequest(), hasChat: true, now: at(0))
    #expect(router.declined("a", "Bob", now: at(1)) == nil, "it is not his to decline")
    #expect(
      router.declined("a", "Ada", now: at(1)) == [
        .withdrawn(serviceID: "a", agent: "Ada"), .offered(serviceID: "a", agent: "Bob"),
      ])
    #expect(router.declined("a", "Bob", now: at(2)) == [.withdrawn(serviceID: "a", agent: "Bob")])
    #expect(router.advance(to: at(1_000)) == [])
    _ = router.update("Ada", now: at(1_001)) { $0.isReady = false }
    #expect(
      router.update("Ada", now: at(1_002)) { $0.isReady = true } == [.offered(serviceID: "a", agent: "Ada")],
      "whoever says again that he is ready is asked again")
  }

  @Test func aReadyAgentTakesAnyNumberOfChatsUnlessCapacityIsSet() {
    var router = Router()
    _ = ready(&router, "Ada")
    for id in ["a", "b", "c"] {
      #expect(
        router.enqueue(id, RoutingRequest(), hasChat: true, now: at(0)) == [.offered(serviceID: id, agent: "Ada")])
    }
    var bounded = Router()
    _ = ready(&bounded, "Ada", capacity: 1)
    _ = bounded.enqueue("a", RoutingRequest(), hasChat: true, now: at(0))
    #expect(bounded.enqueue("b", RoutingRequest(), hasChat: true, now: at(0)) == [])
    _ = bounded.joined("a", "Ada", now: at(1))
    #expect(bounded.entries["b"]?.offer == nil, "a chat that is joined takes as much room as one that is offered")
    #expect(bounded.ended("a", now: at(2)) == [.offered(serviceID: "b", agent: "Ada")])
  }

  @Test func aChatNobodyClaimsNeverHoldsUpLaterOnes() throws {
    var router = Router()
    _ = ready(&router, "Ada", capacity: 1)
    let billing = RoutingRequest(plan: try RoutingPlan("Billing@S.GA"))
    _ = router.enqueue("nobody's", billing, hasChat: true, now: at(0))
    #expect(
      router.enqueue("a", RoutingRequest(), hasChat: true, now: at(0)) == [.offered(serviceID: "a", agent: "Ada")])
    _ = router.enqueue("b", RoutingRequest(), hasChat: true, now: at(1))
    #expect(
      router.advance(to: at(30)) == [
        .withdrawn(serviceID: "a", agent: "Ada"), .offered(serviceID: "b", agent: "Ada"),
      ], "the one that was let pass goes behind the others")
  }

  @Test func skillsAndGroupsDecideWhoMatches() throws {
    var router = Router()
    _ = router.update("Ada", now: at(0)) {
      $0.isReady = true
      $0.skills = ["English": 20]
    }
    _ = router.update("Bob", now: at(0)) {
      $0.isReady = true
      $0.groups = ["Billing"]
      $0.place = "Desk 7"
    }
    for (target, agent) in [
      ("?:English=20@S.GA", "Ada"), ("Billing@S.GA", "Bob"), ("Billing@S.GP", "Bob"), ("Bob@S.A", "Bob"),
      ("Desk 7@S.AP", "Bob"),
    ] {
      let request = RoutingRequest(plan: try RoutingPlan(.string(target)))
      #expect(
        router.enqueue(target, request, hasChat: true, now: at(0)) == [.offered(serviceID: target, agent: agent)])
    }
    let request = RoutingRequest(plan: try RoutingPlan("?:English>20@S.GA"))
    #expect(router.enqueue("x", request, hasChat: true, now: at(0)) == [])
  }

  @Test func theNextTargetIsOfferedTheChatWhenItsTurnComes() throws {
    var router = Router()
    _ = router.update("Bob", now: at(0)) {
      $0.isReady = true
      $0.groups = ["B"]
    }
    let plan = try RoutingPlan(#"[{"target":"A@S.GA","timeout":"10"},{"target":"B@S.GA"}]"#)
    #expect(router.enqueue("a", RoutingRequest(plan: plan), hasChat: true, now: at(0)) == [])
    #expect(router.nextDeadline == at(10))
    #expect(router.advance(to: at(10)) == [.offered(serviceID: "a", agent: "Bob")])
  }

  @Test(arguments: [("RStatAgentsReady", 1.0), ("RStatAgentsReadyvoice", 1), ("RStatAgentsTotal", 2)])
  func statisticsComeFromTheBackendItself(name: String, value: Double) throws {
    var router = Router()
    _ = router.update("Ada", now: at(0)) {
      $0.isReady = true
      $0.groups = ["A"]
    }
    _ = router.update("Bob", now: at(0)) { $0.groups = ["A"] }
    // The first target is skipped exactly where its statistic is below the value.
    for (threshold, isSkipped) in [(value, false), (value + 1, true)] {
      let text =
        #"[{"target":"A@S.GA","timeout":"9","stat_to_check":"\#(name)","stat_operator":"<","stat_value":\#(threshold)},"#
        + #"{"target":"B@S.GA"}]"#
      let id = "\(threshold)"
      _ = router.enqueue(id, RoutingRequest(plan: try RoutingPlan(.string(text))), hasChat: false, now: at(0))
      #expect(router.entries[id]?.progress?.pool == [isSkipped ? 1 : 0])
    }
  }

  @Test func statisticsCanBeInjected() throws {
    var router = Router()
    router.statistics = { name, _ in name == "Weather" ? 30 : nil }
    let text =
      #"[{"target":"A@S.GA","timeout":"9","stat_to_check":"Weather","stat_operator":">","stat_value":"20"},"#
      + #"{"target":"B@S.GA"}]"#
    _ = router.enqueue("a", RoutingRequest(plan: try RoutingPlan(.string(text))), hasChat: false, now: at(0))
    #expect(router.entries["a"]?.progress?.pool == [1])
  }

  @Test func availableMeansThatAMatchingAgentIsReady() {
    var router = Router()
    #expect(router.enqueue("a", RoutingRequest(), hasChat: false, now: at(0)) == [])
    #expect(ready(&router, "Ada") == [.became(.available, serviceID: "a")])
    #expect(router.isAvailable(RoutingRequest(), "a", now: at(0)))
    #expect(router.update("Ada", now: at(1)) { $0.isReady = false } == [.became(.waiting, serviceID: "a")])
    #expect(!router.isAvailable(RoutingRequest(), "a", now: at(1)))
  }

  @Test func aServiceIsQueuedNoLongerThanItsTimeButALiveChatIs() {
    var router = Router()
    _ = router.enqueue("service", RoutingRequest(queuedTTL: .seconds(5)), hasChat: false, now: at(0))
    _ = router.enqueue("chat", RoutingRequest(queuedTTL: .seconds(5)), hasChat: true, now: at(0))
    _ = router.advance(to: at(5))
    #expect(Array(router.entries.keys) == ["chat"])
  }

  @Test func positionsCountWithinOneVirtualQueue() {
    var router = Router()
    for id in ["a", "b"] { _ = router.enqueue(id, RoutingRequest(virtualQueue: "Q"), hasChat: true, now: at(0)) }
    _ = router.enqueue("c", RoutingRequest(virtualQueue: "R"), hasChat: true, now: at(0))
    #expect(router.position("b") == QueuePosition(position: 2, total: 2, isAgentReady: false, eta: .seconds(120)))
    #expect(router.position("c")?.position == 1)
    #expect(router.position("x") == nil)
  }

  @Test func equallyLoadedAgentsTakeTurns() {
    var router = Router()
    _ = ready(&router, "Ada", "Bob", "Cid")
    var order: [String] = []
    for number in 0..<6 {
      let id = "\(number)"
      for case .offered(_, let agent) in router.enqueue(id, RoutingRequest(), hasChat: true, now: at(0)) {
        order.append(agent)
        _ = router.joined(id, agent, now: at(0))
        _ = router.ended(id, now: at(0))
      }
    }
    #expect(order == ["Ada", "Bob", "Cid", "Ada", "Bob", "Cid"])
  }
}
