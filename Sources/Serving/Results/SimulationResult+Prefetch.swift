// SPDX-License-Identifier: GPL-3.0-or-later

extension SimulationResult {
  /// What was fetched ahead of its use, what became of it, and how right the predictions were.
  ///
  /// Over a whole run, `issued` = `used` + `wasted` + what is resident or in flight unused at its
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

    /// Nothing was fetched ahead.
    public init() {}
  }
}
