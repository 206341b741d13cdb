// SPDX-License-Identifier: Apache-2.0

/// Where a request ends, by a reader that knows RFC 9112 and no shortcut: whole input, one pass, lines as arrays. It
/// judges framing alone and refuses whatever two readers could take in two ways.
enum PlainFraming {
  struct Request {
    let body: [UInt8]
    /// Behind its last byte.
    let end: Int
  }

  static func request(in input: [UInt8], from start: Int) -> Request? {
    var reader = Lines(input: input, at: start)
    guard var line = reader.line() else { return nil }
    if line.isEmpty {
      guard let second = reader.line() else { return nil }
      line = second
    }
    let words = line.split(separator: 0x20, omittingEmptySubsequences: false)
    guard words.count == 3, words.allSatisfy({ !$0.isEmpty }) else { return nil }
    guard let fields = reader.fields() else { return nil }
    let lengths = fields.filter { $0.name == "content-length" }.map(\.value)
    let encodings = fields.filter { $0.name == "transfer-encoding" }.map(\.value)
    if encodings.isEmpty {
      guard lengths.count <= 1 else { return nil }
      return sized(reader, lengths.first ?? "0")
    }
    let isModern = words[2].elementsEqual("HTTP/1.1".utf8)
    guard isModern, lengths.isEmpty, encodings.map({ $0.lowercased() }) == ["chunked"] else { return nil }
    return chunked(reader)
  }

  private static func sized(_ reader: Lines, _ length: String) -> Request? {
    guard !length.isEmpty, length.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int(length),
      count <= reader.input.count - reader.at
    else { return nil }
    let end = reader.at + count
    return Request(body: Array(reader.input[reader.at..<end]), end: end)
  }

  private static func chunked(_ lines: Lines) -> Request? {
    var reader = lines
    var body: [UInt8] = []
    while true {
      guard let line = reader.line() else { return nil }
      let digits = line.prefix { $0 != UInt8(ascii: ";") }
      let text = String(decoding: digits, as: UTF8.self)
      guard digits.allSatisfy({ $0 < 0x80 && Character(Unicode.Scalar($0)).isHexDigit }),
        let size = Int(text, radix: 16)
      else { return nil }
      if size == 0 { break }
      guard size <= reader.input.count - reader.at else { return nil }
      body += reader.input[reader.at..<reader.at + size]
      reader.at += size
      guard reader.line()?.isEmpty == true else { return nil }
    }
    guard reader.fields() != nil else { return nil }
    return Request(body: body, end: reader.at)
  }

  /// Lines that end in CRLF and hold neither CR nor LF.
  struct Lines {
    let input: [UInt8]
    var at: Int

    mutating func line() -> [UInt8]? {
      let rest = input[at...]
      guard let feed = rest.firstIndex(of: 10), feed > at, input[feed - 1] == 13 else { return nil }
      let line = Array(input[at..<feed - 1])
      at = feed + 1
      return line.contains(13) ? nil : line
    }

    /// The field lines up to and with the empty line, names in lower case.
    mutating func fields() -> [(name: String, value: String)]? {
      var fields: [(name: String, value: String)] = []
      while let line = line() {
        if line.isEmpty { return fields }
        let name = line.prefix { $0 != UInt8(ascii: ":") }
        guard name.count < line.count, !name.isEmpty, !line.contains(0) else { return nil }
        guard !name.contains(where: { $0 <= 0x20 || $0 >= 0x7F }) else { return nil }
        var value = line[(name.endIndex + 1)...]
        while let first = value.first, first == 0x20 || first == 0x09 { value.removeFirst() }
        while let last = value.last, last == 0x20 || last == 0x09 { value.removeLast() }
        fields.append((String(decoding: name, as: UTF8.self).lowercased(), String(decoding: value, as: UTF8.self)))
      }
      return nil
    }
  }
}
