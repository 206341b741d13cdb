// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Bytes
import Reactor
import Wire

/// Decides who a request comes from, where the header alone is not to be believed: a token, a signature, a session.
public protocol UserVerifier: Sendable {
  /// Called for every request, on a loop: it must not block.
  ///
  /// - Parameters:
  ///   - claimed: what the request says; nil if it names no user.
  ///   - header: the value of a header by its lower-case name.
  func verify(claimed: String?, header: (StaticString) -> String?) -> UserVerdict
}

/// What a ``UserVerifier`` found.
public enum UserVerdict: Sendable, Hashable {
  /// The request comes from this user.
  case user(String)
  /// The request comes from nobody in particular.
  case anonymous
  /// The request is refused with 403 and this sentence.
  case refused(String)
}

/// Finds the `gms_user` of a request.
struct UserIdentity: Sendable {
  private let headers: [[UInt8]]
  private let fromQuery: Bool
  private let fromCookie: Bool
  private let maxBytes: Int
  let trustedNetworks: [Network]
  private let verifier: (any UserVerifier)?

  init(_ configuration: ServerConfiguration, verifier: (any UserVerifier)?) throws(ConfigurationError) {
    headers = configuration.gms.userHeaders.map { Array($0.lowercased().utf8) }
    fromQuery = configuration.gms.userFromQuery
    fromCookie = configuration.gms.userFromCookie
    maxBytes = configuration.bayeux.options.limits.maxUserBytes
    self.verifier = verifier
    var networks: [Network] = []
    for text in configuration.gms.trustedProxies {
      guard let network = Network(text) else { throw .badNetwork(text) }
      networks.append(network)
    }
    trustedNetworks = networks
  }

  /// Whether the user header of that peer counts.
  func trusts(_ peer: SocketAddress) -> Bool {
    trustedNetworks.isEmpty || trustedNetworks.contains { $0.contains(peer) }
  }

  /// The address that limits count for; zero for this machine and for trusted proxies, behind which are many clients.
  func countedAddress(of peer: SocketAddress) -> UInt64 {
    peer.isLoopback || trustedNetworks.contains { $0.contains(peer) } ? 0 : peer.networkKey
  }

  /// Whether anything but the headers counts.
  private var looksFurther: Bool { fromQuery || fromCookie || verifier != nil }

  /// Where the user stands in the text, without copying it; empty for none. Nil where the headers alone do not tell: then
  /// ``user(of:in:trustsHeader:)`` does.
  func range(of head: RequestHead, in text: Span<UInt8>, trustsHeader: Bool) throws(RouteError) -> Range<Int>? {
    if looksFurther { return nil }
    guard trustsHeader else { return 0..<0 }
    let range = try fromHeaders(head, text)
    if range.count > maxBytes { throw .userTooLong(maxBytes) }
    return range
  }

  /// The user, empty for none.
  ///
  /// - Parameters:
  ///   - trustsHeader: whether the peer is one whose header counts; of another one query and cookie do not either.
  ///   - isScript: whether a page loads the answer as a script. Any page may do that, and its visitor's browser sends
  ///     the cookies: they do not count then.
  func user(
    of head: RequestHead, in text: Span<UInt8>, trustsHeader: Bool, isScript: Bool = false
  ) throws(RouteError) -> [UInt8] {
    var user: [UInt8] = trustsHeader ? Array(text.extracting(try fromHeaders(head, text))) : []
    if looksFurther { user = try lookFurther(user, head, text, trustsHeader, isScript: isScript) }
    if user.count > maxBytes { throw .userTooLong(maxBytes) }
    return user
  }

  private func fromHeaders(_ head: RequestHead, _ text: Span<UInt8>) throws(RouteError) -> Range<Int> {
    var found: Range<Int>?
    for field in head.fields where isUserHeader(text.extracting(field.name)) {
      let value = field.value
      if value.isEmpty { continue }
      guard let earlier = found else {
        found = value
        continue
      }
      if Array(text.extracting(earlier)) != Array(text.extracting(value)) { throw .ambiguousUser }
    }
    return found ?? 0..<0
  }

  private func isUserHeader(_ name: Span<UInt8>) -> Bool {
    for header in headers where header.count == name.count {
      var isEqual = true
      for index in name.indices where ASCII.lowercase(name[index]) != header[index] {
        isEqual = false
        break
      }
      if isEqual { return true }
    }
    return false
  }

  /// Query parameter, cookie, verifier: none of them on by default.
  private func lookFurther(
    _ user: [UInt8], _ head: RequestHead, _ text: Span<UInt8>, _ trustsQuery: Bool,
    isScript: Bool
  ) throws(RouteError) -> [UInt8] {
    var user = user
    /// The first that names a user wins, and none that is asked may name another one.
    func take(_ value: String) throws(RouteError) {
      let named = Array(value.utf8)
      if named.isEmpty { return }
      if user.isEmpty { user = named } else if user != named { throw .ambiguousUser }
    }
    if fromQuery, trustsQuery, let query = head.query {
      let fields: [FormField]
      do throws(FormError) {
        fields = try Form.parse(text.extracting(query), limits: HTTPLimits())
      } catch {
        throw .badFields(error.sentence)
      }
      for field in fields where field.name == "gms_user" { try take(field.value) }
    }
    if fromCookie, trustsQuery, !isScript {
      for value in head.cookies("gms_user", in: text) { try take(value) }
    }
    guard let verifier else { return user }
    let fields = Array(text)
    let verdict = verifier.verify(claimed: user.isEmpty ? nil : String(decoding: user, as: UTF8.self)) { name in
      head.value(of: name, in: fields.span).map { String(fields.span.extracting($0)) }
    }
    switch verdict {
    case .user(let name): return Array(name.utf8)
    case .anonymous: return []
    case .refused(let reason): throw .userRefused(reason)
    }
  }
}
