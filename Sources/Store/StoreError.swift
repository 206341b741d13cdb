// SPDX-License-Identifier: Apache-2.0
import Glibc
import GRDB

/// THE table of what goes wrong with the data directory.
///
/// The first five refuse the start of a broker, each with what to do; the others answer a commit.
public enum StoreError: Error, Hashable, Sendable, CustomStringConvertible {
  case unusable(directory: String, reason: String)
  /// - Parameter holder: the process that has it, where it says so.
  case inUse(directory: String, holder: Int32?)
  case damaged(file: String, reason: String)
  case newer(file: String, version: Int, known: Int)
  case foreign(file: String)

  /// The disk, or ``StoreOptions/maxBytes``.
  case full
  case readOnly
  case failed(String)
  case closed

  public var description: String {
    switch self {
    case .unusable(let directory, let reason):
      "The data directory \(directory) cannot be used: \(reason). Give another one with --data, or none."
    case .inUse(let directory, let holder):
      "The data directory \(directory) is in use by another broker\(holder.map { " (process \($0))" } ?? ""). "
        + "Stop that one, or give this one a directory of its own with --data."
    case .damaged(let file, let reason):
      "The data file \(file) is damaged (\(reason)). Put back a copy of it, or move it away to start empty; "
        + "nothing was changed."
    case .newer(let file, let version, let known):
      "The data file \(file) has format \(version); this program knows formats up to \(known). "
        + "Use the program that wrote it, or a newer one."
    case .foreign(let file): "The file \(file) is a database, but not one of this broker. Give another directory."
    case .full: "The data directory is full."
    case .readOnly: "The data directory cannot be written to."
    case .failed(let reason): "The data cannot be written: \(reason)."
    case .closed: "The store is closed."
    }
  }
}

extension StoreError {
  /// What goes wrong with a file that was opened.
  ///
  /// A disk that the system made read-only after the file was opened is an I/O error to SQLite; the system says it.
  init(atRunTime error: any Error, on path: String) {
    guard let error = error as? DatabaseError else {
      self = error as? StoreError ?? .failed("\(error)")
      return
    }
    switch error.resultCode {
    case .SQLITE_FULL: self = .full
    case .SQLITE_READONLY: self = .readOnly
    case .SQLITE_IOERR where access(path, W_OK) != 0 && errno == EROFS: self = .readOnly
    default: self = .failed(error.message ?? "\(error.resultCode)")
    }
  }
}
