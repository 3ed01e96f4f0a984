// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams

/// A mean over replications with Student's interval.
///
/// The interval is mean ± t · s / √n, with the quantile of Student's t of n − 1 degrees of freedom
/// and s the standard deviation over the n replications.
public struct IntervalEstimate: Sendable, Hashable, Codable {
  /// The replications.
  public var count: Int
  /// Their mean.
  public var mean: Double
  /// Their standard deviation; `nil` with one.
  public var standardDeviation: Double?
  /// Half the width of the interval; `nil` with one.
  public var halfWidth: Double?

  /// The estimate from independent values; `nil` without any.
  ///
  /// - Parameter confidence: The probability with which the interval covers the mean.
  public init?(of values: [Double], confidence: Double = 0.95) {
    guard !values.isEmpty else { return nil }
    count = values.count
    mean = values.reduce(0, +) / Double(values.count)
    guard values.count > 1 else { return }
    let center = mean
    let freedom = Double(values.count - 1)
    let squares = values.reduce(0) { $0 + ($1 - center) * ($1 - center) }
    let deviation = (squares / freedom).squareRoot()
    standardDeviation = deviation
    halfWidth =
      Quantiles.studentT(0.5 + confidence / 2, degreesOfFreedom: freedom) * deviation
      / Double(values.count).squareRoot()
  }

  /// The half-width over the mean's magnitude; `nil` with one replication. Zero width is precise
  /// whatever the mean.
  public var relativePrecision: Double? {
    guard let halfWidth else { return nil }
    if halfWidth == 0 { return 0 }
    return mean == 0 ? .infinity : halfWidth / mean.magnitude
  }
}
