// SPDX-License-Identifier: GPL-3.0-or-later

/// What repeated times of one thing say [s].
public struct SampleStatistics: Sendable, Equatable {
  /// Half of the times are longer; of an even number, the mean of the middle two.
  public let median: Double
  /// The shortest.
  public let minimum: Double
  /// The longest.
  public let maximum: Double
  /// One in a hundred is longer, where there are at least a hundred.
  public let percentile99: Double?
  /// The width of the middle half over the median.
  public let spread: Double
  /// How many there are.
  public let count: Int

  /// Summarises at least one time.
  public init(_ times: [Double]) {
    precondition(!times.isEmpty, "Nothing was timed.")
    let sorted = times.sorted()
    let middle = sorted.count / 2
    count = sorted.count
    minimum = sorted[0]
    maximum = sorted[count - 1]
    median = count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    percentile99 = count >= 100 ? sorted[min(count - 1, count * 99 / 100)] : nil
    spread = (sorted[min(count - 1, count * 3 / 4)] - sorted[count / 4]) / max(median, 1e-12)
  }
}
