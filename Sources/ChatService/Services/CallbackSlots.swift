// SPDX-License-Identifier: Apache-2.0
import Bytes

/// The times that a query of availability asks about: every five minutes from its start on.
///
/// The broker keeps no office hours, so that every time is as good as any other.
struct CallbackSlots {
  /// As GMS divides the day.
  static let slotSeconds: Int64 = 300
  static let standardDays = 1
  static let maxDays = 31
  static let standardSlots = 5
  /// A whole day.
  static let maxSlots = 288

  /// `2026-11-21T12:05:00.000Z`, in order.
  let times: [String]

  /// - Parameters:
  ///   - fields: `start` and `end` as UTC times, `number-of-days`, `max-time-slots`; all optional.
  ///   - now: seconds since 1970; where `start` is absent or over, the first slot is the next one from here.
  /// - Throws: ``ChatError/badTime``
  init(_ fields: ChatFields, now: Int64) throws(ChatError) {
    func count(_ name: String, _ standard: Int, _ most: Int) throws(ChatError) -> Int {
      guard let text = fields.text(name) else { return standard }
      let digits = Array(text.utf8)
      guard let number = ASCII.decimal(digits.span), number > 0 else { throw .badTime }
      return min(number, most)
    }
    func moment(_ name: String) throws(ChatError) -> Int64? {
      guard let text = fields.text(name) else { return nil }
      guard let seconds = Self.seconds(text) else { throw .badTime }
      return seconds
    }
    let days = try count("number-of-days", Self.standardDays, Self.maxDays)
    let slots = try count("max-time-slots", Self.standardSlots, Self.maxSlots)
    let start = max(now, try moment("start") ?? now)
    let end = min(try moment("end") ?? .max, start + Int64(days) * 86_400)
    var time = (start + Self.slotSeconds - 1) / Self.slotSeconds * Self.slotSeconds
    var times: [String] = []
    while time <= end, times.count < slots {
      times.append(UTCTime(secondsSince1970: time).iso8601.dropLast() + ".000Z")
      time += Self.slotSeconds
    }
    self.times = times
  }

  /// Reads `2026-11-21T12:05:00Z`, with or without a fraction of a second; nil for anything else.
  static func seconds(_ text: String) -> Int64? {
    guard let parts = text.wholeMatch(of: /(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d{1,9})?Z/)?.output,
      let year = Int64(parts.1), let month = Int64(parts.2), let day = Int64(parts.3), let hour = Int64(parts.4),
      let minute = Int64(parts.5), let second = Int64(parts.6), year >= 1970, hour < 24, minute < 60, second < 61
    else { return nil }
    // Days are counted in 400-year eras that begin on 1 March, as `UTCTime` does.
    let shiftedYear = month <= 2 ? year - 1 : year
    let yearOfEra = shiftedYear % 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let days =
      shiftedYear / 400 * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second
    // A day or month that the calendar has not comes out as another one.
    let read = UTCTime(secondsSince1970: days * 86_400)
    return read.month == Int(month) && read.day == Int(day) ? seconds : nil
  }
}
