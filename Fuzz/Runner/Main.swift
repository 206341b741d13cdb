// SPDX-License-Identifier: Apache-2.0
import FuzzInvariants

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Which target is fuzzed: `FUZZ_TARGET` is the name of one.
private let target: FuzzTarget = {
  let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
  guard let target = FuzzTarget(rawValue: name) else {
    let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")
    print("FUZZ_TARGET must be one of \(names), not \"\(name)\"")
    exit(2)
  }
  return target
}()

/// What the fuzzer calls with every input that it thinks up. A broken invariant ends the process, upon which the fuzzer
/// writes the input to a file.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = Array(UnsafeBufferPointer(start: start, count: count))
  do throws(Violation) {
    try target.check(input)
  } catch {
    print("broken invariant of \(target.rawValue): \(error.sentence)")
    fflush(nil)
    abort()
  }
  return 0
}
