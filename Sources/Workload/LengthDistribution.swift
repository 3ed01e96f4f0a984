// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import RandomStreams

/// How long prompts or outputs are, in tokens.
public struct LengthDistribution: Hashable, Sendable {
  /// The form of the distribution before rounding and bounds.
  public enum Shape: Hashable, Sendable {
    /// Always the same length.
    case constant(Double)
    /// Every whole number of tokens from the one to the other, both included, equally likely.
    case uniform(minimum: Int, maximum: Int)
    /// The exponential of a normal variable with this mean and standard deviation.
    case lognormal(logMean: Double, logDeviation: Double)
    /// A gamma distribution with this mean and coefficient of variation.
    case gamma(mean: Double, variation: Double)
    /// A measured distribution.
    case empirical(EmpiricalLengths)
  }

  /// The form before rounding and bounds.
  public var shape: Shape
  /// No length is below this; at least 1. A shorter draw becomes it.
  public var minimum: Int
  /// No length is above this. A longer draw becomes it.
  public var maximum: Int

  /// Creates a distribution.
  ///
  /// - Precondition: `1 <= minimum <= maximum <= RequestLimits.maximumTokens`.
  public init(
    _ shape: Shape, minimum: Int = 1, maximum: Int = Int(RequestLimits.maximumTokens)
  ) {
    precondition(
      minimum >= 1 && minimum <= maximum && maximum <= Int(RequestLimits.maximumTokens),
      "bounds of a length must be ordered, from 1 to 2^24 tokens")
    self.shape = shape
    self.minimum = minimum
    self.maximum = maximum
  }

  /// A lognormal distribution by its mean and median: σ² = 2 ln(mean / median), μ = ln median.
  ///
  /// - Precondition: `mean >= median > 0`.
  public static func lognormal(mean: Double, median: Double) -> LengthDistribution {
    precondition(median > 0 && mean >= median, "a lognormal mean is at least its median")
    return LengthDistribution(
      .lognormal(logMean: log(median), logDeviation: (2 * log(mean / median)).squareRoot()))
  }

  /// A lognormal distribution by its mean and coefficient of variation c:
  /// σ² = ln(1 + c²), μ = ln mean − σ²/2.
  public static func lognormal(mean: Double, variation: Double) -> LengthDistribution {
    precondition(mean > 0 && variation >= 0, "a lognormal mean is positive")
    let variance = log(1 + variation * variation)
    return LengthDistribution(
      .lognormal(logMean: log(mean) - variance / 2, logDeviation: variance.squareRoot()))
  }

  /// One length, in tokens, rounded to the nearest and brought within the bounds.
  public func draw(from stream: inout RandomStream) -> Int32 {
    let value: Double
    switch shape {
    case .constant(let length): value = length
    case .uniform(let low, let high):
      value = Double(low) + Double(stream.uniformInt(below: high - low + 1))
    case .lognormal(let logMean, let logDeviation):
      value = exp(logMean + logDeviation * stream.normal())
    case .gamma(let mean, let variation):
      if variation == 0 {
        value = mean
      } else {
        let shape = 1 / (variation * variation)
        value = stream.gamma(shape: shape, scale: mean / shape)
      }
    case .empirical(let lengths): value = lengths.value(at: stream.uniform())
    }
    return Int32(min(max(value.rounded(), Double(minimum)), Double(maximum)))
  }

  /// The mean before rounding and bounds, in tokens.
  public var mean: Double {
    switch shape {
    case .constant(let length): length
    case .uniform(let low, let high): (Double(low) + Double(high)) / 2
    case .lognormal(let logMean, let logDeviation):
      exp(logMean + logDeviation * logDeviation / 2)
    case .gamma(let mean, _): mean
    case .empirical(let lengths): lengths.mean
    }
  }
}
