// SPDX-License-Identifier: Apache-2.0
import Bayeux
public import Bytes
import Reactor
import Store

/// THE table of why the host's own publication goes nowhere.
public enum PublishError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The broker has not started, or has stopped.
  case notRunning
  case userEmpty
  case userTooLong(maxBytes: Int)
  /// `/meta/…`, `/service/…`, `/_genesys`, a wildcard, or no channel at all.
  case notBroadcast(String)
  /// It has to be kept before anybody hears of it, and the data directory takes nothing.
  case notStored(String)

  public var description: String {
    switch self {
    case .notRunning: "the broker is not running"
    case .userEmpty: "user is empty"
    case .userTooLong(let most): "the user is longer than \(most) bytes"
    case .notBroadcast(let name): "\(name) is no channel to publish to"
    case .notStored(let reason): "nothing was done: \(reason)"
    }
  }
}

/// An event that is on its way to the sessions of a user.
public struct PublishedEvent: Hashable, Sendable {
  /// 32 hexadecimal digits; ids rise.
  public let id: String
  /// The user's sessions that are subscribed to `/_genesys`. Where there is none the event waits for the next one.
  public let sessions: Int
}

extension BrokerServer {
  /// Sends `{"id":…,"message":…,"tag":…}` on `/_genesys` to each session of `user`, as `POST /publish` of the admin
  /// listener does. From any thread.
  ///
  /// With a data directory it returns once the event is kept.
  ///
  /// - Throws: ``PublishError``; nothing was sent then.
  @discardableResult
  public func publish(_ message: JSONValue, tag: String, to user: String) async throws(PublishError) -> PublishedEvent {
    guard isRunning else { throw .notRunning }
    let name = try HostPublication.user(user, maxBytes: context.bayeux.limits.maxUserBytes)
    let text = message.encoded
    let (id, payload) = context.publisher.event(tag: tag, message: text.span)
    guard let payload else { return PublishedEvent(id: id, sessions: 0) }
    let sessions = await withCheckedContinuation { continuation in
      if context.store.isKeeping {
        context.store.publish(payload, to: name) { continuation.resume(returning: $0) }
      } else {
        let tally = Tally(of: 1) { continuation.resume(returning: .success($0)) }
        context.publisher.deliver(payload, to: name, tally: tally)
      }
    }
    return PublishedEvent(id: id, sessions: try HostPublication.value(of: sessions))
  }

  /// Publishes `data` on a broadcast channel, as `POST /publish` of the admin listener does: rules of clients do not
  /// apply, durable channels keep it first. From any thread.
  ///
  /// - Returns: the sessions that are subscribed.
  /// - Throws: ``PublishError``; nothing was published then.
  @discardableResult
  public func publish(_ data: JSONValue, on channel: String) async throws(PublishError) -> Int {
    guard isRunning else { throw .notRunning }
    let data = data.encoded
    guard let publication = try HostPublication.publication(of: data, on: channel, by: context.publisher) else {
      return 0
    }
    let sessions = await withCheckedContinuation { continuation in
      let isPosted = context.mailboxes[0].post(.broadcast(publication) { continuation.resume(returning: $0) })
      if !isPosted { continuation.resume(returning: .failure(.closed)) }
    }
    return try HostPublication.value(of: sessions)
  }
}

/// What a publication of the host has to be, in this process or by the admin listener.
enum HostPublication {
  static func user(_ user: String, maxBytes: Int) throws(PublishError) -> [UInt8] {
    guard !user.isEmpty else { throw .userEmpty }
    guard user.utf8.count <= maxBytes else { throw .userTooLong(maxBytes: maxBytes) }
    return Array(user.utf8)
  }

  /// - Returns: nil where an extension drops it.
  static func publication(
    of data: [UInt8], on name: String, by publisher: Publisher
  ) throws(PublishError) -> Publication? {
    guard let channel = Channel(name), channel.kind == .broadcast, channel.reach == .exact, channel != .genesys else {
      throw .notBroadcast(name)
    }
    let event = Payload(event: channel, data: data.span, ext: Span())
    return publisher.extended(event).map { Publication(channel: channel, payload: $0) }
  }

  static func value(of sessions: Result<Int, StoreError>) throws(PublishError) -> Int {
    switch sessions {
    case .success(let count): return count
    case .failure(.closed): throw .notRunning
    case .failure(let error): throw .notStored(error.description)
    }
  }
}

extension Shard {
  /// Tells every shard of a publication of the host, or has it kept first where its channel is durable.
  ///
  /// - Parameter complete: gets the subscribed sessions unless they are returned.
  /// - Returns: the subscribed sessions where they are known at once.
  func broadcast(
    _ publication: Publication, _ complete: @escaping @Sendable (Result<Int, StoreError>) -> Void
  ) -> Int? {
    let tally = Tally(of: context.shardCount) { complete(.success($0)) }
    if let draft = broker.draft(publication) {
      context.store.events.publish(draft, from: .host(tally) { complete(.failure($0)) })
      return nil
    }
    let own = broker.publish(publication, now: now)
    if context.shardCount == 1 { return own }
    for (other, mailbox) in context.mailboxes.enumerated() where other != index {
      if !mailbox.post(.publish(publication, tally)) { tally.add(0) }
    }
    tally.add(own)
    return nil
  }
}
