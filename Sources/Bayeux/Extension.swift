// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// Sees every message that comes in and goes out, may change it, and may drop it (CometD, `BayeuxServer.Extension`).
///
/// Incoming messages meet the extensions in the order in which they were added, outgoing ones in the reverse order. All
/// four are called on a loop, several loops at once: they must not block. Each says whether the message goes on. An
/// incoming message that does not is answered with ``BayeuxError/messageDeleted``; an outgoing one is not sent.
public protocol Extension: Sendable {
  /// A publish of a client, before anything but its grammar has been looked at.
  func incoming(_ message: inout ExtensionMessage, _ context: ExtensionContext) -> Bool
  /// A message of a client on a meta channel.
  func incomingMeta(_ message: inout ExtensionMessage, _ context: ExtensionContext) -> Bool
  /// An event, once for all who will receive it; or the reply to a publish, which has `successful` and no `data`.
  func outgoing(_ message: inout ExtensionMessage, _ context: ExtensionContext) -> Bool
  /// A reply on a meta channel.
  func outgoingMeta(_ message: inout ExtensionMessage, _ context: ExtensionContext) -> Bool
}

extension Extension {
  public func incoming(_ message: inout ExtensionMessage, _ context: ExtensionContext) -> Bool { true }
  public func incomingMeta(_ message: inout ExtensionMessage, _ context: ExtensionContext) -> Bool { true }
  public func outgoing(_ message: inout ExtensionMessage, _ context: ExtensionContext) -> Bool { true }
  public func outgoingMeta(_ message: inout ExtensionMessage, _ context: ExtensionContext) -> Bool { true }
}

/// What an extension is told beside the message.
public struct ExtensionContext: Sendable {
  /// The session that sent the message or gets the reply; nil for a request that may not speak for the session it names,
  /// for a handshake that comes in, and for an event of the host.
  public var clientID: String?
  /// The `gms_user` of that session.
  public var user: String?
  /// The time of day, in milliseconds since 1970.
  public var wallMilliseconds: Int64
  /// Of a reply: the request as the extensions left it.
  public var request: ExtensionMessage?

  public init(
    clientID: String? = nil, user: String? = nil, wallMilliseconds: Int64, request: ExtensionMessage? = nil
  ) {
    self.clientID = clientID
    self.user = user
    self.wallMilliseconds = wallMilliseconds
    self.request = request
  }
}

/// One Bayeux message, member by member. A member that nobody sets stays the bytes that came.
public struct ExtensionMessage: Sendable, Hashable {
  struct Member: Sendable, Hashable {
    let name: String
    /// JSON.
    var text: [UInt8]
  }
  var members: [Member]

  init(members: [Member] = []) { self.members = members }

  /// A member as a value; nil where there is none, and where it is not strict JSON. Setting nil removes it; `clientId`
  /// and `id` are for the broker: what is set there is not believed more than what a client sends.
  public subscript(name: String) -> JSONValue? {
    get {
      guard let member = members.first(where: { $0.name == name }) else { return nil }
      return try? JSONValue(parsing: member.text.span, maxDepth: 63)
    }
    set {
      let place = members.firstIndex { $0.name == name }
      switch (place, newValue) {
      case (let place?, let value?): members[place].text = value.encoded
      case (let place?, nil): members.remove(at: place)
      case (nil, let value?): members.append(Member(name: name, text: value.encoded))
      case (nil, nil): break
      }
    }
  }

  /// The bytes of a member as they stand in the message.
  public func text(of name: String) -> [UInt8]? { members.first { $0.name == name }?.text }

  public var names: [String] { members.map(\.name) }
  public var channel: String? { self["channel"]?.string }

  /// One member of `ext`.
  public subscript(ext name: String) -> JSONValue? {
    get { self["ext"]?[name] }
    set {
      var rest = self["ext"]?.members ?? []
      rest.removeAll { $0.name == name }
      if let newValue { rest.append(.init(name, newValue)) }
      self["ext"] = .object(rest)
    }
  }

