// SPDX-License-Identifier: Apache-2.0
import Bytes
import Reactor

/// One end of the socket pair between the coordinator and a worker: a line of JSON for each report and command.
final class LineLink: Connection {
  private var buffer: [UInt8] = []
  var onLine: ((JSONValue) -> Void)?
  var onClosed: ((CloseReason) -> Void)?

  func send(_ value: JSONValue) { send(value.encoded + [0x0A]) }

  override func received(_ bytes: Span<UInt8>) {
    bytes.withUnsafeBufferPointer { buffer.append(contentsOf: $0) }
    var start = 0
    while let feed = buffer[start...].firstIndex(of: 0x0A) {
      let line = Array(buffer[start..<feed])
      start = feed + 1
      do throws(JSONError) {
        onLine?(try JSONValue(parsing: line.span))
      } catch {
        return close(.local("not JSON: \(error.reason.rawValue)"))
      }
      if isClosed { return }
    }
    buffer.removeFirst(start)
    if buffer.count > LoadLimits.lineBytes { close(.local("a line without end")) }
  }

  override func closed(_ reason: CloseReason) {
    let callback = onClosed
    onClosed = nil
    onLine = nil
    callback?(reason)
  }
}
