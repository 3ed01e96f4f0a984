// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Units

/// A part of the simulated time on the command line: "60s..70s".
struct TimeWindow: ExpressibleByArgument {
  /// The window [ns].
  let nanoseconds: ClosedRange<UInt64>

  init?(argument: String) {
    guard let dots = argument.firstRange(of: "..") else { return nil }
    guard let from = Self.nanoseconds(argument[..<dots.lowerBound]),
      let to = Self.nanoseconds(argument[dots.upperBound...]), from < to
    else { return nil }
    nanoseconds = from...to
  }

  private static func nanoseconds(_ text: Substring) -> UInt64? {
    guard let quantity = try? Quantity(parsing: String(text)),
      quantity.dimension == .seconds || (quantity.dimension == .count && quantity.value == 0),
      (0...1e9).contains(quantity.value)
    else { return nil }
    return UInt64((quantity.value * 1e9).rounded())
  }
}
