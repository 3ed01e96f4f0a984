// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@testable import Workload

@Suite("Calendar times")
struct TimestampTests {
  @Test("Days agree with Foundation's calendar", arguments: 0..<60)
  func calendar(step: Int) throws {
    // Every 1,777 days and some seconds from 1970 to 2258.
    let seconds = step * 1777 * 86_400 + step * 4567 % 86_400
    let formatter = ISO8601DateFormatter()
    formatter.formatOptions = [
      .withFullDate, .withTime, .withColonSeparatorInTime, .withSpaceBetweenDateAndTime,
      .withDashSeparatorInDate,
    ]
    let text = formatter.string(from: Date(timeIntervalSince1970: Double(seconds)))
    #expect(Timestamp.nanoseconds(text) == Int64(seconds) * 1_000_000_000, "\(text)")
  }

  @Test("Fractions and offsets")
  func fractions() {
    #expect(Timestamp.nanoseconds("1970-01-01 00:00:01.5") == 1_500_000_000)
    #expect(Timestamp.nanoseconds("1970-01-02T00:00:00.000000001") == 86_400_000_000_001)
    #expect(Timestamp.nanoseconds("1970-01-01 02:00:00+01:30") == 1_800_000_000_000)
    #expect(Timestamp.nanoseconds("1970-01-01 02:00:00.25Z") == 7_200_250_000_000)
  }

  @Test(
    "What is no time is refused",
    arguments: [
      "", "2023", "2023-11-16", "2023-13-16 00:00:00", "2023-02-29 00:00:00",
      "2023-11-16 24:00:00", "2023-11-16 00:60:00", "2023-11-16 00:00:00.", "NaN",
      "2023-11-16 00:00:00.1234567890", "2023-11-16 00:00:00 junk", "-023-11-16 00:00:00",
      "2023-11-16 00:00:00+1", "9999-11-16 00:00:00",
    ])
  func refused(text: String) {
    #expect(Timestamp.nanoseconds(text) == nil)
  }
}
