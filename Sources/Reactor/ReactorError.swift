// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Every way in which this layer refuses; ``description`` is the sentence for the operator.
///
/// An `Int32` is an `errno` (errno(3)).
public enum ReactorError: Error, Hashable, Sendable {
  /// Another socket listens there (EADDRINUSE).
  case addressInUse(SocketAddress)
  /// The address is none of this machine's (EADDRNOTAVAIL).
  case addressNotLocal(SocketAddress)
  /// The port needs a privilege that the process has not (EACCES).
  case addressForbidden(SocketAddress)
  /// A socket could not be made, bound or made to listen, for any other reason.
  case cannotListen(SocketAddress, Int32)
  /// No connection can be accepted for now: descriptors or memory ran out (EMFILE, ENFILE, ENOBUFS, ENOMEM).
  case cannotAccept(SocketAddress, Int32)
  /// A connection could not even be begun.
  case cannotConnect(SocketAddress, Int32)
  /// Not a port: 0 to 65535.
  case badPort(Int)
  /// Neither an address nor a name that resolves; the resolver's reason.
  case unknownHost(String, String)
  case noEventLoop(Int32)
  case noMailbox(Int32)
  case noThread(String, Int32)
  /// The kernel will not watch a descriptor or signal (epoll_ctl(2), sigaction(2)).
  case cannotWatch(Int32)
  /// The descriptor to adopt is not a listening TCP socket.
  case notAListener(Int32)
  /// Another loop of this process already receives signals.
  case signalsTaken
}

extension ReactorError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .addressInUse(let address): "\(address): address in use; is another broker running?"
    case .addressNotLocal(let address): "\(address): not an address of this machine"
    case .addressForbidden(let address): "\(address): not permitted; ports below 1024 need a privilege"
    case .cannotListen(let address, let code): "\(address): cannot listen: \(Self.text(of: code))"
    case .cannotAccept(let address, let code): "\(address): cannot accept connections: \(Self.text(of: code))"
    case .cannotConnect(let address, let code): "\(address): cannot connect: \(Self.text(of: code))"
    case .badPort(let port): "\(port): not a port; a port is 0 to 65535"
    case .unknownHost(let host, let reason): "\(host): unknown host: \(reason)"
    case .noEventLoop(let code): "cannot make an event loop: \(Self.text(of: code))"
    case .noMailbox(let code): "cannot make a mailbox: \(Self.text(of: code))"
    case .noThread(let name, let code): "cannot start the thread \(name): \(Self.text(of: code))"
    case .cannotWatch(let code): "the kernel will not watch a descriptor or signal: \(Self.text(of: code))"
    case .notAListener(let descriptor): "descriptor \(descriptor) is not a listening TCP socket"
    case .signalsTaken: "another event loop of this process already receives signals"
    }
  }

  /// The system's text of an `errno`, with its number where the text is missing.
  static func text(of code: Int32) -> String {
    guard let text = strerror(code) else { return "error \(code)" }
    return String(cString: text)
  }

  /// What a failed socket(2), bind(2) or listen(2) for `address` means.
  static func listening(_ address: SocketAddress, _ code: Int32) -> ReactorError {
    switch code {
    case EADDRINUSE: .addressInUse(address)
    case EADDRNOTAVAIL: .addressNotLocal(address)
    case EACCES: .addressForbidden(address)
    default: .cannotListen(address, code)
    }
  }
}
