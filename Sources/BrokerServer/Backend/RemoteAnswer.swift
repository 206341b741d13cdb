// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService

/// What an answer of a remote chat backend, or its absence, means.
enum RemoteVerdict: Sendable, Hashable {
  /// Done; what the body says, null for an empty one.
  case done(JSONValue)
  /// Understood and not done.
  case refused(ChatBackendError)
  /// Not done as far as we know; the same call may be made again.
  case failed(String)
  /// Of no use, and would be so again.
  case broken(String)
  /// The broker has too much to ask, or stops.
  case notSent

  /// - Parameter isRead: whether the call needs what the answer says; else every 2xx is done, whatever its body.
  init(_ result: Result<IncomingAnswer, HTTPClientError>, isRead: Bool = true) {
    switch result {
    case .failure(.tooMany), .failure(.stopped): self = .notSent
    case .failure(let error): self = .failed(error.sentence)
    case .success(let answer): self.init(answer, isRead)
    }
  }

  private init(_ answer: IncomingAnswer, _ isRead: Bool) {
    let body = answer.body.isEmpty ? JSONValue.null : try? JSONValue(parsing: answer.body.span)
    if (200...299).contains(answer.status), !isRead {
      self = .done(.null)
    } else if (200...299).contains(answer.status) {
      self = body.map { .done($0) } ?? .broken("the body of its answer is no JSON")
    } else if let name = body?["error"]?.string, let error = ChatBackendError(remoteName: name) {
      self = error == .unavailable ? .failed("it is unavailable") : .refused(error)
    } else {
      self = Self.meaning(of: answer.status)
    }
  }

  /// THE table of statuses whose body names no error of its own.
  static func meaning(of status: Int) -> RemoteVerdict {
    switch status {
    case 400, 413, 422: .refused(.badInput)
    case 404: .refused(.notFound)
    case 409: .refused(.notReady)
    case 410: .refused(.ended)
    case 401, 403: .broken("it refuses the secret (\(status))")
    case 408, 425, 429, 500, 502, 503, 504: .failed("it answers \(status)")
    default: .broken("it answers \(status)")
    }
  }
}

extension ChatBackendError {
  /// What `error` in the body of a refusal says; nil for other words.
  init?(remoteName: String) {
    guard let error = Self.allCases.first(where: { $0.remoteName == remoteName }) else { return nil }
    self = error
  }

  var remoteName: String {
    switch self {
    case .notFound: "notFound"
    case .notReady: "notReady"
    case .ended: "ended"
    case .unavailable: "unavailable"
    case .badInput: "badInput"
    }
  }
}

extension ChatOpened {
  /// `{"chatSessionId","userId","secureKey","startedAt"[,"server"]}`; nil where one is missing or no fit.
  ///
  /// - Parameter standard: the server of an answer that names none.
  init?(remote body: JSONValue, server standard: ChatServerAddress) {
    guard let session = body["chatSessionId"]?.string, let user = body["userId"]?.string,
      let key = body["secureKey"]?.string, let started = body["startedAt"]?.int, started >= 0,
      [session, user, key].allSatisfy({ RemoteLimits.isIdentifier($0) })
    else { return nil }
    var server = standard
    if let given = body["server"] {
      guard let address = ChatServerAddress(remote: given) else { return nil }
      server = address
    }
    self.init(
      chatSessionID: session, userID: user, secureKey: key, startedAtSecondsSince1970: Int64(started), server: server)
  }
}

extension ChatServerAddress {
  /// `{"host","port"[,"tls"][,"alias"]}`
  init?(remote body: JSONValue) {
    guard let host = body["host"]?.string, RemoteLimits.isIdentifier(host), let port = body["port"]?.int,
      (1...65_535).contains(port)
    else { return nil }
    let alias = body["alias"]?.scalarText ?? "0"
    guard RemoteLimits.isIdentifier(alias) else { return nil }
    self.init(host: host, webAPIPort: port, requiresTLS: body["tls"]?.bool ?? false, loadBalancerAlias: alias)
  }
}

extension ChatAvailability {
  /// `available` or `waiting`.
  init?(remote body: JSONValue?) {
    switch body?.string {
    case "available": self = .available
    case "waiting": self = .waiting
    default: return nil
    }
  }
}

extension QueuePosition {
  /// `{"position","total","agentReady","eta"}`, `eta` in seconds.
  init?(remote body: JSONValue) {
    guard let position = body["position"]?.int, let total = body["total"]?.int, position >= 0, total >= 0 else {
      return nil
    }
    let eta = body["eta"]?.int ?? 0
    guard (0...RemoteLimits.maxEtaSeconds).contains(eta) else { return nil }
    self.init(
      position: position, total: total, isAgentReady: body["agentReady"]?.bool ?? false, eta: .seconds(eta))
  }
}

/// Every bound of what a remote backend may say.
enum RemoteLimits {
  /// UTF-8 bytes of ids and names; GMS' own have 16 to 40.
  static let maxIDBytes = 128
  /// UTF-8 bytes of a nickname, as in the embedded backend's own rule. The customer's may be as long as a text.
  static let maxNicknameBytes = 128
  /// UTF-8 bytes of one entry's text: several times what a customer may send.
  static let maxTextBytes = 32_768
  /// Entries of one event; they come to a client in one message.
  static let maxEntries = 32
  /// Body of a request to the admin listener, where `http.maxBodyBytes` is less. One event of all entries and texts at
  /// their longest fits, with six bytes of JSON for each byte: 12 MiB.
  static let maxBodyBytes = 16 << 20
  /// UTF-8 bytes of an address that is opened at the customer's.
  static let maxURLBytes = 2_048
  /// Events that wait for their place at once; more are to be sent again. Each is some hundred bytes.
  static let maxWaitingEvents = 10_000
  /// Calls about the presence of customers at once: an eighth of the default of connections.
  static let maxPresenceCalls = 4
  /// A year; beyond it an expected wait is a slip.
  static let maxEtaSeconds = 31_536_000

  static func isIdentifier(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= maxIDBytes && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
  }
}
