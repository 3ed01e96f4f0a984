// SPDX-License-Identifier: GPL-3.0-or-later

/// The rule MSER-5 for the length of a warm-up (White, Cobb and Spratt, "A comparison of five
/// steady-state truncation heuristics for simulation", Winter Simulation Conference 2000).
///
/// Observations are averaged in batches of five; the cut d is that which makes the standard error of
/// the batches behind it least: Σ_{j>d} (z_j − z̄_d)² / (n − d)². It is judged on the average over
/// replications, since on one run it mistakes noise for the steady state.
public struct MSER5: Sendable, Hashable {
  /// The observations of a batch.
  public static let batchSize = 5

  /// The batches.
  public var batches: Int
  /// The batches to cut.
  public var cut: Int

  /// The observations to cut.
  public var observations: Int { cut * Self.batchSize }
  /// Whether the minimum lies in the first half. Where it does not, the run is too short to tell
  /// its beginning from its steady state, and nothing should be reported.
  public var isTrustworthy: Bool { batches >= 4 && cut * 2 <= batches }

  /// The rule on the means of batches.
  ///
  /// - Complexity: O(*n*).
  public init(batchMeans: [Double]) {
    batches = batchMeans.count
    cut = 0
    var best = Double.infinity
    var sum = 0.0
    var squares = 0.0
    // From the end: sums over what is behind the cut. The last batches alone are left out, where
    // chance makes the error small.
    let center = batchMeans.isEmpty ? 0 : batchMeans.reduce(0, +) / Double(batchMeans.count)
    for index in batchMeans.indices.reversed() {
      let value = batchMeans[index] - center
      sum += value
      squares += value * value
      let count = Double(batchMeans.count - index)
      guard count >= 5 || batchMeans.count < 10 else { continue }
      let error = max(0, squares - sum * sum / count) / (count * count)
      if error <= best {
        best = error
        cut = index
      }
    }
  }

  /// The means of batches of observations; what does not fill one is left out.
  public static func batchMeans(of observations: some Collection<Double>) -> [Double] {
    var means: [Double] = []
    var sum = 0.0
    var count = 0
    for value in observations {
      sum += value
      count += 1
      if count == batchSize {
        means.append(sum / Double(batchSize))
        (sum, count) = (0, 0)
      }
    }
    return means
  }

  /// The average of several series, as long as the shortest.
  public static func average(of series: [[Double]]) -> [Double] {
    let length = series.map(\.count).min() ?? 0
    return (0..<length).map { index in
      series.reduce(0) { $0 + $1[index] } / Double(series.count)
    }
  }
}
