// SPDX-License-Identifier: Apache-2.0
public import Bytes

/// Makes a ``ChatServiceDefinition`` of options, and says everything that is wrong with them.
public struct ServiceOptionReader: Sendable {
  /// In the order in which they were found.
  public private(set) var errors: [ServiceOptionError] = []
  private let name: String
  private var texts: [ServiceOption: String] = [:]
  private var target: RoutingPlan?

  /// - Parameters:
  ///   - name: of the service.
  ///   - base: what holds where `options` say nothing; nil is the column of defaults.
  public init(service name: String, over base: [ServiceOption: String] = [:]) {
    self.name = name
    texts = base
    if let text = base[.target] { read(.target, .string(text)) }
    if !Self.isName(name) { errors.append(.badName(service: name)) }
  }

  /// Takes one option. Each value may be text, number or truth value; `_target` also a list.
  public mutating func take(_ option: String, _ value: JSONValue) {
    guard let known = ServiceOption(rawValue: option) else {
      return errors.append(.unknown(service: name, option: option, nearest: Self.nearest(to: option)))
    }
    read(known, value)
  }

  private mutating func read(_ option: ServiceOption, _ value: JSONValue) {
    if option == .target {
      do throws(TargetError) {
        target = try RoutingPlan(value)
      } catch {
        errors.append(.badTarget(service: name, error))
      }
      return
    }
    guard let text = value.scalarText, option.shape.accepts(text) else {
      let found = option.isSecret ? nil : String(value.text.prefix(80))
      return errors.append(
        .badValue(service: name, option: option, expected: option.shape.expectation, found: found))
    }
    texts[option] = text
  }

  /// The definition, once every option was taken.
  ///
  /// - Parameter server: Basic credentials of the whole server, of which a service inherits each by itself.
  public mutating func finish(server: BasicCredentials = BasicCredentials()) -> ChatServiceDefinition {
    var definition = ChatServiceDefinition()
    definition.type = text(.type) == "builtin" ? .basic : .advanced
    definition.isCallback = text(.service) == "callback"
    definition.ttl = texts[.ttl].map { _ in seconds(.ttl) }
    definition.endpoint = text(.chatEndpoint)
    definition.chat400OnDisconnected = texts[.chat400OnDisconnected].map { $0.lowercased() == "true" }
    definition.waitsForAgent = truth(.waitForAgent)
    definition.waitsForConfirmation = truth(.waitForUserConfirm)
    definition.plan = target
    definition.virtualQueue = text(.virtualQueue)
    definition.prioritizationStrategy = text(.prioritizationStrategy) ?? ""
    definition.updateSubroutine = text(.updateSubroutine) ?? ""
    definition.queuedTTL = seconds(.queuedTTL)
    definition.clientTimeout = definition.type == .basic && texts[.clientTimeout] == nil ? nil : seconds(.clientTimeout)
    definition.confirmTimeout = seconds(.userConfirmTimeout)
    definition.connectsAnyway = text(.onUserConfirmTimeout) != "CANCEL"
    definition.reserveTimeout = seconds(.agentReserveTimeout)
    definition.notificationDelay = seconds(.notificationDelay)
    definition.maxNotifyAttempts = Int(text(.maxNotifyAttempts) ?? "") ?? 1
    definition.agentTimeoutMessage = text(.agentTimeoutMessage)
    definition.clientTimeoutNotification = seconds(.clientTimeoutNotification)
    definition.lookupKeys =
      definition.isCallback || texts[.customerLookupKeys] != nil
      ? (text(.customerLookupKeys) ?? "").split(separator: ",").map { $0.filter { $0 != " " } } : []
    definition.pushProvider = text(.providerName)
    definition.messageFile = text(.notificationMessageFile)
    definition.dialNumber = text(.dialNumber)
    definition.usesDebugPush = truth(.debugPush)
    definition.pokeMessage = truth(.poke) ? text(.pokeMessage) ?? "" : nil
    definition.credentials = BasicCredentials(username: texts[.username], password: texts[.password])
    check(definition, server)
    return definition
  }

  private mutating func check(_ definition: ChatServiceDefinition, _ server: BasicCredentials) {
    let isTargetBroken = errors.contains { if case .badTarget = $0 { true } else { false } }
    if definition.isCallback, definition.plan == nil, !isTargetBroken {
      errors.append(.missing(service: name, option: .target, why: "a callback has to name who takes it"))
    }
    if definition.waitsForConfirmation, !definition.waitsForAgent { errors.append(.confirmWithoutWait(service: name)) }
    let needed = definition.plan?.targets.reduce(0) { $0 + ($1.timeoutSeconds ?? 0) } ?? 0
    let queued = Int(definition.queuedTTL.components.seconds)
    if needed > queued { errors.append(.queuedTTLTooShort(service: name, seconds: queued, needed: needed)) }
    let effective = definition.credentials.inheriting(server)
    if (effective.username == nil) != (effective.password == nil) { errors.append(.halfCredentials(service: name)) }
  }

  private func text(_ option: ServiceOption) -> String? {
    (texts[option] ?? option.standard).flatMap { $0.isEmpty ? nil : $0 }
  }

  private func truth(_ option: ServiceOption) -> Bool { text(option)?.lowercased() == "true" }

  private func seconds(_ option: ServiceOption) -> Duration { .seconds(Int(text(option) ?? "") ?? 0) }

  static func isName(_ name: String) -> Bool {
    let marks = Array("-_.".utf8)
    return (1...128).contains(name.utf8.count)
      && name.utf8.allSatisfy { ASCII.isAlphanumeric($0) || marks.contains($0) }
  }

  /// The known option that differs in the fewest letters, if they are few.
  private static func nearest(to text: String) -> String? {
    let wanted = Array(text.utf8.prefix(80))
    let distances = ServiceOption.allCases.map { ($0.rawValue, distance(wanted, Array($0.rawValue.utf8))) }
    guard let best = distances.min(by: { $0.1 < $1.1 }), best.1 <= max(2, wanted.count / 4) else { return nil }
    return best.0
  }

  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var row = Array(0...right.count)
    for (index, byte) in left.enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for column in right.indices {
        let above = row[column + 1]
        row[column + 1] = min(above + 1, row[column] + 1, diagonal + (right[column] == byte ? 0 : 1))
        diagonal = above
      }
    }
    return row[right.count]
  }
}
