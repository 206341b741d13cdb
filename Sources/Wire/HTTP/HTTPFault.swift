// SPDX-License-Identifier: Apache-2.0

/// Every way in which a request can be refused before anybody looked at what it asks for.
///
/// The framing of the connection is lost with it: the answer is the last one, and the connection closes.
public enum HTTPFault: Error, Hashable, Sendable, CaseIterable {
  case badRequestLine, badTarget, connectRefused, versionNotSupported, requestLineTooLong
  case bareLineFeed, bareCarriageReturn, controlCharacter, obsoleteFolding
  case badHeader, badHeaderName, spaceBeforeColon, headTooLarge, tooManyHeaders
  case missingHost, secondHost, badHost
  case twoContentLengths, badContentLength, lengthAndEncoding, unsupportedTransferEncoding, encodingInHTTP10
  case badChunk, chunkLineTooLong, badTrailer, trailersTooLarge, bodyTooLarge
  case expectationFailed
  /// Not found by the parser but by the clock of its owner, see ``HTTPLimits/headTimeout``.
  case timeout

  /// The status of the answer.
  public var status: Int { row.status }

  /// What to tell the client, without a full stop.
  public var sentence: String { row.sentence }

  private var row: (status: Int, sentence: String) {
    switch self {
    case .badRequestLine: (400, "The request line is not 'METHOD target HTTP/1.1'")
    case .badTarget: (400, "The request target is neither a path, '*' of OPTIONS nor an http address")
    case .connectRefused: (400, "This server is no proxy")
    case .versionNotSupported: (505, "Only HTTP/1.1 and HTTP/1.0 are spoken here")
    case .requestLineTooLong: (414, "The request line is too long")
    case .bareLineFeed: (400, "A line ends in LF without CR")
    case .bareCarriageReturn: (400, "CR stands without LF")
    case .controlCharacter: (400, "A header value holds a control character")
    case .obsoleteFolding: (400, "A header line begins with white space")
    case .badHeader: (400, "A header line has no colon")
    case .badHeaderName: (400, "A header name is empty or no token")
    case .spaceBeforeColon: (400, "White space stands between a header name and its colon")
    case .headTooLarge: (431, "The header fields are too large")
    case .tooManyHeaders: (431, "There are too many header fields")
    case .missingHost: (400, "The Host field is missing")
    case .secondHost: (400, "There is more than one Host field")
    case .badHost: (400, "The Host field is no host with an optional port")
    case .twoContentLengths: (400, "There is more than one Content-Length")
    case .badContentLength: (400, "The Content-Length is no decimal number of bytes")
    case .lengthAndEncoding: (400, "Content-Length and Transfer-Encoding exclude each other")
    case .unsupportedTransferEncoding: (400, "The Transfer-Encoding is not 'chunked'")
    case .encodingInHTTP10: (400, "HTTP/1.0 has no Transfer-Encoding")
    case .badChunk: (400, "A chunk of the body is malformed")
    case .chunkLineTooLong: (400, "A chunk's size line is too long")
    case .badTrailer: (400, "A trailer field is malformed")
    case .trailersTooLarge: (431, "The trailer fields are too large")
    case .bodyTooLarge: (413, "The body is too large")
    case .expectationFailed: (417, "The only expectation known here is '100-continue'")
    case .timeout: (408, "The request did not arrive in time")
    }
  }
}

/// Every way in which a form, a query string or a multipart body can be malformed. The framing of the connection holds.
public enum FormError: Error, Hashable, Sendable, CaseIterable {
  case badEscape, notUTF8, tooManyFields
  case badBoundary, missingDelimiter, badDelimiter, unfinished
  case badPartHead, partHeadTooLarge, badDisposition, nested, encodedPart

  /// What to tell the client, without a full stop.
  public var sentence: String {
    switch self {
    case .badEscape: "A '%' is not followed by two hexadecimal digits"
    case .notUTF8: "The text is not UTF-8"
    case .tooManyFields: "There are too many fields"
    case .badBoundary: "The boundary is not one of 1 to 70 permitted characters"
    case .missingDelimiter: "The boundary does not occur in the body"
    case .badDelimiter: "A boundary line holds more than the boundary"
    case .unfinished: "The last boundary is missing"
    case .badPartHead: "The header of a part is malformed"
    case .partHeadTooLarge: "The header of a part is too large"
    case .badDisposition: "A part has no 'Content-Disposition: form-data' with exactly one name"
    case .nested: "A part is a multipart body itself"
    case .encodedPart: "A part has a Content-Transfer-Encoding"
    }
  }
}

/// Every way in which the path of a request can be malformed.
public enum PathError: Error, Hashable, Sendable, CaseIterable {
  case notAbsolute, badEscape, notUTF8, controlCharacter, dotSegment

  /// What to tell the client, without a full stop.
  public var sentence: String {
    switch self {
    case .notAbsolute: "The path does not begin with '/'"
    case .badEscape: "A '%' is not followed by two hexadecimal digits"
    case .notUTF8: "The path is not UTF-8"
    case .controlCharacter: "The path holds a control character"
    case .dotSegment: "The path holds a '.' or '..' segment"
    }
  }
}
