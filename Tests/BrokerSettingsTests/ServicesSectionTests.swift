// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import ChatService
import Testing

@testable import BrokerSettings

private func errors(_ text: String) -> [String] {
  SettingsFile(parsing: Array(text.utf8), path: "broker.json").allErrors(server: BasicCredentials()).map(\.description)
}

private func definitions(_ text: String) -> [String: ChatServiceDefinition] {
  SettingsFile(parsing: Array(text.utf8), path: "broker.json").services.definitions(server: BasicCredentials()).services
}

@Test func anErrorOfAServiceNamesLineServiceAndOption() {
  let text = """
    {
      "services": {
        "chat-billing": {
          "_type": "ors",
          "_ttl": "soon",
          "_wait_for_agnet": true,
          "_target": "Billing@StatServer.XX"
        },
        "chat-loans": { "_service": "callback" }
      },
      "server": { "prot": 1 }
    }
    """
  #expect(
    errors(text) == [
      #"broker.json:5: service "chat-billing": "_ttl" must be whole seconds from 1 to 315360000, not "soon""#,
      #"broker.json:6: service "chat-billing": unknown option "_wait_for_agnet"; did you mean "_wait_for_agent"?"#,
      #"broker.json:7: service "chat-billing": "_target" has the type "XX"; types are A, AP, GA, GP and GC"#,
      #"broker.json:9: service "chat-loans": "_target" is missing; a callback has to name who takes it"#,
      #"broker.json:11: unknown key "server.prot"; did you mean "server.port"?"#,
    ])
}

@Test func valuesMayBeTextNumberOrTruthValueAndTargetAList() throws {
  let text = """
    {"services": {"a": {"_ttl": "60", "_wait_for_agent": "true", "_max_notify_delivery_attempts": 5,
      "_target": [{"target": "A@S.GA", "timeout": "10"}, {"target": "?:English>2@S.GA"}]},
      "b": {"_ttl": 60, "_wait_for_agent": true}}}
    """
  #expect(errors(text) == [])
  let services = definitions(text)
  let service = try #require(services["a"])
  #expect(service.ttl == .seconds(60) && service.waitsForAgent && service.maxNotifyAttempts == 5)
  #expect(service.plan?.targets.count == 2)
  #expect(services["b"]?.ttl == .seconds(60) && services["b"]?.waitsForAgent == true)
}

@Test func aShippedServiceKeepsWhatTheFileDoesNotSay() throws {
  let text =
    #"{"services": {"advanced-chat-poll": {"_ttl": 5}, "chat-immediate": {"_target": "Billing@StatServer.GA"}}}"#
  let services = definitions(text)
  #expect(services["request-chat-poll"]?.ttl == .seconds(5), "an alias means the service itself")
  #expect(services["request-chat-poll"]?.waitsForAgent == true)
  #expect(services["chat-immediate"]?.isCallback == true)
  #expect(services["chat-immediate"]?.plan?.targets.first?.target.who == .named("Billing"))
  #expect(services["request-chat"]?.type == .basic)
}

@Test(arguments: [
  (#"{"services": 5}"#, #"broker.json:1: "services" must be an object, not 5"#),
  (#"{"services": {"a": []}}"#, #"broker.json:1: "services.a" must be an object, not a list like that"#),
  (
    #"{"services": {"a": {}, "a": {}}}"#,
    #"broker.json:1: "services.a" is given twice; it stands in line 1 already"#
  ),
  (
    #"{"services": {"a": {"_ttl": 1, "_ttl": 2}}}"#,
    #"broker.json:1: "services.a._ttl" is given twice; it stands in line 1 already"#
  ),
  (
    #"{"services": {"a": {"password": "secret"}}}"#,
    #"broker.json:1: service "a": "username" and "password" go together, each here or for the whole server"#
  ),
  (#"{"services": {"a": {"password": []}}}"#, nil),
  (
    #"{"services": {"a b": {}}}"#,
    #"broker.json:1: "a b" cannot be the name of a service: letters, digits, "-", "_" and ".", at most 128"#
  ),
])
func aBrokenServicesSectionIsRefused(text: String, expected: String?) {
  let found = errors(text)
  if let expected { #expect(found == [expected]) } else { #expect(!found.isEmpty && !"\(found)".contains("[]\"")) }
}

@Test func credentialsOfAServiceMayComeInHalvesFromTheServer() throws {
  let text = #"{"server": {"username": "u", "password": "p"}, "services": {"a": {"password": "other"}}}"#
  let file = SettingsFile(parsing: Array(text.utf8), path: "broker.json")
  #expect(file.allErrors(server: BasicCredentials(username: "u", password: "p")) == [])
  let service = try #require(
    file.services.definitions(server: BasicCredentials(username: "u", password: "p")).services["a"])
  let effective = service.credentials.inheriting(BasicCredentials(username: "u", password: "p"))
  #expect(effective == BasicCredentials(username: "u", password: "other"))
}
