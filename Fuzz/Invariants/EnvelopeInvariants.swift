// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes

/// The scanners of JSON against ``StrictJSON``: the same verdict, and the same meaning of what is accepted.
enum EnvelopeInvariants {
  static func check(_ text: [UInt8]) throws(Violation) {
    try checkScanner(text)
    try checkTree(text)
    try checkBatch(text)
  }

  // MARK: values

  private static func scans(_ text: [UInt8], lenient: Bool) -> Bool {
    var scanner = JSONScanner()
    do throws(JSONError) {
      let slice = try scanner.value(text.span, lenient: lenient)
      try scanner.expectEnd(text.span)
      return slice.outerRange.clamped(to: 0..<text.count) == slice.outerRange
    } catch {
      return false
    }
  }

  private static func checkScanner(_ text: [UInt8]) throws(Violation) {
    for lenient in [false, true] {
      let reference = lenient ? StrictJSON.lenientValue(of: text) : StrictJSON.value(of: text)
      let expected = reference.map { $0.depth <= 60 } ?? false
      let found = scans(text, lenient: lenient)
      if found != expected { throw Violation("lenient \(lenient): scanned \(found), strictly \(expected)") }
    }
  }

  private static func checkTree(_ text: [UInt8]) throws(Violation) {
    let reference = StrictJSON.value(of: text).flatMap { $0.depth <= 60 && !repeatsAName($0) ? $0 : nil }
    let tree = try? JSONValue(parsing: text.span)
    guard (tree == nil) == (reference == nil) else {
      throw Violation("as a tree: \(tree.map(\.text) ?? "refused"), strictly \(reference == nil ? "refused" : "sound")")
    }
    guard let tree, let reference else { return }
    guard isSame(tree, reference, text) else { throw Violation("another tree: \(tree.text)") }
    let encoded = tree.encoded
    guard let again = try? JSONValue(parsing: encoded.span), again == tree else {
      throw Violation("what is written is not what was read: \(tree.text)")
    }
    guard StrictJSON.value(of: encoded) != nil else { throw Violation("what is written is no JSON: \(tree.text)") }
  }

  private static func repeatsAName(_ value: StrictValue) -> Bool {
    switch value.content {
    case .array(let elements): elements.contains(where: repeatsAName)
    case .object(let members):
      Set(members.map { Array($0.name.utf8) }).count < members.count || members.contains { repeatsAName($0.value) }
    default: false
    }
  }

  private static func isSame(_ ours: JSONValue, _ theirs: StrictValue, _ text: [UInt8]) -> Bool {
    switch (ours, theirs.content) {
    case (.null, .null): true
    case (.bool(let ours), .bool(let theirs)): ours == theirs
    case (.number(let digits), .number): Array(digits.utf8) == Array(text[theirs.range])
    case (.string(let ours), .string(let theirs)): ours.utf8.elementsEqual(theirs.utf8)
    case (.array(let ours), .array(let theirs)):
      ours.count == theirs.count && zip(ours, theirs).allSatisfy { isSame($0, $1, text) }
    case (.object(let ours), .object(let theirs)):
      ours.count == theirs.count
        && zip(ours, theirs).allSatisfy { $0.name.utf8.elementsEqual($1.name.utf8) && isSame($0.value, $1.value, text) }
    default: false
    }
  }

  // MARK: batches

  private static let known = ["channel", "clientId", "id", "subscription", "data", "ext", "advice"]

  private static func slices(_ message: Message) -> [JSONSlice?] {
    [
      message.channel, message.clientID, message.id, message.subscription, message.data, message.ext, message.advice,
    ]
  }

  /// What the strict reader takes for the messages of a request; nil where it must be refused.
  static func expectedMessages(_ text: [UInt8], limits: BayeuxLimits) -> [StrictValue]? {
    guard let value = StrictJSON.batch(of: text), value.depth <= limits.maxDepth else { return nil }
    let messages: [StrictValue]
    switch value.content {
    case .null: messages = []
    case .object: messages = [value]
    case .array(let elements): messages = elements
    default: return nil
    }
    guard messages.count <= limits.maxMessagesPerBatch else { return nil }
    let areSound = messages.allSatisfy { message in
      guard let members = message.members else { return false }
      let names = members.map(\.name).filter(known.contains)
      return Set(names).count == names.count
    }
    return areSound ? messages : nil
  }

  private static func checkBatch(_ text: [UInt8]) throws(Violation) {
    for maxMessages in [2, 1000] {
      var limits = BayeuxLimits()
      limits.maxMessagesPerBatch = maxMessages
      var messages: [Message] = []
      var fault: RequestFault?
      do throws(RequestFault) { try Batch.scan(text.span, limits: limits, into: &messages) } catch { fault = error }
      guard let expected = expectedMessages(text, limits: limits) else {
        if fault == nil { throw Violation("\(messages.count) messages were found in what holds none") }
        continue
      }
      if let fault { throw Violation("refused with \(fault), but sound with \(expected.count) messages") }
      try compare(messages, expected, text)
      try checkTruncation(text, limits)
    }
  }

  private static func compare(
    _ messages: [Message], _ expected: [StrictValue], _ text: [UInt8]
  ) throws(Violation) {
    guard messages.count == expected.count else {
      throw Violation("\(messages.count) messages instead of \(expected.count)")
    }
    for (message, value) in zip(messages, expected) {
      let members = value.members ?? []
      for (name, slice) in zip(known, slices(message)) {
        let found = slice?.outerRange
        let place = members.first { $0.name == name }?.value.range
        if found != place {
          throw Violation("\(name) at \(String(describing: found)), not \(String(describing: place))")
        }
      }
      let verb = verb(of: members.first { $0.name == "channel" }?.value)
      if message.verb != verb { throw Violation("\(message.verb) instead of \(verb)") }
    }
  }

  private static func verb(of channel: StrictValue?) -> Message.Verb {
    guard case .string(let name) = channel?.content else { return .publish }
    let verbs: [String: Message.Verb] = [
      "/meta/handshake": .handshake, "/meta/connect": .connect, "/meta/subscribe": .subscribe,
      "/meta/unsubscribe": .unsubscribe, "/meta/disconnect": .disconnect,
    ]
    // A dictionary takes canonically equal strings for equal; all keys are ASCII, which has no other spelling.
    return verbs[name] ?? .publish
  }

  /// A sound request that is cut before its last bracket is refused as unfinished.
  private static func checkTruncation(_ text: [UInt8], _ limits: BayeuxLimits) throws(Violation) {
    guard let end = text.lastIndex(where: { [0x5D, 0x7D].contains($0) }), end > 0 else { return }
    var random = InputRandom(text)
    let cut = Array(text[..<Int.random(in: 0..<end, using: &random)])
    var messages: [Message] = []
    var fault: RequestFault?
    do throws(RequestFault) { try Batch.scan(cut.span, limits: limits, into: &messages) } catch { fault = error }
    guard case .notJSON(let json) = fault, json.reason == JSONError.Reason.unexpectedEnd.rawValue else {
      throw Violation("cut at \(cut.count): \(fault.map { "refused with \($0)" } ?? "accepted")")
    }
  }
}
