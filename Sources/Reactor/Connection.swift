// SPDX-License-Identifier: Apache-2.0
public import Bytes
internal import CLibevent
import Glibc

/// A connected stream socket on one loop. The layer above subclasses it, so that a connection stores no closures and
/// one that only waits owns no buffer: an object of some 60 bytes and one libevent event.
///
/// Reading stays armed for the connection's whole life, so a peer that hangs up is noticed at once, also while it waits
/// for an answer. Writing is tried at once; only what the kernel does not take is kept, and only then is the kernel asked
/// to tell when it takes more. A request and its answer thus cost one read(2) and one send(2), and nothing else.
///
/// The loop keeps an open connection alive. Any callback may close this connection, or any other.
open class Connection {
  public final let loop: EventLoop
  private final var descriptor: Int32
  private final var hasReadEnd = false
  private final var isPaused = false
  private final var reading: Watch!
  /// What must be remembered of a connection in trouble; nil for nearly all of them at nearly all times.
  private final var output: Output?

  /// Takes over a connected socket that does not block; the descriptor is owned from here, also where it throws.
  ///
  /// A socket whose connect(2) is still in progress may be adopted too: what is sent waits for it, and its failure is
  /// the reason of ``closed(_:)``.
  ///
  /// The loop may call back as soon as this returns, so a subclass throws, if at all, before it calls it.
  ///
  /// - Throws: ``ReactorError/cannotWatch(_:)``.
  public init(on loop: EventLoop, adopting descriptor: Int32) throws(ReactorError) {
    self.loop = loop
    self.descriptor = descriptor
    reading = Watch(loop, descriptor, EV_READ | EV_PERSIST, context: self) { _, _, context in
      Watch.target(context, Connection.self).readable()
    }
    do throws(ReactorError) {
      try reading.start()
    } catch {
      reading.free()
      Glibc.close(descriptor)
      throw error
    }
    // The one retain for the registered event; `release` gives it back.
    _ = Unmanaged.passRetained(self)
  }

  // MARK: What a subclass is told, always by the loop

  /// Bytes came. They lie in the loop's scratch and are gone when this returns.
  open func received(_ bytes: Span<UInt8>) {}

  /// The peer sent its end (FIN); it may still read. Nothing more will be received. By default the connection closes;
  /// whoever overrides this to answer first sees to it that the connection is closed later.
  open func readEnded() { close(.peerClosed) }

  /// The connection is over. Exactly once, whoever ended it, but not after ``detach()``; nothing is called after it.
  /// It comes from the loop, or from inside ``close(_:)`` and its graceful sister; never from inside ``send(_:)``.
  open func closed(_ reason: CloseReason) {}

  /// All that was pending has been written. Not called where ``send(_:)`` could write everything itself.
  open func drained() {}

  // MARK: Its state

  /// Whether it was closed or detached.
  public final var isClosed: Bool { descriptor < 0 }

  /// Bytes that the kernel has not taken yet. Whoever sends unasked must look at it: nothing here bounds it.
  public final var pendingBytes: Int { output?.count ?? 0 }

  /// How much the kernel has taken since bytes are pending; 0 while none are. It grows as long as the peer reads.
  public final var progressBytes: Int { output?.writtenBytes ?? 0 }

  /// Whom we talk to; asked of the kernel each time. nil where it is closed or no internet socket.
  public final var peerAddress: SocketAddress? { SocketAddress(peerOf: descriptor) }

  /// Our end, as the peer addresses it.
  public final var localAddress: SocketAddress? { SocketAddress(localOf: descriptor) }

  // MARK: Reading

  /// Stops reading until ``resumeReading()``; the peer is slowed down by its own kernel. A hang-up is not noticed
  /// meanwhile, unless by writing.
  public final func pauseReading() {
    guard !isClosed, !isPaused, output?.acceptsBytes ?? true else { return }
    isPaused = true
    if !hasReadEnd { reading.stop() }
  }

  public final func resumeReading() {
    guard !isClosed, isPaused else { return }
    isPaused = false
    if !hasReadEnd { startReading() }
  }

  private final func startReading() {
    do throws(ReactorError) { try reading.start() } catch { fail(error) }
  }

  private final func readable() {
    if let failure = output?.failure { return close(failure) }
    let scratch = loop.readScratch
    let count = read(descriptor, scratch.baseAddress, scratch.count)
    if count > 0 {
      if let farewell = output?.farewell { return drop(count, farewell) }
      received(UnsafeBufferPointer(rebasing: scratch.bindMemory(to: UInt8.self)[..<count]).span)
    } else if count == 0 {
      // The end would be readable for ever.
      hasReadEnd = true
      reading.stop()
      if let farewell = output?.farewell { return peerEnded(farewell) }
      readEnded()
    } else {
      // With EINTR and EAGAIN the kernel tells us again.
      let code = errno
      if code != EAGAIN && code != EINTR { close(CloseReason(errno: code)) }
    }
  }

  // MARK: Writing

