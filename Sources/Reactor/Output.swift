// SPDX-License-Identifier: Apache-2.0

/// What a connection remembers while it cannot simply send: bytes that wait, a goodbye under way, a failure to report.
/// It exists only as long as there is one of them.
final class Output {
  private var bytes: [UInt8] = []
  /// How much of `bytes` has been written.
  private var offset = 0
  /// How much has been written since something waits.
  private(set) var writtenBytes = 0
  /// Armed while bytes wait.
  var writing: Watch?
  var farewell: Farewell?
  /// Why the loop will close the connection.
  private(set) var failure: CloseReason?

  var count: Int { bytes.count - offset }

  var acceptsBytes: Bool { farewell == nil && failure == nil }

  func append(_ more: Slice<UnsafeRawBufferPointer>) {
    // What was written is given up when it is the larger part, so each byte is moved at most once on average.
    if offset > bytes.count / 2 {
      bytes.removeFirst(offset)
      offset = 0
    }
    bytes.append(contentsOf: more)
  }

  func withPending<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[offset...])) }
  }

  func remove(_ written: Int) {
    offset += written
    writtenBytes += written
  }

  func stopWriting() {
    writing?.free()
    writing = nil
    bytes = []
    offset = 0
  }

  func fail(_ reason: CloseReason) {
    stopWriting()
    failure = reason
  }
}

/// A connection that is being closed in peace.
final class Farewell {
  let reason: CloseReason
  /// Ends it at its deadline; it dies with this object.
  private let timer: Timer
  var droppableBytes: Int

  init(_ reason: CloseReason, timer: Timer, droppableBytes: Int) {
    self.reason = reason
    self.timer = timer
    self.droppableBytes = droppableBytes
  }
}
