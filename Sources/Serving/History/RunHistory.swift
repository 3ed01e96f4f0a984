// SPDX-License-Identifier: GPL-3.0-or-later

/// How a run went over simulated time, in windows, and how its latencies are distributed.
///
/// Windows end with steps, so that they are of about the same length and none cuts a step. They cover the whole
/// run, its warm-up included.
public struct RunHistory: Codable, Sendable, Equatable {
  /// When the first window begins [s].
  public var beginSeconds: Double
  /// When the warm-up ended, after which figures are taken [s].
  public var measuredFromSeconds: Double
  /// When each window ends [s].
  public var endSeconds: [Double]
  /// The share of each window in which a resource was busy, by the resource's name.
  public var busy: [String: [Double]]
  /// Numbers of requests and shares of memory at each window's end, by name.
  public var levels: [String: [Double]]
  /// Rates over each window [1/s], and the share of hits, `nil` in windows without accesses; by name.
  public var rates: [String: [Double?]]
  /// Latencies of the measured time.
  public var quantiles: Quantiles

  /// Latencies below which given shares of all lie.
  public struct Quantiles: Codable, Sendable, Equatable {
    /// The shares, from 0 to 1.
    public var shares: [Double]
    /// Time to first token [ms]; `nil` without any, or without a steady state.
    public var ttftMs: [Double]?
    /// Time per output token [ms].
    public var tpotMs: [Double]?
    /// Inter-token latency [ms].
    public var itlMs: [Double]?
    /// End-to-end latency [ms].
    public var e2elMs: [Double]?
    /// The wait before a request is first scheduled [ms].
    public var queueMs: [Double]?

    /// The quantiles of a run's latencies.
    init(_ latencies: RequestLatencies, isStable: Bool) {
      shares = Self.reportedShares
      ttftMs = isStable ? latencies.timeToFirstToken.quantiles(shares) : nil
      tpotMs = latencies.timePerOutputToken.quantiles(shares)
      itlMs = latencies.interToken.quantiles(shares)
      e2elMs = isStable ? latencies.endToEnd.quantiles(shares) : nil
      queueMs = isStable ? latencies.queueing.quantiles(shares) : nil
    }

    /// Every fiftieth, and finer towards the ends.
    private static let reportedShares: [Double] =
      [0, 0.005, 0.01] + (1..<50).map { Double($0) / 50 } + [0.99, 0.995, 0.999, 1]
  }
}
