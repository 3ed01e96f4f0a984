// SPDX-License-Identifier: GPL-3.0-or-later

internal import Histogram

/// Durations recorded during a run, with exact percentiles up to a limit and a histogram beyond.
///
/// Up to ``exactLimit`` values are kept as they are, so that their percentiles are exact. Beyond,
/// they are folded into a histogram of three significant digits, so that memory does not grow with
/// the run; mean, minimum and maximum stay exact.
struct LatencyRecorder {
  /// The number of values up to which percentiles are exact.
  static let exactLimit = 1 << 17

  private var exact: [UInt64] = []
  private var histogram: Histogram<UInt64>?
  private(set) var count = 0
  private var sum = 0.0
  private var minimum = UInt64.max
  private var maximum: UInt64 = 0

  /// Records one duration [ns] that occurred `times` times.
  ///
  /// - Complexity: O(`times`) below the limit, O(1) beyond it.
  mutating func record(_ nanoseconds: UInt64, times: Int = 1) {
    guard times > 0 else { return }
    count += times
    sum += Double(nanoseconds) * Double(times)
    minimum = min(minimum, nanoseconds)
    maximum = max(maximum, nanoseconds)
    if histogram != nil {
      histogram!.record(nanoseconds, count: UInt64(times))
      return
    }
    if exact.count + times <= Self.exactLimit {
      for _ in 0..<times { exact.append(nanoseconds) }
      return
    }
    var folded = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
    for value in exact { folded.record(value) }
    folded.record(nanoseconds, count: UInt64(times))
    exact = []
    histogram = folded
  }

  /// Forgets all that was recorded.
  mutating func reset() {
    self = LatencyRecorder()
  }

  /// The summary in milliseconds; `nil` when nothing was recorded.
  func summary() -> SimulationResult.Distribution? {
    guard let quantile = quantile() else { return nil }
    return .init(
      count: count, mean: sum / Double(count) * Self.milliseconds, p50: quantile(0.5),
      p90: quantile(0.9), p95: quantile(0.95), p99: quantile(0.99),
      min: Double(minimum) * Self.milliseconds, max: Double(maximum) * Self.milliseconds)
  }

  /// The values [ms] below which these shares of all lie; `nil` when nothing was recorded.
  func quantiles(_ shares: [Double]) -> [Double]? { quantile().map(shares.map) }

  private static let milliseconds = 1e-6

  /// The value [ms] of a share; `nil` when nothing was recorded.
  private func quantile() -> ((Double) -> Double)? {
    guard count > 0 else { return nil }
    if let histogram {
      return { share in
        let value = histogram.valueAtPercentile(share * 100)
        return Double(Swift.min(Swift.max(value, self.minimum), self.maximum)) * Self.milliseconds
      }
    }
    let sorted = exact.sorted()
    return { share in
      // Linear interpolation between closest ranks, as numpy's default does.
      let position = share * Double(sorted.count - 1)
      let lower = Int(position)
      let upper = Swift.min(lower + 1, sorted.count - 1)
      let part = position - Double(lower)
      let value = Double(sorted[lower]) * (1 - part) + Double(sorted[upper]) * part
      return value * Self.milliseconds
    }
  }
}
