// SPDX-License-Identifier: Apache-2.0
import BrokerServer

/// Stops the loop that asks it about the user `stop` until it is told to go on. What is sent meanwhile reaches the loop
/// in one turn, in the order in which it was sent.
final class LoopStopper: UserVerifier {
  private let isStopped = Gate()
  private let mayGoOn = Gate()

  func verify(claimed: String?, header: (StaticString) -> String?) -> UserVerdict {
    guard claimed == "stop" else { return claimed.map { .user($0) } ?? .anonymous }
    isStopped.open()
    mayGoOn.wait()
    return .anonymous
  }

  /// Stops the loop that `client` is connected to, once.
  func stop(by client: RawClient) throws {
    try client.send(client.text("POST", BayeuxClient.path, "[]", ["gms_user: stop"]))
    guard isStopped.wait() else { throw ClientError.silence(after: "the loop did not stop") }
  }

  func goOn() { mayGoOn.open() }
}
