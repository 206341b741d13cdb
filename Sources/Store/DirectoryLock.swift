// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A directory that this process has for itself. The kernel lets go of it when the process ends, however it ends.
final class DirectoryLock {
  private let descriptor: Int32

  /// Makes the directory where it is missing, for its owner alone: what lies in it are chats and their secrets.
  ///
  /// - Throws: ``StoreError/unusable(directory:reason:)``, ``StoreError/inUse(directory:holder:)``.
  init(_ directory: String) throws(StoreError) {
    try Self.make(directory)
    descriptor = open(directory + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Self.unusable(directory) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      var text = [UInt8](repeating: 0, count: 16)
      let count = max(0, read(descriptor, &text, text.count))
      close(descriptor)
      guard code == EWOULDBLOCK else { throw Self.unusable(directory, code) }
      throw .inUse(directory: directory, holder: Int32(String(decoding: text[..<count], as: UTF8.self)))
    }
    let owner = Array(String(getpid()).utf8)
    // Only for the sentence above; a full disk must not be the reason for not starting.
    if ftruncate(descriptor, 0) == 0 { _ = pwrite(descriptor, owner, owner.count, 0) }
  }

  deinit { close(descriptor) }

  private static func make(_ directory: String) throws(StoreError) {
    var path = directory.hasPrefix("/") ? "/" : ""
    for part in directory.split(separator: "/") {
      path += path.isEmpty || path.hasSuffix("/") ? String(part) : "/\(part)"
      if mkdir(path, 0o700) != 0, errno != EEXIST, errno != EISDIR { throw unusable(directory) }
    }
    var status = stat()
    guard stat(directory, &status) == 0 else { throw unusable(directory) }
    guard status.st_mode & S_IFMT == S_IFDIR else { throw unusable(directory, ENOTDIR) }
  }

  private static func unusable(_ directory: String, _ code: Int32 = errno) -> StoreError {
    .unusable(directory: directory, reason: String(cString: strerror(code)))
  }
}
