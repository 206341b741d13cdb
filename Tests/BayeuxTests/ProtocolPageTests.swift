// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Foundation
import Testing

/// Docs/Protocol.md against the tables of the code.
struct ProtocolPageTests {
  private func page() throws -> String {
    let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return try String(decoding: Data(contentsOf: repository.appending(path: "Docs/Protocol.md")), as: UTF8.self)
  }

  @Test func everyErrorStandsOnThePage() throws {
    let errors = try #require(try page().components(separatedBy: "## Errors").last)
    for error in BayeuxError.allCases { #expect(errors.contains("`\(error.text)`"), "\(error.text)") }
  }

  @Test func noErrorStandsOnThePageThatIsNone() throws {
    let errors = try #require(try page().components(separatedBy: "## Errors").last)
    let known = Set(BayeuxError.allCases.map(\.text))
    for match in errors.matches(of: /`(\d{3}:[^`<]*:[a-z_ ]+)`/) { #expect(known.contains(String(match.1))) }
  }

  @Test func theCharactersOfAChannelAreThoseOfThePage() throws {
    let line = try #require(try page().split(separator: "\n").first { $0.hasPrefix("A channel is a name of segments") })
    let marks = try #require(line.split(separator: "`").last { $0.contains("!") })
    let named = Set(marks.split(separator: " ").joined().utf8)
    for byte in UInt8(0x21)..<0x7F where byte != UInt8(ascii: "/") && byte != UInt8(ascii: "*") {
      let isAlphanumeric = Unicode.Scalar(byte).properties.isAlphabetic || (0x30...0x39).contains(byte)
      let name = "/a" + String(Unicode.Scalar(byte)) + "b"
      #expect((Channel(name) != nil) == (isAlphanumeric || named.contains(byte)), "\(name)")
    }
  }
}
