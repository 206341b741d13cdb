// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// Everything that is counted, each under the name it has in a report.
public struct LoadCounters: Hashable, Sendable {
  /// Messages sent for publication.
  public var published = 0
  /// Arrivals for the first time.
  public var delivered = 0
  public var lost = 0
  public var duplicated = 0
  public var reordered = 0
  /// Arrivals at a client they were not for.
  public var misdelivered = 0
  /// Events of somebody else: another run's, or without our marker.
  public var foreign = 0
  /// Publications that were refused or whose connection broke.
  public var publishErrors = 0
  /// Responses that were no HTTP or no Bayeux, and HTTP statuses that are not 200.
  public var protocolErrors = 0
  /// Refusals in Bayeux replies.
  public var refusals = 0
  public var reconnects = 0
  public var rehandshakes = 0
  /// Clients that were given up.
  public var failedClients = 0
  /// Polls that came back without an event.
  public var emptyPolls = 0
  public var responses = 0
  public var bytesReceived = 0
  public var bytesSent = 0
  /// Chats that were gone through from beginning to end, and that broke off.
  public var dialogues = 0
  public var failedDialogues = 0
  /// Clients that came back in a storm.
  public var returned = 0

  public init() {}

  /// What makes a run a failure.
  public var failures: [(name: String, count: Int)] {
    let all: [(String, Int)] = [
      ("lost", lost), ("duplicated", duplicated), ("out of order", reordered), ("misdelivered", misdelivered),
      ("publish errors", publishErrors), ("protocol errors", protocolErrors), ("failed clients", failedClients),
      ("failed chats", failedDialogues),
    ]
    return all.filter { $0.1 > 0 }
  }

  /// The names on the wire between processes and in reports.
  static let fields: [(name: String, path: any WritableKeyPath<LoadCounters, Int> & Sendable)] = [
    ("published", \.published), ("delivered", \.delivered), ("lost", \.lost), ("duplicated", \.duplicated),
    ("reordered", \.reordered), ("misdelivered", \.misdelivered), ("foreign", \.foreign),
    ("publishErrors", \.publishErrors), ("protocolErrors", \.protocolErrors), ("refusals", \.refusals),
    ("reconnects", \.reconnects), ("rehandshakes", \.rehandshakes), ("failedClients", \.failedClients),
    ("emptyPolls", \.emptyPolls), ("responses", \.responses), ("bytesReceived", \.bytesReceived),
    ("bytesSent", \.bytesSent), ("dialogues", \.dialogues), ("failedDialogues", \.failedDialogues),
    ("returned", \.returned),
  ]

  public var json: JSONValue { .object(Self.fields.map { .init($0.name, JSONValue(self[keyPath: $0.path])) }) }

  init(json: JSONValue) {
    for field in Self.fields { self[keyPath: field.path] = json[field.name]?.int ?? 0 }
  }

  static func + (left: LoadCounters, right: LoadCounters) -> LoadCounters {
    var sum = left
    for field in fields { sum[keyPath: field.path] += right[keyPath: field.path] }
    return sum
  }

  static func - (left: LoadCounters, right: LoadCounters) -> LoadCounters {
    var difference = left
    for field in fields { difference[keyPath: field.path] -= right[keyPath: field.path] }
    return difference
  }
}
