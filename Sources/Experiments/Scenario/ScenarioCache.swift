// SPDX-License-Identifier: GPL-3.0-or-later

/// How the machine's memories are used.
public struct ScenarioCache: Sendable {
  /// Room in a tier, as a scenario writes it.
  public enum Room: Hashable, Sendable {
    /// Whatever is left.
    case automatic
    /// Everything that there is to hold.
    case all
    /// A share, a number or bytes of each pool.
    case sized(CacheCapacity)
  }

  /// When residency's memory of use ends.
  public typealias Reset = CacheReplayOptions.Reset

  /// Room for experts in the fastest memory: of each layer's experts with pools per layer, of all
  /// experts with a global pool.
  public var experts: Room
  /// Whether each layer has its own pool or all share one.
  public var isPerLayer: Bool
  /// Room for experts in host memory; the rest is read from a drive.
  public var dram: Room
  /// Room for keys and values in the fastest memory [B]; `nil` for what experts and weights leave.
  public var keyValueBytes: Int64?
  /// Fastest memory that is left to the runtime, activations and workspaces [B].
  public var reserveBytes: Int64
  /// When the eviction rules forget.
  public var reset: Reset
}