  /// Sends `bytes` now, or as soon as the kernel takes them, after all that was sent before.
  ///
  /// Where the connection turns out to be broken the bytes are dropped, and ``closed(_:)`` comes later, from the loop:
  /// a caller that walks over many connections loses none under its feet. Nothing happens on a closed connection and
  /// after ``closeAfterDraining(_:by:dropping:)``.
  public final func send(_ bytes: UnsafeRawBufferPointer) {
    guard !isClosed, bytes.count > 0 else { return }
    if let output {
      if output.acceptsBytes { output.append(bytes[...]) }
      return
    }
    switch write(bytes) {
    case .taken(let count):
      if count < bytes.count { keep(bytes[count...]) }
    case .failed(let code): fail(CloseReason(errno: code))
    }
  }

  public final func send(_ bytes: [UInt8]) { bytes.withUnsafeBytes { send($0) } }

  private enum Written {
    case taken(Int)
    case failed(Int32)
  }

  /// One send(2); a full socket takes nothing.
  private final func write(_ bytes: UnsafeRawBufferPointer) -> Written {
    while true {
      let count = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      if count >= 0 { return .taken(count) }
      let code = errno
      if code == EAGAIN { return .taken(0) }
      if code != EINTR { return .failed(code) }
    }
  }

  private final func keep(_ bytes: Slice<UnsafeRawBufferPointer>) {
    let output = Output()
    output.append(bytes)
    let writing = Watch(loop, descriptor, EV_WRITE | EV_PERSIST, context: self) { _, _, context in
      Watch.target(context, Connection.self).writable()
    }
    output.writing = writing
    self.output = output
    do throws(ReactorError) { try writing.start() } catch { fail(error) }
  }

  private final func writable() {
    guard let output else { return }
    switch output.withPending({ write($0) }) {
    case .taken(let count):
      output.remove(count)
      if output.count > 0 { return }
      output.stopWriting()
      if let farewell = output.farewell { return sayEnd(farewell) }
      self.output = nil
      drained()
    case .failed(let code): close(CloseReason(errno: code))
    }
  }

  /// The connection is broken, and whoever called us is not to be called back: the loop closes it later.
  private final func fail(_ reason: CloseReason) {
    let output = output ?? Output()
    self.output = output
    if output.failure != nil { return }
    output.fail(reason)
    reading.activate()
  }

  private final func fail(_ error: ReactorError) {
    if case .cannotWatch(let code) = error { fail(.ioError(code)) }
  }

  // MARK: Ending

  /// Ends it now; what is pending is lost. Calls ``closed(_:)`` before it returns.
  public final func close(_ reason: CloseReason) {
    guard !isClosed else { return }
    Glibc.close(unregister())
    loop.descriptorFreed()
    closed(reason)
    Unmanaged.passUnretained(self).release()
  }

  /// Ends it in peace: sends what is pending, says that no more comes (FIN), and reads and drops what the peer still
  /// sends until it ends too. Closing at once would make the kernel throw the answer away where the peer still sends.
  ///
  /// Nothing is received any more. ``closed(_:)`` tells `reason`, or what went wrong before everything was sent.
  ///
  /// - Parameters:
  ///   - deadline: when it ends in any case.
  ///   - maxDroppedBytes: what the peer may still send before it ends in any case.
  public final func closeAfterDraining(
    _ reason: CloseReason = .local("done"), by deadline: Instant,
    dropping maxDroppedBytes: Int = ReactorLimits.droppedBytes
  ) {
    guard !isClosed, !isEnding else { return }
    let output = output ?? Output()
    self.output = output
    if output.failure != nil { return }
    let timer = Timer(on: loop) { [unowned self] in deadlinePassed() }
    timer.schedule(at: deadline)
    let farewell = Farewell(reason, timer: timer, droppableBytes: maxDroppedBytes)
    output.farewell = farewell
    resumeReading()
    if output.count == 0 { sayEnd(farewell) }
  }

  /// Takes the socket off this loop without closing it, for another loop to adopt. ``closed(_:)`` is not called.
  ///
  /// - Precondition: it is open and nothing is pending, since what is pending would be lost.
  /// - Returns: the descriptor, the caller's from now on. What the peer sent and nobody read is still in it.
  public final func detach() -> Int32 {
    precondition(!isClosed && pendingBytes == 0, "detached while closed, or with output pending")
    defer { Unmanaged.passUnretained(self).release() }
    return unregister()
  }

  private final var isEnding: Bool { output?.farewell != nil }

  /// Frees everything that is registered; the descriptor is the caller's.
  private final func unregister() -> Int32 {
    defer { descriptor = -1 }
    reading.free()
    output?.stopWriting()
    output = nil
    return descriptor
  }

  private final func sayEnd(_ farewell: Farewell) {
    shutdown(descriptor, Int32(SHUT_WR))
    if hasReadEnd { close(farewell.reason) }
  }

  private final func drop(_ count: Int, _ farewell: Farewell) {
    farewell.droppableBytes -= count
    if farewell.droppableBytes < 0 { close(farewell.reason) }
  }

  private final func peerEnded(_ farewell: Farewell) {
    if pendingBytes == 0 { close(farewell.reason) }
  }

  private final func deadlinePassed() {
    guard let farewell = output?.farewell else { return }
    close(pendingBytes == 0 ? farewell.reason : .stalled)
  }
}
