// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// A device that wants to be told of events by their tags, as the Notification API of GMS has it.
struct PushSubscription: Sendable, Hashable {
  let device: PushDevice
  /// The `gms_user` who subscribed; nil where none was named.
  let user: String?
  /// Tags: words parted by commas, `*` standing for anything.
  let filter: String
  /// How long it asked to live; nil for nothing.
  let expire: Duration?

  /// Reads `{"subscriberId","providerName","notificationDetails":{"deviceId","type","properties":{"debug"}},"expire",
  /// "filter"}`; all but the device may be missing.
  ///
  /// - Throws: ``ChatError/badSubscription``
  init(_ body: JSONValue, user: String?) throws(ChatError) {
    guard let details = body["notificationDetails"], let type = details["type"]?.string, !type.isEmpty,
      let id = details["deviceId"]?.string, !id.isEmpty, type.utf8.count <= 64, id.utf8.count <= 4_096
    else { throw .badSubscription }
    var device = PushDevice(type: type, id: id)
    device.isDebug = details["properties"]?["debug"]?.scalarText?.lowercased() == "true"
    device.language = details["properties"]?["language"]?.string
    device.provider = body["providerName"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    self.device = device
    self.user = user
    filter = body["filter"]?.string ?? "*"
    guard filter.utf8.count <= 4_096 else { throw .badSubscription }
    if let expire = body["expire"], expire != .null {
      guard let seconds = expire.scalarText.flatMap({ Int($0) }), seconds >= 0 else { throw .badSubscription }
      self.expire = .seconds(min(seconds, 1 << 32))
    } else {
      expire = nil
    }
  }

  func wants(_ tag: String) -> Bool {
    filter.split(separator: ",").contains { pattern in
      Self.matches(Array(tag.utf8)[...], Array(pattern.drop { $0 == " " }.utf8)[...])
    }
  }

  /// Without backtracking over more than the last star, so that no filter costs more than its length times the tag's.
  private static func matches(_ text: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
    var (at, wanted) = (text.startIndex, pattern.startIndex)
    var star: (text: Int, pattern: Int)?
    while at < text.endIndex {
      if wanted < pattern.endIndex, pattern[wanted] == UInt8(ascii: "*") {
        star = (at, wanted + 1)
        wanted += 1
      } else if wanted < pattern.endIndex, pattern[wanted] == text[at] {
        at += 1
        wanted += 1
      } else if let last = star {
        star = (last.text + 1, last.pattern)
        (at, wanted) = (last.text + 1, last.pattern)
      } else {
        return false
      }
    }
    return pattern[wanted...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}

// MARK: the face to the HTTP routes

extension ChatService {
  /// `POST /genesys/1/notification/subscription`: `{"id"}`.
  public func subscribe(_ body: JSONValue, caller: ChatCaller) async -> ChatReply {
    await reply { () async throws(ChatError) in
      guard configuration.credentials.accept(caller.credentials) else { throw .unauthorized }
      let subscription = try PushSubscription(body, user: caller.user)
      // The device of comet is a user, and nobody speaks for another.
      if configuration.strictUser, subscription.device.type == "comet", let user = caller.user,
        user != subscription.device.id
      {
        throw .wrongUser
      }
      guard subscriptions.count < configuration.limits.maxSubscriptions else { throw .tooManySubscriptions }
      let id = Identifiers.uuid4(using: &random)
      let least = configuration.limits.subscriptionExpiration
      let time = min(max(subscription.expire ?? least, least), configuration.limits.maxSubscriptionExpiration)
      subscriptions[id] = subscription
      wake(for: .subscription(id), at: clock.now() + time)
      return .json(JSONValue.object([.init("id", .string(id))]).encoded)
    }
  }

  /// `DELETE /genesys/1/notification/subscription/{id}`.
  public func unsubscribe(_ id: String, caller: ChatCaller) async -> ChatReply {
    await reply { () async throws(ChatError) in
      guard configuration.credentials.accept(caller.credentials) else { throw .unauthorized }
      guard let subscription = subscriptions[id] else { throw .unknownSubscription }
      if configuration.strictUser, let user = caller.user, let owner = subscription.user, user != owner {
        throw .wrongUser
      }
      subscriptions[id] = nil
      return .json(JSONValue.object([]).encoded)
    }
  }

  /// `POST /genesys/1/notification/publish`: `{"tag","message"}` goes to every subscription that wants the tag;
  /// `{"subscriptions":2}`. For servers, so that it needs the credentials of the server.
  public func publish(_ body: JSONValue, caller: ChatCaller) async -> ChatReply {
    await reply { () async throws(ChatError) in
      guard !configuration.credentials.isOpen else { throw .publishClosed }
      guard configuration.credentials.accept(caller.credentials) else { throw .unauthorized }
      guard let tag = body["tag"]?.string, !tag.isEmpty, let message = body["message"] else { throw .badSubscription }
      try await checkJournal()
      let wanted = subscriptions.values.filter { $0.wants(tag) }
      for subscription in wanted {
        let text = message.string ?? message.text
        push(
          PushMessage(device: subscription.device, serviceID: "", text: text, payload: message), attempt: 1, tag: tag)
      }
      return await whenKept(.json(JSONValue.object([.init("subscriptions", JSONValue(wanted.count))]).encoded))
    }
  }

  /// The device of the subscription that a create names; one that is unknown by now is no reason to refuse a chat.
  func subscribedDevice(_ fields: ChatFields) -> PushDevice? {
    fields.text("subscriptionID").flatMap { subscriptions[$0]?.device }
  }
}
