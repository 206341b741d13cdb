// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

/// SplitMix64: a failing seed can be run again.
private struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

private let seeds: [[UInt8]] = [
  "GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nT: u\r\n\r\n",
  "\r\nPUT http://a/b HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
  "OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
].map { Array($0.utf8) }

/// What a careless or malicious sender puts where it does not belong.
private let splinters: [[UInt8]] = [
  "\r", "\n", "\r\n", "\r\n\r\n", " ", "\t", ":", ";", ",", "0", "F", "\u{0}", "\u{7F}", "\u{E9}", "Host: b\r\n",
  "Content-Length: 1\r\n", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n", "GET / HTTP/1.1\r\n", "9999999999999999999",
].map { Array($0.utf8) }

private func mutate(_ bytes: inout [UInt8], using generator: inout SeededGenerator) {
  for _ in 0..<Int.random(in: 1...3, using: &generator) {
    let at = Int.random(in: 0..<max(1, bytes.count), using: &generator)
    switch Int.random(in: 0..<5, using: &generator) {
    case 0 where !bytes.isEmpty: bytes[at] = UInt8.random(in: .min ... .max, using: &generator)
    case 1 where !bytes.isEmpty: bytes.remove(at: at)
    case 2: bytes.insert(contentsOf: splinters.randomElement(using: &generator) ?? [], at: min(at, bytes.count))
    case 3: bytes.append(contentsOf: seeds.randomElement(using: &generator) ?? [])
    default: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 0...4, using: &generator)))
    }
  }
}

/// 100,000 broken requests in all: none may trap, and none may fare otherwise in pieces than whole. One in sixteen comes
/// byte by byte, the others cut at three random places.
@Test(arguments: 1...8 as ClosedRange<UInt64>)
func brokenRequestsFareTheSameInPiecesAndWhole(seed: UInt64) {
  var generator = SeededGenerator(state: seed)
  var limits = HTTPLimits()
  limits.maxRequestLineBytes = 48
  limits.maxHeadBytes = 128
  limits.maxHeaders = 4
  limits.maxBodyBytes = 6
  limits.maxChunkLineBytes = 8
  limits.maxTrailerBytes = 16
  var faults: Set<HTTPFault> = []
  var accepted = 0
  for round in 0..<12_500 {
    var bytes = seeds[round % seeds.count]
    mutate(&bytes, using: &generator)
    let whole = Feed.outcome(of: bytes, cuts: [], limits: limits)
    let cuts =
      round % 16 == 0
      ? Array(0..<bytes.count) : (0..<3).map { _ in Int.random(in: 0...bytes.count, using: &generator) }.sorted()
    let pieces = Feed.outcome(of: bytes, cuts: cuts, limits: limits)
    if whole != pieces {
      Issue.record("round \(round): \(bytes), cut at \(cuts): \(pieces), whole: \(whole)")
      return
    }
    accepted += whole.requests.count
    if let fault = whole.fault { faults.insert(fault) }
  }
  #expect(accepted > 1000, "the mutations must not break everything")
  #expect(faults.count > 20, "nor too little")
}
