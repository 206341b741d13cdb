// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Why a connection ended.
public enum CloseReason: Hashable, Sendable {
  /// The peer sent its end (FIN) and nobody wanted to answer any more.
  case peerClosed
  /// The peer, or something on the way, tore the connection down (ECONNRESET, EPIPE).
  case peerReset
  /// The peer did not read what it was owed before the deadline of `closeAfterDraining`.
  case stalled
  /// We ended it; a word for counters and logs. A literal costs no allocation.
  case local(String)
  /// The system call failed with this `errno`.
  case ioError(Int32)

  /// What a failed read(2) or send(2) means.
  init(errno code: Int32) {
    switch code {
    case ECONNRESET, EPIPE: self = .peerReset
    default: self = .ioError(code)
    }
  }
}

extension CloseReason: CustomStringConvertible {
  public var description: String {
    switch self {
    case .peerClosed: "closed by the peer"
    case .peerReset: "reset by the peer"
    case .stalled: "the peer does not read"
    case .local(let label): label
    case .ioError(let code): ReactorError.text(of: code)
    }
  }
}
