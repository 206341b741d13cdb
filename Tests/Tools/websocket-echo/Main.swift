// SPDX-License-Identifier: Apache-2.0
import Glibc
import Reactor

/// `websocket-echo [port]`: what the conformance suite for WebSocket talks to (`Scripts/autobahn.sh`). It says on standard
/// output where it listens on the loopback interface, on a port of the kernel's choice if none is given.
@main
enum Main {
  /// The largest message of the suite is 16 MiB.
  static let maxMessageBytes = 32 * 1024 * 1024

  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard arguments.count <= 1, let port = Int(arguments.first ?? "0") else {
      write(line: "usage: websocket-echo [port]", to: 2)
      exit(2)
    }
    let loop = try EventLoop()
    let memory = EchoMemory(maxMessageBytes: maxMessageBytes)
    let listener = try Listener(on: loop, address: SocketAddress(host: "127.0.0.1", port: port)) { descriptor, _ in
      // Out of memory for this one alone; its peer sees it closed.
      _ = try? EchoConnection(on: loop, adopting: descriptor, memory: memory)
    }
    write(line: "listening on \(listener.localAddress)", to: 1)
    loop.run { .wait }
    listener.close()
  }

  /// Past the buffer of the C library, which holds lines back where the output is a pipe.
  private static func write(line: String, to descriptor: Int32) {
    let bytes = Array("\(line)\n".utf8)
    _ = Glibc.write(descriptor, bytes, bytes.count)
  }
}
