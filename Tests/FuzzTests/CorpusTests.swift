// SPDX-License-Identifier: Apache-2.0
import Foundation
import FuzzInvariants
import Testing

/// What the fuzzer starts from, and what it found once, held against the same invariants without it.
struct CorpusTests {
  struct Sample: Sendable {
    let name: String
    let bytes: [UInt8]
  }

  static func samples(of target: FuzzTarget) throws -> [Sample] {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let directory = root.appending(path: "Fuzz/Corpus/\(target.rawValue)")
    return try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
      .sorted { $0.lastPathComponent < $1.lastPathComponent }
      .map { Sample(name: $0.lastPathComponent, bytes: Array(try Data(contentsOf: $0))) }
  }

  /// What is broken by an input; nil if nothing is.
  static func violation(_ target: FuzzTarget, _ input: [UInt8]) -> String? {
    do throws(Violation) {
      try target.check(input)
      return nil
    } catch {
      return error.sentence
    }
  }

  @Test(arguments: FuzzTarget.allCases)
  func everySampleKeepsTheInvariants(_ target: FuzzTarget) throws {
    let samples = try Self.samples(of: target)
    #expect(samples.count >= 6)
    for sample in samples {
      let violation = Self.violation(target, sample.bytes)
      #expect(violation == nil, "\(sample.name)")
    }
  }

  /// A little of what the fuzzer does, the same on every machine.
  @Test(arguments: FuzzTarget.allCases)
  func brokenSamplesKeepTheInvariants(_ target: FuzzTarget) throws {
    let samples = try Self.samples(of: target)
    for (index, sample) in samples.enumerated() {
      for round in 0..<(target == .settings ? 20 : 60) {
        let seed = UInt64(index * 1000 + round)
        var generator = SeededGenerator(seed: seed)
        var input = sample.bytes
        Mutation.apply(to: &input, with: samples.map(\.bytes), using: &generator)
        if let violation = Self.violation(target, input) {
          Issue.record("\(sample.name), seed \(seed), \(input): \(violation)")
          return
        }
      }
    }
  }
}
