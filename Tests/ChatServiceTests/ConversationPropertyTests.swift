// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@testable import ChatService

/// Random conversations of customers and agents, all at once: whatever they do, nothing is lost, doubled or out of
/// order, and every way of reading shows the same transcript. A failing seed repeats the script, not its interleaving.
@Suite(.timeLimit(.minutes(2))) struct ConversationPropertyTests {
  /// One chat after its script: what its client was shown, and how the end was told.
  struct Shown: Sendable {
    let id: String
    var entries: [[String]] = []
    var positions: [Int] = []
    var said: [String] = []
  }

  @Test(arguments: 0..<8) func A15_everyReadingShowsTheSameTranscript(seed: UInt64) async {
    var configuration = ChatConfiguration()
    // Six customers move one clock: what is seconds for one must not be a timeout for another.
    configuration.limits.callTimeout = .seconds(100_000)
    await withDesk(configuration, seed: seed) { desk in
      let chats = await withTaskGroup(of: (Shown, isComet: Bool).self) { group in
        for number in 0..<6 {
          let isComet = number % 2 == 0
          group.addTask {
            let random = SeededGenerator(state: seed &* 1_000 &+ UInt64(number))
            return (await converse(desk, isComet: isComet, number, random), isComet)
          }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      for (shown, isComet) in chats {
        let transcript = await desk.service.transcript(of: shown.id) ?? []
        #expect(transcript.map(\.position) == Array(2..<transcript.count + 2), "consecutive")
        let expected = transcript.map(strings)
        if isComet { check(desk, shown, expected) } else { #expect(shown.entries == expected) }
        #expect(shown.positions == shown.positions.sorted(), "positions never decrease")
        let own = transcript.filter { $0.entry.kind == .text && $0.entry.party == .client }.map(\.entry.text)
        #expect(own == shown.said, "what the customer said, once each and in order")
        let fromStart = await desk.call(.refresh, shown.id, ["transcriptPosition": "0"])
        #expect(fromStart.entries == expected)
        #expect(fromStart.state == "DISCONNECTED")
      }
      let statistics = await desk.service.statistics
      #expect(statistics.liveChats == 0 && statistics.chatsOpened == 6 && statistics.chatsEnded == 6)
      #expect(statistics.waitingCalls == 0 && statistics.eventsNotTaken == 0)
      #expect(statistics.messagesIn == chats.reduce(0) { $0 + $1.0.said.count })
    }
  }

  /// The notifications of a comet chat, one behind the other, are its transcript.
  private func check(_ desk: Desk, _ shown: Shown, _ expected: [[String]]) {
    #expect(shown.entries.isEmpty, "the replies of a comet chat show nothing")
    let events = desk.notifier.all.filter { $0.serviceID == shown.id }
    #expect(events.flatMap { $0.json.entries ?? [] } == expected)
    var position = 1
    for event in events {
      let entries = event.json.entries ?? []
      position += entries.count
      #expect(event.transcriptPosition == position && event.json["transcriptPosition"]?.string == "\(position)")
      let isIsolated = entries.contains { $0[0] == "Notice.PushUrl" || $0[0] == "Notice.Custom" }
      #expect(!isIsolated || entries.count == 1)
    }
    #expect(events.map { $0.json["chatIxnState"]?.string == "DISCONNECTED" }.firstIndex(of: true) == events.count - 1)
  }

  private func strings(_ placed: TranscriptEntry) -> [String] {
    [
      placed.entry.kind.rawValue, placed.entry.nickname, placed.entry.text, String(placed.seconds),
      placed.entry.party.rawValue,
    ]
  }

  /// A customer who talks and reads as chance has it, while agents come, talk and go; one of them ends it.
  private func converse(_ desk: Desk, isComet: Bool, _ number: Int, _ random: SeededGenerator) async -> Shown {
    var random = random
    let id = await desk.newService()
    var shown = Shown(id: id)
    let fields: ChatFields = ["userDisplayName": "C\(number)", "notify_by": isComet ? "comet" : "poll"]
    let created = await desk.call(.create, id, fields, user: "user \(number)")
    // The reply is written while the conversation goes on.
    let dice = SeededGenerator(state: random.next())
    async let agents: Void = serve(desk, id, dice)
    created.reply.afterWritten?()
    for step in 0..<Int.random(in: 10...40, using: &random) {
      let verbose: ChatFields.Field = .init("_verbose", Bool.random(using: &random) ? "true" : "false")
      let text = "\(number).\(step)"
      let operation = ChatOperation.allCases.dropFirst().dropLast().randomElement(using: &random) ?? .refresh
      let speaks = operation == .send || operation == .refresh && Bool.random(using: &random)
      let answer = await desk.call(operation, id, ChatFields(speaks ? [.init("message", text), verbose] : [verbose]))
      note(answer, &shown)
      if speaks, answer.state == "TRANSCRIPT" || isTold(text, desk, id, answer) { shown.said.append(text) }
      if Int.random(in: 0..<4, using: &random) == 0 { desk.clock.advance(by: .seconds(1)) }
    }
    await agents
    note(await desk.call(.disconnect, id), &shown)
    note(await desk.call(.refresh, id), &shown)
    if isComet { await until { desk.notifier.all.last { $0.serviceID == id }?.json["chatIxnState"] == "DISCONNECTED" } }
    return shown
  }

  /// Whether a text was still taken although its reply tells of the end.
  private func isTold(_ text: String, _ desk: Desk, _ id: String, _ answer: Answer) -> Bool {
    let pushed = desk.notifier.all.filter { $0.serviceID == id }.flatMap { $0.json.entries ?? [] }
    return (pushed + (answer.entries ?? [])).contains { $0[2] == text }
  }

  private func note(_ answer: Answer, _ shown: inout Shown) {
    #expect(answer.status == 200)
    shown.entries += answer.entries ?? []
    if let position = answer.position.flatMap({ Int($0) }) { shown.positions.append(position) }
  }

  private func serve(_ desk: Desk, _ id: String, _ random: SeededGenerator) async {
    var random = random
    for step in 0..<Int.random(in: 5...30, using: &random) {
      let name = ["Ada", "Monique", "Zoë"].randomElement(using: &random) ?? "Ada"
      let agents = desk.agents
      // Mistakes are part of it: an agent who is not there is refused, and leaves no trace.
      switch Int.random(in: 0..<8, using: &random) {
      case 0, 1: _ = try? await agents.join(id, nickname: name)
      case 2: _ = try? await agents.leave(id, nickname: name)
      case 3: _ = try? await agents.typing(id, nickname: name, isTyping: Bool.random(using: &random))
      case 4: _ = try? await agents.pushURL(id, nickname: name, url: "https://example.com/\(step)")
      case 5: _ = try? await agents.notice(id, nickname: name, text: "note||\(step)")
      default: _ = try? await agents.send(id, nickname: name, text: "answer \(step)")
      }
    }
    if Bool.random(using: &random) { _ = try? await desk.agents.end(id) }
  }
}
