// SPDX-License-Identifier: GPL-3.0-or-later

/// Counts of whole numbers, from which quantiles are read, in memory that does not grow with how
/// many are counted.
///
/// Exact up to 65,535; above that in steps of 1/2048 of the value.
struct LengthHistogram: Sendable {
  private static let exactLimit = 1 << 16
  private static let stepBits = 11

  private var counts: [UInt64] = []
  private(set) var count: UInt64 = 0
  private(set) var minimum = Int.max
  private(set) var maximum = 0
  private var sum = 0.0

  /// The mean; 0 of nothing.
  var mean: Double { count == 0 ? 0 : sum / Double(count) }

  /// Counts a number that is not negative.
  mutating func add(_ value: Int) {
    let index = Self.index(of: value)
    if index >= counts.count {
      counts.append(contentsOf: repeatElement(0, count: index + 1 - counts.count))
    }
    counts[index] += 1
    count += 1
    sum += Double(value)
    minimum = min(minimum, value)
    maximum = max(maximum, value)
  }

  /// The smallest counted number that at least the share `quantile` of all is not above.
  ///
  /// - Complexity: O(buckets).
  func quantile(_ quantile: Double) -> Int {
    guard count > 0 else { return 0 }
    let rank = max(1, UInt64((quantile * Double(count)).rounded(.up)))
    var seen: UInt64 = 0
    for (index, bucket) in counts.enumerated() {
      seen += bucket
      if seen >= rank { return min(Self.value(of: index), maximum) }
    }
    return maximum
  }

  private static func index(of value: Int) -> Int {
    guard value >= exactLimit else { return value }
    let exponent = Int.bitWidth - 1 - value.leadingZeroBitCount
    let mantissa = (value >> (exponent - stepBits)) & ((1 << stepBits) - 1)
    return exactLimit + ((exponent - 16) << stepBits) + mantissa
  }

  private static func value(of index: Int) -> Int {
    guard index >= exactLimit else { return index }
    let exponent = ((index - exactLimit) >> stepBits) + 16
    let mantissa = (index - exactLimit) & ((1 << stepBits) - 1)
    return ((1 << stepBits) + mantissa) << (exponent - stepBits)
  }
}
