// SPDX-License-Identifier: Apache-2.0
import BrokerSettings
import Bytes
import Dispatch
import Logging
import Synchronization
import Testing

@testable import broker_cli

private let moment = WallTime(secondsSince1970: 1_767_323_045, milliseconds: 78)

private func written(_ line: LogLine, _ format: LogFormat) -> String {
  String(decoding: line.bytes(as: format), as: UTF8.self)
}

@Test func aTextLineHasTimeLevelMessageAndSortedPairs() {
  let line = LogLine(
    time: moment, level: .info, message: "listening", metadata: ["shard": "2", "address": "127.0.0.1:8080"])
  #expect(written(line, .text) == "2026-01-02T03:04:05.078Z info listening address=127.0.0.1:8080 shard=2\n")
}

@Test func aJSONLineIsOneObject() throws {
  let line = LogLine(
    time: moment, level: .warning, message: "say \"hi\"",
    metadata: [
      "list": .array(["a", .stringConvertible(2)]), "map": .dictionary(["b": "c"]), "level": "mine",
    ])
  #expect(
    written(line, .json)
      == #"{"time":"2026-01-02T03:04:05.078Z","level":"warning","message":"say \"hi\"","level_":"mine","#
      + #""list":["a","2"],"map":{"b":"c"}}"# + "\n")
}

@Test(arguments: [
  ("", "\"\""), ("a b", "\"a b\""), ("a=b", "\"a=b\""), ("say \"hi\"", #""say \"hi\"""#), (#"C:\x"#, #""C:\\x""#),
  ("plain", "plain"), ("ä", "ä"),
]) func aValueThatIsNoPlainWordIsQuoted(value: String, shown: String) {
  let line = LogLine(time: moment, level: .info, message: "m", metadata: ["k": .string(value)])
  #expect(written(line, .text).hasSuffix(" m k=\(shown)\n"))
}

@Test(arguments: LogFormat.allCases) func whatAClientSaysStaysOnOneLineAndMovesNoCursor(format: LogFormat) throws {
  let hostile = "a\r\n2026-01-02 error forged\u{1B}[2J\u{9B}1A\u{202E}\u{2028}\u{7F}\u{0}"
  let line = LogLine(time: moment, level: .info, message: hostile, metadata: ["k\n\u{1B}": .string(hostile)])
  let text = written(line, format)
  #expect(text.hasSuffix("\n"))
  #expect(text.dropLast().unicodeScalars.allSatisfy { !Printable.isHidden($0) })
  if format == .json {
    #expect(try JSONValue(parsing: String(text.dropLast()))["message"]?.string == hostile, "nothing is lost in JSON")
  }
}

// MARK: handler

/// What a writer wrote.
private final class Sink: Sendable {
  let bytes = Mutex<[UInt8]>([])
  var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }
  func take(_ more: [UInt8]) { bytes.withLock { $0 += more } }
}

@Test func theHandlerMergesWhatItKnowsAndKeepsToItsLevel() {
  let sink = Sink()
  let writer = LogWriter(notice: { _ in [] }, sink: sink.take)
  var settings = LogSettings()
  settings.level = .notice
  var logger = Logger(label: "x") { _ in BrokerLogHandler(settings: settings, writer: writer, now: { moment }) }
  logger[metadataKey: "shard"] = "1"
  logger[metadataKey: "reason"] = "general"
  logger.info("not this")
  logger.notice("this", metadata: ["reason": "special"])
  #expect(writer.flush(within: .seconds(10)))
  #expect(sink.text == "2026-01-02T03:04:05.078Z notice this reason=special shard=1\n")
}

@Test(arguments: LogLevel.allCases) func everyLevelIsOneOfSwiftLog(level: LogLevel) {
  var settings = LogSettings()
  settings.level = level
  let handler = BrokerLogHandler(settings: settings, writer: LogWriter(notice: { _ in [] }, sink: { _ in }))
  #expect(handler.logLevel.rawValue == level.rawValue)
}

// MARK: writer

@Test func linesOfManyThreadsComeOutWhole() {
  let sink = Sink()
  let writer = LogWriter(notice: { _ in [] }, sink: sink.take)
  DispatchQueue.concurrentPerform(iterations: 8) { thread in
    for number in 0..<200 { writer.append(Array("\(thread) \(number)\n".utf8)) }
  }
  #expect(writer.flush(within: .seconds(10)))
  let lines = sink.text.split(separator: "\n").map(String.init)
  let wanted = Set((0..<8).flatMap { thread in (0..<200).map { "\(thread) \($0)" } })
  #expect(lines.count == 1600)
  #expect(Set(lines) == wanted)
  #expect(lines.filter { $0.hasPrefix("3 ") } == (0..<200).map { "3 \($0)" }, "in the order of their thread")
}

@Test func aReaderThatStopsCostsLinesAndNoWaiting() {
  let sink = Sink()
  let entered = DispatchSemaphore(value: 0)
  let released = DispatchSemaphore(value: 0)
  let writer = LogWriter(maxWaitingBytes: 100, notice: { Array("dropped \($0)\n".utf8) }) { bytes in
    entered.signal()
    released.wait()
    sink.take(bytes)
  }
  writer.append(Array("first\n".utf8))
  entered.wait()
  for _ in 0..<25 { writer.append(Array("0123456789".utf8)) }
  #expect(!writer.flush(within: .milliseconds(1)), "the sink is blocked, and flush says so")
  for _ in 0..<3 { released.signal() }
  #expect(writer.flush(within: .seconds(10)))
  #expect(sink.text == "first\n" + String(repeating: "0123456789", count: 10) + "dropped 15\n")
  for _ in 0..<2 { released.signal() }
  writer.append(Array("later\n".utf8))
  #expect(writer.flush(within: .seconds(10)))
  #expect(sink.text.hasSuffix("dropped 15\nlater\n"), "the count starts anew")
}
