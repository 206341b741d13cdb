// SPDX-License-Identifier: Apache-2.0
public import BrokerServer

/// Everything a broker process can be told: what its server does, and how it logs.
public struct Settings: Sendable {
  public var server = ServerConfiguration()
  public var log = LogSettings()

  public init() {}
}

/// What is logged, and how a line looks.
public struct LogSettings: Sendable, Hashable {
  /// What is less severe is not logged.
  public var level = LogLevel.info
  public var format = LogFormat.text

  public init() {}
}

/// From the most talkative to the most severe; the names of swift-log.
public enum LogLevel: String, CaseIterable, Sendable {
  case trace, debug, info, notice, warning, error, critical
}

public enum LogFormat: String, CaseIterable, Sendable {
  /// `2026-01-02T03:04:05.678Z info message key=value`
  case text
  /// One JSON object a line.
  case json
}
