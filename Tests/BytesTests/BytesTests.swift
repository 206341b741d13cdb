// SPDX-License-Identifier: Apache-2.0
import Bytes
import Testing

@Test func decimalsAreWrittenAsSwiftPrintsThem() {
  for value in [0, 1, 9, 10, 99, 100, 12345, Int.max, -1, -90] {
    var writer = ByteWriter(capacity: 8)
    writer.append(decimal: value)
    #expect(String(decoding: writer.array, as: UTF8.self) == String(value))
  }
}
