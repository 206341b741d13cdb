// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes
import Store
import Synchronization
import Wire

/// What other threads ask of a shard. Values only: whatever crosses is immutable from then on.
enum ShardCommand: Sendable {
  /// A connection moves here, with the request that showed that it belongs here.
  case adopt(MovedConnection)
  case publish(Publication, Tally?)
  /// A publication of the host, for all shards.
  case broadcast(Publication, @Sendable (Result<Int, StoreError>) -> Void)
  /// An event of a durable channel that is kept; every shard gets them in the order of their ids.
  case event(DurableEvent, EventSource)
  /// A publish of a client of this shard could not be kept.
  case refusePublish(ticket: UInt64)
  /// A channel came or went on another shard.
  case note(ChannelChange)
  case deliver(Payload, user: [UInt8], MessageOrigin, Tally?)
  case markRead(ReadPosition)
  /// Messages of a service to one session.
  case serve(ClientID, [ServiceMessage])
  case respond(ExchangeID, HTTPReply)
  case report(@Sendable (ShardReport) -> Void)
  /// Stop accepting, answer what is held, and end when all is written or `by` has come.
  case drain(by: Instant)
}

/// A connection between two shards: its descriptor, what was read that sent it there, and the bytes behind it.
struct MovedConnection: Sendable {
  enum Cargo: Sendable {
    case request(head: RequestHead, text: [UInt8])
    case socket(MovedSocket)
  }
  let descriptor: Int32
  let isAdmin: Bool
  let trustsUserHeader: Bool
  let address: UInt64
  let cargo: Cargo
  let rest: [UInt8]
}

/// Names one unanswered request: the connection by its number on its shard, and which of its requests it is.
struct ExchangeID: Hashable, Sendable {
  let shard: Int
  let connection: UInt64
}

/// Adds up how many sessions a message reached, as each shard reports; the last one completes it.
final class Tally: Sendable {
  private let remaining: Atomic<Int>
  private let sum = Atomic(0)
  private let complete: @Sendable (Int) -> Void

  init(of shards: Int, _ complete: @escaping @Sendable (Int) -> Void) {
    remaining = Atomic(shards)
    self.complete = complete
  }

  func add(_ count: Int) {
    sum.add(count, ordering: .relaxed)
    let isLast = remaining.subtract(1, ordering: .acquiringAndReleasing).newValue == 0
    if isLast { complete(sum.load(ordering: .relaxed)) }
  }
}

/// What a shard says of itself.
struct ShardReport: Sendable {
  var counters = BrokerCounters()
  var http = HTTPCounters()
  var sessions = 0
  var held = 0
  var channels = 0
  var users = 0
  var connections = 0
  var queueBytes = 0
  var history = HistoryStatistics()
}

/// What the HTTP side of a shard has done.
struct HTTPCounters: Sendable, Hashable {
  var accepted = 0
  var moved = 0
  var requests = 0
  var refused = 0
  var timeouts = 0
  var overLimit = 0
  var exhausted = 0
  var bytesIn = 0
  /// Messages compressed for sockets, and copies sent of them.
  var compressed = 0
  var compressedShared = 0

  static func + (left: HTTPCounters, right: HTTPCounters) -> HTTPCounters {
    HTTPCounters(
      accepted: left.accepted + right.accepted, moved: left.moved + right.moved,
      requests: left.requests + right.requests, refused: left.refused + right.refused,
      timeouts: left.timeouts + right.timeouts, overLimit: left.overLimit + right.overLimit,
      exhausted: left.exhausted + right.exhausted, bytesIn: left.bytesIn + right.bytesIn,
      compressed: left.compressed + right.compressed,
      compressedShared: left.compressedShared + right.compressedShared)
  }
}
