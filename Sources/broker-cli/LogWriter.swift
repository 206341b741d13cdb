// SPDX-License-Identifier: Apache-2.0
import Bytes
import Dispatch
import Synchronization

/// Takes log lines from any thread without ever making it wait, and writes them from a thread of its own.
///
/// What nobody reads piles up here only to a bound; beyond it lines are dropped and counted, and the count is logged
/// once there is room again.
final class LogWriter: Sendable {
  /// Bytes that wait to be written: some ten thousand lines.
  static let defaultMaxWaitingBytes = 1 << 20

  private struct State {
    var waiting: [UInt8] = []
    var droppedLines = 0
    var isDraining = false
  }

  // A lock, since any thread logs; it is held for an append and never during a write.
  private let state = Mutex(State())
  private let thread = DispatchQueue(label: "log writer")
  private let maxWaitingBytes: Int
  private let notice: @Sendable (_ droppedLines: Int) -> [UInt8]
  private let sink: @Sendable ([UInt8]) -> Void

  /// - Parameters:
  ///   - notice: the line that says how many lines were dropped.
  ///   - sink: writes bytes, and may block.
  init(
    maxWaitingBytes: Int = LogWriter.defaultMaxWaitingBytes, notice: @escaping @Sendable (Int) -> [UInt8],
    sink: @escaping @Sendable ([UInt8]) -> Void
  ) {
    self.maxWaitingBytes = maxWaitingBytes
    self.notice = notice
    self.sink = sink
  }

  func append(_ line: [UInt8]) {
    let mustStart = state.withLock { state in
      guard state.waiting.count + line.count <= maxWaitingBytes else {
        state.droppedLines += 1
        return false
      }
      state.waiting += line
      defer { state.isDraining = true }
      return !state.isDraining
    }
    if mustStart { thread.async { self.drain() } }
  }

  /// Waits until all lines so far are written, but not for ever: the reader may never read.
  ///
  /// - Returns: whether they are.
  @discardableResult func flush(within limit: Duration) -> Bool {
    let done = DispatchSemaphore(value: 0)
    thread.async { done.signal() }
    return done.wait(timeout: .now() + .milliseconds(Int(limit.wholeMilliseconds))) == .success
  }

  private func drain() {
    while true {
      let (bytes, dropped) = state.withLock { state in
        defer {
          state.waiting = []
          state.droppedLines = 0
        }
        state.isDraining = !state.waiting.isEmpty || state.droppedLines > 0
        return (state.waiting, state.droppedLines)
      }
      if bytes.isEmpty, dropped == 0 { return }
      if !bytes.isEmpty { sink(bytes) }
      if dropped > 0 { sink(notice(dropped)) }
    }
  }
}
