// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService
import Testing

@testable import BrokerServer

private let chat = #""id":"1","serviceId":"s","chatSessionId":"c""#
private func entry(_ members: String) -> String {
  #"{"events":[{"type":"entries",\#(chat),"entries":[{\#(members)}]}]}"#
}

/// Events of a remote backend as text, and their way to the acknowledgement.
@Suite struct RemoteEventTests {
  private func read(_ text: String, most: Int = 64) throws -> [RemoteEvent.Element] {
    try RemoteEvent.batch(try JSONValue(parsing: text), most: most, now: 77)
  }

  @Test func everyTypeIsRead() throws {
    let events = try read(
      """
      {"events":[
        {"type":"entries","id":"1","serviceId":"s","chatSessionId":"c","time":5,"cause":"call 1","entries":[
          {"type":"Notice.Left","nickname":"Ada","party":"AGENT"},
          {"type":"Message.Text","nickname":"Bot","text":"hi","party":"SYSTEM"}]},
        {"type":"ended","id":"2","serviceId":"s","chatSessionId":"c"},
        {"type":"relocated","id":"3","serviceId":"s","chatSessionId":"c","server":{"host":"h","port":80,"tls":true}},
        {"type":"availability","serviceId":"s","availability":"available"}]}
      """)
    func event(_ id: String, _ time: Int64, _ cause: CallID?, _ content: ChatBackendEvent.Content) -> RemoteEvent? {
      .chat(
        ChatBackendEvent(
          id: id, serviceID: "s", chatSessionID: "c", secondsSince1970: time, cause: cause, content: content))
    }
    #expect(
      events.map(\.event) == [
        event(
          "1", 5, CallID("call 1"),
          .entries([.notice(.left, "Ada", .agent), ChatEntry(.text, "Bot", "hi", .external)])),
        event("2", 77, nil, .ended([])),
        event(
          "3", 77, nil,
          .relocated(ChatServerAddress(host: "h", webAPIPort: 80, requiresTLS: true, loadBalancerAlias: "0"))),
        .availability(AvailabilityChange(serviceID: "s", availability: .available)),
      ])
  }

  @Test(arguments: [
    (#"{"events":[{"type":"other"}]}"#, "events[0].type has to be one of entries, ended, relocated, availability"),
    (#"{"events":[{"type":"ended","serviceId":"s","chatSessionId":"c"}]}"#, "events[0].id has to be"),
    (#"{"events":[{"type":"ended","id":"a b","serviceId":"s","chatSessionId":"c"}]}"#, "events[0].id has to be"),
    (#"{"events":[{"type":"entries",\#(chat),"entries":[]}]}"#, "events[0].entries has to be"),
    (#"{"events":[{"type":"ended",\#(chat),"time":"5"}]}"#, "events[0].time has to be whole seconds since 1970"),
    (#"{"events":[{"type":"ended",\#(chat),"cause":7}]}"#, "events[0].cause has to be"),
    (#"{"events":[{"type":"relocated",\#(chat),"server":{"host":"h"}}]}"#, "events[0].server has to be"),
    (#"{"events":[{"type":"availability","serviceId":"s","availability":1}]}"#, "events[0].availability has to be"),
    (entry(#""type":"Message","nickname":"a","text":"b","party":"AGENT""#), "events[0].entries[0].type has to be"),
    (entry(#""type":"Message.Text","text":"b","party":"AGENT""#), "events[0].entries[0].nickname has to be"),
    (entry(#""type":"Message.Text","nickname":"a","party":"AGENT""#), "events[0].entries[0].text has to be"),
    (entry(#""type":"Message.Text","nickname":"a","text":"b""#), "events[0].entries[0].party has to be"),
    (
      entry(#""type":"Notice.PushUrl","nickname":"a","text":"javascript:1","party":"AGENT""#),
      "events[0].entries[0].text has to be an http:// or https:// URL"
    ),
  ]) func anEventThatIsWrongSaysWhere(text: String, sentence: String) throws {
    let elements = try read(text)
    guard case .bad(_, let fault)? = elements.first else {
      Issue.record("it was read")
      return
    }
    #expect(fault.sentence.hasPrefix(sentence), "\(fault.sentence)")
    let said = RemoteEventOutcome.bad(fault).json(of: elements[0])
    #expect(said["accepted"] == false && said["error"] == "bad" && said["retry"] == false)
    #expect(said["message"]?.string == fault.sentence)
  }

  @Test(arguments: ["{}", #"{"events":[]}"#, #"{"events":{}}"#]) func aBatchIsAList(text: String) {
    #expect(throws: RemoteEventFault.noList) { _ = try read(text) }
  }

  @Test func theCustomersNicknameIsWhateverTheBrokerSaid() throws {
    let long = String(repeating: "n", count: 129)
    let client = entry(#""type":"Message.Text","nickname":"\#(long)","text":"b","party":"CLIENT""#)
    #expect(try read(client).first?.event != nil)
    let agent = entry(#""type":"Message.Text","nickname":"\#(long)","text":"b","party":"AGENT""#)
    #expect(try read(agent).first?.event == nil)
  }

  @Test func aBatchIsBounded() throws {
    let event = #"{"type":"availability","serviceId":"s","availability":"waiting"}"#
    #expect(try read("{\"events\":[\(event),\(event)]}", most: 2).count == 2)
    #expect(throws: RemoteEventFault.tooMany(1)) { _ = try read("{\"events\":[\(event),\(event)]}", most: 1) }
  }

  // MARK: the inbox

  private final class Said { var outcomes: [[RemoteEventOutcome]] = [] }

  private func event(_ id: String) -> RemoteEvent.Element {
    .event(
      .chat(
        ChatBackendEvent(
          id: id, serviceID: "s", chatSessionID: "c", secondsSince1970: 0,
          content: .entries([.notice(.left, "A", .agent)]))))
  }

  private func plain(_ element: RemoteEvent.Element) throws -> ChatBackendEvent {
    guard case .event(.chat(let event)) = element else { throw RemoteEventFault.noList }
    return event
  }

  @Test func aBatchIsAnsweredOnceAllOfItHasItsPlace() async throws {
    var inbox = EventInbox()
    let said = Said()
    inbox.take([event("1"), event("2")], by: .distantFuture) { said.outcomes.append($0) }
    // The same event again, while it waits: passed on once, answered twice.
    inbox.take([event("1")], by: .distantFuture) { said.outcomes.append($0) }
    var passedOn = inbox.events().0.makeAsyncIterator()
    #expect(await passedOn.next(isolation: nil)?.id == "1")
    #expect(await passedOn.next(isolation: nil)?.id == "2")
    inbox.settle(try plain(event("1")), .placed(5))
    #expect(said.outcomes == [[.placed(5)]])
    inbox.settle(try plain(event("2")), .notStored)
    #expect(said.outcomes == [[.placed(5)], [.placed(5), .notStored]])
    inbox.settle(try plain(event("2")), .placed(6))
    #expect(said.outcomes.count == 2, "what was answered stays so")
  }

  @Test func whatIsNotPlacedInTimeIsToBeSentAgain() {
    var inbox = EventInbox()
    let said = Said()
    let soon = Instant(nanoseconds: 1_000)
    inbox.take([event("1")], by: soon) { said.outcomes.append($0) }
    inbox.expire(at: Instant(nanoseconds: 999))
    #expect(said.outcomes.isEmpty)
    inbox.expire(at: soon)
    #expect(said.outcomes == [[.overdue]])
    #expect(RemoteEventOutcome.overdue.isToBeSentAgain)
  }

  @Test func aChangeOfAvailabilityIsAnsweredOnceItIsKept() async {
    var inbox = EventInbox()
    let said = Said()
    func change(_ availability: ChatAvailability) -> RemoteEvent.Element {
      .event(.availability(AvailabilityChange(serviceID: "s", availability: availability)))
    }
    inbox.take([change(.available), change(.waiting), change(.available)], by: .distantFuture) {
      said.outcomes.append($0)
    }
    var passedOn = inbox.availabilityChanges().makeAsyncIterator()
    for outcome in [RemoteEventOutcome.passedOn, .notStored, .passedOn] {
      #expect(said.outcomes.isEmpty)
      guard let next = await passedOn.next(isolation: nil) else { return }
      inbox.settle(next, outcome)
    }
    #expect(said.outcomes == [[.passedOn, .notStored, .passedOn]])
    inbox.take([change(.waiting)], by: Instant(nanoseconds: 5)) { said.outcomes.append($0) }
    inbox.expire(at: Instant(nanoseconds: 5))
    #expect(said.outcomes.last == [.overdue])
  }

  @Test func withoutConsumerEverythingIsToBeSentAgain() {
    var inbox = EventInbox()
    let said = Said()
    let (_, consumer) = inbox.events()
    inbox.take([event("1")], by: .distantFuture) { said.outcomes.append($0) }
    inbox.lostConsumer(consumer)
    inbox.take([event("2")], by: .distantFuture) { said.outcomes.append($0) }
    #expect(said.outcomes == [[.stopping], [.stopping]])
    _ = inbox.events()
    inbox.lostConsumer(consumer)
    inbox.take([event("3")], by: .distantFuture) { said.outcomes.append($0) }
    #expect(said.outcomes.count == 2, "the next consumer is another one")
  }

  @Test func whatDoesNotFitIsToBeSentAgainFromThereOn() {
    var inbox = EventInbox()
    let said = Said()
    let full = (0..<RemoteLimits.maxWaitingEvents).map { event("\($0)") }
    inbox.take(full, by: .distantFuture) { said.outcomes.append($0) }
    inbox.take([event("x"), event("0"), event("y")], by: .distantFuture) { said.outcomes.append($0) }
    inbox.expire(at: .distantFuture)
    #expect(
      said.outcomes.last == [.tooMany, .overdue, .tooMany] || said.outcomes.first == [.tooMany, .overdue, .tooMany])
  }
}
