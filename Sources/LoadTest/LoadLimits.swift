// SPDX-License-Identifier: Apache-2.0
import Wire

/// Every bound of the load test: its unit is in its name or its type, its reason beside it.
public enum LoadLimits {
  /// Connections of one worker process. The usual hard descriptor limit is 20,000; what is left is for publishing.
  public static let connectionsPerProcess = 19_000
  /// Clients from one source address before another loopback address is used: the ephemeral ports are some 28,000.
  public static let clientsPerSourceAddress = 20_000
  /// Clients of one run; beyond it the ledger alone would take gigabytes.
  public static let clients = 1_000_000
  /// Worker processes of one run.
  public static let processes = 64
  /// Rooms of one run: every worker counts what it published to each.
  public static let rooms = 100_000
  /// One response. A server may answer with a long backlog; without a bound a broken one would fill the memory.
  public static let responseBytes = 16 << 20
  static let responses = ResponseLimits(maxBodyBytes: responseBytes)
  /// One line between the coordinator and a worker: a result with its histogram and counts of all rooms.
  public static let lineBytes = 64 << 20
  /// Smallest `data` that has room for the marker and the JSON around it.
  public static let leastPayloadBytes = 64
  /// Largest `data`.
  public static let mostPayloadBytes = 1 << 20
  /// Consecutive refusals after which a client is given up.
  public static let refusalsPerClient = 20
  /// Consecutive failures to connect after which the server counts as unreachable.
  public static let connectFailures = 100
  /// The rest before a client tries again after a refusal or a lost connection.
  public static let retryPause = Duration.milliseconds(100)
  /// A first connect that is not answered by then is taken for held: some servers hold it although asked not to.
  public static let firstConnectWait = Duration.milliseconds(1500)
  /// All clients have to be held by then, and a storm has to be over; more are allowed by ``setupPerClient``.
  public static let setup = Duration.seconds(60)
  /// Time for each client that is to be set up, on top of ``setup``.
  public static let setupPerClient = Duration.milliseconds(10)
  /// The longest latency that is told apart from longer ones.
  public static let latency = Duration.seconds(3600)
  /// The share of a core from which the generator is said to have been the limit.
  public static let generatorShare = 0.9
  /// Connection attempts and requests that are under way at once while clients are set up, unless told otherwise.
  public static let ramp = 64
}
