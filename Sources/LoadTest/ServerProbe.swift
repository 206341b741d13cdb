// SPDX-License-Identifier: Apache-2.0
import Bytes
import Glibc
import Reactor

/// What /proc tells of the server's processes at one moment (proc_pid_stat(5)).
public struct ServerSample: Hashable, Sendable {
  public var cpu = Duration.zero
  public var residentBytes = 0
  public var threads = 0
}

enum ServerProbe {
  /// Of all processes together; nil where one of them is gone.
  static func sample(_ pids: [Int]) -> ServerSample? {
    guard !pids.isEmpty else { return nil }
    var sum = ServerSample()
    for pid in pids {
      guard let text = read("/proc/\(pid)/stat"), let one = parse(text) else { return nil }
      sum.cpu += one.cpu
      sum.residentBytes += one.residentBytes
      sum.threads += one.threads
    }
    return sum
  }

  /// One `stat` line. The name in brackets may hold anything, brackets too.
  static func parse(_ line: String) -> ServerSample? {
    guard let name = line.lastIndex(of: ")") else { return nil }
    let fields = line[line.index(after: name)...].split(separator: " ")
    // Counted from the state, which is field 3 of the manual.
    guard fields.count > 21, let user = Int(fields[11]), let system = Int(fields[12]), let threads = Int(fields[17]),
      let pages = Int(fields[21])
    else { return nil }
    let ticks = sysconf(Int32(_SC_CLK_TCK))
    let cpu = Duration.nanoseconds(Int64(user + system) * 1_000_000_000 / Int64(max(1, ticks)))
    return ServerSample(cpu: cpu, residentBytes: pages * sysconf(Int32(_SC_PAGESIZE)), threads: threads)
  }

  private static func read(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = Glibc.read(descriptor, &buffer, buffer.count)
    return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
  }
}
