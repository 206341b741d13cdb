// SPDX-License-Identifier: Apache-2.0
import Bytes
import Foundation
import Testing

/// The scanner against Foundation's parser, on seeded random documents and on documents broken at random.
struct JSONDifferentialTests {
  static let documentsPerSeed = 4000

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func verdictIsThatOfFoundation(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var counts = (accepted: 0, refused: 0, excused: 0)
    for number in 0..<Self.documentsPerSeed {
      var document = Array(Self.value(depth: 4, using: &generator).utf8)
      if number % 4 != 0 { Self.mutate(&document, using: &generator) }
      let ours = fault(document) == nil
      let theirs = (try? JSONSerialization.jsonObject(with: Data(document), options: .fragmentsAllowed)) != nil
      if ours { counts.accepted += 1 } else { counts.refused += 1 }
      if ours != theirs, Self.isKnownDifference(document, ours: ours) {
        counts.excused += 1
        continue
      }
      #expect(ours == theirs, "seed \(seed), document \(number): \(String(decoding: document, as: UTF8.self))")
    }
    #expect(counts.excused < Self.documentsPerSeed / 50, "\(counts)")
    #expect(counts.accepted > 300 && counts.refused > 300, "the documents must not be all of one kind: \(counts)")
  }

  /// The tree is the one that Foundation builds: numbers, strings, elements in order, and members.
  @Test(arguments: [11, 12] as [UInt64])
  func treeIsThatOfFoundation(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for number in 0..<400 {
      let text = Self.value(depth: 4, using: &generator)
      let theirs = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
      let ours = try JSONValue(parsing: text)
      #expect(Self.same(ours, theirs), "seed \(seed), document \(number): \(text)")
    }
  }

  /// Where Foundation is known to judge otherwise:
  /// - it refuses an escaped surrogate without its other half, for its strings can not hold one; RFC 8259 section 8.2
  ///   lets a text carry it, and the broker only passes it on;
  /// - it refuses numbers beyond `Double`, RFC 8259 section 6 does not;
  /// - it accepts a comma before the brace that ends an object, RFC 8259 section 4 does not.
  static func isKnownDifference(_ document: [UInt8], ours: Bool) -> Bool {
    let pattern = ours ? #"\\u[dD]|[eE]\+?[0-9]{3}"# : #",\s*\}"#
    return String(decoding: document, as: UTF8.self).range(of: pattern, options: .regularExpression) != nil
  }

  // MARK: documents

  static let strings = [
    "", "a", "channel", "/meta/connect", "é", "日本", "😀", #"\n"#, #"\""#, #"\\"#, #"\/"#, #"\u0041"#, #"\u00e9"#,
    #"\ud83d\ude00"#, "a longer run of plain characters", "quote at the end of a word \\\"",
  ]
  static let names = ["", "a", "channel", "é", "日本😀", #"\n\""#, #"\u0042"#, #"\ud83d\ude00"#, "a longer name"]
  static let numbers = ["0", "-0", "1", "-1", "12", "3.25", "-0.5", "1e3", "2E-2", "6.02e+23", "123456789"]
  static let spaces = ["", "", "", " ", "\n", "\t", "\r\n  "]

  static func value(depth: Int, using generator: inout SeededGenerator) -> String {
    func pick(_ from: [String]) -> String { from[Int.random(in: 0..<from.count, using: &generator)] }
    let space = pick(spaces)
    switch Int.random(in: 0..<(depth > 0 ? 9 : 6), using: &generator) {
    case 0: return space + "true"
    case 1: return "false" + space
    case 2: return space + "null"
    case 3, 4: return pick(numbers) + space
    case 5: return "\"\(pick(strings))\(pick(strings))\""
    case 6, 7:
      let names = names.shuffled(using: &generator).prefix(Int.random(in: 0...4, using: &generator))
      let members = names.map { "\"\($0)\"\(space):" + value(depth: depth - 1, using: &generator) }
      return "{" + space + members.joined(separator: "," + space) + "}"
    default:
      let count = Int.random(in: 0...4, using: &generator)
      let elements = (0..<count).map { _ in value(depth: depth - 1, using: &generator) }
      return "[" + space + elements.joined(separator: space + ",") + "]"
    }
  }

  static let bytes: [UInt8] =
    Array("\"\\{}[]:,.+-eE0123456789tfnul /\n\t\u{1}\u{1F}abdu*'".utf8) + [0x80, 0xC3, 0xE2, 0xFF, 0x7F]

  /// One to three bytes changed, taken out, put in, or a piece repeated elsewhere.
  static func mutate(_ document: inout [UInt8], using generator: inout SeededGenerator) {
    for _ in 0..<Int.random(in: 1...3, using: &generator) {
      let at = Int.random(in: 0...document.count, using: &generator)
      let byte = bytes[Int.random(in: 0..<bytes.count, using: &generator)]
      switch Int.random(in: 0..<5, using: &generator) {
      case 0 where at < document.count: document[at] = byte
      case 1 where at < document.count: document.remove(at: at)
      case 2 where at < document.count:
        let end = Int.random(in: at..<min(document.count, at + 8), using: &generator)
        document.insert(contentsOf: document[at...end], at: Int.random(in: 0...document.count, using: &generator))
      case 3 where at > 0: document.removeLast(document.count - at)
      default: document.insert(byte, at: at)
      }
    }
  }

  // MARK: comparing trees

  static func same(_ ours: JSONValue, _ theirs: Any) -> Bool {
    switch ours {
    case .null: return theirs is NSNull
    case .bool(let value): return (theirs as? NSNumber)?.boolValue == value
    case .number(let text): return (theirs as? NSNumber)?.doubleValue == Double(text)
    case .string(let text): return (theirs as? String).map { Array($0.utf8) } == Array(text.utf8)
    case .array(let elements):
      guard let others = theirs as? [Any], others.count == elements.count else { return false }
      return zip(elements, others).allSatisfy { same($0, $1) }
    case .object(let members):
      guard let others = theirs as? [String: Any], others.count == members.count else { return false }
      return members.allSatisfy { member in others[member.name].map { same(member.value, $0) } ?? false }
    }
  }
}
