// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams

/// The difference of one figure between two policies, paired by replication.
///
/// Both policies of a pair see the same requests and the same routing, so what varies between
/// replications alone cancels. The interval is mean ± t · s / √n with the quantile of Student's t of
/// n − 1 degrees of freedom, s the standard deviation of the n differences.
public struct PairedDifference: Codable, Hashable, Sendable {
  /// The replications in which both have the figure.
  public var pairs: Int
  /// The mean of the differences, policy − baseline, in the figure's unit.
  public var mean: Double
  /// The mean over the pairs divided by that of the baseline; `nil` where that is zero.
  public var ratio: Double?
  /// The standard deviation of the differences; `nil` with one pair.
  public var standardDeviation: Double?
  /// The lower end of the confidence interval; `nil` with one pair.
  public var low: Double?
  /// The upper end of the confidence interval; `nil` with one pair.
  public var high: Double?
  /// The probability of a mean at least so far from zero, were there no difference (two-sided
  /// t-test); `nil` with one pair.
  public var pValue: Double?
  /// ``pValue`` after Holm's correction over the policies that are compared with the baseline.
  public var adjustedPValue: Double?

  /// The difference of paired values.
  ///
  /// - Parameters:
  ///   - values: The policy's and the baseline's value of each replication.
  ///   - confidence: The probability with which the interval covers the true difference.
  /// - Returns: `nil` without a pair.
  public init?(of values: [(policy: Double, baseline: Double)], confidence: Double = 0.95) {
    guard !values.isEmpty else { return nil }
    let count = Double(values.count)
    let differences = values.map { $0.policy - $0.baseline }
    let mean = differences.reduce(0, +) / count
    pairs = values.count
    self.mean = mean
    let baseline = values.map(\.baseline).reduce(0, +)
    if baseline != 0 { ratio = values.map(\.policy).reduce(0, +) / baseline }
    guard values.count > 1 else { return }
    let freedom = count - 1
    let squares = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let deviation = (squares / freedom).squareRoot()
    let error = deviation / count.squareRoot()
    let margin = error * Quantiles.studentT(0.5 + confidence / 2, degreesOfFreedom: freedom)
    standardDeviation = deviation
    low = mean - margin
    high = mean + margin
    if error > 0 {
      pValue = min(1, 2 * Quantiles.studentTTail(abs(mean) / error, degreesOfFreedom: freedom))
    } else {
      pValue = mean == 0 ? 1 : 0
    }
  }

  /// Whether the difference is told from none at this level, after the correction where there is
  /// one; `nil` where it cannot be judged.
  public func isSignificant(confidence: Double) -> Bool? {
    (adjustedPValue ?? pValue).map { $0 <= 1 - confidence }
  }
}

/// Holm's correction for several tests at once (Holm, "A Simple Sequentially Rejective Multiple Test
/// Procedure", Scandinavian Journal of Statistics 6, 1979).
public enum HolmCorrection {
  /// The adjusted p-values, in the order of the given ones.
  ///
  /// With the values sorted, p₁ ≤ … ≤ p_m, the adjusted value of pᵢ is the largest of
  /// min(1, (m − j + 1) pⱼ) over j ≤ i. Rejecting what is at most α keeps the probability of any
  /// false rejection at most α.
  ///
  /// - Complexity: O(m log m).
  public static func adjusted(_ pValues: [Double]) -> [Double] {
    let order = pValues.indices.sorted { (pValues[$0], $0) < (pValues[$1], $1) }
    var result = pValues
    var largest = 0.0
    for (rank, index) in order.enumerated() {
      largest = max(largest, min(1, Double(pValues.count - rank) * pValues[index]))
      result[index] = largest
    }
    return result
  }
}
