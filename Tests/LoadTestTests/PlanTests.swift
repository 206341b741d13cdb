// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import LoadTest

@Suite struct PlanTests {
  private func plan(_ change: (inout LoadOptions) -> Void) throws -> LoadPlan {
    var options = LoadOptions()
    change(&options)
    return try LoadPlan(options, run: 1)
  }

  @Test func theDefaultsAreAPlan() throws {
    let plan = try plan { _ in }
    #expect(plan.transport == .longPolling)
    #expect(plan.channels(of: 3) == ["/load/fanout"])
    #expect(!plan.sendsUsers)
  }

  @Test(arguments: [
    ("http://127.0.0.1:8080/genesys/cometd", "127.0.0.1", 8080, "/genesys/cometd", "127.0.0.1:8080"),
    ("HTTP://example.org", "example.org", 80, "/", "example.org"),
    ("ws://[::1]:99/a?b=c#d", "::1", 99, "/a?b=c", "[::1]:99"), ("http://h?q", "h", 80, "/?q", "h"),
  ]) func aURLIsSplit(_ text: String, _ host: String, _ port: Int, _ path: String, _ authority: String) throws {
    let url = try TargetURL(text)
    #expect(url.host == host && url.port == port && url.path == path && url.authority == authority)
  }

  @Test(arguments: ["", "x", "ftp://h/", "http://", "http://h:0/", "http://h:99999/", "http://u@h/", "http://h/ä"])
  func whatIsNoURLIsRefused(_ text: String) {
    #expect { _ = try TargetURL(text) } throws: { ($0 as? LoadTestError)?.status == .usage }
  }

  @Test(arguments: [
    ("http://h/", 80, false, false), ("https://h/", 443, true, false), ("ws://h/", 80, false, true),
    ("wss://h/", 443, true, true), ("HTTPS://h:80/", 80, true, false), ("https://h:443/", 443, true, false),
  ]) func theSchemeSaysWhetherThereIsTLS(_ text: String, _ port: Int, _ isSecure: Bool, _ isWebSocket: Bool) throws {
    let url = try TargetURL(text)
    #expect(url.port == port && url.isSecure == isSecure && url.isWebSocket == isWebSocket)
    #expect(url.authority == (port == 80 && isSecure ? "h:80" : "h"))
    #expect(try TargetURL(url.description) == url)
  }

  private static let bad: [(String, @Sendable (inout LoadOptions) -> Void)] = [
    ("clients", { $0.clients = 0 }), ("processes", { $0.processes = 101 }), ("rooms", { $0.rooms = 0 }),
    ("rooms-per-client", { $0.roomsPerClient = 101 }), ("window", { $0.window = 0 }),
    ("payload", { $0.payloadBytes = 63 }),
    ("rate", { $0.rate = 0 }), ("rate", { $0.rate = .nan }), ("duration", { $0.duration = .zero }),
    ("stall", { $0.stall = .zero }), ("processes", { $0.clients = 19_001 }),
    ("processes", { ($0.clients, $0.scenario) = (9_501, .chat) }),
    ("header", { $0.headers = ["no colon"] }), ("header", { $0.headers = ["a: b\r\nc: d"] }),
    ("user-header", { $0.userHeader = "a b" }), ("channel", { $0.channel = "no-slash" }),
    ("channel", { $0.channel = "/meta/connect" }), ("publish-http", { $0.publishURL = "ws://h/" }),
  ]

  @Test(arguments: bad.indices) func whatMakesNoSenseIsRefusedUnderItsName(_ index: Int) {
    let (name, change) = Self.bad[index]
    #expect {
      _ = try plan(change)
    } throws: { error in
      guard case .badOption(let option, _) = error as? LoadTestError else { return false }
      return option == name
    }
  }

  @Test func everyClientBelongsToOneWorker() throws {
    let plan = try plan { ($0.clients, $0.processes) = (101, 7) }
    #expect((0..<7).flatMap { Array(plan.share(of: $0)) } == Array(0..<101))
  }

  @Test func roomsAreSpreadEvenlyAndAreDifferent() throws {
    let plan = try plan { ($0.scenario, $0.clients, $0.rooms, $0.roomsPerClient) = (.rooms, 1000, 100, 10) }
    var members = [Int](repeating: 0, count: 100)
    for client in 0..<1000 {
      let rooms = plan.destinations(of: client)
      #expect(Set(rooms).count == 10)
      for room in rooms { members[Int(room)] += 1 }
    }
    #expect(members.allSatisfy { $0 == 100 })
    #expect(plan.channels(of: 5).contains("/load/room/5"))
  }

  @Test func aUserIsReachedThroughTheInterfaceOrByAChannel() throws {
    let bayeux = try plan { $0.scenario = .users }
    #expect(bayeux.channels(of: 7) == ["/load/user/u7"] && bayeux.channel(to: 7) == "/load/user/u7")
    let http = try plan { ($0.scenario, $0.publishURL) = (.users, "http://127.0.0.1:8081/publish") }
    #expect(http.channels(of: 7) == ["/_genesys"] && http.sendsUsers)
    var writer = ByteWriter()
    http.publishTemplate.write(to: &writer, data: Array("{}".utf8), user: "u7", channel: "/x")
    #expect(String(decoding: writer.array, as: UTF8.self) == #"{"user":"u7","tag":"load.test","message":{}}"#)
  }

  @Test func aTemplateMayNameAPlaceTwiceAndEndWithOne() {
    var writer = ByteWriter()
    BodyTemplate("%USER%,%USER%%X%%DATA%").write(to: &writer, data: [0x31], user: "a", channel: "b")
    #expect(String(decoding: writer.array, as: UTF8.self) == "a,a%X%1")
  }
}
