// SPDX-License-Identifier: Apache-2.0
import Bytes

/// The media types that are answered with.
enum ReplyType: Sendable {
  case none, json, text, html, script, metrics

  var header: StaticString? {
    switch self {
    case .none: nil
    case .json: "application/json;charset=UTF-8"
    case .text: "text/plain;charset=UTF-8"
    case .html: "text/html;charset=UTF-8"
    case .script: "text/javascript;charset=UTF-8"
    case .metrics: "text/plain; version=0.0.4; charset=utf-8"
    }
  }
}

/// A whole answer as a value, for everything but the Bayeux path, which writes straight into the loop's buffer.
struct HTTPReply: Sendable {
  var status: Int
  var type: ReplyType
  /// `Name: value` lines, each with its CRLF.
  var fields: [UInt8] = []
  var body: [UInt8]
  /// Called on the loop once the answer has been handed to the socket.
  var afterWritten: (@Sendable () -> Void)?

  init(status: Int, type: ReplyType = .none, fields: String = "", body: [UInt8] = []) {
    self.status = status
    self.type = type
    self.fields = Array(fields.utf8)
    self.body = body
  }

  static func json(_ value: JSONValue, status: Int = 200) -> HTTPReply {
    HTTPReply(status: status, type: .json, body: value.encoded)
  }

  static func text(_ text: String, status: Int = 200) -> HTTPReply {
    HTTPReply(status: status, type: .text, body: Array(text.utf8))
  }
}

/// THE table of errors of the REST surface that no lower layer answers: status, GMS exception name, sentence.
///
/// GMS clients decide by the presence of `exception` and show `message`.
enum RouteError: Error, Hashable {
  case notFound
  case methodNotAllowed(allow: String)
  case unsupportedMediaType
  case badFields(String)
  case badPath(String)
  case userTooLong(Int)
  case ambiguousUser
  case userRefused(String)
  case unauthorized
  case foreignHost
  case foreignOrigin
  case badBody(String)
  case notEmbedded
  case nodeAdminClosed
  case basicRequired
  case notStored(String)
  case notRemote
  case badSecret

  var status: Int {
    switch self {
    case .notFound, .notEmbedded, .notRemote: 404
    case .methodNotAllowed: 405
    case .unsupportedMediaType: 415
    case .badFields, .badPath, .userTooLong, .ambiguousUser, .badBody: 400
    case .userRefused, .foreignHost, .foreignOrigin, .nodeAdminClosed: 403
    case .unauthorized, .basicRequired, .badSecret: 401
    case .notStored: 507
    }
  }

  var sentence: String {
    switch self {
    case .notFound: "Nothing is here"
    case .methodNotAllowed(let allow): "This address takes \(allow)"
    case .unsupportedMediaType: "Unsupported Media Type"
    case .badFields(let reason): "The parameters can not be read: \(reason)"
    case .badPath(let reason): "The path can not be read: \(reason)"
    case .userTooLong(let most): "The gms_user is longer than \(most) bytes"
    case .ambiguousUser: "The request names two different gms_user values"
    case .userRefused(let reason): reason
    case .unauthorized: "A bearer token is needed here"
    case .foreignHost: "This listener answers to its own address only"
    case .foreignOrigin: "Pages of other origins may not call this listener"
    case .badBody(let reason): reason
    case .notEmbedded: "The chat backend of this broker has no agent side here"
    case .nodeAdminClosed: "The state of the node can be changed once server.username and server.password are set"
    case .basicRequired: "User name and password are needed here"
    case .notRemote: "The chat backend of this broker is not a remote one"
    case .badSecret: "\(BackendHeader.secret) is missing or wrong"
    case .notStored(let reason): "Nothing was done: \(reason)"
    }
  }

  private var exception: String {
    switch self {
    case .notFound, .notEmbedded, .notRemote: "ResourceNotFoundException"
    case .methodNotAllowed: "MethodNotAllowedException"
    case .unsupportedMediaType: "UnsupportedMediaTypeException"
    case .userRefused, .foreignHost, .foreignOrigin, .nodeAdminClosed: "ForbiddenException"
    case .unauthorized, .basicRequired, .badSecret: "UnauthorizedException"
    case .notStored: "StorageException"
    default: "BadParameterException"
    }
  }

  var reply: HTTPReply {
    switch self {
    case .unsupportedMediaType: return .text(sentence, status: status)
    case .basicRequired:
      return HTTPReply(status: 401, fields: "WWW-Authenticate: Basic realm=\"gms\", charset=\"UTF-8\"\r\n")
    case .unauthorized:
      return HTTPReply(status: 401, fields: "WWW-Authenticate: Bearer realm=\"broker\"\r\n")
    default:
      let name = "com.genesyslab.gsg.services.\(exception)"
      var reply = HTTPReply.json(["exception": .string(name), "message": .string(sentence)], status: status)
      if case .methodNotAllowed(let allow) = self { reply.fields = Array("Allow: \(allow)\r\n".utf8) }
      return reply
    }
  }
}
