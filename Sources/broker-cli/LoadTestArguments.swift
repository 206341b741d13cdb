// SPDX-License-Identifier: Apache-2.0
public import ArgumentParser
import Bytes
public import LoadTest

extension LoadScenario: ExpressibleByArgument {}
extension LoadTransport: ExpressibleByArgument {}

/// A time as people write it: `500ms`, `10s`, `2m`, or seconds alone.
struct TimeArgument: ExpressibleByArgument {
  let duration: Duration

  init(_ duration: Duration) { self.duration = duration }

  init?(argument: String) {
    let units: [(String, Double)] = [("ms", 1e-3), ("us", 1e-6), ("s", 1), ("m", 60), ("h", 3600)]
    let unit = units.first { argument.hasSuffix($0.0) }
    guard let number = Double(argument.dropLast(unit?.0.count ?? 0)), number >= 0, number < 1e7 else { return nil }
    duration = .nanoseconds(Int64(number * (unit?.1 ?? 1) * 1e9))
  }

  var defaultValueDescription: String {
    let milliseconds = duration.wholeMilliseconds
    return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
  }
}

struct LoadArguments: ParsableArguments {
  @Option(help: "What is done.") var scenario = LoadOptions().scenario
  @Option(help: "The Bayeux endpoint.") var url = LoadOptions().url
  @Option(help: "long-polling or websocket; by default as the URL says.") var transport: LoadTransport?
  @Option(help: "Clients in all.") var clients = LoadOptions().clients
  @Option(help: "Rooms in all.") var rooms = LoadOptions().rooms
  @Option(help: "Rooms that each client is in.") var roomsPerClient = LoadOptions().roomsPerClient
  @Option(help: "The channel; %USER% becomes the client's user.") var channel: String?
  @Option(name: .customLong("header"), help: "A further header field of every request, 'Name: value'; repeatable.")
  var headers: [String] = []
  @Option(help: "The field that names the user.") var userHeader = LoadOptions().userHeader
  @Flag(help: "Send each client's user, also where the scenario needs none.") var sendUsers = false
  @Flag(help: "Ask for the acknowledgement extension.") var ack = false
  @Option(help: "Certificates to trust, a PEM file; by default those of the system.") var caFile: String?
  @Flag(help: "Take any certificate.") var insecure = false
  @Option(help: "Messages (or chats) a second, each at its moment; without it the next follows the last.")
  var rate: Double?
  @Option(help: "Without a rate: messages under way at once.") var window = LoadOptions().window
  @Option(help: "Bytes of the data value.") var payload = LoadOptions().payloadBytes
  @Option(help: "Time before measuring.") var warmup = TimeArgument(LoadOptions().warmup)
  @Option(help: "Time of measuring.") var duration = TimeArgument(LoadOptions().duration)
  @Option(help: "Measure so many messages, in place of a time.") var messages: Int?
  @Option(help: "Clients that are set up at once, in each process.") var ramp = LoadOptions().ramp
  @Option(help: "Rounds of a storm.") var rounds = LoadOptions().rounds
  @Option(help: "Worker processes.") var processes = LoadOptions().processes
  @Option(help: "Addresses 127.0.0.1, .2, … to connect from; by default as many as are needed.")
  var sourceAddresses: Int?
  @Option(help: "Without an arrival for so long what is missing is lost.") var stall = TimeArgument(LoadOptions().stall)
  @Option(help: "Rest between setting up and starting; memory is read then.")
  var settle = TimeArgument(LoadOptions().settle)

  func fill(_ options: inout LoadOptions) {
    options.scenario = scenario
    options.url = url
    options.transport = transport
    options.clients = clients
    options.rooms = rooms
    options.roomsPerClient = min(roomsPerClient, rooms)
    options.channel = channel
    options.headers = headers
    options.userHeader = userHeader
    options.sendsUsers = sendUsers
    options.acknowledgements = ack
    options.authoritiesFile = caFile
    options.takesAnyCertificate = insecure
    options.rate = rate
    options.window = window
    options.payloadBytes = payload
    options.warmup = warmup.duration
    options.duration = duration.duration
    options.messages = messages
    options.ramp = ramp
    options.rounds = rounds
    options.processes = processes
    options.sourceAddresses = sourceAddresses
    options.stall = stall.duration
    options.settle = settle.duration
  }
}

struct PublishArguments: ParsableArguments {
  @Option(help: "Publish by POST to this URL, in place of Bayeux.") var publishHttp: String?
  @Option(help: "The body of such a POST; %USER%, %CHANNEL% and %DATA% are replaced.") var publishBody: String?
  @Option(name: .customLong("publish-header"), help: "A header field of such a POST; repeatable.")
  var publishHeaders: [String] = []
  @Option(help: "Connections that publish, in each process.") var publishConnections: Int?
  @Option(help: "The admin listener, for the agents of the chat scenario.") var agentUrl = LoadOptions().agentURL
  @Option(help: "What customer and agent each say in a chat.") var exchanges = LoadOptions().exchanges

  func fill(_ options: inout LoadOptions) {
    options.publishURL = publishHttp
    options.publishBody = publishBody
    options.publishHeaders = publishHeaders
    options.publishConnections = publishConnections
    options.agentURL = agentUrl
    options.exchanges = exchanges
  }
}
