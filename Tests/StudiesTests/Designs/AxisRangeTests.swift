// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Studies
import Testing

@Suite("Ranges of a varied key")
struct AxisRangeTests {
  @Test(
    "have the values that their steps meet, in their unit",
    arguments: [
      ("10%..50%+10%", ["10%", "20%", "30%", "40%", "50%"]),
      ("1..64*2", ["1", "2", "4", "8", "16", "32", "64"]),
      ("8 GiB..24 GiB+8 GiB", ["8 GiB", "16 GiB", "24 GiB"]),
      ("8..24 GiB+8", ["8 GiB", "16 GiB", "24 GiB"]),
      ("0.5/s..2/s+0.5/s", ["0.5/s", "1/s", "1.5/s", "2/s"]),
      ("0.1..0.5+0.1", ["0.1", "0.2", "0.3", "0.4", "0.5"]),
      ("1e+3..3e3+1e3", ["1000", "2000", "3000"]), ("1..10*3", ["1", "3", "9"]),
      ("5..5+1", ["5"]), ("1..4+2", ["1", "3"]),
    ] as [(String, [String])])
  func values(text: String, expected: [String]) throws {
    let range = try #require(try AxisRange(parsing: text, origin: "test"))
    #expect(range.values == expected)
  }

  @Test("without a step leave the values to a design")
  func free() throws {
    let even = try #require(try AxisRange(parsing: "10..20", origin: "test"))
    #expect(even.values == nil)
    #expect(even.value(at: 0.25) == "12.5")
    let logarithmic = try #require(try AxisRange(parsing: "log 1..10000", origin: "test"))
    #expect(logarithmic.value(at: 0.5) == "100")
  }

  @Test(
    "that are wrong are told of",
    arguments: [
      "1..", "1..x", "1 GiB..2 s+1 s", "5..1+1", "1..5*1", "1..5+0", "log 0..5", "0..8*2",
    ])
  func wrong(text: String) {
    #expect(throws: Diagnostic.self) { try AxisRange(parsing: text, origin: "test") }
  }

  @Test("are not seen in other texts", arguments: ["lru", "a..b", "10%", "traces/a.csv", "1,2"])
  func other(text: String) throws {
    #expect(try AxisRange(parsing: text, origin: "test") == nil)
  }
}
