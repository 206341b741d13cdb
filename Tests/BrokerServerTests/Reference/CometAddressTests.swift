// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import Testing

@Suite("Table 1.3: CometD", .timeLimit(.minutes(2))) struct CometAddressTests {
  @Test(
    "1.3 row 11: the mount path and everything below it is one address, for objects and arrays",
    arguments: ["", "/", "/handshake", "/connect", "/subscribe", "/anything/else"])
  func suffixes(_ suffix: String) async throws {
    try await withBroker { broker in
      let line = try broker.client()
      let handshake = #"{"channel":"/meta/handshake","version":"1.0"}"#
      for body in [handshake, "[\(handshake)]"] {
        for type in ["application/json", "application/json;charset=UTF-8", "text/plain"] {
          let reply = try line.call("POST", "/genesys/cometd" + suffix, body, ["Content-Type: \(type)"])
          #expect(reply.status == 200 && reply.messages.first?.isSuccessful == true)
          #expect(reply["Content-Type"] == "application/json;charset=UTF-8")
        }
      }
      let path = "/genesys/cometd\(suffix)?jsonp=cb&message=" + percentEncoded(handshake)
      let script = try line.get(path)
      #expect(CallbackPollingTests.argument(of: script, "cb")[0]?.isSuccessful == true)
    }
  }
}
