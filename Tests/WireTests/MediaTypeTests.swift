// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

private func mediaType(_ text: String) -> MediaType? { MediaType(parsing: Array(text.utf8).span) }

private func matches(_ text: String, _ essence: StaticString) -> Bool {
  MediaType.matches(Array(text.utf8).span, essence)
}

@Test(
  arguments: [
    ("application/json", "application/json", nil), ("Application/JSON; charset=UTF-8", "application/json", "UTF-8"),
    ("application/json;charset=utf-8", "application/json", "utf-8"),
    ("text/plain ; CHARSET = \"a b\"", "text/plain", "a b"),
    ("  text/html;;; charset=x ; ", "text/html", "x"), ("a/b; x=y; charset=1; charset=2", "a/b", "1"),
    ("application/vnd.a+json; charset=\"q\\\"\\\\\"", "application/vnd.a+json", "q\"\\"), ("a/b;", "a/b", nil),
  ] as [(String, String, String?)])
func aMediaTypeIsTakenApart(text: String, essence: String, charset: String?) throws {
  let type = try #require(mediaType(text))
  #expect(type.essence == essence)
  #expect(type.parameter("charset") == charset)
}

@Test(arguments: [
  "", "json", "/", "a/", "/b", "a/b/c", "a b/c", "a/b c", "a/b; c", "a/b; =d", "a/b; c=", "a/b; c=\"", "a/b; c=\"d\" e",
  "a/b; c=\"d\\", "a/b, c/d", "a/b; c=\"\u{1}\"", "*", "a/b; c d=e",
])
func whatIsNoMediaTypeIsRefused(text: String) {
  #expect(mediaType(text) == nil)
}

@Test(arguments: ["---WebKitFormBoundaryYbCe8VCHJCMGeynE", "----=_Part_1_2.3", "a'()+_,-./:=?b"])
func aBoundaryIsFoundBareAndQuoted(boundary: String) {
  #expect(mediaType("multipart/form-data; boundary=\(boundary)")?.parameter("boundary") == boundary)
  #expect(mediaType("multipart/form-data; boundary=\"\(boundary)\"; x=y")?.parameter("boundary") == boundary)
}

@Test func typesAreEqualByEssenceAndParameters() {
  #expect(mediaType("A/B; C=d") == mediaType("a/b;c=\"d\""))
  #expect(mediaType("a/b; c=d") != mediaType("a/b; c=D"))
  #expect(mediaType("a/b") != mediaType("a/b; c=d"))
  #expect(Set([mediaType("A/B; C=d"), mediaType("a/b;c=d"), mediaType("a/b")]).count == 2)
}

@Test(arguments: [
  ("application/json", true), ("Application/Json ;charset=UTF-8", true), ("application/json2", false), ("", false),
  ("application/jso", false), ("text/json", false),
])
func aTypeIsRecognisedWithoutParsing(text: String, isJSON: Bool) {
  #expect(matches(text, "application/json") == isJSON)
}

// MARK: cookies

private func cookie(_ header: String, _ name: StaticString = "BAYEUX_BROWSER") -> String? {
  Cookies.value(of: name, in: Array(header.utf8).span)
}

@Test(
  arguments: [
    ("BAYEUX_BROWSER=f3d8-3vwgdc1v", "f3d8-3vwgdc1v"),
    ("JSESSIONID=1bob1qjgrmiy; BAYEUX_BROWSER=f3d8-3vwg", "f3d8-3vwg"),
    ("BAYEUX_BROWSER=a; BAYEUX_BROWSER=b", "a"), ("x=y;BAYEUX_BROWSER=a ;z", "a"), ("BAYEUX_BROWSER=\"q\"", "q"),
    ("BAYEUX_BROWSER=", ""), ("BAYEUX_BROWSER=a=b", "a=b"), (" ; ;; BAYEUX_BROWSER=a", "a"),
    ("BAYEUX_BROWSER=\"", "\""),
    ("", nil), ("BAYEUX_BROWSER", nil), ("bayeux_browser=a", nil), ("XBAYEUX_BROWSER=a", nil),
    ("BAYEUX_BROWSERX=a", nil),
    ("x=BAYEUX_BROWSER=a", nil), ("BAYEUX_BROWSER =a", nil), ("x=y,BAYEUX_BROWSER=a", nil),
  ] as [(String, String?)])
func aCookieIsFoundByItsName(header: String, value: String?) {
  #expect(cookie(header) == value)
}

@Test func aCookieIsFoundInTheSecondField() {
  let connection = TestConnection("GET / HTTP/1.1\r\nHost: h\r\nCookie: a=1; b=2\r\ncookie: c=\"3\"\r\n\r\n")
  #expect(connection.cookie("b") == "2")
  #expect(connection.cookie("c") == "3")
  #expect(connection.cookie("d") == nil)
}
