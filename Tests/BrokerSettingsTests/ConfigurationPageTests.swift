// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import BrokerSettings

/// To write the page anew after a change of the table: `make docs`, which sets this variable.
private let rewrites = ProcessInfo.processInfo.environment["REWRITE_DOCS"] == "1"

@Test func thePageOfSettingsIsWhatTheTableSays() throws {
  let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  let page = repository.appending(path: "Docs/Configuration.md")
  if rewrites { try Data(ConfigurationPage.markdown.utf8).write(to: page) }
  let written = try String(decoding: Data(contentsOf: page), as: UTF8.self)
  #expect(written == ConfigurationPage.markdown, "run `make docs`")
}

@Test func thePageHasEveryKeyOnceWithVariableAndFlag() {
  let lines = ConfigurationPage.markdown.split(separator: "\n")
  for key in SettingsTable.keys {
    let rows = lines.filter { $0.hasPrefix("| `\(key.name)`<br>`\(key.environmentName)`") }
    #expect(rows.count == 1)
    if let flag = key.flag { #expect(rows.first?.contains("`\(flag)`") == true) }
  }
}

@Test func theExampleOfThePageIsAValidFile() throws {
  let page = ConfigurationPage.markdown
  let start = try #require(page.range(of: "```json\n")).upperBound
  let end = try #require(page.range(of: "```\n", range: start..<page.endIndex)).lowerBound
  let file = SettingsFile(parsing: Array(page[start..<end].utf8), path: "example")
  #expect(file.errors == [])
  #expect(file.entries.count == 4)
}
