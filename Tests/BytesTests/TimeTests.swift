// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

struct UTCTimeTests {
  static let known: [(seconds: Int64, text: String, http: String)] = [
    (0, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
    (-1, "1969-12-31T23:59:59Z", "Wed, 31 Dec 1969 23:59:59 GMT"),
    (86_399, "1970-01-01T23:59:59Z", "Thu, 01 Jan 1970 23:59:59 GMT"),
    (-86_400, "1969-12-31T00:00:00Z", "Wed, 31 Dec 1969 00:00:00 GMT"),
    (-86_401, "1969-12-30T23:59:59Z", "Tue, 30 Dec 1969 23:59:59 GMT"),
    (68_169_599, "1972-02-28T23:59:59Z", "Mon, 28 Feb 1972 23:59:59 GMT"),
    (68_169_600, "1972-02-29T00:00:00Z", "Tue, 29 Feb 1972 00:00:00 GMT"),
    (784_111_777, "1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
    (951_782_400, "2000-02-29T00:00:00Z", "Tue, 29 Feb 2000 00:00:00 GMT"),
    (951_868_800, "2000-03-01T00:00:00Z", "Wed, 01 Mar 2000 00:00:00 GMT"),
    (1_000_000_000, "2001-09-09T01:46:40Z", "Sun, 09 Sep 2001 01:46:40 GMT"),
    (1_339_317_010, "2012-06-10T08:30:10Z", "Sun, 10 Jun 2012 08:30:10 GMT"),
    (1_351_030_807, "2012-10-23T22:20:07Z", "Tue, 23 Oct 2012 22:20:07 GMT"),
    (1_704_067_199, "2023-12-31T23:59:59Z", "Sun, 31 Dec 2023 23:59:59 GMT"),
    (2_147_483_648, "2038-01-19T03:14:08Z", "Tue, 19 Jan 2038 03:14:08 GMT"),
    (4_107_542_399, "2100-02-28T23:59:59Z", "Sun, 28 Feb 2100 23:59:59 GMT"),
    (4_107_542_400, "2100-03-01T00:00:00Z", "Mon, 01 Mar 2100 00:00:00 GMT"),
    (253_402_300_799, "9999-12-31T23:59:59Z", "Fri, 31 Dec 9999 23:59:59 GMT"),
    (-2_208_988_800, "1900-01-01T00:00:00Z", "Mon, 01 Jan 1900 00:00:00 GMT"),
    (-62_135_596_800, "0001-01-01T00:00:00Z", "Mon, 01 Jan 0001 00:00:00 GMT"),
  ]

  @Test(arguments: known)
  func momentIsTheKnownDate(_ seconds: Int64, _ text: String, _ http: String) {
    let time = UTCTime(secondsSince1970: seconds)
    #expect(time.iso8601 == text)
    #expect(time.httpDate == http)
  }

  /// Day after day over four centuries and more, by the rules of the calendar alone.
  @Test func calendarAdvancesDayByDay() {
    var (year, month, day, weekday) = (1583, 1, 1, 6)
    let start = -12_212_553_600 as Int64
    for offset in 0..<200_000 as Range<Int64> {
      let time = UTCTime(secondsSince1970: start + offset * 86_400 + offset % 86_400)
      guard [time.year, time.month, time.day, time.weekday] == [year, month, day, weekday],
        Int64(time.hour * 3600 + time.minute * 60 + time.second) == offset % 86_400
      else {
        Issue.record("day \(offset) is \(time.iso8601), not \(year)-\(month)-\(day)")
        return
      }
      let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
      let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
      day += 1
      weekday = (weekday + 1) % 7
      if day > lengths[month - 1] { (day, month) = (1, month + 1) }
      if month > 12 { (month, year) = (1, year + 1) }
    }
  }
}

struct InstantTests {
  @Test func instantsAddSubtractAndCompare() {
    let start = Instant(nanoseconds: 5)
    #expect(start + .milliseconds(2) == Instant(nanoseconds: 2_000_005))
    #expect((start + .seconds(1)) - start == .seconds(1))
    #expect(start - (start + .nanoseconds(3)) == .nanoseconds(-3))
    #expect(start + .nanoseconds(-5) == Instant(nanoseconds: 0))
    #expect(start < start + .nanoseconds(1) && !(start < start))
  }

  @Test func theFutureDoesNotOverflow() {
    let late = Instant(nanoseconds: .max - 1)
    #expect(late + .nanoseconds(1) == .distantFuture)
    #expect(late + .nanoseconds(2) == .distantFuture)
    #expect(late + .seconds(Int64.max) == .distantFuture)
    #expect(Instant.distantFuture + .seconds(60) == .distantFuture)
    #expect(Instant(nanoseconds: 0) + .seconds(9_223_372_036) < .distantFuture)
    #expect(Instant(nanoseconds: 0) + .seconds(9_223_372_037) == .distantFuture)
    #expect(Instant.distantFuture - Instant(nanoseconds: 0) == .nanoseconds(Int64.max))
  }

  @Test func durationsAreCountedWholeAndSaturate() {
    #expect(Duration.seconds(60).wholeMilliseconds == 60_000)
    #expect(Duration.microseconds(1999).wholeMilliseconds == 1)
    #expect(Duration.milliseconds(-1500).wholeNanoseconds == -1_500_000_000)
    #expect(Duration.nanoseconds(Int64.max).wholeNanoseconds == .max)
    #expect(Duration.nanoseconds(Int64.min).wholeNanoseconds == .min)
    #expect((Duration.nanoseconds(Int64.max) + .nanoseconds(1)).wholeNanoseconds == .max)
    #expect((Duration.nanoseconds(Int64.min) - .nanoseconds(1)).wholeNanoseconds == .min)
    #expect(Duration.seconds(Int64.max).wholeNanoseconds == .max)
    #expect(Duration.seconds(Int64.min).wholeNanoseconds == .min)
    #expect(Duration.milliseconds(Int64.max).wholeNanoseconds == .max)
  }
}
