// SPDX-License-Identifier: Apache-2.0
import BrokerServer
import Bytes
import ChatService
import Testing

/// The requests of the chat API as live clients write them, and what is answered to those that are wrong.
@Suite(.timeLimit(.minutes(2))) struct ChatRequestTests {
  static let form = "Content-Type: application/x-www-form-urlencoded"
  static let json = "Content-Type: application/json"
  static let boundary = "----WebKitFormBoundaryYbCe8VCHJCMGeynE"

  static func multipart(_ fields: KeyValuePairs<String, String>) -> String {
    let parts = fields.map {
      "--\(boundary)\r\nContent-Disposition: form-data; name=\"\($0.key)\"\r\n\r\n\($0.value)\r\n"
    }
    return parts.joined() + "--\(boundary)--\r\n"
  }

  struct Spelling: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var query = ""
    var body = ""
    var type: String?
  }

  /// All of them say: Buzz Brain, subject `French & Ö`.
  static let spellings = [
    Spelling(
      testDescription: "form", body: "firstName=Buzz&lastName=Brain&subject=French+%26+%C3%96", type: form),
    Spelling(
      testDescription: "form with charset", body: "firstName=Buzz&lastName=Brain&subject=French%20%26%20Ö",
      type: "Content-Type: application/x-www-form-urlencoded; charset=UTF-8"),
    Spelling(testDescription: "query", query: "?firstName=Buzz&lastName=Brain&subject=French+%26+%C3%96"),
    Spelling(
      testDescription: "query and body, the body wins", query: "?firstName=Vasya&lastName=Brain&subject=None",
      body: "firstName=Buzz&subject=French+%26+%C3%96", type: form),
    Spelling(
      testDescription: "multipart",
      body: multipart(["firstName": "Buzz", "lastName": "Brain", "subject": "French & Ö"]),
      type: "Content-Type: multipart/form-data; boundary=\(boundary)"),
    Spelling(
      testDescription: "multipart, quoted boundary",
      body: multipart(["firstName": "Buzz", "lastName": "Brain", "subject": "French & Ö"]),
      type: "content-type: Multipart/Form-Data;charset=utf-8; boundary=\"\(boundary)\""),
    Spelling(
      testDescription: "json", body: #"{"firstName":"Buzz","lastName":"Brain","subject":"French & \u00d6"}"#, type: json
    ),
    Spelling(
      testDescription: "json labelled as a form",
      body: #" {"firstName":"Buzz","lastName":"Brain","subject":"French & Ö"}"#,
      type: form),
    Spelling(
      testDescription: "json with other members",
      body: #"{"firstName":"Buzz","lastName":"Brain","subject":"French & Ö","n":1,"b":true,"z":null,"o":{"a":[1]}}"#,
      type: "Content-Type: application/json;charset=UTF-8"),
    Spelling(
      testDescription: "capitalised names", body: "FirstName=Buzz&LastName=Brain&subject=French+%26+%C3%96", type: form),
    Spelling(
      testDescription: "display name", body: "userDisplayName=BuzzB&subject=French+%26+%C3%96&firstName=Other",
      type: form),
  ]

  @Test("A5: a create may be written in many ways", arguments: spellings)
  func aCreateMayBeWrittenInManyWays(_ spelling: Spelling) async throws {
    try await withBroker { broker in
      let customer = try Customer(broker, nil)
      let response = try customer.line.call(
        "POST", customer.path + spelling.query, spelling.body, spelling.type.map { [$0] } ?? [])
      #expect(response.status == 200)
      #expect(response.json["chatIxnState"] == "CONNECTED")
      let chat = try #require(try broker.admin().get("/agent/chats").json[0])
      #expect(chat["customer"] == "BuzzB")
      #expect(chat["subject"] == "French & Ö")
    }
  }

  @Test(arguments: [
    nil, "", "text/xml", "application/json", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense;;",
  ])
  func anEmptyBodyMayHaveAnyType(_ type: String?) async throws {
    try await withBroker { broker in
      let line = try broker.client()
      for body in ["", " \r\n\t"] {
        let response = try line.call(
          "POST", "/genesys/1/service/request-chat", body, type.map { ["Content-Type: \($0)"] } ?? [])
        #expect(response.json["_id"]?.string != nil)
      }
    }
  }

  @Test func aFormMayComeInChunks() async throws {
    try await withBroker { broker in
      let customer = try Customer(broker)
      try customer.line.send(
        "POST \(customer.path)/send HTTP/1.1\r\nHost: x\r\n\(Self.form)\r\nTransfer-Encoding: chunked\r\n\r\n"
          + "3\r\nmes\r\n5\r\nsage=\r\n7\r\nhello+a\r\n4\r\ngent\r\n0\r\n\r\n")
      let entries = try customer.line.response().json["transcriptToShow"]
      #expect(entries?[0]?[2] == "hello agent")
    }
  }

  @Test(arguments: [
    "Content-Type: text/plain", "Content-Type: application/xml", "Content-Type: application/octet-stream",
    "Content-Type: nonsense", "Content-Type: application/json2", "X: no type at all",
  ])
  func anotherTypeWithABodyIsUnsupported(_ field: String) async throws {
    try await withBroker { broker in
      let customer = try Customer(broker)
      for path in ["/genesys/1/service/request-chat", customer.path + "/refresh", "/genesys/1/service/nobody/ixn/chat"]
      {
        let response = try customer.line.post(path, "message=x", field)
        #expect(response.status == 415)
        #expect(response.text == "Unsupported Media Type")
        #expect(response["Content-Type"] == "text/plain;charset=UTF-8")
      }
    }
  }

  @Test(arguments: [
    (form, "message=%zz"), (form, "message=%ff"), (json, "{"), (json, "[1]"), (json, "5"), (json, #"{"a":1,"a":2}"#),
    (form, "{nonsense"), ("Content-Type: multipart/form-data", "x"),
    ("Content-Type: multipart/form-data; boundary=\(boundary)", "--\(boundary)\r\nnonsense"),
    (form, (0...256).map { "f\($0)=1" }.joined(separator: "&")),
  ])
  func aBodyThatIsNotWhatItSaysIsABadRequest(_ type: String, _ body: String) async throws {
    try await withBroker { broker in
      let customer = try Customer(broker)
      let response = try customer.line.post(customer.path + "/refresh", body, type)
      #expect(response.status == 400)
      #expect(response.json.names == ["exception", "message"])
      // The framing was right: the connection goes on.
      #expect(try customer.call("refresh").status == 200)
    }
  }

  // MARK: creating services

  @Test("A23: a service may be created by GET") func aServiceMayBeCreatedByGet() async throws {
    try await withBroker { broker in
      let response = try broker.client().get("/genesys/1/service/request-chat?_verbose=TRUE&usr_reason=billing")
      #expect(response.status == 200)
      #expect(response.json.names == ["_chatIxnAPI-CREATE-URL", "_id"])
      let id = try #require(response.json["_id"]?.string)
      #expect(response.json["_chatIxnAPI-CREATE-URL"]?.string == "/genesys/1/service/\(id)/ixn/chat")
      #expect(try broker.client().post("/genesys/1/service/\(id)/ixn/chat", "").status == 200)
      let head = try broker.client().call("HEAD", "/genesys/1/service/request-chat")
      #expect(head.status == 405)
    }
  }

  @Test func creatingByGetCanBeSwitchedOff() async throws {
    try await withBroker({ $0.gms.chat.allowGetCreate = false }) { broker in
      let response = try broker.client().get("/genesys/1/service/request-chat")
      #expect(response.status == 405)
      #expect(response["Allow"] == "POST")
    }
  }

  @Test func answersCarryTheCacheRulesOfTheCaptures() async throws {
    try await withBroker { broker in
      let customer = try Customer(broker)
      let bad = try customer.call("refresh", "transcriptPosition=x")
      for response in [try customer.call("refresh"), try customer.call("disconnect"), bad] {
        #expect(response["Content-Type"] == "application/json;charset=UTF-8")
        #expect(response.all("Cache-Control") == ["no-cache", "no-store"])
        #expect(response["Pragma"] == "no-cache")
      }
    }
  }

  @Test func servicesAreConfigured() async throws {
    try await withBroker({ $0.gms.chat.services["Chat2"] = ChatServiceDefinition() }) { broker in
      let line = try broker.client()
      #expect(try line.post("/genesys/1/service/Chat2", "").status == 200)
      #expect(try line.post("/genesys/1/service/chat2", "").status == 404)
      #expect(try line.post("/genesys/1/service/%43hat2", "").status == 200)
    }
  }

  // MARK: errors

  @Test("5.10 rule 16: every error has its status and a body that clients understand")
  func everyErrorHasItsStatusAndABodyThatClientsUnderstand() async throws {
    try await withBroker { broker in
      let none = try Customer(broker, nil)
      let chat = try Customer(broker)
      let comet = try Customer(broker, nil)
      let long = String(repeating: "x", count: 8193)
      let cases: [(Response, Int, String)] = [
        (try none.line.post("/genesys/1/service/nobody", ""), 404, "service.ServiceNotFoundException"),
        (try none.line.post("/genesys/1/service/nobody/ixn/chat", ""), 404, "service.ServiceNotFoundException"),
        (try none.line.post("/genesys/1/service/nobody/ixn/chat/refresh", ""), 404, "service.ServiceNotFoundException"),
        (try none.call("refresh"), 404, "chat.ChatNotFoundException"),
        (try none.call("send", "message=x"), 404, "chat.ChatNotFoundException"),
        (try none.call("startTyping"), 404, "chat.ChatNotFoundException"),
        (try none.call("stopTyping"), 404, "chat.ChatNotFoundException"),
        (try none.call("disconnect"), 404, "chat.ChatNotFoundException"),
        (try chat.call("send"), 400, "chat.ChatParameterException"),
        (try chat.call("send", "message=\(long)"), 400, "chat.ChatParameterException"),
        (try chat.call("refresh", "transcriptPosition=abc"), 400, "chat.ChatParameterException"),
        (try chat.call("refresh", "transcriptPosition=-1"), 400, "chat.ChatParameterException"),
        (try comet.call("", "notify_by=comet"), 400, "chat.ChatParameterException"),
        (
          try chat.call("refresh", (0...128).map { "f\($0)=1" }.joined(separator: "&")), 400,
          "service.ServiceParameterException"
        ),
        (try chat.call("dance"), 404, "services.ResourceNotFoundException"),
        (try chat.line.post(chat.path + "/refresh/x", ""), 404, "services.ResourceNotFoundException"),
        (try chat.line.post("/genesys/1/service", ""), 404, "services.ResourceNotFoundException"),
        (try chat.line.post("/genesys/1", ""), 404, "services.ResourceNotFoundException"),
        (try chat.line.post("/genesys/1/service/a/b", ""), 404, "services.ResourceNotFoundException"),
        (try chat.line.post("/genesys/1/service/%zz", ""), 400, "services.BadParameterException"),
        (try chat.line.post("/genesys/1/service/../service/x", ""), 400, "services.BadParameterException"),
        (try chat.line.get(chat.path), 405, "services.MethodNotAllowedException"),
        (try chat.line.get(chat.path + "/refresh"), 405, "services.MethodNotAllowedException"),
        (try chat.line.call("PUT", "/genesys/1/service/request-chat", ""), 405, "services.MethodNotAllowedException"),
      ]
      for (response, status, exception) in cases {
        #expect(response.status == status, "\(response)")
        #expect(response.json.names == ["exception", "message"])
        #expect(response.json["exception"]?.string == "com.genesyslab.gsg.\(exception)", "\(response)")
        #expect(response.json["message"]?.string?.isEmpty == false)
        #expect(response["Allow"] == (status == 405 ? (response.text.contains("GET") ? "POST, GET" : "POST") : nil))
      }
    }
  }

  @Test(arguments: ["", "refresh", "send", "startTyping", "stopTyping", "disconnect"])
  func aCallOfAnotherUserIsForbidden(_ operation: String) async throws {
    try await withBroker { broker in
      let owner = try Customer(broker, user: "buzz", ["notify_by": "comet"])
      let path = operation.isEmpty ? owner.path : "\(owner.path)/\(operation)"
      let stranger = try broker.client().post(path, "message=x", Self.form, "gms_user: vasya")
      #expect(stranger.status == 403)
      #expect(stranger.json["exception"] == "com.genesyslab.gsg.service.ServiceForbiddenException")
      // Nothing happened; the owner, and whoever names no user, may call.
      #expect(try broker.client().post(path, "message=x", Self.form).status == 200)
      #expect(try owner.call(operation, "message=x").status == 200)
    }
  }

  @Test func thatUsersAreComparedIsAnOption() async throws {
    try await withBroker({ $0.gms.chat.strictUser = false }) { broker in
      let owner = try Customer(broker, user: "buzz", ["notify_by": "comet"])
      let response = try broker.client().post(owner.path + "/refresh", "", "gms_user: vasya")
      #expect(response.status == 200)
    }
  }

  @Test func aCometDeviceNamesTheUser() async throws {
    try await withBroker { broker in
      let line = try broker.client()
      let service = try line.post(
        "/genesys/1/service/request-chat", "_device_os=comet&_device_notification_id=vasya", Self.form)
      let id = try #require(service.json["_id"]?.string)
      let create = try line.post("/genesys/1/service/\(id)/ixn/chat", "notify_by=comet", Self.form)
      #expect(create.status == 200)
      let vasya = try broker.listener("vasya")
      #expect(try broker.publish(to: "vasya", 1) == 1)
      #expect(try vasya.events(1).isEmpty == false)
    }
  }
}
