// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

struct ASCIITests {
  @Test func everyByteIsWhatItsCharacterIs() {
    for byte in UInt8.min ... .max {
      let character = Character(Unicode.Scalar(byte))
      let isASCII = byte < 0x80
      #expect(ASCII.isDigit(byte) == ("0"..."9").contains(character))
      #expect(ASCII.isLetter(byte) == (isASCII && character.isLetter))
      #expect(ASCII.isAlphanumeric(byte) == (isASCII && (character.isLetter || character.isNumber)))
      #expect(ASCII.lowercase(byte) == (isASCII ? character.lowercased().utf8.first : byte))
      #expect(ASCII.hexValue(byte).map(Int.init) == (isASCII ? character.hexDigitValue : nil))
    }
  }

  @Test(arguments: [
    ("0", 0), ("7", 7), ("00", 0), ("007", 7), ("42", 42), ("1234567890", 1_234_567_890),
    ("999999999999999999", 999_999_999_999_999_999), ("9223372036854775807", Int.max), ("0000000000000000001", 1),
  ])
  func decimalIsRead(_ text: String, _ value: Int) {
    #expect(decimal(text) == value)
  }

  @Test(arguments: [
    "", " ", "-1", "+1", "1 ", " 1", "1.0", "1e3", "0x1", "a", "１", "9223372036854775808", "9999999999999999999",
    "10000000000000000000", "99999999999999999999", "18446744073709551616", "100000000000000000000000000000000",
  ])
  func whatIsNoNumberOrTooLargeIsNil(_ text: String) {
    #expect(decimal(text) == nil)
  }

  @Test func textsAreComparedWholeWithAndWithoutCase() {
    #expect(equal("Gms_User", "Gms_User") && !equal("Gms_User", "gms_user"))
    #expect(!equal("Gms_User", "Gms_Use") && !equal("Gms_User", "Gms_Users"))
    #expect(equalIgnoringCase("Gms_User", "gms_user") && !equalIgnoringCase("Gms_User", "gms-user"))
    #expect(!equalIgnoringCase("Gms_User", "gms_use"))
    // `@` and `[` stand beside the capitals and differ from `` ` `` and `{` in the bit of the case.
    #expect(!equalIgnoringCase("@[", "`{"))
    #expect(equal("", "") && equalIgnoringCase("", ""))
  }

  @Test func spansBecomeTextsAndArrays() {
    let bytes = Array("aé😀".utf8)
    let (whole, part, broken) = (
      String(bytes.span), [UInt8](bytes.span.extracting(1..<3)), String(bytes.span.extracting(0..<2))
    )
    #expect(whole == "aé😀" && part == [0xC3, 0xA9] && broken == "a\u{FFFD}")
    let nothing = String([UInt8]().span)
    #expect(nothing.isEmpty)
  }

  private func decimal(_ text: String) -> Int? { ASCII.decimal(Array(text.utf8).span) }
  private func equal(_ text: String, _ other: StaticString) -> Bool { ASCII.equal(Array(text.utf8).span, other) }
  private func equalIgnoringCase(_ text: String, _ other: StaticString) -> Bool {
    ASCII.equalIgnoringCase(Array(text.utf8).span, other)
  }
}
