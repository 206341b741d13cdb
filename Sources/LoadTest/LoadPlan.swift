// SPDX-License-Identifier: Apache-2.0
import Bytes

/// A load test whose options were checked: who subscribes to what, who publishes where.
public struct LoadPlan: Sendable {
  public let options: LoadOptions
  let url: TargetURL
  let transport: LoadTransport
  let publishURL: TargetURL?
  let agentURL: TargetURL
  /// Tells our messages from those of other runs.
  let run: UInt32

  /// What the workers of other processes have to be given.
  public var runNumber: UInt32 { run }

  /// - Parameter run: a number that no other run against the same server has.
  /// - Throws: ``LoadTestError``, always of the status `usage`.
  public init(_ options: LoadOptions, run: UInt32) throws(LoadTestError) {
    try Self.check(options)
    self.options = options
    self.run = run
    url = try TargetURL(options.url)
    transport = options.transport ?? (url.isWebSocket ? .websocket : .longPolling)
    publishURL = try options.publishURL.map { text throws(LoadTestError) in try TargetURL(text) }
    agentURL = try TargetURL(options.agentURL)
    guard publishURL?.isWebSocket != true else { throw .badOption("publish-http", "has to be an http: or https: URL") }
    guard !agentURL.isWebSocket else { throw .badOption("agent-url", "has to be an http: or https: URL") }
    try checkChannel()
    // A file that is of no use is told before any worker starts.
    if url.isSecure { _ = try TLSContext(url, options) }
  }

  private static func check(_ options: LoadOptions) throws(LoadTestError) {
    func range(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws(LoadTestError) {
      if !range.contains(value) {
        throw .badOption(name, "\(value) is not within \(range.lowerBound) to \(range.upperBound)")
      }
    }
    try range("clients", options.clients, 1...LoadLimits.clients)
    try range("processes", options.processes, 1...min(LoadLimits.processes, options.clients))
    try range("rooms", options.rooms, 1...LoadLimits.rooms)
    try range("rooms-per-client", options.roomsPerClient, 1...min(64, options.rooms))
    try range("window", options.window, 1...100_000)
    try range("payload", options.payloadBytes, LoadLimits.leastPayloadBytes...LoadLimits.mostPayloadBytes)
    try range("ramp", options.ramp, 1...10_000)
    try range("rounds", options.rounds, 1...100_000)
    try range("exchanges", options.exchanges, 1...1000)
    if let messages = options.messages { try range("messages", messages, 1...1_000_000_000) }
    if let addresses = options.sourceAddresses { try range("source-addresses", addresses, 1...254) }
    if let connections = options.publishConnections { try range("publish-connections", connections, 1...1000) }
    if let rate = options.rate, !(rate > 0 && rate <= 1e7) {
      throw .badOption("rate", "has to be above 0 and at most 10,000,000")
    }
    if options.warmup < .zero || options.settle < .zero { throw .badOption("warmup", "cannot be negative") }
    if options.duration <= .zero { throw .badOption("duration", "has to be above 0") }
    if options.stall < .milliseconds(100) { throw .badOption("stall", "has to be at least 100 ms") }
    let most = (options.clients + options.processes - 1) / options.processes
    if most * (options.scenario == .chat ? 2 : 1) > LoadLimits.connectionsPerProcess {
      throw .badOption(
        "processes",
        "a process has at most \(LoadLimits.connectionsPerProcess) connections; \(options.processes) are too few")
    }
    for field in options.headers + options.publishHeaders where !isField(field) {
      throw .badOption("header", "\(field): has to be 'Name: value' on one line")
    }
    if !isField("\(options.userHeader): x") { throw .badOption("user-header", "is not the name of a header field") }
  }

  private static func isField(_ text: String) -> Bool {
    guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), colon > text.utf8.startIndex else { return false }
    let isToken = text.utf8[..<colon].allSatisfy { ASCII.isAlphanumeric($0) || "!#$%&'*+-.^_`|~".utf8.contains($0) }
    return isToken && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
  }

  private func checkChannel() throws(LoadTestError) {
    for channel in channels(of: 0) {
      guard channel.hasPrefix("/"), channel.utf8.count > 1, !channel.hasPrefix("/meta/"),
        channel.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") })
      else { throw .badOption("channel", "\(channel) is not a channel to subscribe to") }
    }
  }

  // MARK: who is who

  /// Whether requests carry the user's name.
  var sendsUsers: Bool {
    options.sendsUsers || options.scenario == .chat || options.scenario == .users && publishURL != nil
  }

  func user(_ client: Int) -> String { "u\(client)" }

  /// What the client of that number subscribes to.
  func channels(of client: Int) -> [String] {
    switch options.scenario {
    case .rooms: destinations(of: client).map { "\(options.channel ?? "/load/room")/\($0)" }
    case .chat: ["/_genesys"]
    case .users: [channel(to: UInt32(client))]
    case .fanout, .hold, .storm: [(options.channel ?? "/load/fanout").replacing("%USER%", with: user(client))]
    }
  }

  /// What is published for a destination goes to this channel.
  func channel(to destination: UInt32) -> String {
    switch options.scenario {
    case .rooms: "\(options.channel ?? "/load/room")/\(destination)"
    case .users:
      (options.channel ?? (publishURL == nil ? "/load/user/%USER%" : "/_genesys"))
        .replacing("%USER%", with: user(Int(destination)))
    default: (options.channel ?? "/load/fanout").replacing("%USER%", with: user(Int(destination)))
    }
  }

  /// The destinations whose messages the client gets.
  func destinations(of client: Int) -> [UInt32] {
    switch options.scenario {
    case .fanout, .hold, .storm: [0]
    case .users, .chat: [UInt32(client)]
    case .rooms:
      // Evenly spread: each next room is another share of the way round.
      (0..<options.roomsPerClient).map {
        UInt32((client + $0 * options.rooms / options.roomsPerClient) % options.rooms)
      }
    }
  }

  /// Connections of one worker that publish, each a publisher of its own: what goes over two connections at once has no
  /// order that could be lost.
  var publishersPerWorker: Int {
    options.scenario == .chat || publishURL == nil && transport == .websocket ? 1 : publishConnections
  }

  /// How many publishers there are for what one client gets: everybody's users are their own.
  var publishersPerClient: Int { publishersPerWorker * (hasOwnDestinations ? 1 : options.processes) }

  /// Whether a destination is one client, so that no other worker publishes to it.
  var hasOwnDestinations: Bool { options.scenario == .users || options.scenario == .chat }

  /// Destinations that all workers share.
  var sharedDestinations: Int {
    switch options.scenario {
    case .rooms: options.rooms
    case .fanout, .storm, .hold: 1
    case .users, .chat: 0
    }
  }

  /// The clients of one worker.
  func share(of worker: Int) -> Range<Int> {
    let count = options.processes
    return options.clients * worker / count..<options.clients * (worker + 1) / count
  }

  var sourceAddresses: Int {
    options.sourceAddresses
      ?? (options.clients + LoadLimits.clientsPerSourceAddress - 1) / LoadLimits.clientsPerSourceAddress
  }

  var publishConnections: Int {
    if let given = options.publishConnections { return given }
    return options.rate == nil ? min(options.window, 64) : max(8, min(options.window, 64))
  }

  /// The body of a publication by HTTP; by default that of the broker's own `POST /publish`.
  var publishTemplate: BodyTemplate {
    let usual =
      options.scenario == .users
      ? #"{"user":"%USER%","tag":"load.test","message":%DATA%}"# : #"{"channel":"%CHANNEL%","data":%DATA%}"#
    return BodyTemplate(options.publishBody ?? usual)
  }
}
