// SPDX-License-Identifier: Apache-2.0
import Bytes
import Wire

/// A request as a value of its own, for routes that go on after the loop has turned. The Bayeux path has no need of it.
struct HTTPRequest: Sendable {
  let head: RequestHead
  let text: [UInt8]
  /// What the peer is called, for trust decisions and logs.
  let user: [UInt8]

  var method: HTTPMethod { head.method }
  var path: String { String(text.span.extracting(head.path)) }
  var body: ArraySlice<UInt8> { text[head.body] }

  /// The first value of that header.
  func header(_ lowercaseName: StaticString) -> String? {
    head.value(of: lowercaseName, in: text.span).map { String(text.span.extracting($0)) }
  }

  var mediaType: MediaType? {
    guard let range = head.value(of: "content-type", in: text.span) else { return nil }
    return MediaType(parsing: text.span.extracting(range))
  }

  /// Decoded path segments: of `/genesys/1/service/x` these are `genesys`, `1`, `service`, `x`.
  func segments() throws(RouteError) -> [String] {
    do throws(PathError) {
      return try PercentCoding.segments(of: text.span.extracting(head.path))
    } catch {
      throw .badPath(error.sentence)
    }
  }

  func queryFields(limits: HTTPLimits) throws(RouteError) -> [FormField] {
    guard let query = head.query else { return [] }
    do throws(FormError) {
      return try Form.parse(text.span.extracting(query), limits: limits)
    } catch {
      throw .badFields(error.sentence)
    }
  }

  /// The body as JSON object.
  func jsonObject() throws(RouteError) -> JSONValue {
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue(parsing: text.span.extracting(head.body))
    } catch {
      throw .badBody("The body is not JSON: \(error.reason.rawValue) at byte \(error.offset)")
    }
    guard value.members != nil else { throw .badBody("The body is no JSON object") }
    return value
  }
}
