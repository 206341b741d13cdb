// SPDX-License-Identifier: Apache-2.0
import BrokerSettings
import Logging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Writes what swift-log is given as one line, without making the caller wait.
struct BrokerLogHandler: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?
  let format: LogFormat
  let writer: LogWriter
  let now: @Sendable () -> WallTime

  init(
    settings: LogSettings, writer: LogWriter, now: @escaping @Sendable () -> WallTime = { WallTime.current() }
  ) {
    logLevel = Logger.Level(rawValue: settings.level.rawValue) ?? .info
    format = settings.format
    self.writer = writer
    self.now = now
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var all = metadata
    if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
    if let given = event.metadata { all.merge(given) { $1 } }
    if let error = event.error { all["error"] = .string(String(describing: error)) }
    let line = LogLine(time: now(), level: event.level, message: event.message.description, metadata: all)
    writer.append(line.bytes(as: format))
  }
}

extension WallTime {
  static func current() -> WallTime {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return WallTime(secondsSince1970: Int64(time.tv_sec), milliseconds: Int(time.tv_nsec / 1_000_000))
  }
}

extension LogWriter {
  /// Writes to standard error, where lines that were dropped are told in the same format.
  static func standardError(format: LogFormat) -> LogWriter {
    LogWriter(
      notice: { count in
        LogLine(
          time: .current(), level: .warning, message: "log lines were dropped, since nobody read them in time",
          metadata: ["count": .stringConvertible(count)]
        ).bytes(as: format)
      },
      sink: { StandardStream.error.write($0) })
  }
}
