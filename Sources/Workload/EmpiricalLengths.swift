// SPDX-License-Identifier: GPL-3.0-or-later

/// A measured distribution of lengths: quantiles with straight lines between them, or values with
/// weights.
///
/// Both are drawn by inversion, one uniform number a length, so that two workloads that share their
/// random numbers stay alike where their tables are alike.
public struct EmpiricalLengths: Hashable, Sendable {
  /// Increasing probabilities; of quantiles the first is 0 and the last 1, of weighted values they
  /// are the cumulative shares.
  public let probabilities: [Double]
  /// The length at each probability, in tokens; nondecreasing for quantiles.
  public let values: [Double]
  /// Whether lengths between two values occur.
  public let interpolates: Bool

  /// A distribution by quantiles: pairs of a probability and the length below which that share lies.
  ///
  /// - Returns: `nil` unless the probabilities rise strictly from 0 to 1 and the lengths never fall.
  public init?(quantiles: [(probability: Double, value: Double)]) {
    guard quantiles.count >= 2, quantiles.first?.probability == 0,
      quantiles.last?.probability == 1
    else { return nil }
    for (lower, upper) in zip(quantiles, quantiles.dropFirst()) {
      guard lower.probability < upper.probability, lower.value <= upper.value else { return nil }
    }
    guard quantiles.allSatisfy({ $0.value.isFinite && $0.value >= 1 }) else { return nil }
    probabilities = quantiles.map(\.probability)
    values = quantiles.map(\.value)
    interpolates = true
  }

  /// A distribution over values with weights that need not add up to 1.
  ///
  /// - Returns: `nil` unless there are as many weights as values, none negative, and some positive.
  public init?(values: [Double], weights: [Double]) {
    guard !values.isEmpty, values.count == weights.count,
      weights.allSatisfy({ $0.isFinite && $0 >= 0 }),
      values.allSatisfy({ $0.isFinite && $0 >= 1 })
    else { return nil }
    let total = weights.reduce(0, +)
    guard total > 0, total.isFinite else { return nil }
    var cumulative: [Double] = []
    var sum = 0.0
    for weight in weights {
      sum += weight
      cumulative.append(sum / total)
    }
    probabilities = cumulative
    self.values = values
    interpolates = false
  }

  /// The length at a probability from 0 up to, but without, 1.
  ///
  /// - Complexity: O(log values).
  public func value(at probability: Double) -> Double {
    // The first index whose probability lies above.
    var low = 0
    var high = probabilities.count
    while low < high {
      let middle = (low + high) / 2
      if probabilities[middle] > probability { high = middle } else { low = middle + 1 }
    }
    guard interpolates else {
      // Rounding may leave the last share below 1: the last value with a weight takes the rest.
      return low < values.count ? values[low] : lastWeighted
    }
    guard low < values.count else { return values[values.count - 1] }
    guard low > 0 else { return values[0] }
    let share =
      (probability - probabilities[low - 1]) / (probabilities[low] - probabilities[low - 1])
    return values[low - 1] + share * (values[low] - values[low - 1])
  }

  /// The mean, in tokens.
  public var mean: Double {
    var mean = 0.0
    for index in values.indices {
      if interpolates {
        guard index > 0 else { continue }
        mean +=
          (probabilities[index] - probabilities[index - 1]) * (values[index] + values[index - 1])
          / 2
      } else {
        mean += values[index] * (probabilities[index] - (index > 0 ? probabilities[index - 1] : 0))
      }
    }
    return mean
  }

  private var lastWeighted: Double {
    var last = values.count - 1
    while last > 0, probabilities[last] == probabilities[last - 1] { last -= 1 }
    return values[last]
  }
}
