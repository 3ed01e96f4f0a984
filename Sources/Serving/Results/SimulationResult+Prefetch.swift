// SPDX-License-Identifier: GPL-3.0-or-later

extension SimulationResult {
  /// What was fetched ahead of its use, what became of it, and how right the predictions were.
  ///
  /// Over a whole run, `issued` = `used` + `wasted` + `cancelled` + what is resident or in flight unused at its
  /// end; over the measured time, experts that were fetched before it may be used or wasted in it.
  public struct PrefetchReport: Codable, Sendable, Equatable {
    /// Transfers that were started ahead of a use.
    public var issued: UInt64 = 0
    /// Experts fetched ahead that were then used, each once.
    public var used: UInt64 = 0
    /// Those of the used that were still in flight when they were needed.
    public var late: UInt64 = 0
    /// Experts fetched ahead that were evicted before any use.
    public var wasted: UInt64 = 0
    /// Wanted experts for which no room could be made.
    public var dropped: UInt64 = 0
    /// Experts that a predictor named: over steps, tokens, layers and distances.
    public var predicted: UInt64 = 0
    /// Those of the named that the gate then chose for the same token.
    public var predictedRight: UInt64 = 0

    /// Transfers that ended at a chunk's boundary because their gate had not chosen them.
    public var cancelled: UInt64 = 0
    /// Wanted experts that waited for the link until their gate had decided, and were let go.
    public var stale: UInt64 = 0
    /// Bytes fetched ahead that nobody used: of wasted and cancelled experts.
    public var wastedBytes: Int64 = 0
    /// Demand loads that found a prefetch on the link, and waited for its chunk to end.
    public var demandsDelayed: UInt64 = 0
    /// Experts predicted for a layer of a step, each once.
    public var predictedExperts: UInt64 = 0
    /// Those of them that were resident when the layer's gate decided.
    public var predictedInTime: UInt64 = 0

    /// Nothing was fetched ahead.
    public init() {}

    /// The share of predictions that the gate confirmed; `nil` without any.
    public var accuracy: Double? {
      predicted > 0 ? Double(predictedRight) / Double(predicted) : nil
    }

    /// The share of predicted experts that were there in time; `nil` without any.
    public var fetchRate: Double? {
      predictedExperts > 0 ? Double(predictedInTime) / Double(predictedExperts) : nil
    }

    /// GoodPred of ProMoE (arXiv 2410.22134): accuracy times fetch rate.
    public var goodPredictionRate: Double? {
      guard let accuracy, let fetchRate else { return nil }
      return accuracy * fetchRate
    }
  }
}
