// SPDX-License-Identifier: Apache-2.0
import Bytes
import Reactor
import Wire

/// From one shard to another: between two requests, or between two messages of a socket.
extension HTTPConnection {
  /// Marks the connection as one that goes to the shard that owns the session of this request: as soon as all that was
  /// answered before is written, and with whatever was pipelined behind it.
  func move(_ cargo: MovedConnection.Cargo, to destination: Int) {
    phase = .moving
    ensureExtras().destination = (destination, cargo)
    guard pendingBytes > 0 else { return }
    deadline = shard.now + shard.context.writeTimeout
    shard.watch(self)
  }

  func moveIfReady() {
    guard phase == .moving, !isClosed, pendingBytes == 0, let extras, let destination = extras.destination else {
      return
    }
    shard.leaving(self)
    let moved = MovedConnection(
      descriptor: detach(), isAdmin: isAdmin, trustsUserHeader: trustsUserHeader, address: address,
      cargo: destination.cargo, rest: extras.pipelined)
    shard.send(moved, to: destination.shard)
  }

  /// Begins the life of a connection on its new shard with the request that brought it here.
  func resume(_ moved: MovedConnection) {
    switch moved.cargo {
    case .request(let head, let text): begin(head, text.span)
    case .socket(let moved):
      let socket = SocketState(moved)
      becomeSocket(socket)
      shard.receiveMessage(moved.message.span, on: self, socket)
    }
    if !moved.rest.isEmpty { ensureExtras().pipelined = moved.rest }
    takeKept()
    moveIfReady()
  }
}
