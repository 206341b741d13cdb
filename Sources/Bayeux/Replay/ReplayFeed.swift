// SPDX-License-Identifier: Apache-2.0

/// What a session still has to be given of the past, from one position on over all its channels.
///
/// While a session has a feed, no event of a durable channel goes into its queue directly: everything comes out of the
/// log, in the order of the ids and once, however its subscriptions overlap. Where the feed meets the end of the log it
/// is done, and the next event is the first one that comes live.
final class ReplayFeed {
  /// All up to this id has been given, or was not asked for.
  private(set) var position: Int64
  /// After which id each subscription begins.
  private var channels: [String: Int64] = [:]
  private var patterns: [(pattern: Channel, after: Int64)] = []
  /// An event that it had not come to was dropped: what is left has a hole.
  var hasLost = false
  /// In the broker's list of feeds to go on with.
  var isQueued = false

  init(after position: Int64) { self.position = position }

  var isEmpty: Bool { channels.isEmpty && patterns.isEmpty }

  func advance(to position: Int64) { self.position = max(self.position, position) }

  /// Whether all up to `last` has been given, and no subscription begins later.
  func isDone(at last: Int64) -> Bool {
    position >= last && channels.values.allSatisfy { $0 <= last } && patterns.allSatisfy { $0.after <= last }
  }

  func follows(_ channel: Channel) -> Bool {
    channel.reach == .exact ? channels[channel.name] != nil : patterns.contains { $0.pattern == channel }
  }

  /// Has `channel`, a name or a pattern, begin after `id`. The others go on where they are.
  func follow(_ channel: Channel, after id: Int64) {
    remove(channel)
    if id < position {
      for (name, after) in channels { channels[name] = max(after, position) }
      for index in patterns.indices { patterns[index].after = max(patterns[index].after, position) }
      position = id
    }
    if channel.reach == .exact { channels[channel.name] = id } else { patterns.append((channel, id)) }
  }

  func remove(_ channel: Channel) {
    channels[channel.name] = nil
    patterns.removeAll { $0.pattern == channel }
  }

  func wants(_ id: Int64, of channel: Channel) -> Bool {
    if let after = channels[channel.name], after < id { return true }
    return patterns.contains { $0.after < id && $0.pattern.reaches(channel) }
  }
}

extension Channel {
  /// Whether what is published to `other` reaches subscribers of this pattern; as ``matches(_:)``, without making texts.
  func reaches(_ other: Channel) -> Bool {
    let (own, given) = (name.utf8, other.name.utf8)
    switch reach {
    case .exact: return name == other.name
    case .oneLevel:
      let prefix = own.dropLast(1)
      return given.count > prefix.count && given.starts(with: prefix)
        && !given.dropFirst(prefix.count).contains(UInt8(ascii: "/"))
    case .anyDepth:
      let prefix = own.dropLast(2)
      return given.count > prefix.count && given.starts(with: prefix)
    }
  }
}
