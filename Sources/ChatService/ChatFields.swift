// SPDX-License-Identifier: Apache-2.0

/// Who makes a call, as far as HTTP tells.
public struct ChatCaller: Sendable, Hashable {
  /// The `gms_user` header; nil when it is absent or empty.
  public let user: String?
  /// What HTTP Basic said; nil for nothing.
  public let credentials: BasicCredentials?
  /// Scheme and authority under which the caller reaches us, `https://chat.example`; absolute URLs begin with it.
  public let baseURL: String

  public init(user: String? = nil, credentials: BasicCredentials? = nil, baseURL: String = "") {
    self.user = user?.isEmpty == true ? nil : user
    self.credentials = credentials
    self.baseURL = baseURL
  }
}

/// What can be done with the chat of a service; the raw value is what follows `…/ixn/chat` in the path.
public enum ChatOperation: String, Sendable, Hashable, CaseIterable {
  case create = ""
  case refresh, send, startTyping, stopTyping, disconnect
}

/// The parameters of a request, from wherever they came: query, form, multipart or JSON.
public struct ChatFields: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  public struct Field: Sendable, Hashable {
    public let name: String
    public let value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// In the order of the request.
  public private(set) var all: [Field]

  public init(_ fields: [Field] = []) { all = fields }

  /// The parameters of the query and, winning over them, those of the body.
  public init(query: [Field], body: [Field]) { all = query + body }

  public init(dictionaryLiteral elements: (String, String)...) { all = elements.map { Field($0.0, $0.1) } }

  public mutating func append(_ name: String, _ value: String) { all.append(Field(name, value)) }

  /// The value of the last field of that name.
  public subscript(name: String) -> String? { all.last { $0.name == name }?.value }

  /// The same, but nil also where the value is empty: form clients send names without values.
  public func text(_ name: String) -> String? { self[name].flatMap { $0.isEmpty ? nil : $0 } }

  /// The first of `names` that has a value; live clients spell some fields in several ways.
  func text(anyOf names: String...) -> String? {
    for name in names { if let value = text(name) { return value } }
    return nil
  }

  /// Whether the field is `true`, in letters of any case.
  public func bool(_ name: String) -> Bool { self[name]?.lowercased() == "true" }

  /// The fields without those of `names`, each name once, where it first stood and with the value that counts.
  func businessData(without names: Set<String>) -> [Field] {
    var seen = names
    return all.compactMap { field in
      seen.insert(field.name).inserted ? Field(field.name, self[field.name] ?? field.value) : nil
    }
  }
}
