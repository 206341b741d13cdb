// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What concerns the whole process: called once, before the first loop runs.
///
/// It has the name of its module, so `Reactor.Timer` does not name the timer; beside Foundation, which has a `Timer`
/// too, write `import class Reactor.Timer`.
public enum Reactor {
  /// Writing to a pipe or socket whose reader has gone is an error of that call, not the end of the process.
  public static func ignoreSIGPIPE() { signal(SIGPIPE, SIG_IGN) }

  /// Raises the limit of open descriptors as far as the process may (soft to hard).
  ///
  /// - Returns: the limit that holds now.
  @discardableResult
  public static func raiseDescriptorLimit() -> Int {
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    getrlimit(resource, &limit)
    var raised = limit
    raised.rlim_cur = limit.rlim_max
    if setrlimit(resource, &raised) == 0 { limit = raised }
    return Int(clamping: limit.rlim_cur)
  }

  /// How many descriptors are open, by /proc/self/fd; nil where there is none to be read.
  public static var openDescriptorCount: Int? {
    guard let directory = opendir("/proc/self/fd") else { return nil }
    defer { closedir(directory) }
    var count = 0
    while let entry = readdir(directory) {
      // Neither "." nor "..": the names are numbers.
      if entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 }
    }
    // One of them is the directory that is being read.
    return count - 1
  }
}
