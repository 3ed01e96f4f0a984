// SPDX-License-Identifier: GPL-3.0-or-later

/// How the machine's memories are used.
public struct ScenarioCache: Sendable, Equatable {
  /// Room for experts in the fastest memory.
  public enum Room: Hashable, Sendable {
    /// Whatever is left.
    case automatic
    /// Every expert.
    case all
    /// No expert: each passes through a staging buffer.
    case none
    /// A share, a number or bytes of each pool.
    case sized(CacheCapacity)
  }

  /// Room for keys and values.
  public enum KeyValueRoom: Hashable, Sendable {
    /// Whatever is left.
    case automatic
    /// So many bytes.
    case bytes(Int64)
    /// Taken from the experts' room as sequences grow, and given back.
    case elastic
  }

  /// Room for experts in host memory.
  public enum HostRoom: Hashable, Sendable {
    /// All experts if they fit, else as many as do.
    case automatic
    /// All experts.
    case all
    /// So many bytes.
    case bytes(Int64)
  }

  /// What the fastest memory holds of the experts when a run begins.
  public enum Initial: String, CaseIterable, Sendable {
    /// As many as fit.
    case filled
    /// None.
    case empty
  }

  /// When residency's memory of use ends.
  public typealias Reset = CacheReplayOptions.Reset

  /// Room for experts in the fastest memory: of each layer's experts with pools per layer, of all
  /// experts with a global pool.
  public var experts: Room
  /// Room that elastic keys and values leave to experts [B].
  public var minimumExpertBytes: Int64
  /// Whether each layer has its own pool or all share one.
  public var isPerLayer: Bool
  /// Room for experts in host memory; the rest is read from a drive.
  public var host: HostRoom
  /// Room for keys and values in the fastest memory.
  public var keyValue: KeyValueRoom
  /// Host memory for keys and values of preempted sequences [B]; 0 where they are computed anew.
  public var swapBytes: Int64
  /// The share of the fastest memory that may be used at all.
  public var memoryFraction: Double
  /// Fastest memory that is left to the runtime, activations and workspaces [B].
  public var workspaceBytes: Int64
  /// Buffers of one expert each, through which experts pass that get no room in the cache.
  public var stagingBuffers: Int
  /// What the fastest memory holds of the experts when a run begins.
  public var initial: Initial
  /// When the eviction rules forget.
  public var reset: Reset
}
