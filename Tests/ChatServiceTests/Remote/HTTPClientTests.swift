// SPDX-License-Identifier: Apache-2.0
import Bytes
import Synchronization
import Testing

@testable import BrokerServer

/// The HTTP client against servers of all manners.
@Suite(.timeLimit(.minutes(1))) struct HTTPClientTests {
  private func ask(
    _ reply: StandInServer.Reply, times: Int = 1, keepsAlive: Bool = true
  ) async throws -> (answers: [Result<IncomingAnswer, HTTPClientError>], connections: Int) {
    let server = try StandInServer { _ in reply }
    let client = try HTTPClient(
      name: "test", HTTPClientOptions(maxPending: 10, maxConnections: 2, keepsAlive: keepsAlive, maxAnswerBytes: 100))
    defer {
      client.stop()
      server.stop()
    }
    var answers: [Result<IncomingAnswer, HTTPClientError>] = []
    for _ in 0..<times { answers.append(await client.send(try request(server))) }
    return (answers, server.connections)
  }

  private func request(_ server: StandInServer, timeout: Duration = .seconds(20)) throws -> OutgoingRequest {
    OutgoingRequest(
      method: "POST", url: try #require(WebURL(server.url)).appending("x"), body: Array("{}".utf8), timeout: timeout)
  }

  private func answer(_ status: Int, _ body: String) -> Result<IncomingAnswer, HTTPClientError> {
    .success(IncomingAnswer(status: status, body: Array(body.utf8)))
  }

  @Test(arguments: [
    ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", false, 1),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n1\r\n]\r\n0\r\n\r\n", false, 1),
    ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", false, 1),
    // The server ends the connection, says that it will, or leaves the length open.
    ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", true, 3),
    ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n[]", false, 3),
    ("HTTP/1.1 200 OK\r\n\r\n[]", true, 3),
    // What stands behind the answer spoils the connection.
    ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]x", false, 3),
  ]) func threeRequestsAreAnswered(text: String, ends: Bool, connections: Int) async throws {
    let said = try await ask(.raw(text, thenEnds: ends), times: 3)
    #expect(said.answers == Array(repeating: answer(200, "[]"), count: 3))
    #expect(said.connections == connections)
  }

  @Test func withoutKeepAliveEachRequestHasItsConnection() async throws {
    let said = try await ask(.answer(204), times: 3, keepsAlive: false)
    #expect(said.connections == 3)
    #expect(said.answers == Array(repeating: answer(204, ""), count: 3))
  }

  @Test(arguments: [
    ("SSH-2.0-OpenSSH_9.2p1\r\n", "the answer is no HTTP: not an HTTP/1 response"),
    ("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", "the answer is no HTTP: the response is too long"),
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n[]", "the answer is no HTTP: the connection ended in the middle"),
  ]) func whatIsNoAnswerIsAnError(text: String, sentence: String) async throws {
    let said = try await ask(.raw(text, thenEnds: true))
    guard case .failure(let error) = said.answers[0] else {
      Issue.record("\(said.answers)")
      return
    }
    #expect(error.sentence.hasPrefix(sentence))
  }

  @Test func aKeptConnectionThatTheServerGaveUpCostsNoRequest() async throws {
    let count = Counter()
    // Every second request meets a connection on which the server has lost interest.
    let server = try StandInServer { _ in count.next() % 2 == 0 ? .hangUp : .answer(204) }
    let client = try HTTPClient(name: "test", HTTPClientOptions(maxPending: 9, maxConnections: 1, keepsAlive: true))
    defer {
      client.stop()
      server.stop()
    }
    for _ in 0..<3 { #expect(await client.send(try request(server)) == answer(204, "")) }
    #expect(server.connections == 3)
  }

  @Test func aNewConnectionThatEndsWithoutAnAnswerIsNotTriedAgain() async throws {
    let said = try await ask(.hangUp)
    #expect(said.connections == 1)
    guard case .failure(.unreachable) = said.answers[0] else {
      Issue.record("\(said.answers)")
      return
    }
  }

  @Test func silenceEndsAtTheTimeout() async throws {
    let server = try StandInServer { _ in .silence }
    let client = try HTTPClient(name: "test", HTTPClientOptions(maxPending: 9, maxConnections: 1, keepsAlive: true))
    defer {
      client.stop()
      server.stop()
    }
    async let first = client.send(try request(server, timeout: .milliseconds(30)))
    // Waits for the connection, or has it next: its time runs from the beginning.
    async let second = client.send(try request(server, timeout: .milliseconds(30)))
    #expect(try await first == .failure(.timeout))
    #expect(try await second == .failure(.timeout))
  }

  @Test func aStoppedClientAnswersEverybody() async throws {
    let server = try StandInServer { _ in .silence }
    let client = try HTTPClient(name: "test", HTTPClientOptions(maxPending: 9, maxConnections: 1, keepsAlive: true))
    let waiting = try (0..<3).map { _ in
      let request = try request(server)
      return Task { await client.send(request) }
    }
    await until { server.connections == 1 }
    client.stop()
    for task in waiting { #expect(await task.value == .failure(.stopped)) }
    #expect(await client.send(try request(server)) == .failure(.stopped))
    server.stop()
  }
}
