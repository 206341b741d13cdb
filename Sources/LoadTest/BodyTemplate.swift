// SPDX-License-Identifier: Apache-2.0
import Bytes

/// The body of a publication with places for `%USER%`, `%CHANNEL%` and `%DATA%`.
struct BodyTemplate: Hashable, Sendable {
  private enum Piece: Hashable, Sendable {
    case text(String)
    case user, channel, data
  }
  private var pieces: [Piece] = []

  init(_ text: String) {
    let places: [(String, Piece)] = [("%USER%", .user), ("%CHANNEL%", .channel), ("%DATA%", .data)]
    var rest = text[...]
    while !rest.isEmpty {
      let found = places.compactMap { place in rest.range(ofFirst: place.0).map { (range: $0, piece: place.1) } }
      guard let first = found.min(by: { $0.range.lowerBound < $1.range.lowerBound }) else { break }
      pieces.append(.text(String(rest[..<first.range.lowerBound])))
      pieces.append(first.piece)
      rest = rest[first.range.upperBound...]
    }
    pieces.append(.text(String(rest)))
  }

  /// - Parameter data: a JSON value.
  func write(to writer: inout ByteWriter, data: [UInt8], user: String, channel: String) {
    for piece in pieces {
      switch piece {
      case .text(let text): writer.append(text)
      case .user: writer.append(user)
      case .channel: writer.append(channel)
      case .data: writer.append(data)
      }
    }
  }
}
