// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes
import Testing

struct EventDraftTests {
  private static let tag = #""event":{"createdDate":"1970-01-01T00:00:05Z","replayId":7}"#

  private func event(_ payload: String) throws -> DurableEvent {
    let channel = try #require(Channel("/a"))
    return EventDraft(Publication(channel: channel, payload: Payload(payload)))
      .event(id: 7, createdAtSecondsSince1970: 5, arrival: Instant(nanoseconds: 0))
  }

  @Test(arguments: [
    (#"{"data":{"a":1},"channel":"/a"}"#, #"{"data":{"a":1,TAG},"channel":"/a"}"#),
    (#"{"data":{},"channel":"/a","ext":{"x":{}}}"#, #"{"data":{TAG},"channel":"/a","ext":{"x":{}}}"#),
    (#"{"data":{ "a" : {"event":1} } ,"channel":"/a"}"#, #"{"data":{ "a" : {"event":1} ,TAG} ,"channel":"/a"}"#),
    (#"{"channel":"/a","data":{"a":[]}}"#, #"{"channel":"/a","data":{"a":[],TAG}}"#),
    (#"{"data":"text","channel":"/a"}"#, #"{"data":{TAG,"payload":"text"},"channel":"/a"}"#),
    (#"{"data":[1,2],"channel":"/a"}"#, #"{"data":{TAG,"payload":[1,2]},"channel":"/a"}"#),
    (#"{"data":null,"channel":"/a"}"#, #"{"data":{TAG,"payload":null},"channel":"/a"}"#),
    (#"{"data":{"event":{"x":1}},"channel":"/a"}"#, #"{"data":{TAG,"payload":{"event":{"x":1}}},"channel":"/a"}"#),
    (#"{"data":{"\u0065vent":1},"channel":"/a"}"#, #"{"data":{TAG,"payload":{"\u0065vent":1}},"channel":"/a"}"#),
    (#"{"channel":"/a"}"#, #"{"data":{TAG},"channel":"/a"}"#),
  ])
  func theIdStandsWhereClientsOfTheExtensionLook(_ payload: String, _ tagged: String) throws {
    let event = try event(payload)
    #expect(event.payload.text == tagged.replacing("TAG", with: Self.tag))
    #expect(event.plain.text == payload)
    let json = try JSONValue(parsing: event.payload.text)
    #expect(json["data"]?["event"]?["replayId"]?.int == 7)
  }
}
