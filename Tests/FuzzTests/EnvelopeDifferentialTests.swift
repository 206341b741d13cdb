// SPDX-License-Identifier: Apache-2.0
import FuzzInvariants
import Testing

/// The scanner of envelopes against the strict reader, on requests that are generated and then broken.
struct EnvelopeDifferentialTests {
  static let documentsPerSeed = 2500

  @Test(arguments: 1...6 as ClosedRange<UInt64>)
  func verdictAndPlacesAreThoseOfTheStrictReader(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var accepted = 0
    for number in 0..<Self.documentsPerSeed {
      var document = Array(EnvelopeText.batch(using: &generator).utf8)
      if number % 3 != 0 { Mutation.apply(to: &document, with: [document], using: &generator) }
      if let violation = CorpusTests.violation(.envelope, document) {
        let text = String(decoding: document, as: UTF8.self)
        Issue.record("seed \(seed), document \(number): \(violation): \(text), \(document)")
        return
      }
      if StrictJSON.value(of: document) != nil { accepted += 1 }
    }
    let isOfAllKinds = accepted > 300 && accepted < Self.documentsPerSeed - 300
    #expect(isOfAllKinds, "\(accepted) of \(Self.documentsPerSeed) documents are strict JSON")
  }

  @Test(arguments: [
    "null", "true", "false", "0", "-0", "-12.5e+3", "1E9", "\"\"", #""\ud83d\ude00\"\\\/\b\f\n\r\tA""#, "[]", "{}",
    " [ 1 , {\"a\" : [ ] } ]\r\n\t", "{\"a\":1,\"a\":2}", "\"é日😀\u{7F}\"", #""\ud800""#,
  ])
  func strictReaderAccepts(_ text: String) {
    #expect(StrictJSON.value(of: Array(text.utf8)) != nil)
  }

  @Test(arguments: [
    "", " ", "nul", "True", "+1", "01", "-", "1.", ".5", "1e", "1e+", "0x1", "1 2", "\"", "'a'", "\"\n\"", #""\x""#,
    #""\u12""#, #""\u12g4""#, "[1,]", "[,1]", "[1 2]", "[", "]", "[}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}",
    "{1:1}", "{} {}", "\u{FEFF}1", "\u{A0}1", "//\n1", "NaN", "１",
  ])
  func strictReaderRefuses(_ text: String) {
    #expect(StrictJSON.value(of: Array(text.utf8)) == nil)
  }

  @Test(arguments: [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82]] as [[UInt8]])
  func strictReaderRefusesWhatIsNotUTF8(_ bytes: [UInt8]) {
    #expect(StrictJSON.value(of: [0x22] + bytes + [0x22]) == nil)
  }
}

/// Bayeux requests as clients write them, good ones and careless ones.
enum EnvelopeText {
  private static let channels = [
    #""/meta/handshake""#, #""/meta/connect""#, #""\/meta\/connect""#, #""/meta/subscribe""#, #""/meta/unsubscribe""#,
    #""/meta/disconnect""#, #""/meta/c\u006fnnect""#, #""/a/b""#, #""/service/x""#, #""/é""#, "1", "null",
  ]
  private static let names = [
    "channel", "clientId", "id", "subscription", "data", "ext", "advice", #"ch\u0061nnel"#, #"\u0064ata"#, #"e\u0078t"#,
    "version", "connectionType", "x", "", "é", #"\n"#, "datas", "Ext",
  ]
  private static let scalars = [
    "0", "-1", "12.5", "6e-2", "true", "false", "null", #""""#, #""a""#, #""é日本😀""#, #""\ud83d\ude00""#, #""\udc00""#,
    #""\u0041\n\\\"\/""#, #""a longer run of plain characters""#,
  ]
  private static let spaces = ["", "", "", " ", "\n", "\t\r\n "]

  /// Mostly an array of messages, sometimes one message, seldom something else.
  static func batch(using generator: inout SeededGenerator) -> String {
    switch Int.random(in: 0..<10, using: &generator) {
    case 0: return value(depth: 3, using: &generator)
    case 1, 2: return pick(spaces, &generator) + message(using: &generator) + pick(spaces, &generator)
    default:
      let count = Int.random(in: 0...4, using: &generator)
      let messages = (0..<count).map { _ in message(using: &generator) }
      return list("[", messages, "]", using: &generator)
    }
  }

  private static func message(using generator: inout SeededGenerator) -> String {
    let count = Int.random(in: 0...6, using: &generator)
    let members = names.shuffled(using: &generator).prefix(count).map { name in
      let isChannel = name == "channel" || name.hasPrefix("ch")
      let value = isChannel ? pick(channels, &generator) : value(depth: 3, using: &generator)
      return "\"\(name)\"\(pick(spaces, &generator)):\(value)"
    }
    return list("{", members, "}", using: &generator)
  }

  static func value(depth: Int, using generator: inout SeededGenerator) -> String {
    let isScalar = depth == 0 || Int.random(in: 0..<3, using: &generator) > 0
    if isScalar { return pick(spaces, &generator) + pick(scalars, &generator) }
    let count = Int.random(in: 0...3, using: &generator)
    let values = (0..<count).map { _ in value(depth: depth - 1, using: &generator) }
    if Bool.random(using: &generator) { return list("[", values, "]", using: &generator) }
    return list("{", values.map { "\"\(pick(names, &generator))\":\($0)" }, "}", using: &generator)
  }

  /// One in eight has a comma behind its last element.
  private static func list(
    _ open: String, _ elements: [String], _ close: String, using generator: inout SeededGenerator
  ) -> String {
    let comma = Int.random(in: 0..<8, using: &generator) == 0 ? "," : ""
    let space = pick(spaces, &generator)
    return open + space + elements.joined(separator: space + ",") + comma + space + close
  }

  private static func pick(_ from: [String], _ generator: inout SeededGenerator) -> String {
    from[Int.random(in: 0..<from.count, using: &generator)]
  }
}
