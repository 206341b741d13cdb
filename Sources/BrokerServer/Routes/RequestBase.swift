// SPDX-License-Identifier: Apache-2.0
import Bytes
import ChatService
import Reactor

extension HTTPRequest {
  /// Who calls, and under which address he reaches us.
  func caller(on connection: HTTPConnection) -> ChatCaller {
    ChatCaller(
      user: user.isEmpty ? nil : String(decoding: user, as: UTF8.self),
      credentials: header("authorization").flatMap { BasicCredentials(header: $0) },
      baseURL: baseURL(on: connection))
  }

  /// What absolute URLs begin with (A28): `gms.externalUrlBase`, else what a gateway says in `X-Forwarded-Proto`, `-Host`
  /// and `-Port`, else the `Host` header, else the address of the listener.
  ///
  /// The forwarded headers count for the same peers as the user header.
  private func baseURL(on connection: HTTPConnection) -> String {
    if let base = connection.shard.context.configuration.gms.externalUrlBase {
      return base.hasSuffix("/") ? String(base.dropLast()) : base
    }
    var scheme = "http"
    var authority = header("host").flatMap(Self.authority)
    if connection.trustsUserHeader {
      if let word = first("x-forwarded-proto")?.lowercased(), word == "http" || word == "https" { scheme = word }
      if let host = first("x-forwarded-host").flatMap(Self.authority) { authority = host }
      if let port = first("x-forwarded-port"), let number = UInt16(port), number != (scheme == "https" ? 443 : 80),
        let host = authority, !host.contains(":")
      {
        authority = "\(host):\(number)"
      }
    }
    let own = authority ?? connection.localAddress?.description ?? "localhost"
    return "\(scheme)://\(own)"
  }

  /// Of several gateways, the one next to the client.
  private func first(_ name: StaticString) -> String? {
    header(name)?.split(separator: ",").first.map { $0.filter { $0 != " " } }
  }

  /// The text where it can be an authority, so that nothing else gets into an answer.
  private static func authority(_ text: String) -> String? {
    let isFine = text.utf8.allSatisfy { ASCII.isAlphanumeric($0) || ".-_:[]".utf8.contains($0) }
    return isFine && !text.isEmpty && text.utf8.count <= 255 ? text : nil
  }
}
