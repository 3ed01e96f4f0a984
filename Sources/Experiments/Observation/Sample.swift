// SPDX-License-Identifier: GPL-3.0-or-later

/// Values of one figure, sorted, with what is asked of their distribution.
public struct Sample: Sendable, Equatable {
  /// The values, in ascending order.
  public let values: [Double]

  /// A sample of finite values.
  public init(_ values: [Double]) { self.values = values.sorted() }

  /// The arithmetic mean; `nil` of an empty sample.
  public var mean: Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  /// The value below which this share lies, by straight lines between closest ranks, as numpy does;
  /// `nil` of an empty sample.
  public func quantile(_ share: Double) -> Double? {
    guard let last = values.indices.last else { return nil }
    let position = min(max(share, 0), 1) * Double(last)
    let lower = Int(position)
    let part = position - Double(lower)
    return values[lower] * (1 - part) + values[min(lower + 1, last)] * part
  }

  /// The share of the values that are at most this one.
  ///
  /// - Complexity: O(log values).
  public func share(upTo value: Double) -> Double {
    guard !values.isEmpty else { return 0 }
    var (low, high) = (0, values.count)
    while low < high {
      let middle = (low + high) / 2
      if values[middle] <= value { low = middle + 1 } else { high = middle }
    }
    return Double(low) / Double(values.count)
  }

  /// How far two distributions are apart; `nil` where one of the samples is empty.
  ///
  /// - Complexity: O(values of both).
  public func distance(to other: Sample) -> SampleDistance? {
    guard !values.isEmpty, !other.values.isEmpty else { return nil }
    var (left, right) = (0, 0)
    var (widest, area) = (0.0, 0.0)
    var previous = min(values[0], other.values[0])
    while left < values.count || right < other.values.count {
      let next = min(
        left < values.count ? values[left] : .infinity,
        right < other.values.count ? other.values[right] : .infinity)
      let gap = abs(
        Double(left) / Double(values.count) - Double(right) / Double(other.values.count))
      widest = max(widest, gap)
      area += gap * (next - previous)
      previous = next
      while left < values.count, values[left] == next { left += 1 }
      while right < other.values.count, other.values[right] == next { right += 1 }
    }
    return SampleDistance(kolmogorovSmirnov: widest, wasserstein: area)
  }
}

/// How far two distributions are apart.
public struct SampleDistance: Sendable, Equatable {
  /// The Kolmogorov–Smirnov distance: the greatest difference of the two cumulative shares, 0 to 1.
  public var kolmogorovSmirnov: Double
  /// The first Wasserstein distance, the area between the two cumulative shares, in the values' unit:
  /// how far values would have to move on average to turn one distribution into the other.
  public var wasserstein: Double
}
