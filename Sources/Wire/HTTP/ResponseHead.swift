// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// Facts of the answers' side: reason phrases and the room that a head needs.
public enum ResponseHead {
  /// Headroom of a ``Bytes/ByteWriter`` in which any usual head finds room; a longer one costs a copy of the body.
  public static let recommendedHeadroom = 1024

  /// The whole interim answer to `Expect: 100-continue`.
  public static let `continue`: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"

  /// The reason phrase of a status; empty for one that is not in use here, which the grammar permits.
  public static func reason(_ status: Int) -> StaticString {
    switch status {
    case 100: "Continue"
    case 101: "Switching Protocols"
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 204: "No Content"
    case 301: "Moved Permanently"
    case 302: "Found"
    case 303: "See Other"
    case 304: "Not Modified"
    case 307: "Temporary Redirect"
    case 308: "Permanent Redirect"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 402: "Payment Required"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 406: "Not Acceptable"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 410: "Gone"
    case 411: "Length Required"
    case 412: "Precondition Failed"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 415: "Unsupported Media Type"
    case 417: "Expectation Failed"
    case 421: "Misdirected Request"
    case 422: "Unprocessable Content"
    case 426: "Upgrade Required"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 507: "Insufficient Storage"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    default: ""
    }
  }

  /// Whether an answer of this status has a body (RFC 9110 section 6.4.1).
  public static func hasBody(_ status: Int) -> Bool { status >= 200 && status != 204 && status != 304 }
}

extension ByteWriter {
  /// Puts the head of a response in front of the body that the writer holds, so that both leave in one system call.
  ///
  /// Nothing is allocated while the head fits the headroom. A body written for a status that has none (1xx, 204, 304) is
  /// dropped, for it would be taken for the next answer.
  ///
  /// - Parameters:
  ///   - status: three digits.
  ///   - contentType: nil where there is no body.
  ///   - fields: further lines `Name: value\r\n`. That no value in them breaks a line is the caller's duty, see
  ///     ``HeaderText/isSafe(_:)-(String)``.
  ///   - date: the value of `Date`, such as `Sun, 10 Jun 2012 08:30:10 GMT`; empty to leave it out.
  ///   - keepsAlive: whether the connection stays; for 1xx nothing is said of it.
  ///   - minorVersion: that of the request. To 1.0 it must be said that a connection stays, to 1.1 that it does not.
  ///   - bodyBytes: the Content-Length, where the body is not (or not all) in the writer: the answer to HEAD.
  public mutating func prependHead(
    status: Int, contentType: StaticString?, fields: [UInt8], date: [UInt8], keepsAlive: Bool, minorVersion: Int,
    bodyBytes: Int?
  ) {
    precondition((100...999).contains(status), "a status has three digits")
    if !ResponseHead.hasBody(status) { truncate(to: 0) }
    let head = ResponseLines(
      status: status, contentType: contentType, fields: fields, date: date, keepsAlive: keepsAlive,
      minorVersion: minorVersion, bodyBytes: ResponseHead.hasBody(status) ? bodyBytes ?? count : nil)
    if head.maxBytes <= headroomLeft { return head.prepend(to: &self) }
    let body = array
    clear()
    var room = ByteWriter(capacity: head.maxBytes + 1, headroom: head.maxBytes)
    head.prepend(to: &room)
    append(room.bytes)
    append(body)
  }
}

/// A head before it is written, from its last line to its first.
private struct ResponseLines {
  let status: Int
  let contentType: StaticString?
  let fields: [UInt8]
  let date: [UInt8]
  let keepsAlive: Bool
  let minorVersion: Int
  let bodyBytes: Int?

  /// At least what the head takes: the fixed texts below are less than 160 bytes together.
  var maxBytes: Int {
    160 + ResponseHead.reason(status).utf8CodeUnitCount + (contentType?.utf8CodeUnitCount ?? 0) + fields.count
      + date.count
  }

  private var connection: StaticString {
    if status < 200 { return "" }
    if !keepsAlive { return "Connection: close\r\n" }
    return minorVersion == 0 ? "Connection: keep-alive\r\n" : ""
  }

  func prepend(to writer: inout ByteWriter) {
    writer.prepend("\r\n")
    writer.prepend(connection)
    if let bodyBytes {
      writer.prepend("\r\n")
      writer.prepend(decimal: bodyBytes)
      writer.prepend("Content-Length: ")
    }
    fields.withUnsafeBytes { writer.prepend($0) }
    if let contentType {
      writer.prepend("\r\n")
      writer.prepend(contentType)
      writer.prepend("Content-Type: ")
    }
    if !date.isEmpty {
      writer.prepend("\r\n")
      date.withUnsafeBytes { writer.prepend($0) }
      writer.prepend("Date: ")
    }
    writer.prepend("\r\n")
    writer.prepend(ResponseHead.reason(status))
    writer.prepend(" ")
    writer.prepend(decimal: status)
    writer.prepend("HTTP/1.1 ")
  }
}

extension ByteWriter {
  fileprivate mutating func prepend(_ text: StaticString) {
    prepend(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// - Precondition: `value` is not negative.
  fileprivate mutating func prepend(decimal value: Int) {
    var rest = value
    repeat {
      withUnsafeBytes(of: UInt8(rest % 10) + UInt8(ascii: "0")) { prepend($0) }
      rest /= 10
    } while rest > 0
  }
}

/// Text that is to stand in a header field.
public enum HeaderText {
  /// Whether `text` can be a field value as it is: no line break, no NUL, no other control but TAB.
  public static func isSafe(_ text: String) -> Bool {
    for byte in text.utf8 where !Characters.isFieldText(byte) { return false }
    return true
  }

  /// Whether these bytes can be a field value as they are.
  public static func isSafe(_ bytes: Span<UInt8>) -> Bool {
    for index in bytes.indices where !Characters.isFieldText(bytes[index]) { return false }
    return true
  }
}
