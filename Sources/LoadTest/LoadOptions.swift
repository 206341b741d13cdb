// SPDX-License-Identifier: Apache-2.0

/// What is done to the server.
public enum LoadScenario: String, Sendable, CaseIterable {
  /// One channel, all clients subscribe to it; a message to all at a time.
  case fanout
  /// Each message to one client: through the publish interface, or a channel of its own.
  case users
  /// The clients are spread over rooms, some rooms each, as CometD's own benchmark does.
  case rooms
  /// All clients are held and nothing happens.
  case hold
  /// All clients connect at once, again and again; then one message shows that all are there.
  case storm
  /// Whole chats of a customer with an agent, one after the other for each client.
  case chat
}

/// How clients receive.
public enum LoadTransport: String, Sendable, CaseIterable {
  case longPolling = "long-polling"
  case websocket
}

/// What a load test can be told, with its defaults. ``LoadPlan`` checks it.
public struct LoadOptions: Sendable {
  public var scenario = LoadScenario.fanout
  public var url = "http://127.0.0.1:8080/genesys/cometd"
  /// nil follows the scheme of the URL: `ws` is websocket, `http` long-polling.
  public var transport: LoadTransport?
  public var clients = 100
  public var rooms = 100
  public var roomsPerClient = 10
  /// The channel, where `%USER%` stands for the client's user; nil is the scenario's own.
  public var channel: String?
  /// Further header fields of every request to the server, `Name: value`.
  public var headers: [String] = []
  /// The field that names the user, in scenarios with users and where ``sendsUsers`` is set.
  public var userHeader = "gms_user"
  public var sendsUsers = false
  /// Whether the acknowledgement extension is asked for.
  public var acknowledgements = false
  /// A PEM file of the certificates that are trusted; nil trusts what the system trusts.
  public var authoritiesFile: String?
  /// Whether a certificate is taken as it is, whoever it names and whoever signed it.
  public var takesAnyCertificate = false
  /// Messages (or chats) a second in all; nil is a closed loop.
  public var rate: Double?
  /// Of a closed loop: messages that may be under way at once.
  public var window = 1
  /// The size of the `data` value.
  public var payloadBytes = 200
  public var warmup = Duration.seconds(1)
  public var duration = Duration.seconds(10)
  /// Ends the measurement after so many messages, however long it takes; nil ends it by ``duration``.
  public var messages: Int?
  /// Clients that are being set up at once, in each process.
  public var ramp = LoadLimits.ramp
  /// Times that the clients reconnect in a storm.
  public var rounds = 1
  public var processes = 1
  /// Addresses 127.0.0.1, .2, … that connections come from; nil takes as many as their number needs.
  public var sourceAddresses: Int?
  /// Where messages are published by POST; nil publishes through Bayeux.
  public var publishURL: String?
  /// The body of such a POST; `%USER%`, `%CHANNEL%`, `%DATA%` are replaced.
  public var publishBody: String?
  public var publishHeaders: [String] = []
  /// Connections that publish, in each process; nil follows ``window`` and ``rate``.
  public var publishConnections: Int?
  /// The admin listener, where the chat scenario finds the agents' side.
  public var agentURL = "http://127.0.0.1:8081"
  /// What customer and agent each say in one chat.
  public var exchanges = 3
  /// Processes whose CPU time and memory are told.
  public var serverPIDs: [Int] = []
  /// How long all clients are left alone, held, before it begins: memory is read then.
  public var settle = Duration.milliseconds(500)
  /// Without any arrival for so long what is missing counts as lost.
  public var stall = Duration.seconds(5)

  public init() {}
}
