// SPDX-License-Identifier: Apache-2.0
import Bytes

/// What a configuration file says, each value with its line, and everything that is wrong in it.
///
/// Keys stand in their sections, `{"bayeux": {"timeout": 60000}}`, or under their full name,
/// `{"bayeux.timeout": 60000}`. The text is walked here and not by a JSON library, because no library says in which
/// line a member stands or that it stands there twice.
struct SettingsFile {
  struct Entry {
    let value: SettingValue
    let line: Int
  }

  /// As the operator wrote it on the command line; what errors begin with.
  let path: String
  private(set) var entries: [String: Entry] = [:]
  private(set) var errors: [SettingsError] = []
  private(set) var services = ServicesSection()

  private var scanner = JSONScanner(maxDepth: 20)
  private var newlines: [Int] = []
  private var firstLines: [String: Int] = [:]

  init(parsing bytes: [UInt8], path: String) {
    self.path = path
    newlines = bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }
    // Some editors begin a file with a byte order mark; it means nothing in UTF-8.
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { scanner.position = 3 }
    let text = bytes.span
    do throws(JSONError) {
      guard scanner.peek(text) == UInt8(ascii: "{") else {
        errors.append(.notAnObject(origin(at: scanner.position)))
        return
      }
      try passObject(text, prefix: "")
      try scanner.expectEnd(text)
    } catch {
      errors.append(.badJSON(origin(at: error.offset), reason: error.reason.rawValue))
    }
  }

  func origin(line: Int) -> SettingOrigin { .file(path: path, line: line) }
  private func origin(at offset: Int) -> SettingOrigin { origin(line: line(at: offset)) }

  /// Lines count from 1.
  private func line(at offset: Int) -> Int { (newlines.firstIndex { $0 >= offset } ?? newlines.count) + 1 }

  private mutating func passObject(_ text: Span<UInt8>, prefix: String) throws(JSONError) {
    try scanner.expect(UInt8(ascii: "{"), text)
    if scanner.take(UInt8(ascii: "}"), text) { return }
    repeat {
      let slice = try scanner.string(text)
      try scanner.expect(UInt8(ascii: ":"), text)
      try passMember(prefix + slice.string(in: text), line: line(at: Int(slice.start)), text)
    } while scanner.take(UInt8(ascii: ","), text)
    try scanner.expect(UInt8(ascii: "}"), text)
  }

  private mutating func passMember(_ name: String, line: Int, _ text: Span<UInt8>) throws(JSONError) {
    if name == ServicesSection.key { return try passServices(line: line, text) }
    let key = SettingsTable.key(name)
    guard key != nil || SettingsTable.groups.contains(name) else {
      errors.append(.unknownKey(origin(line: line), key: Shown.text(name), nearest: Nearest.key(to: name)))
      _ = try scanner.value(text)
      return
    }
    if let firstLine = firstLines[name] {
      errors.append(.duplicateKey(origin(line: line), key: name, firstLine: firstLine))
    } else {
      firstLines[name] = line
    }
    if let key {
      try passValue(of: key, line: line, text)
    } else if scanner.peek(text) == UInt8(ascii: "{") {
      try passObject(text, prefix: name + ".")
    } else {
      let slice = try scanner.value(text)
      errors.append(
        .badValue(origin(line: line), key: name, expected: "an object of keys", found: Shown.slice(slice, in: text)))
    }
  }

  /// Names in there are free, so no key of the table is looked for.
  private mutating func passServices(line: Int, _ text: Span<UInt8>) throws(JSONError) {
    if let firstLine = firstLines[ServicesSection.key] {
      errors.append(.duplicateKey(origin(line: line), key: ServicesSection.key, firstLine: firstLine))
    } else {
      firstLines[ServicesSection.key] = line
    }
    try passNamed(ServicesSection.key, line, text) { file, name, line, text throws(JSONError) in
      file.services.add(name, line: line)
      try file.passNamed("services.\(name)", line, text) { file, option, line, text throws(JSONError) in
        let slice = try file.scanner.value(text)
        file.services.add(option: option, try Self.tree(of: slice, in: text), line: line)
      }
    }
  }

  /// - Throws: a member given twice, at its place in the whole text.
  private static func tree(of slice: JSONSlice, in text: Span<UInt8>) throws(JSONError) -> JSONValue {
    do throws(JSONError) {
      return try JSONValue(parsing: text.extracting(slice.outerRange))
    } catch {
      throw JSONError(error.reason, at: slice.outerRange.lowerBound + error.offset)
    }
  }

  /// Walks over an object whose names are free.
  private mutating func passNamed(
    _ key: String, _ line: Int, _ text: Span<UInt8>,
    _ member: (inout SettingsFile, String, Int, Span<UInt8>) throws(JSONError) -> Void
  ) throws(JSONError) {
    guard scanner.peek(text) == UInt8(ascii: "{") else {
      let found = Shown.slice(try scanner.value(text), in: text)
      errors.append(.badValue(origin(line: line), key: Shown.text(key), expected: "an object", found: found))
      return
    }
    try scanner.expect(UInt8(ascii: "{"), text)
    if scanner.take(UInt8(ascii: "}"), text) { return }
    repeat {
      let slice = try scanner.string(text)
      try scanner.expect(UInt8(ascii: ":"), text)
      try member(&self, slice.string(in: text), self.line(at: Int(slice.start)), text)
    } while scanner.take(UInt8(ascii: ","), text)
    try scanner.expect(UInt8(ascii: "}"), text)
  }

  private mutating func passValue(of key: SettingKey, line: Int, _ text: Span<UInt8>) throws(JSONError) {
    if case .texts = key.shape, scanner.peek(text) == UInt8(ascii: "[") {
      let start = scanner.position
      guard let list = try texts(text) else {
        return reject(JSONSlice(.array, start, scanner.position), for: key, at: line, text)
      }
      return accept(.texts(list.map(\.text)), for: key, line: line, elementLines: list.map(\.line))
    }
    let slice = try scanner.value(text)
    let valueLine = self.line(at: Int(slice.start))
    switch (key.shape, slice.kind) {
    case (.channelRules, .array): acceptRules(slice, for: key, line: line, text)
    case (.text, .string), (.choice, .string):
      accept(.text(slice.string(in: text)), for: key, line: line, elementLines: [valueLine])
    case (.bool, .true), (.bool, .false):
      accept(.bool(slice.kind == .true), for: key, line: line, elementLines: [valueLine])
    case (.whole, .number):
      guard let number = Int(String(text.extracting(slice.range))) else { fallthrough }
      accept(.whole(number), for: key, line: line, elementLines: [valueLine])
    default: reject(slice, for: key, at: valueLine, text)
    }
  }

  /// The strings of a list with their lines; nil, with the list passed, where an element is something else.
  private mutating func texts(_ text: Span<UInt8>) throws(JSONError) -> [(text: String, line: Int)]? {
    var elements: [(text: String, line: Int)] = []
    var allStrings = true
    try scanner.expect(UInt8(ascii: "["), text)
    if scanner.take(UInt8(ascii: "]"), text) { return elements }
    repeat {
      let slice = try scanner.value(text)
      allStrings = allStrings && slice.kind == .string
      if allStrings { elements.append((slice.string(in: text), line(at: Int(slice.start)))) }
    } while scanner.take(UInt8(ascii: ","), text)
    try scanner.expect(UInt8(ascii: "]"), text)
    return allStrings ? elements : nil
  }

  private mutating func accept(_ value: SettingValue, for key: SettingKey, line: Int, elementLines: [Int]) {
    if let fault = key.shape.firstFault(in: value) {
      let place = origin(line: elementLines.indices.contains(fault) ? elementLines[fault] : line)
      errors.append(key.badValue(value, element: fault, at: place))
    } else if entries[key.name] == nil {
      entries[key.name] = Entry(value: value, line: line)
    }
  }

  private mutating func acceptRules(_ slice: JSONSlice, for key: SettingKey, line: Int, _ text: Span<UInt8>) {
    let list = String(text.extracting(slice.range))
    let faults = ChannelRuleText(list).faults
    errors += faults.map { fault in
      .badRule(origin(at: Int(slice.start) + fault.offset), sentence: Shown.sentence(fault.sentence))
    }
    if faults.isEmpty, entries[key.name] == nil { entries[key.name] = Entry(value: .json(list), line: line) }
  }

  private mutating func reject(_ slice: JSONSlice, for key: SettingKey, at line: Int, _ text: Span<UInt8>) {
    let found = key.isSecret ? nil : Shown.slice(slice, in: text)
    errors.append(
      .badValue(origin(line: line), key: key.name, expected: key.shape.expectation, found: found))
  }
}

extension SettingKey {
  /// The error for a value, or for one element of a list, that breaks the rule of this key.
  func badValue(_ value: SettingValue, element: Int, at origin: SettingOrigin) -> SettingsError {
    let found: String
    if case .texts(let elements) = value, elements.indices.contains(element) {
      found = "\"\(Shown.text(elements[element]))\""
    } else {
      found = Shown.text(value.literal)
    }
    return .badValue(origin, key: name, expected: shape.expectation, found: isSecret ? nil : found)
  }
}

/// Foreign text inside of a message: short, and without control over the terminal.
enum Shown {
  static let maxCharacters = 80

  static func text(_ text: String) -> String {
    let short = String(text.prefix(maxCharacters))
    return Printable.escaped(short) + (short.utf8.count < text.utf8.count ? "…" : "")
  }

  /// A whole sentence of ours around a piece of foreign text.
  static func sentence(_ text: String) -> String { Printable.escaped(String(text.prefix(400))) }

  static func slice(_ slice: JSONSlice, in text: Span<UInt8>) -> String {
    switch slice.kind {
    case .object: "an object"
    case .array: "a list like that"
    default: Self.text(String(text.extracting(slice.outerRange)))
    }
  }
}
