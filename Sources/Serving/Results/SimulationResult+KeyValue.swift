// SPDX-License-Identifier: GPL-3.0-or-later

extension SimulationResult {
  /// The KV cache in blocks.
  public struct KeyValueReport: Codable, Sendable, Equatable {
    /// Blocks that the cache holds.
    public var blocks = 0
    /// Tokens in a block.
    public var blockTokens = 0
    /// Bytes of a block in all layers.
    public var blockBytes: Int64 = 0
    /// The most blocks that were in use at once, rounded up.
    public var highWaterBlocks = 0

    /// An empty record.
    public init() {}
  }
}
