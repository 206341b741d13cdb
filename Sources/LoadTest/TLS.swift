// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
import Glibc

/// Why a connection has no TLS, in words for people.
struct TLSFault: Error, Hashable {
  let text: String
}

/// What the TLS connections to one server share: whom they trust, and whom they expect.
final class TLSContext {
  private let context: OpaquePointer
  private let host: String
  private let verifies: Bool

  /// - Parameter url: whose host the certificate has to carry, by name or by address.
  /// - Throws: ``LoadTestError/badOption(_:_:)`` where the file of certificates is none.
  init(_ url: TargetURL, _ options: LoadOptions) throws(LoadTestError) {
    guard let context = SSL_CTX_new(TLS_client_method()) else { throw .badOption("url", "TLS cannot be set up") }
    self.context = context
    host = url.host
    verifies = !options.takesAnyCertificate
    _ = openssl_set_least_version(context)
    SSL_CTX_set_verify(context, verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nil)
    guard verifies else { return }
    if let authorities = options.authoritiesFile {
      guard SSL_CTX_load_verify_locations(context, authorities, nil) == 1 else {
        throw .badOption("ca-file", "\(authorities) holds no certificate that can be read")
      }
    } else {
      SSL_CTX_set_default_verify_paths(context)
    }
  }

  deinit { SSL_CTX_free(context) }

  func session() -> TLSSession? { TLSSession(context, host: host, verifies: verifies) }
}

/// One end of a TLS connection, between buffers: what was received goes in, what is to be sent comes out.
final class TLSSession {
  private let ssl: OpaquePointer
  /// Owned by `ssl`.
  private let incoming: OpaquePointer
  private let outgoing: OpaquePointer
  /// What was written before the handshake was through.
  private var waiting: [UInt8] = []
  private var isOpen = false

  fileprivate init?(_ context: OpaquePointer, host: String, verifies: Bool) {
    guard let ssl = SSL_new(context), let incoming = BIO_new(BIO_s_mem()), let outgoing = BIO_new(BIO_s_mem()) else {
      return nil
    }
    self.ssl = ssl
    self.incoming = incoming
    self.outgoing = outgoing
    SSL_set_bio(ssl, incoming, outgoing)
    SSL_set_connect_state(ssl)
    let isAddress = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1
    if !isAddress {
      _ = openssl_set_server_name(ssl, host)
      if verifies { SSL_set1_host(ssl, host) }
    }
  }

  deinit { SSL_free(ssl) }

  /// Begins; the first thing to send is in ``takeOutput()``.
  func start() throws(TLSFault) { try shakeHands() }

  /// Takes what came, and gives what it says.
  func receive(_ bytes: Span<UInt8>) throws(TLSFault) -> [UInt8] {
    bytes.withUnsafeBytes { _ = BIO_write(incoming, $0.baseAddress, Int32($0.count)) }
    if !isOpen {
      try shakeHands()
      guard isOpen else { return [] }
    }
    return try read()
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(TLSFault) {
    guard isOpen else {
      waiting += bytes
      return
    }
    guard bytes.count > 0 else { return }
    // A memory buffer takes everything.
    if SSL_write(ssl, bytes.baseAddress, Int32(bytes.count)) <= 0 { throw fault() }
  }

  /// What has to go over the connection now.
  func takeOutput() -> [UInt8] {
    let count = BIO_ctrl_pending(outgoing)
    if count == 0 { return [] }
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      filled = max(0, Int(BIO_read(outgoing, buffer.baseAddress, Int32(buffer.count))))
    }
  }

  private func shakeHands() throws(TLSFault) {
    ERR_clear_error()
    let result = SSL_do_handshake(ssl)
    if result == 1 {
      isOpen = true
      let bytes = waiting
      waiting = []
      guard !bytes.isEmpty else { return }
      let count = bytes.withUnsafeBytes { SSL_write(ssl, $0.baseAddress, Int32($0.count)) }
      if count <= 0 { throw fault() }
    } else if SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ {
      throw fault()
    }
  }

  private func read() throws(TLSFault) -> [UInt8] {
    var plain: [UInt8] = []
    ERR_clear_error()
    while true {
      let room = 16 << 10
      var result: Int32 = 0
      let chunk = [UInt8](unsafeUninitializedCapacity: room) { buffer, filled in
        result = SSL_read(ssl, buffer.baseAddress, Int32(room))
        filled = max(0, Int(result))
      }
      if result > 0 {
        plain += chunk
        continue
      }
      switch SSL_get_error(ssl, result) {
      // The end is told by the connection itself.
      case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE, SSL_ERROR_ZERO_RETURN: return plain
      default: throw fault()
      }
    }
  }

  private func fault() -> TLSFault {
    let verdict = SSL_get_verify_result(ssl)
    if verdict != X509_V_OK {
      let reason = String(cString: X509_verify_cert_error_string(verdict))
      return TLSFault(text: "its certificate is not accepted: \(reason)")
    }
    let code = ERR_get_error()
    guard code != 0, let reason = ERR_reason_error_string(code) else { return TLSFault(text: "TLS failed") }
    return TLSFault(text: "TLS: \(String(cString: reason))")
  }
}
