// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService

/// The `services` section of a file: services by name, each with its GMS options under their own names.
///
///     "services": { "chat-billing": { "_type": "ors", "_service": "callback", "_target": "Billing@StatServer.GA" } }
struct ServicesSection {
  struct Option {
    let name: String
    let value: JSONValue
    let line: Int
  }
  struct Service {
    let name: String
    let line: Int
    var options: [Option] = []
  }

  static let key = "services"
  private(set) var services: [Service] = []
  private(set) var duplicates: [(key: String, line: Int, firstLine: Int)] = []

  mutating func add(_ name: String, line: Int) {
    if let first = services.first(where: { $0.name == name }) {
      duplicates.append(("\(Self.key).\(name)", line, first.line))
    }
    services.append(Service(name: name, line: line))
  }

  /// Adds an option to the service that was added last.
  mutating func add(option name: String, _ value: JSONValue, line: Int) {
    guard let last = services.indices.last else { return }
    if let first = services[last].options.first(where: { $0.name == name }) {
      duplicates.append(("\(Self.key).\(services[last].name).\(name)", line, first.line))
    }
    services[last].options.append(Option(name: name, value: value, line: line))
  }

  /// What the section makes of the services that are shipped.
  ///
  /// - Parameter server: credentials of the whole server.
  func definitions(server: BasicCredentials) -> (services: [String: ChatServiceDefinition], errors: [Fault]) {
    var definitions = ShippedServices.definitions
    var faults: [Fault] = []
    for service in services {
      // A name of the documents for a shipped service means that one.
      let name = ShippedServices.aliases[service.name] ?? service.name
      var reader = ServiceOptionReader(service: service.name, over: ShippedServices.options[name] ?? [:])
      for option in service.options { reader.take(option.name, option.value) }
      definitions[name] = reader.finish(server: server)
      faults += reader.errors.map { error in
        let line = service.options.last { $0.name == error.option }?.line ?? service.line
        return Fault(line: line, sentence: error.description)
      }
    }
    return (definitions, faults)
  }

  struct Fault {
    let line: Int
    let sentence: String
  }
}

extension SettingsFile {
  /// Everything that is wrong with the file, its services included, in the order of the text.
  func allErrors(server: BasicCredentials) -> [SettingsError] {
    let doubled = services.duplicates.map {
      SettingsError.duplicateKey(origin(line: $0.line), key: Shown.text($0.key), firstLine: $0.firstLine)
    }
    let faults = services.definitions(server: server).errors.map {
      SettingsError.badService(origin(line: $0.line), sentence: Shown.sentence($0.sentence))
    }
    return (errors + doubled + faults).enumerated().sorted { left, right in
      (left.element.line, left.offset) < (right.element.line, right.offset)
    }.map(\.element)
  }
}

extension SettingsError {
  fileprivate var line: Int { if case .file(_, let line) = origin { line } else { 0 } }
}
