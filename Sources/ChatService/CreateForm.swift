// SPDX-License-Identifier: Apache-2.0
import Bytes

/// The parameters of a create, read: all are optional.
struct CreateForm: Sendable {
  let notifiesByComet: Bool
  let request: ChatRequest

  /// - Throws: ``ChatError/messageTooLong`` or ``ChatError/tooMuchData``.
  init(
    _ fields: ChatFields, service: ServiceRecord, configuration: ChatConfiguration, more: [ChatFields.Field] = []
  ) throws(ChatError) {
    notifiesByComet = fields["notify_by"]?.lowercased() == "comet"
    let message = fields.text("message")
    if let message, message.utf8.count > configuration.limits.maxMessageBytes { throw .messageTooLong }
    let person = Person(fields)
    // What the broker says of a chat is not for its customer to say.
    let own = Set(more.map(\.name))
    let data = Self.userData(fields, person, service: service.data).filter { !own.contains($0.name) } + more
    guard data.byteCount <= configuration.limits.maxDataBytes else { throw .tooMuchData }
    request = ChatRequest(
      serviceID: service.id, endpoint: service.definition.endpoint ?? configuration.defaultEndpoint,
      nickname: person.nickname.cut(toBytes: configuration.limits.maxNicknameBytes),
      subject: fields.text("subject") ?? "None", userData: data, firstMessage: message,
      timeZoneOffset: Self.timeZoneOffset(fields) ?? configuration.timeZoneOffsetMinutes)
  }

  /// What goes with the interaction: the person under GMS' names, the create's own data, then the service's.
  private static func userData(
    _ fields: ChatFields, _ person: Person, service: [ChatFields.Field]
  ) -> [ChatFields.Field] {
    var data: [ChatFields.Field] = []
    if let name = person.firstName { data.append(.init("fldnFirstName", name)) }
    if let name = person.lastName { data.append(.init("fldnLastName", name)) }
    if let email = person.email { data.append(.init("fldnEmailAddress", email)) }
    data += fields.businessData(without: parameters.union(data.map(\.name)))
    let names = Set(data.map(\.name))
    return data + service.filter { !names.contains($0.name) }
  }

  private static func timeZoneOffset(_ fields: ChatFields) -> Int? {
    fields["clientTimeZoneOffset"].flatMap { Int($0) }.flatMap { (-1_440...1_440).contains($0) ? $0 : nil }
  }

  /// Names that mean something to the API itself; everything else is business data.
  private static let parameters: Set<String> = [
    "_verbose", "notify_by", "firstName", "lastName", "email", "FirstName", "LastName", "EmailAddress", "subject",
    "userDisplayName", "message", "clientTimeZoneOffset", "poke_url", "push_notification_deviceid",
    "push_notification_type", "push_notification_language", "push_notification_debug", "push_notification_provider",
    "subscriptionID",
  ]
}

/// Who the customer says to be.
private struct Person {
  let firstName: String?
  let lastName: String?
  let email: String?
  let displayName: String?

  init(_ fields: ChatFields) {
    firstName = fields.text(anyOf: "firstName", "FirstName")
    lastName = fields.text(anyOf: "lastName", "LastName")
    email = fields.text(anyOf: "email", "EmailAddress")
    displayName = fields.text("userDisplayName")
  }

  /// `Vasya Pupkin` is `VasyaP` in every capture of GMS.
  var nickname: String {
    if let displayName { return displayName }
    if let firstName { return firstName + (lastName?.prefix(1) ?? "") }
    if let name = email?.prefix(while: { $0 != "@" }), !name.isEmpty { return String(name) }
    return "Customer"
  }
}

extension ChatFields {
  /// - Throws: the error of the first limit that is passed.
  func check(_ limits: ChatLimits) throws(ChatError) {
    guard all.count <= limits.maxFields else { throw .tooManyFields }
    for field in all where field.byteCount > limits.maxFieldBytes { throw .fieldTooLong }
    guard all.byteCount <= limits.maxDataBytes else { throw .tooMuchData }
  }

  /// The user that a comet device id names: there, the device is the user. GMS spells the fields in two ways.
  var cometDevice: String? {
    guard text(anyOf: "_device_os", "device_os")?.lowercased() == "comet" else { return nil }
    return text(anyOf: "_device_notification_id", "device_notification_id")
  }

  /// `transcriptPosition`; nil where it is absent or empty.
  var position: Int? {
    get throws(ChatError) {
      guard let text = text("transcriptPosition") else { return nil }
      let bytes = Array(text.utf8)
      guard let position = ASCII.decimal(bytes.span) else { throw .badPosition }
      return position
    }
  }
}

extension String {
  /// Its beginning, of at most so many UTF-8 bytes: whole characters or, where the first one is longer, whole scalars.
  func cut(toBytes most: Int) -> String {
    guard utf8.count > most else { return self }
    var (bytes, end) = (0, startIndex)
    while end < endIndex, bytes + self[end].utf8.count <= most {
      bytes += self[end].utf8.count
      end = index(after: end)
    }
    if end > startIndex { return String(self[..<end]) }
    while bytes + unicodeScalars[end].utf8.count <= most {
      bytes += unicodeScalars[end].utf8.count
      end = unicodeScalars.index(after: end)
    }
    return String(self[..<end])
  }
}

extension ChatFields.Field {
  var byteCount: Int { name.utf8.count + value.utf8.count }
}

extension [ChatFields.Field] {
  var byteCount: Int { reduce(0) { $0 + $1.byteCount } }
}