  /// What is kept of it while its connect is held: what Bayeux gives a meaning, within a bound.
  var remembered: ExtensionMessage {
    let names: Set = ["channel", "clientId", "connectionType", "id", "advice", "ext"]
    var room = BayeuxLimits.rememberedRequestBytes
    return ExtensionMessage(
      members: members.filter { member in
        guard names.contains(member.name), member.text.count <= room else { return false }
        room -= member.text.count
        return true
      })
  }

  func write(to writer: inout ByteWriter) {
    writer.append("{")
    for (index, member) in members.enumerated() {
      if index > 0 { writer.append(",") }
      writer.append(jsonString: member.name)
      writer.append(":")
      writer.append(member.text)
    }
    writer.append("}")
  }

  /// The objects of an array, or the one object that `text` is. What is none has been refused before.
  static func all(in text: Span<UInt8>) -> [ExtensionMessage] {
    var scanner = JSONScanner(maxDepth: 63)
    guard scanner.take(UInt8(ascii: "["), text) else { return next(&scanner, text).map { [$0] } ?? [] }
    var found: [ExtensionMessage] = []
    while let message = next(&scanner, text) {
      found.append(message)
      guard scanner.take(UInt8(ascii: ","), text) else { break }
    }
    return found
  }

  private static func next(_ scanner: inout JSONScanner, _ text: Span<UInt8>) -> ExtensionMessage? {
    guard scanner.take(UInt8(ascii: "{"), text) else { return nil }
    var message = ExtensionMessage()
    while !scanner.take(UInt8(ascii: "}"), text) {
      guard let key = try? scanner.string(text), scanner.take(UInt8(ascii: ":"), text),
        let value = try? scanner.value(text, lenient: true)
      else { return nil }
      message.members.append(Member(name: key.string(in: text), text: Array(text.extracting(value.outerRange))))
      guard scanner.take(UInt8(ascii: ","), text) || scanner.peek(text) == UInt8(ascii: "}") else { return nil }
    }
    return message
  }
}

/// The extensions of a broker, in the order in which they were added.
public struct ExtensionChain: Sendable {
  private let extensions: [any Extension]

  public init(_ extensions: [any Extension] = []) { self.extensions = extensions }

  /// Nothing is parsed and nobody is asked where there is no extension.
  public var isEmpty: Bool { extensions.isEmpty }

  /// An event on its way to the queues.
  ///
  /// - Parameter payload: the whole event, channel included.
  /// - Returns: what goes out instead; nil for nothing.
  public func outgoing(event payload: Payload, _ context: ExtensionContext) -> Payload? {
    if isEmpty { return payload }
    guard var message = ExtensionMessage.all(in: payload.bytes.span).first else { return payload }
    let original = message
    for each in extensions.reversed() where !each.outgoing(&message, context) { return nil }
    if message == original { return payload }
    var writer = ByteWriter(capacity: payload.count + 128)
    message.write(to: &writer)
    return Payload(writer.array)
  }

  /// - Returns: false if the message is dropped.
  func incoming(_ message: inout ExtensionMessage, isMeta: Bool, _ context: ExtensionContext) -> Bool {
    extensions.allSatisfy { isMeta ? $0.incomingMeta(&message, context) : $0.incoming(&message, context) }
  }

  /// Lets the extensions see the reply that stands in `writer` from `start` on; a dropped one is taken out.
  func outgoing(replyIn writer: inout ByteWriter, from start: Int, _ context: ExtensionContext) {
    let written = Array(writer.bytes[start...])
    guard var message = ExtensionMessage.all(in: written.span).first else { return }
    let isMeta = message.channel?.hasPrefix("/meta/") ?? false
    writer.truncate(to: start)
    for each in extensions.reversed() {
      guard isMeta ? each.outgoingMeta(&message, context) : each.outgoing(&message, context) else { return }
    }
    message.write(to: &writer)
  }
}
