// SPDX-License-Identifier: Apache-2.0
import Bytes

/// One answer, read strictly: what a sloppy client would forgive is an error here.
struct Response: CustomStringConvertible {
  struct Field: Equatable {
    let name: String
    let value: String
  }
  let status: Int
  let reason: String
  let fields: [Field]
  var body: [UInt8] = []

  /// Behind the empty line that ends the head.
  static func headEnd(in bytes: [UInt8]) -> Int? {
    let end: [UInt8] = [13, 10, 13, 10]
    guard bytes.count >= 4 else { return nil }
    for index in 0...bytes.count - 4 where bytes[index] == 13 && bytes[index..<index + 4].elementsEqual(end) {
      return index + 4
    }
    return nil
  }

  init(head: [UInt8]) throws {
    let text = String(decoding: head.dropLast(4), as: UTF8.self)
    var lines = text.components(separatedBy: "\r\n")
    let statusLine = lines.removeFirst()
    let parts = statusLine.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "HTTP/1.1", parts[1].utf8.count == 3, let status = Int(parts[1]),
      !parts[2].isEmpty
    else { throw ClientError.malformed("status line \(statusLine.debugDescription)") }
    self.status = status
    reason = String(parts[2])
    fields = try lines.map { line in
      let colon = line.components(separatedBy: ": ")
      guard colon.count >= 2, !colon[0].isEmpty, !line.utf8.contains(10), !line.utf8.contains(13) else {
        throw ClientError.malformed("line \(line.debugDescription)")
      }
      return Field(name: colon[0], value: colon.dropFirst().joined(separator: ": "))
    }
    guard all("Content-Length").count <= 1, all("Content-Type").count <= 1, all("Date").count <= 1 else {
      throw ClientError.malformed("a field stands twice in \(text.debugDescription)")
    }
  }

  var hasBody: Bool { status >= 200 && status != 204 && status != 304 }
  var contentLength: Int? { self["Content-Length"].flatMap { Int($0) } }
  /// Whether this is the last answer of its connection.
  var closes: Bool { self["Connection"] == "close" }
  var text: String { String(decoding: body, as: UTF8.self) }

  /// The first value of that name.
  subscript(name: String) -> String? { all(name).first }

  func all(_ name: String) -> [String] {
    fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
  }

  /// The body as JSON; null where it is none, so that what is asked of it fails.
  var json: JSONValue { (try? JSONValue(parsing: body.span)) ?? .null }
  /// The messages of a Bayeux answer.
  var messages: [JSONValue] { json.elements ?? [] }

  var description: String {
    "\(status) \(reason) \(fields.map { "\($0.name): \($0.value)" }) \(text.prefix(2000))"
  }
}

extension String {
  /// The stretches between the separators; never empty.
  func components(separatedBy separator: String) -> [String] {
    var parts: [String] = []
    var rest = self[...]
    while let range = rest.firstRange(of: separator) {
      parts.append(String(rest[..<range.lowerBound]))
      rest = rest[range.upperBound...]
    }
    return parts + [String(rest)]
  }
}

extension JSONValue {
  var names: [String] { members?.map(\.name) ?? [] }
}
