// SPDX-License-Identifier: Apache-2.0

/// The subscribers of one channel or pattern: direct references, so that a fan-out looks nothing up.
final class ChannelNode {
  let name: String
  /// Whether it stands for many channels. Only as a last segment a name can hold a star.
  let isPattern: Bool
  fileprivate(set) var subscribers: [Session] = []

  init(_ name: String) {
    self.name = name
    isPattern = name.utf8.last == UInt8(ascii: "*")
  }
}

/// A session's half of a subscription: the node, and where in its list the session stands.
struct Subscription {
  let node: ChannelNode
  fileprivate(set) var index: Int
}

/// Who is subscribed to what on this shard.
struct SubscriptionTable {
  private var nodes: [String: ChannelNode] = [:]
  /// Whether channels that come and go are written down in ``changes``.
  var notesChanges = false
  var changes: [ChannelChange] = []

  var channelCount: Int { nodes.count }

  /// Whether somebody is subscribed to exactly that.
  func exists(_ name: String) -> Bool { nodes[name] != nil }

  func contains(_ session: Session, in channel: Channel) -> Bool {
    session.subscriptions.contains { $0.node.name == channel.name }
  }

  /// False if `session` was subscribed already.
  mutating func subscribe(_ session: Session, to channel: Channel) -> Bool {
    let node = nodes[channel.name] ?? ChannelNode(channel.name)
    if session.subscriptions.contains(where: { $0.node === node }) { return false }
    if node.subscribers.isEmpty {
      nodes[channel.name] = node
      if notesChanges { changes.append(ChannelChange(name: node.name, exists: true)) }
    }
    session.subscriptions.append(Subscription(node: node, index: node.subscribers.count))
    node.subscribers.append(session)
    return true
  }

  /// False if `session` was not subscribed.
  mutating func unsubscribe(_ session: Session, from channel: Channel) -> Bool {
    guard let node = nodes[channel.name],
      let place = session.subscriptions.firstIndex(where: { $0.node === node })
    else { return false }
    let subscription = session.subscriptions[place]
    session.subscriptions.swapAt(place, session.subscriptions.count - 1)
    session.subscriptions.removeLast()
    drop(subscription)
    return true
  }

  mutating func unsubscribeFromAll(_ session: Session) {
    for subscription in session.subscriptions { drop(subscription) }
    session.subscriptions = []
  }

  /// Puts `heir` into every place that `session` has; it must have none of its own.
  mutating func passOn(from session: Session, to heir: Session) {
    for subscription in session.subscriptions { subscription.node.subscribers[subscription.index] = heir }
    heir.subscriptions = session.subscriptions
    session.subscriptions = []
  }

  /// Takes the last subscriber of the list into the place that became free: constant time, whatever the list's length.
  private mutating func drop(_ subscription: Subscription) {
    let node = subscription.node
    let moved = node.subscribers[node.subscribers.count - 1]
    node.subscribers.swapAt(subscription.index, node.subscribers.count - 1)
    node.subscribers.removeLast()
    if subscription.index < node.subscribers.count,
      let place = moved.subscriptions.firstIndex(where: { $0.node === node })
    {
      moved.subscriptions[place].index = subscription.index
    }
    guard node.subscribers.isEmpty else { return }
    nodes[node.name] = nil
    if notesChanges { changes.append(ChannelChange(name: node.name, exists: false)) }
  }

  /// The lists of subscribers that a publication to `channel` reaches; a session may stand in several of them.
  func nodes(reachedBy channel: Channel) -> [ChannelNode] {
    var found: [ChannelNode] = []
    if let exact = nodes[channel.name] { found.append(exact) }
    for pattern in channel.patterns {
      if let node = nodes[pattern] { found.append(node) }
    }
    return found
  }
}
