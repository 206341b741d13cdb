// SPDX-License-Identifier: Apache-2.0
import Bytes

/// What is done with a box.
public enum StorageCall: Sendable, Hashable {
  case put([StoredField])
  /// An object of texts.
  case list
  /// One value as text.
  case get(String)
  /// One value as the bytes it came in.
  case getBinary(String)
  case remove(String)
  case removeAll
}

extension ChatService {
  /// `/genesys/1/service/{id}/storage[/[binary/]{key}]`: values that go with a service.
  public func storage(of id: String, _ call: StorageCall, caller: ChatCaller) async -> ChatReply {
    await reply { () async throws(ChatError) in
      let record = try find(id, caller)
      try checkUser(of: record, caller)
      return try await perform(call, on: .service(id), expires: nil, reply: .object([]))
    }
  }

  /// `POST /genesys/1/storage/{ttl}`: a new box; `{"id":…}`.
  ///
  /// - Parameter ttl: seconds as text; what is no positive number counts as ``StorageLimits/standardTTL``.
  public func newStorage(ttl: String, _ fields: [StoredField], caller: ChatCaller) async -> ChatReply {
    await reply { () async throws(ChatError) in
      try admit(caller)
      let id = Identifiers.uuid4(using: &random)
      return try await perform(
        .put(fields), on: .free(id), expires: expiry(ttl), reply: ["id": .string(id)])
    }
  }

  /// `/genesys/1/storage/{id}[/…]`.
  ///
  /// - Parameter ttl: a new time to live, with ``StorageCall/put(_:)``.
  public func storage(
    box id: String, ttl: String? = nil, _ call: StorageCall, caller: ChatCaller
  ) async -> ChatReply {
    await reply { () async throws(ChatError) in
      try admit(caller)
      // Boxes are made under ids of ours alone, so that nobody can lie in wait under a guessed one.
      guard try await exists(.free(id)) else { throw .unknownKey }
      return try await perform(call, on: .free(id), expires: ttl.map(expiry), reply: ["id": .string(id)])
    }
  }

  /// `/genesys/1/storage/custom/{customId}[/{ttl}]`: of the `gms_user` of the request, who alone finds it again.
  public func customStorage(
    _ id: String, ttl: String? = nil, _ call: StorageCall, caller: ChatCaller
  ) async -> ChatReply {
    await reply { () async throws(ChatError) in
      try admit(caller)
      guard let user = caller.user else { throw .customNeedsUser }
      return try await perform(
        call, on: .custom(id, user: user), expires: ttl.map(expiry), reply: ["id": .string(id)])
    }
  }

  private func admit(_ caller: ChatCaller) throws(ChatError) {
    guard configuration.credentials.accept(caller.credentials) else { throw .unauthorized }
  }

  private func expiry(_ ttl: String) -> Instant {
    let limits = configuration.storageLimits
    let digits = Array(ttl.utf8)
    let seconds = ASCII.decimal(digits.span).map { Duration.seconds(min($0, 1 << 32)) }
    let wanted = seconds.flatMap { $0 > .zero ? $0 : nil } ?? limits.standardTTL
    return clock.now() + min(wanted, limits.maxTTL)
  }

  private func exists(_ box: StorageBox) async throws(ChatError) -> Bool {
    do throws(StorageError) {
      return try await storage.fields(of: box, now: clock.now()) != nil
    } catch {
      throw ChatError(error)
    }
  }

  private func perform(
    _ call: StorageCall, on box: StorageBox, expires: Instant?, reply: JSONValue
  ) async throws(ChatError) -> ChatReply {
    let isDone: Bool
    let fields: [StoredField]?
    do throws(StorageError) {
      switch call {
      case .put(let fields):
        try await storage.put(fields, in: box, expires: expires)
        return .json(reply.encoded)
      case .remove(let key): (isDone, fields) = (try await storage.removeField(key, of: box), nil)
      case .removeAll: (isDone, fields) = (try await storage.removeBox(box), nil)
      case .list, .get, .getBinary:
        (isDone, fields) = (true, try await storage.fields(of: box, now: clock.now()))
      }
    } catch {
      throw ChatError(error)
    }
    guard isDone else { throw .unknownKey }
    switch call {
    case .list:
      // The box of a service is there as long as the service, though nothing was put into it yet.
      guard let all = fields ?? (box.isOfService ? [] : nil) else { throw .unknownKey }
      return .json(JSONValue.object(all.map { .init($0.key, .string($0.value.text)) }).encoded)
    case .get(let key), .getBinary(let key):
      guard let value = fields?.first(where: { $0.key == key })?.value else { throw .unknownKey }
      if case .get = call { return ChatReply(status: 200, contentType: .text, body: value.bytes) }
      return ChatReply(status: 200, contentType: .other(value.safeType), body: value.bytes)
    case .put, .remove, .removeAll: return .json(JSONValue.object([]).encoded)
    }
  }
}

extension StorageBox {
  var isOfService: Bool { if case .service = self { true } else { false } }
}

extension StoredValue {
  /// The type it is served with: never one that a browser would run as a page of ours.
  var safeType: String {
    let type = (contentType ?? "").lowercased()
    let isPlain = type.utf8.allSatisfy { ASCII.isAlphanumeric($0) || "/.+-".utf8.contains($0) }
    let isMedia = ["image/", "audio/", "video/"].contains { type.hasPrefix($0) } && !type.hasSuffix("xml")
    return isPlain && (isMedia || type == "application/pdf") ? type : "application/octet-stream"
  }
}

extension ChatError {
  init(_ error: StorageError) {
    self =
      switch error {
      case .full: .storageFull
      case .badKey: .badKey
      case .unavailable: .notStored
      }
  }
}
