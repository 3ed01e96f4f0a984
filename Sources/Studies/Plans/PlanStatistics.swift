// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams

/// The mean of replications with an interval by Student's t.
public struct PlanEstimate: Codable, Sendable, Hashable {
  /// The mean.
  public var mean: Double
  /// The lower end of the interval; the mean where there is one value.
  public var low: Double
  /// The upper end.
  public var high: Double

  /// The estimate from values; `nil` where there is none.
  init?(_ values: [Double], confidence: Double) {
    guard !values.isEmpty else { return nil }
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    self.mean = mean
    guard values.count > 1 else {
      (low, high) = (mean, mean)
      return
    }
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let error = (squares / (count - 1) / count).squareRoot()
    let margin = error * Quantiles.studentT(0.5 + confidence / 2, degreesOfFreedom: count - 1)
    (low, high) = (mean - margin, mean + margin)
  }

  /// The estimate from values that every replication has; `nil` where one lacks it.
  init?(whole values: [Double?], confidence: Double) {
    let known = values.compactMap { $0 }
    guard known.count == values.count else { return nil }
    self.init(known, confidence: confidence)
  }
}
