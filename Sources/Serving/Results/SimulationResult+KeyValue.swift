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

    /// Prompt tokens of the requests that were admitted while prefixes were shared.
    public var prefixAskedTokens: Int64 = 0
    /// Those of them that were found and not computed.
    public var prefixHitTokens: Int64 = 0
    /// Hit tokens divided by asked tokens; `nil` where prefixes are not shared or nobody asked.
    public var prefixHitRate: Double?
    /// Prefix blocks of those requests.
    public var prefixAskedBlocks: Int64 = 0
    /// Those of them that were found.
    public var prefixHitBlocks: Int64 = 0
    /// Prefix blocks that left to make room.
    public var prefixEvictions: UInt64 = 0

    /// Preemptions by swap.
    public var swapOuts = 0
    /// Preemptions by recompute because host memory had no room left.
    public var swapFallbacks = 0
    /// The most bytes of host memory that were taken by swapped keys and values at once.
    public var swapHighWaterBytes: Int64 = 0

    /// An empty record.
    public init() {}
  }
}
