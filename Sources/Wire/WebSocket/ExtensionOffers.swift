// SPDX-License-Identifier: Apache-2.0
import Bytes

/// What a client offers in `Sec-WebSocket-Extensions` (RFC 6455 section 9.1):
/// `name; parameter; parameter=value, name …`, in one field or in several.
enum ExtensionOffers {
  /// How permessage-deflate is agreed to. A server may set both parameters unasked (RFC 7692 section 7.1.1).
  static let deflateAnswer: StaticString =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

  /// Whether one of the offers is a permessage-deflate that ``deflateAnswer`` answers.
  ///
  /// - Throws: ``UpgradeFault/badExtensions`` for a field of another grammar, also where no extension is wanted.
  static func includeDeflate(_ head: RequestHead, in text: Span<UInt8>) throws(UpgradeFault) -> Bool {
    var isFound = false
    for field in head.values(of: "sec-websocket-extensions", in: text) {
      var reader = ExtensionReader(at: field.lowerBound, end: field.upperBound)
      while let name = try reader.nextName(text) {
        var offer = DeflateOffer(isDeflate: ASCII.equal(text.extracting(name), "permessage-deflate"))
        while let parameter = try reader.nextParameter(text) {
          let value = parameter.value.map { ASCII.decimal(text.extracting($0)) ?? -1 }
          offer.take(text.extracting(parameter.name), value)
        }
        isFound = isFound || offer.isAcceptable
      }
    }
    return isFound
  }
}

/// An offer of permessage-deflate, parameter by parameter (RFC 7692 section 7.1).
private struct DeflateOffer {
  private(set) var isAcceptable: Bool
  private var seen: UInt8 = 0

  init(isDeflate: Bool) { isAcceptable = isDeflate }

  /// - Parameter value: nil where there is none, -1 where it is no number.
  mutating func take(_ name: Span<UInt8>, _ value: Int?) {
    var bit: UInt8 = 0
    if ASCII.equal(name, "server_no_context_takeover"), value == nil { bit = 1 }
    if ASCII.equal(name, "client_no_context_takeover"), value == nil { bit = 2 }
    // Says that the client could use a smaller window, which we need not make use of. The same for the server would
    // bind us: such an offer is declined, as is one with a parameter twice or with one that is not known.
    if ASCII.equal(name, "client_max_window_bits"), value.map({ (8...15).contains($0) }) ?? true { bit = 4 }
    if bit == 0 || seen & bit != 0 { isAcceptable = false }
    seen |= bit
  }
}

/// Walks through the elements of a field. Empty elements are passed over (RFC 9110 section 5.6.1.2).
private struct ExtensionReader {
  var at: Int
  let end: Int

  /// The name of the next offer, from the begin of the field or behind the last parameter.
  mutating func nextName(_ text: Span<UInt8>) throws(UpgradeFault) -> Range<Int>? {
    repeat { skipBlanks(text) } while take(UInt8(ascii: ","), text)
    return at == end ? nil : try token(text)
  }

  /// The next parameter of the current offer; nil behind its last.
  mutating func nextParameter(
    _ text: Span<UInt8>
  ) throws(UpgradeFault) -> (name: Range<Int>, value: Range<Int>?)? {
    skipBlanks(text)
    guard take(UInt8(ascii: ";"), text) else {
      guard at == end || text[at] == UInt8(ascii: ",") else { throw .badExtensions }
      return nil
    }
    skipBlanks(text)
    let name = try token(text)
    skipBlanks(text)
    guard take(UInt8(ascii: "="), text) else { return (name, nil) }
    skipBlanks(text)
    guard take(UInt8(ascii: "\""), text) else { return (name, try token(text)) }
    // What is quoted has to be a token too, so that there are no escapes.
    let value = try token(text)
    guard take(UInt8(ascii: "\""), text) else { throw .badExtensions }
    return (name, value)
  }

  private mutating func skipBlanks(_ text: Span<UInt8>) {
    while at < end, Characters.isBlank(text[at]) { at += 1 }
  }

  private mutating func take(_ byte: UInt8, _ text: Span<UInt8>) -> Bool {
    guard at < end, text[at] == byte else { return false }
    at += 1
    return true
  }

  private mutating func token(_ text: Span<UInt8>) throws(UpgradeFault) -> Range<Int> {
    let start = at
    while at < end, Characters.token.contains(text[at]) { at += 1 }
    if at == start { throw .badExtensions }
    return start..<at
  }
}
