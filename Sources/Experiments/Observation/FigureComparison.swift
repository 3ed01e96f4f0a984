// SPDX-License-Identifier: GPL-3.0-or-later

import Serving
import Workload

/// A number as it was measured and as it was simulated.
public struct ComparedNumber: Codable, Sendable, Equatable {
  /// As it was measured.
  public var measured: Double?
  /// As it was simulated.
  public var simulated: Double?
  /// |simulated / measured − 1|; `nil` where one of them is unknown or nothing was measured.
  public var error: Double?
  /// simulated / measured − 1, which says in which direction.
  public var bias: Double?

  /// A pair of numbers.
  public init(measured: Double?, simulated: Double?) {
    self.measured = measured
    self.simulated = simulated
    guard let measured, let simulated, measured > 0 else { return }
    bias = simulated / measured - 1
    error = abs(simulated / measured - 1)
  }
}

/// A figure's distribution as it was measured and as it was simulated.
public struct FigureComparison: Codable, Sendable {
  /// How many values there are.
  public struct Counts: Codable, Sendable {
    /// Measured values; `nil` where a summary does not say.
    public var measured: Int?
    /// Simulated values.
    public var simulated: Int
  }

  /// How many values there are.
  public var count: Counts
  /// The arithmetic means.
  public var mean: ComparedNumber
  /// The medians.
  public var p50: ComparedNumber
  /// The 90th percentiles.
  public var p90: ComparedNumber
  /// The 95th percentiles.
  public var p95: ComparedNumber
  /// The 99th percentiles.
  public var p99: ComparedNumber
  /// The Kolmogorov–Smirnov distance, 0 to 1; `nil` where values of one side are not known singly.
  public var ksDistance: Double?
  /// The first Wasserstein distance [ms].
  public var wassersteinMs: Double?

  /// The statistics by name, in the order of tables.
  public var statistics: [(name: String, value: ComparedNumber)] {
    [("mean", mean), ("p50", p50), ("p90", p90), ("p95", p95), ("p99", p99)]
  }

  /// Two samples, compared.
  init(measured: Sample, simulated: Sample) {
    self.init(
      measured: ObservedStatistics(measured), measuredCount: measured.values.count,
      simulated: ObservedStatistics(simulated), simulatedCount: simulated.values.count)
    let distance = measured.distance(to: simulated)
    ksDistance = distance?.kolmogorovSmirnov
    wassersteinMs = distance?.wasserstein
  }

  /// Statistics, of which one side or both have no single values.
  init(
    measured: ObservedStatistics, measuredCount: Int?, simulated: ObservedStatistics,
    simulatedCount: Int
  ) {
    count = Counts(measured: measuredCount, simulated: simulatedCount)
    mean = ComparedNumber(measured: measured.mean, simulated: simulated.mean)
    p50 = ComparedNumber(measured: measured.p50, simulated: simulated.p50)
    p90 = ComparedNumber(measured: measured.p90, simulated: simulated.p90)
    p95 = ComparedNumber(measured: measured.p95, simulated: simulated.p95)
    p99 = ComparedNumber(measured: measured.p99, simulated: simulated.p99)
  }
}

extension ObservedStatistics {
  /// The statistics of a sample.
  init(_ sample: Sample) {
    self.init()
    count = sample.values.count
    mean = sample.mean
    p50 = sample.quantile(0.5)
    p90 = sample.quantile(0.9)
    p95 = sample.quantile(0.95)
    p99 = sample.quantile(0.99)
  }

  /// The statistics of a result's distribution.
  init(_ distribution: SimulationResult.Distribution) {
    self.init()
    count = distribution.count
    mean = distribution.mean
    p50 = distribution.p50
    p90 = distribution.p90
    p95 = distribution.p95
    p99 = distribution.p99
  }
}
