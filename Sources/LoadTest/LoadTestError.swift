// SPDX-License-Identifier: Apache-2.0

/// How a load test ends. The same numbers as every verb of the command line.
public enum LoadTestStatus: Int32, Sendable, CaseIterable {
  case ok = 0
  /// Something was lost, duplicated, out of order, misdelivered or refused.
  case checkFailed = 1
  case usage = 2
  /// The run did not come to the point where it measures: clients that never came up, a worker that died.
  case conditionNotMet = 3
  case unreachable = 4
}

/// Every way in which a load test refuses or breaks off; ``description`` is the line for people.
public enum LoadTestError: Error, Hashable, Sendable {
  /// The URL, and what is wrong with it.
  case badURL(String, String)
  /// An option and what it must be.
  case badOption(String, String)
  case badFile(String)
  /// A file could not be written: path, reason.
  case cannotWrite(String, String)
  /// Where nobody answers: address, reason.
  case unreachable(String, String)
  /// Clients that came up, clients that were asked for, the last reason.
  case clientsMissing(Int, Int, String)
  case workerFailed(Int, String)
  /// Whoever publishes was refused for good; the reason.
  case cannotPublish(String)
  case noSuchProcess(Int)

  public var status: LoadTestStatus {
    switch self {
    case .badURL, .badOption, .badFile, .noSuchProcess: .usage
    case .cannotWrite, .clientsMissing, .workerFailed, .cannotPublish: .conditionNotMet
    case .unreachable: .unreachable
    }
  }
}

extension LoadTestError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .badURL(let url, let reason): "\(url): \(reason)"
    case .badOption(let name, let rule): "--\(name): \(rule)"
    case .badFile(let reason): reason
    case .cannotWrite(let path, let reason): "\(path): cannot be written: \(reason)"
    case .unreachable(let address, let reason): "\(address): cannot reach the server: \(reason)"
    case .clientsMissing(let up, let wanted, let reason):
      "only \(up) of \(wanted) clients came up\(reason.isEmpty ? "" : ": \(reason)")"
    case .workerFailed(let index, let reason): "worker \(index) failed: \(reason)"
    case .cannotPublish(let reason): "cannot publish: \(reason)"
    case .noSuchProcess(let pid): "--server-pid: there is no process \(pid)"
    }
  }

  /// As it passes from a worker to the coordinator: a kind and its texts. Only what can happen in a worker does.
  var wire: [String] {
    switch self {
    case .unreachable(let address, let reason): ["unreachable", address, reason]
    case .clientsMissing(let up, let wanted, let reason): ["missing", String(up), String(wanted), reason]
    case .cannotPublish(let reason): ["publish", reason]
    case .workerFailed(_, let reason): ["other", reason]
    default: ["other", description]
    }
  }

  init(wire: [String], worker: Int) {
    switch (wire.first, wire.count) {
    case ("unreachable", 3): self = .unreachable(wire[1], wire[2])
    case ("missing", 4): self = .clientsMissing(Int(wire[1]) ?? 0, Int(wire[2]) ?? 0, wire[3])
    case ("publish", 2): self = .cannotPublish(wire[1])
    default: self = .workerFailed(worker, wire.last ?? "no reason given")
    }
  }
}
