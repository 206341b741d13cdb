// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Whether the data file and its log are still what SQLite opened.
///
/// SQLite itself would not notice while it runs: it holds the pages it needs in memory, and what it writes to a file
/// that was deleted or overwritten is lost at the next start. A few bytes tell; only whole damage is seen this way.
final class FileHealth {
  /// What every database begins with.
  private static let title = Array("SQLite format 3\0".utf8)
  /// What every log begins with, but for the lowest bit, which tells its byte order.
  private static let logTitle: [UInt8] = [0x37, 0x7f, 0x06, 0x82]

  private let path: String
  /// Held as long as SQLite has the file: closing one of its descriptors would drop all locks of the process on it.
  private let descriptor: Int32
  private let number: ino_t?
  /// Of the log, once something was written through it.
  private var logNumber: ino_t?

  /// - Parameter descriptor: of the file at `path`; closed with this, so SQLite has to be done before.
  init(_ path: String, _ descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
    number = Self.number(of: path)
  }

  private var log: String { path + "-wal" }

  /// - Throws: ``StoreError/failed(_:)`` naming the file that is gone or overwritten.
  func check() throws(StoreError) {
    guard let number, Self.number(of: path) == number else { throw .failed("\(path) is gone") }
    guard Self.read(descriptor, Self.title.count) == Self.title else { throw .failed("\(path) was overwritten") }
    guard let logNumber else { return }
    guard Self.number(of: log) == logNumber else { throw .failed("\(log) is gone") }
    // No lock is on the log, so this descriptor may come and go.
    let opened = open(log, O_RDONLY | O_CLOEXEC)
    guard opened >= 0 else { throw .failed("\(log) cannot be read: \(String(cString: strerror(errno)))") }
    defer { close(opened) }
    var start = Self.read(opened, Self.logTitle.count)
    if start.count == Self.logTitle.count { start[3] &= 0xfe }
    guard start == Self.logTitle else { throw .failed("\(log) was overwritten") }
  }

  /// Something was written, so that there is a log now.
  func noteLog() {
    guard logNumber == nil else { return }
    var status = stat()
    if stat(log, &status) == 0, status.st_size > 0 { logNumber = status.st_ino }
  }

  /// The file is opened anew, and its log with it.
  func forgetLog() { logNumber = nil }

  deinit { close(descriptor) }

  private static func number(of path: String) -> ino_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_ino : nil
  }

  private static func read(_ descriptor: Int32, _ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      filled = max(0, pread(descriptor, buffer.baseAddress, count, 0))
    }
  }
}
