// SPDX-License-Identifier: Apache-2.0
import Bytes

/// Writes requests as one client sends them: the head once per client, the bodies of Bayeux.
struct RequestWriter: Sendable {
  /// From the request line to the last fixed field, without cookies and length.
  private let start: [UInt8]
  private(set) var cookies = CookieJar()
  let usesAcknowledgements: Bool

  /// - Parameter fields: further lines, each `Name: value`.
  init(
    method: String = "POST", _ url: TargetURL, path: String? = nil, contentType: String, fields: [String],
    usesAcknowledgements: Bool = false
  ) {
    let lines =
      ["\(method) \(path ?? url.path) HTTP/1.1", "Host: \(url.authority)", "Content-Type: \(contentType)"] + fields
    start = Array(lines.map { $0 + "\r\n" }.joined().utf8)
    self.usesAcknowledgements = usesAcknowledgements
  }

  /// - Returns: whether requests look different now.
  mutating func take(cookie: Span<UInt8>) -> Bool { cookies.take(cookie) }

  mutating func inherit(_ jar: CookieJar) { cookies = jar }

  /// One whole request.
  func request(body: UnsafeRawBufferPointer, to writer: inout ByteWriter) {
    writer.append(start)
    if !cookies.header.isEmpty {
      writer.append("Cookie: ")
      writer.append(cookies.header)
      writer.append("\r\n")
    }
    writer.append("Content-Length: ")
    writer.append(decimal: body.count)
    writer.append("\r\n\r\n")
    writer.append(body)
  }

  func request(body: [UInt8]) -> [UInt8] {
    var writer = ByteWriter(capacity: start.count + cookies.header.count + body.count + 64)
    body.withUnsafeBytes { request(body: $0, to: &writer) }
    return writer.array
  }
}

/// The messages that a client sends, as JSON.
enum BayeuxBody {
  static func handshake(id: Int, connectionType: String, acknowledgements: Bool) -> String {
    let ext = acknowledgements ? #","ext":{"ack":true}"# : ""
    return
      #"[{"id":"\#(id)","version":"1.0","minimumVersion":"1.0","channel":"/meta/handshake","#
      + #""supportedConnectionTypes":["\#(connectionType)"],"advice":{"timeout":60000,"interval":0}\#(ext)}]"#
  }

  /// One message per channel: every server takes that, and not every one takes an array of channels.
  static func subscribe(id: Int, channels: [String], clientID: [UInt8]) -> String {
    let client = JSONValue.string(String(decoding: clientID, as: UTF8.self)).text
    let messages = channels.enumerated().map { index, channel in
      #"{"id":"\#(id + index)","channel":"/meta/subscribe","subscription":\#(JSONValue.string(channel).text),"#
        + #""clientId":\#(client)}"#
    }
    return "[\(messages.joined(separator: ","))]"
  }

  static func firstConnect(id: Int, connectionType: String, clientID: [UInt8]) -> String {
    let client = JSONValue.string(String(decoding: clientID, as: UTF8.self)).text
    return
      #"[{"id":"\#(id)","channel":"/meta/connect","connectionType":"\#(connectionType)","advice":{"timeout":0},"#
      + #""clientId":\#(client)}]"#
  }
}

/// The poll of one client, built once: from one to the next only the id changes, and the acknowledged batch.
struct PollRequest: Sendable {
  private(set) var bytes: [UInt8]
  private let idOffset: Int
  private let acknowledgedOffset: Int?
  static let idDigits = 7
  /// A number may not begin with zeros, but blanks may follow it.
  static let acknowledgedDigits = 10

  /// - Parameter frame: puts what stands in front of the body, given the body.
  init(clientID: [UInt8], connectionType: String, acknowledgements: Bool, frame: ([UInt8]) -> [UInt8]) {
    let client = JSONValue.string(String(decoding: clientID, as: UTF8.self)).text
    let zeros = String(repeating: "0", count: Self.idDigits)
    let head = #"[{"id":""#
    var body = head + zeros
    body += #"","channel":"/meta/connect","connectionType":"\#(connectionType)","clientId":\#(client)"#
    var acknowledgedAt: Int?
    if acknowledgements {
      body += #","ext":{"ack":"#
      acknowledgedAt = body.utf8.count
      body += "0" + String(repeating: " ", count: Self.acknowledgedDigits - 1) + "}"
    }
    body += "}]"
    bytes = frame(Array(body.utf8))
    let start = bytes.count - body.utf8.count
    idOffset = start + head.utf8.count
    acknowledgedOffset = acknowledgedAt.map { $0 + start }
  }

  /// Makes it the request with that id.
  mutating func set(id: Int, acknowledged: Int) {
    var rest = id
    for at in stride(from: idOffset + Self.idDigits - 1, through: idOffset, by: -1) {
      bytes[at] = UInt8(truncatingIfNeeded: rest % 10) + 0x30
      rest /= 10
    }
    guard let offset = acknowledgedOffset else { return }
    var digits = Array(String(acknowledged).utf8.prefix(Self.acknowledgedDigits))
    digits += Array(repeating: 0x20, count: Self.acknowledgedDigits - digits.count)
    bytes.replaceSubrange(offset..<offset + Self.acknowledgedDigits, with: digits)
  }
}
