// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The one place of this layer that touches the disk.
enum FileReading {
  /// Bytes of a configuration file. The largest that makes sense has a few thousand lines; this is a guard against
  /// naming the wrong file.
  static let maxBytes = 4 << 20

  static func settings(at path: String) throws(SettingsFailure) -> SettingsFile {
    SettingsFile(parsing: try contents(of: path), path: path)
  }

  private static func contents(of path: String) throws(SettingsFailure) -> [UInt8] {
    guard let file = fopen(path, "rb") else { throw unreadable(path) }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 64 << 10)
    var contents: [UInt8] = []
    while true {
      let count = fread(&bytes, 1, bytes.count, file)
      contents += bytes[..<count]
      guard contents.count <= maxBytes else {
        throw SettingsFailure(errors: [.fileTooLarge(path: path, maxBytes: maxBytes)])
      }
      if count < bytes.count {
        if ferror(file) != 0 { throw unreadable(path) }
        return contents
      }
    }
  }

  private static func unreadable(_ path: String) -> SettingsFailure {
    SettingsFailure(errors: [.unreadableFile(path: path, reason: String(cString: strerror(errno)))])
  }
}
