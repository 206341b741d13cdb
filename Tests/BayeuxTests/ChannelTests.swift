// SPDX-License-Identifier: Apache-2.0
import Bayeux
import Testing

struct ChannelTests {
  @Test(arguments: [
    "/a", "/A", "/1", "/a/b/c", "/_genesys", "/meta/connect", "/service/x", "/a b", "/!#$()+-.@_{~}", "/*", "/**",
    "/a/*",
    "/a/**", "/meta", "/0/9", "/a./b",
  ])
  func nameIsAccepted(_ text: String) throws {
    #expect(try #require(Channel(text)).name == text)
  }

  @Test(arguments: [
    "", "/", "//", "a", "a/", "a/b", "/a//b", "//a", "/a//", "/*/a", "/**/a", "/a/*/b", "/a*", "/*a", "/a/b*", "/***",
    "/a/***", "/* *", "/a,b", "/a:b", "/a=b", "/a%b", "/a&b", "/a'b", "/a?b", "/a\"b", "/a\\b", "/a<b", "/a>b", "/a;b",
    "/a[b", "/a^b", "/a`b", "/a|b", "/é", "/日本", "/a\u{0}b", "/a\nb", "/a\tb", "/a\u{7F}b",
  ])
  func nameIsRefused(_ text: String) {
    #expect(Channel(text) == nil)
  }

  @Test(arguments: [
    ("/a/", "/a"), (" /a", "/a"), ("/a ", "/a"), ("\t/a\n", "/a"), ("/a/ ", "/a"), ("/a/b/", "/a/b"), ("/a/*/", "/a/*"),
    ("/a /", "/a "),
  ])
  func slashAtTheEndAndOuterWhiteSpaceDoNotCount(_ text: String, _ name: String) {
    #expect(Channel(text)?.name == name)
  }

  @Test(
    arguments: [
      ("/meta", .meta), ("/meta/connect", .meta), ("/meta/*", .meta), ("/service", .service),
      ("/service/a/b", .service),
      ("/metadata", .broadcast), ("/services/a", .broadcast), ("/Meta/a", .broadcast), ("/a/meta", .broadcast),
      ("/*", .broadcast), ("/**", .broadcast), ("/_genesys", .broadcast),
    ] as [(String, Channel.Kind)])
  func kindIsThatOfTheFirstSegment(_ text: String, _ kind: Channel.Kind) {
    #expect(Channel(text)?.kind == kind)
  }

  @Test func reachIsThatOfTheLastSegment() {
    #expect(
      Channel("/a/b")?.reach == .exact && Channel("/a/*")?.reach == .oneLevel && Channel("/a/**")?.reach == .anyDepth)
  }

  /// CometD's own table of what matches what.
  @Test(arguments: [
    ("/foo", "/*", true), ("/foo", "/**", true), ("/foo", "/foo", true), ("/foo", "/foo/*", false),
    ("/foo", "/foo/**", false), ("/foo", "/bar", false), ("/foo", "/Foo", false),
    ("/foo/bar", "/foo/*", true), ("/foo/bar", "/foo/**", true), ("/foo/bar", "/**", true), ("/foo/bar", "/*", false),
    ("/foo/bar", "/foo", false), ("/foo/bar", "/bar/*", false), ("/foo/bar", "/foo/bar/*", false),
    ("/foo/bar/baz", "/foo/bar/*", true), ("/foo/bar/baz", "/foo/bar/**", true), ("/foo/bar/baz", "/foo/**", true),
    ("/foo/bar/baz", "/**", true), ("/foo/bar/baz", "/foo/*", false), ("/foo/bar/baz", "/*", false),
    ("/foo/bar/baz", "/foo/bar", false), ("/foobar/baz", "/foo/**", false), ("/foo/barbaz", "/foo/bar/**", false),
  ])
  func patternsMatch(_ name: String, _ pattern: String, _ matches: Bool) throws {
    let (channel, pattern) = (try #require(Channel(name)), try #require(Channel(pattern)))
    #expect(pattern.matches(channel) == matches)
    #expect((pattern == channel || channel.patterns.contains(pattern.name)) == matches)
  }

  @Test func patternsOfAChannelAreTheNearestFirst() {
    #expect(Channel("/a/b/c")?.patterns == ["/a/b/*", "/a/b/**", "/a/**", "/**"])
    #expect(Channel("/a")?.patterns == ["/*", "/**"])
  }

  @Test func channelsAreEqualByTheirMeaning() {
    #expect(Channel("/_genesys/") == .genesys && Channel(" /_genesys")?.hashValue == Channel.genesys.hashValue)
    #expect(Channel("/_Genesys") != .genesys)
  }

  @Test(arguments: [2, 3, 10])
  func lengthIsBoundedWithoutWhatDoesNotCount(_ limit: Int) {
    for count in [limit - 1, limit, limit + 1] where count >= 2 {
      let name = "/" + String(repeating: "a", count: count - 1)
      #expect((Channel(name, maxBytes: limit) == nil) == (count > limit))
      #expect((Channel(" \(name)/ ", maxBytes: limit) == nil) == (count > limit))
    }
  }
}
