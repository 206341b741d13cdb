// SPDX-License-Identifier: Apache-2.0
import Bytes
internal import CLibevent
import Glibc

/// Accepts connections on one loop, a bounded number per turn.
///
/// Where the process is out of descriptors or memory it rests instead of spinning: until a connection of its loop is
/// closed, somebody calls ``descriptorFreed()``, or a pause has passed. Connections wait in the kernel meanwhile.
/// It stops when closed or released, and its callbacks may do either.
public final class Listener {
  public struct Options: Sendable {
    /// Shares the address with other sockets that share it (SO_REUSEPORT). See ``ListenerGroup`` for why not to start
    /// with this one.
    public var reusePort: Bool
    /// See ``ReactorLimits/backlog``.
    public var backlog: Int
    /// See ``ReactorLimits/acceptsPerTurn``.
    public var acceptsPerTurn: Int

    public init(
      reusePort: Bool = false, backlog: Int = ReactorLimits.backlog,
      acceptsPerTurn: Int = ReactorLimits.acceptsPerTurn
    ) {
      self.reusePort = reusePort
      self.backlog = backlog
      self.acceptsPerTurn = acceptsPerTurn
    }
  }

  private enum State {
    case listening, paused, closed
    /// Out of descriptors; the timer ends the rest.
    case resting(Timer)
  }

  /// Where it listens; the real port where 0 was asked for.
  public let localAddress: SocketAddress
  /// Told once when accepting fails for want of descriptors or memory, and again only after it has worked in between.
  public var onExhausted: ((ReactorError) -> Void)?

  private let loop: EventLoop
  private let descriptor: Int32
  private let acceptsPerTurn: Int
  private let accept: (Int32, SocketAddress) -> Void
  private var watch: Watch!
  private var state = State.paused
  private var nextPause = ReactorLimits.firstAcceptPause
  private var isExhausted = false

  /// Listens on `address`.
  ///
  /// - Parameter accept: owns the descriptor from the call on. It does not block, is closed on exec and has TCP_NODELAY.
  /// - Throws: ``ReactorError/addressInUse(_:)`` and its relatives for listening; ``ReactorError/cannotWatch(_:)``.
  public convenience init(
    on loop: EventLoop, address: SocketAddress, options: Options = Options(),
    accept: @escaping (_ descriptor: Int32, _ peer: SocketAddress) -> Void
  ) throws(ReactorError) {
    let descriptor = try ListeningSocket.open(address, isShared: options.reusePort, backlog: options.backlog)
    try self.init(on: loop, adopting: descriptor, options: options, accept: accept)
  }

  /// Accepts on a socket that listens already, of a ``ListenerGroup``. Owns the descriptor, also where it throws.
  public init(
    on loop: EventLoop, adopting descriptor: Int32, options: Options = Options(),
    accept: @escaping (_ descriptor: Int32, _ peer: SocketAddress) -> Void
  ) throws(ReactorError) {
    guard let address = SocketAddress(localOf: descriptor) else {
      Glibc.close(descriptor)
      throw .notAListener(descriptor)
    }
    self.loop = loop
    self.descriptor = descriptor
    self.accept = accept
    localAddress = address
    acceptsPerTurn = max(1, options.acceptsPerTurn)
    watch = Watch(loop, descriptor, EV_READ | EV_PERSIST, context: self) { _, _, context in
      Listener.acceptSome(context)
    }
    // Where it throws, deinit closes the descriptor.
    try watch.start()
    state = .listening
  }

  deinit { close() }

  /// Accepts nothing until ``resume()``; the kernel completes connections up to the backlog.
  public func pause() {
    if case .closed = state { return }
    leaveState()
    state = .paused
  }

  public func resume() {
    guard case .paused = state else { return }
    listen()
  }

  /// A descriptor was freed somewhere: tries again now, where it rests.
  public func descriptorFreed() {
    guard case .resting = state else { return }
    leaveState()
    listen()
  }

  public func close() {
    if case .closed = state { return }
    leaveState()
    state = .closed
    watch.free()
    Glibc.close(descriptor)
  }

  private func listen() {
    do throws(ReactorError) {
      try watch.start()
      state = .listening
    } catch {
      rest()
    }
  }

  private func leaveState() {
    switch state {
    case .listening: watch.stop()
    case .resting: loop.stopWaiting(for: self)
    case .paused, .closed: break
    }
  }

  /// Stops listening for a while. The timer goes with the state that holds it.
  private func rest() {
    leaveState()
    let timer = Timer(on: loop) { [unowned self] in descriptorFreed() }
    timer.schedule(at: loop.now + nextPause)
    nextPause = min(nextPause * 2, ReactorLimits.longestAcceptPause)
    state = .resting(timer)
    loop.wait(for: self)
  }

  private static func acceptSome(_ context: UnsafeMutableRawPointer?) {
    // Held by nobody between two connections, so that a callback which releases the listener ends it there and then.
    weak let listener = Watch.target(context, Listener.self)
    var left = listener?.acceptsPerTurn ?? 0
    while left > 0, listener?.acceptOne() == true { left -= 1 }
  }

  /// - Returns: whether the next connection may be tried at once.
  private func acceptOne() -> Bool {
    var accepted: Int32 = -1
    var code: Int32 = 0
    let peer = SocketAddress { address, length in
      accepted = accept4(descriptor, address, &length, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
      if accepted < 0 { code = errno }
    }
    if accepted < 0 { return acceptFailed(code) }
    isExhausted = false
    nextPause = ReactorLimits.firstAcceptPause
    if let peer { accept(accepted, peer) } else { Glibc.close(accepted) }
    // The callback may have paused or closed us.
    if case .listening = state { return true }
    return false
  }

  /// - Returns: whether the next connection may be tried at once.
  private func acceptFailed(_ code: Int32) -> Bool {
    switch code {
    case EAGAIN: return false
    // The connection died while it waited, or the network did (accept(2), "Error handling"): its alone.
    case EINTR, ECONNABORTED, EPERM, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP,
      ENETUNREACH:
      return true
    // EMFILE, ENFILE, ENOBUFS, ENOMEM; and what should not be, which must not spin either.
    default:
      rest()
      if !isExhausted {
        isExhausted = true
        onExhausted?(.cannotAccept(localAddress, code))
      }
      return false
    }
  }
}
